"""The long run, in short: it finds nothing where nothing is wrong, and everything that was planted."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.append(str(TOOLS))

from soaking.plan import Plan, plan  # noqa: E402  (tools are no package)
from soaking.report import growth  # noqa: E402
from soaking.worker import Sample  # noqa: E402

on_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


def soak(*arguments: str) -> tuple[int, str]:
    """Exit code and output of a small run."""
    command = [sys.executable, str(TOOLS / "soak.py"), "--threads", "6", "--tasks", "6", "--pause", "1", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.slow
@on_linux
def test_a_run_without_a_fault_of_ours_finds_none() -> None:
    code, shown = soak("--minutes", "0.15", "--session", "6", "--seed", "1")
    assert (code, shown.splitlines()[-1]) == (0, "all is well"), shown
    rows = dict(re.findall(r"^  (\S.*?)  +(.*)$", shown, re.MULTILINE))
    assert rows["calls failed"] == rows["calls rejected"] == "0"
    assert int(rows["calls made"].partition(",")[0]) > 100
    assert re.search(r"--seed 1$", shown, re.MULTILINE)
    assert len(re.findall(r"^ +\d+\.0 s  \d+ calls", shown, re.MULTILINE)) >= 3
    assert "secret" not in shown.lower()


@pytest.mark.slow
@on_linux
def test_a_run_finds_what_was_planted() -> None:
    planted = [word for name in ("expired", "memory", "threads", "descriptors") for word in ("--plant", name)]
    code, shown = soak("--minutes", "0.15", "--session", "2", *planted)
    assert code == 1
    found = "calls failed; calls were rejected; threads have grown; descriptors have grown; memory has grown"
    assert shown.splitlines()[-1] == f"FAILED: {found}", shown
    assert "rejected: InvalidSecurityToken.Expired" in shown


def drawn(seed: int) -> Plan:
    return plan(seed=seed, seconds=300, session=10, processes=4)


def test_the_same_seed_brings_the_same_trouble_and_another_one_other_trouble() -> None:
    assert drawn(1) == drawn(1) != drawn(2)


@pytest.mark.parametrize("seed", range(20))
def test_no_trouble_lasts_for_longer_than_a_session_can_bridge_and_a_value_is_given_up_only_in_calm(seed: int) -> None:
    drawn_plan = drawn(seed)
    assert len(drawn_plan.troubles) > 20
    assert {"outage"} < {trouble.words.partition(":")[0] for trouble in drawn_plan.troubles}
    for before, after in zip(drawn_plan.troubles, drawn_plan.troubles[1:], strict=False):
        assert before.span <= 2.5
        assert after.at - before.at - before.span >= 2.5
    assert drawn_plan.invalidations
    for each in drawn_plan.invalidations:
        assert not any(trouble.at - 2 < each.at < trouble.at + trouble.span + 0.5 for trouble in drawn_plan.troubles)


def samples(memory: Sequence[int], threads: Sequence[int], descriptors: Sequence[int]) -> list[Sample]:
    """What a process may have sent, one sample in each second."""
    counts = dict.fromkeys(("calls", "failed", "invalidated", "refreshes", "attempts", "objects"), 0)
    waits = dict.fromkeys(("wait_held", "wait_urgent", "wait_empty"), 0.0)
    found = enumerate(zip(memory, threads, descriptors, strict=True))
    return [
        Sample(process="one", at=float(at), errors={}, memory=0, anonymous=bytes_, threads=threads_, descriptors=files, **counts, **waits)
        for at, (bytes_, threads_, files) in found
    ]


def test_growth_is_what_stays_and_not_what_comes_and_goes() -> None:
    memory = [40_000_000 + at % 7 * 300_000 for at in range(300)]
    threads, descriptors = [70 + (at % 5 == 0) for at in range(300)], [20 - at % 2 for at in range(300)]
    assert growth(samples(memory, threads, descriptors), 300).is_none


@pytest.mark.parametrize("what", ["threads", "descriptors", "memory"])
def test_growth_of_one_thread_one_descriptor_or_a_few_bytes_a_second_is_seen(what: str) -> None:
    still, late = [50] * 300, [50 + (at > 150) for at in range(300)]
    leaking = [40_000_000 + at % 7 * 300_000 + at * 8_000 * (what == "memory") for at in range(300)]
    grown = growth(samples(leaking, late if what == "threads" else still, late if what == "descriptors" else still), 300)
    assert not grown.is_none
    assert [grown.threads, grown.descriptors] == [int(what == "threads"), int(what == "descriptors")]
