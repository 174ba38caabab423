"""``make mutate``: break the code in many small ways, one at a time, and see whether a test notices.

mutmut makes the breaks (*mutants*) and runs the tests. A mutant that no test notices has *survived*: either a test is missing, or the
mutant is *equivalent*, that is, no test could tell it from the code. Those are listed in ``tests/mutants.toml``, each with the reason.
Fails if a survivor is not in the list, or if less than 90 % of all other mutants are noticed.

    make mutate ARGS="policy chain"    these parts alone
    make mutate ARGS="--again policy"  without the results of earlier runs

Results are kept in ``.mutants``: a function that has changed is tried again, and when a test has changed, so are the survivors. Takes about
an hour for everything. A mutant that hangs is ended after a while and counts as noticed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
WORK = ROOT / ".mutants"
EQUIVALENT = ROOT / "tests" / "mutants.toml"
LEAST = 0.9
UNNOTICED = (0, 5, 33, 34)  # exit codes of a run of the tests: all passed, or there was none to run
HUNG = (-24, 24, 36, 152, 255)  # mutmut ended it


@dataclass(frozen=True)
class Part:
    """Some modules, and the tests that must notice when they break."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    without: tuple[str, ...] = ()
    """Words in the names of tests that are left out: they take long, and see nothing that the others do not."""


PARTS = {
    "policy": Part(("policy/*.py",), ("tests/policy",)),
    "decision": Part(
        ("refresh/decision.py", "refresh/snapshot.py"),
        ("tests/refresh/test_snapshot.py", "tests/refresh/test_need.py", "tests/refresh/test_scenarios.py"),
    ),
    "engine": Part(
        ("refresh/cache.py", "refresh/flight.py", "refresh/need.py", "refresh/waiting.py"),
        (
            "tests/refresh/test_cache_adverse_waits.py",
            "tests/refresh/test_cache_clocks.py",
            "tests/refresh/test_cache_errors.py",
            "tests/refresh/test_cache_events.py",
            "tests/refresh/test_cache_failures.py",
            "tests/refresh/test_cache_foreign_code.py",
            "tests/refresh/test_cache_fork.py",
            "tests/refresh/test_cache_grace.py",
            "tests/refresh/test_cache_interrupts.py",
            "tests/refresh/test_cache_invalidate.py",
            "tests/refresh/test_cache_operators.py",
            "tests/refresh/test_cache_recheck.py",
            "tests/refresh/test_cache_rules.py",
            "tests/refresh/test_cache_storms.py",
            "tests/refresh/test_cache_tasks.py",
            "tests/refresh/test_cache_threads.py",
            "tests/refresh/test_cache_tracebacks.py",
            "tests/refresh/test_cache_words.py",
            "tests/refresh/test_flight.py",
            "tests/refresh/test_forked_state.py",
            "tests/refresh/test_need.py",
            "tests/refresh/test_scenarios.py",
            "tests/refresh/test_waiting.py",
        ),
        ("every_start_method", "random_moments", "many_short_sessions", "500_threads"),
    ),
    "chain": Part(("chain.py",), ("tests/test_chain.py", "tests/test_origins.py", "tests/refresh/test_need.py")),
    "retrying": Part(("retrying.py",), ("tests/test_retrying.py", "tests/test_origins.py", "tests/refresh/test_need.py")),
    "signing": Part(
        ("wire/signing.py", "wire/rsa.py"),
        ("tests/wire/test_signing.py", "tests/wire/test_rsa.py", "tests/wire/test_private_keys.py"),
    ),
}


@dataclass(frozen=True)
class Change:
    """What a mutant changes: the function, and its lines before and after."""

    where: str
    was: str
    now: str


@dataclass(frozen=True)
class Outcome:
    """What came of the mutants of one part."""

    total: int
    noticed: int
    hung: int
    unchecked: int
    survivors: tuple[Change, ...]


def prepare(part: Part, folder: Path) -> bool:
    """Lay the sources and the tests out for mutmut; whether the tests are others than the last time."""
    for name in ("src", "tests"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(folder / "mutants" / "tests", ignore_errors=True)
    deselected = ["-k", " and ".join(f"not {word}" for word in part.without)] if part.without else []
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/alicred/{module}" for module in part.modules],
        "pytest_add_cli_args_test_selection": list(part.tests),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "--timeout=45", *deselected],
        "timeout_multiplier": 5.0,  # so generous that a busy machine does not look like a mutant that hangs
        "timeout_constant": 12.0,
        "process_isolation": "forkserver",  # or Hypothesis finds one test run twice in one process
        "use_setproctitle": False,
        "use_git_change_detection": False,
        "track_dependencies": False,
        "on_dependency_change": "ignore",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + "\n[tool.mutmut]\n" + "\n".join(lines) + "\n")
    digest = hashlib.sha256()
    for path in sorted(path for path in (folder / "tests").rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    stamp = folder / "tests.sha256"
    changed = stamp.exists() and stamp.read_text() != digest.hexdigest()
    stamp.write_text(digest.hexdigest())
    return changed


def results(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Every mutant's name and the exit code of the tests; ``None`` if they have not been run."""
    for path in sorted((folder / "mutants").rglob("*.meta")):
        yield from json.loads(path.read_text())["exit_code_by_key"].items()


def run_mutmut(folder: Path, children: int, names: list[str]) -> None:
    environment = {**os.environ, "CI": "true"}  # the properties' examples are the same for every mutant
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children), *names]
    with open(folder / "log", "a") as log:
        done = subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        sys.exit(f"mutmut failed: see {(folder / 'log').relative_to(ROOT)}")


def change(name: str) -> Change:
    """What the mutant called *name* changes. Needs the part's folder as the current one."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    lines = [line for line in get_diff_for_mutant(name).splitlines() if not line.startswith(("---", "+++", "@@"))]
    was = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    now = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    module, _, mangled = name.rpartition("__mutmut_")[0].rpartition(".")
    function = mangled.removeprefix("xǁ").removeprefix("x_").replace("ǁ", ".")
    return Change(f"{module.removeprefix('alicred.')}.{function}", was, now)


def execute(name: str, part: Part, *, again: bool, children: int) -> None:
    """Make and try all mutants of one part."""
    folder = WORK / name
    if again:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    changed = prepare(part, folder)
    run_mutmut(folder, children, [])
    survived = [mutant for mutant, code in results(folder) if code in UNNOTICED]
    if changed and survived:
        run_mutmut(folder, children, survived)


def outcome_of(name: str) -> Outcome:
    """What is known of the mutants of one part."""
    folder = WORK / name
    found = dict(results(folder))
    os.chdir(folder)
    from mutmut.configuration import reset_config

    reset_config()
    survivors = tuple(change(mutant) for mutant, code in found.items() if code in UNNOTICED)
    os.chdir(ROOT)
    hung, unchecked = sum(code in HUNG for code in found.values()), sum(code is None for code in found.values())
    return Outcome(len(found), len(found) - unchecked - len(survivors), hung, unchecked, survivors)


def main() -> int:
    parser = argparse.ArgumentParser(description="See whether the tests notice when the code breaks.")
    parser.add_argument("--again", action="store_true", help="forget the results of earlier runs")
    parser.add_argument("--children", type=int, default=min(2, os.cpu_count() or 1), help="how many to try at a time")
    parser.add_argument("--known", action="store_true", help="try nothing, tell what earlier runs have found")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them by default")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")

    os.nice(5)
    listed = {Change(entry["where"], entry["was"], entry["now"]) for entry in tomllib.loads(EQUIVALENT.read_text())["equivalent"]}
    rows: list[tuple[str, int, int, int, int, float]] = []
    unlisted: list[Change] = []
    unchecked = 0
    for name in options.parts or PARTS:
        began = time.monotonic()
        if not options.known:
            print(f"{name} ... (log: {(WORK / name / 'log').relative_to(ROOT)})", flush=True)
            execute(name, PARTS[name], again=options.again, children=options.children)
        outcome = outcome_of(name)
        equivalent = sum(survivor in listed for survivor in outcome.survivors)
        unlisted += [survivor for survivor in outcome.survivors if survivor not in listed]
        unchecked += outcome.unchecked
        rows.append((name, outcome.total, outcome.noticed, outcome.hung, equivalent, time.monotonic() - began))

    for survivor in unlisted:
        print(f"\nsurvived: {survivor.where}\n  - {survivor.was}\n  + {survivor.now}")
    rows.append(("all", *(sum(row[column] for row in rows) for column in (1, 2, 3, 4)), sum(row[5] for row in rows)))
    print(f"\n{'part':<10} {'mutants':>8} {'noticed':>8} {'of it hung':>11} {'equivalent':>11} {'share':>7} {'minutes':>8}")
    shares: list[float] = []
    for name, total, noticed, hung, equivalent, seconds in rows:
        shares.append(noticed / max(1, total - equivalent))
        print(f"{name:<10} {total:>8} {noticed:>8} {hung:>11} {equivalent:>11} {shares[-1]:>7.1%} {seconds / 60:>8.1f}")
    if unlisted:
        print(f"{len(unlisted)} survived and are not in {EQUIVALENT.relative_to(ROOT)}")
    if unchecked:
        print(f"{unchecked} were not tried")
    return 1 if unlisted or unchecked or min(shares) < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
