"""What is made of a run: tables, and a verdict."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence

import attrs

from alicred.cli.report import say, table
from alicred.testing import FakeCloud
from soaking.plan import METADATA, STS, Plan
from soaking.worker import Sample

WARM_UP = 0.2  # of a run
MEMORY_BYTES, MEMORY_SHARE = 1 << 20, 0.02
UNSETTLED = 60.0  # seconds: in a shorter run memory is still settling, and only a leak of this many bytes is told from that:
UNSETTLED_BYTES = 8 << 20
CALL = "GetCallerIdentity"


@attrs.frozen(kw_only=True)
class Growth:
    """What has grown in one process between the first quarter of its steady time and the last.

    Args:
        threads: How many more, refreshing ones not counted.
        descriptors: How many more, connections that are in use not counted.
        memory: How many bytes of what no file stands behind, along the line that fits all samples best.
        allowed: How many bytes it may be.
    """

    threads: int
    descriptors: int
    memory: float
    allowed: float

    @property
    def is_none(self) -> bool:
        """Whether nothing has grown."""
        return self.threads <= 0 and self.descriptors <= 0 and self.memory <= self.allowed


def growth(samples: Sequence[Sample], seconds: float) -> Growth:
    """What has grown in the process of *samples*, in a run of *seconds*; the last sample, after the end, does not count."""
    steady = [sample for sample in samples[:-1] if sample.at >= WARM_UP * seconds]
    quarter = max(1, len(steady) // 4)
    first, last = steady[:quarter], steady[-quarter:]

    def more(of: Callable[[Sample], int]) -> int:
        return statistics.median_low(map(of, last)) - statistics.median_low(map(of, first))

    fit = statistics.linear_regression([sample.at for sample in steady], [sample.anonymous for sample in steady])
    between = statistics.mean(sample.at for sample in last) - statistics.mean(sample.at for sample in first)
    settled = max(MEMORY_BYTES, MEMORY_SHARE * steady[0].anonymous)
    return Growth(
        threads=more(lambda sample: sample.threads),
        descriptors=more(lambda sample: sample.descriptors),
        memory=fit.slope * between,
        allowed=settled if seconds >= UNSETTLED else UNSETTLED_BYTES,
    )


def progress(samples: dict[str, list[Sample]], cloud: FakeCloud, at: float, words: str) -> str:
    """One line while it runs."""
    last = [each[-1] for each in samples.values() if each]
    upstream = sum(sample.attempts for sample in last)
    memory = max((sample.memory for sample in last), default=0) / 1e6
    calls, failed = sum(sample.calls for sample in last), sum(sample.failed for sample in last)
    counts = f"{calls} calls, {failed} failed, {upstream} refreshes begun, {len(cloud.sessions)} sessions"
    return f"{at:6.1f} s  {counts}, {memory:.1f} MB at most   {words}"


def conclude(cloud: FakeCloud, plan: Plan, samples: dict[str, list[Sample]], processes: Sequence[str], seconds: float) -> bool:
    """Print the tables; whether all is well."""
    finished = {name: samples[name] for name in processes if len(samples.get(name, ())) >= 4}
    grown = {name: growth(each, seconds) for name, each in finished.items()}
    say("")
    say(_by_process(finished, grown))
    last = [each[-1] for each in finished.values()]
    made = [call for call in cloud.calls if call.operation == CALL]
    rejected = [call for call in made if not call.accepted and not call.fault]
    upstream = [call for call in cloud.calls if call.operation in (*STS, *METADATA)]
    used = {call.access_key_id for call in made}
    failed = sum(sample.failed for sample in last)
    ended = sum(session.ends_at <= cloud.now() for session in cloud.sessions)
    kinds = Counter(trouble.words.partition(" for ")[0].partition(":")[0] for trouble in plan.troubles)
    rows = {
        "calls made": f"{sum(sample.calls for sample in last)}, of which the cloud has seen {len(made)}",
        "calls failed": str(failed),
        "calls rejected": str(len(rejected)),
        "calls upstream": f"{len(upstream)}, of which {sum(call.fault != '' for call in upstream)} met with trouble",
        "refreshes": f"{sum(s.attempts for s in last)} begun, {sum(s.refreshes for s in last)} of them brought something",
        "sessions": f"{len(cloud.sessions)} handed out, {len(used)} used, {ended} ended",
        "troubles": ", ".join(f"{count} x {name}" for name, count in kinds.most_common()) or "none",
        "invalidations": str(sum(sample.invalidated for sample in last)),
        "longest wait with a value held": _ms(max((s.wait_held for s in last), default=0.0)),
        "longest wait for an urgent refresh": _ms(max((s.wait_urgent for s in last), default=0.0)),
        "longest wait with nothing held": _ms(max((s.wait_empty for s in last), default=0.0)),
    }
    say("")
    say(table(rows))
    errors: Counter[str] = Counter()
    for sample in last:
        errors.update(sample.errors)
    for text, count in errors.most_common(8):
        say(f"  {count} x {text}")
    for call in rejected[:8]:
        say(f"  rejected: {call.code} at {call.at:.1f} s")
    faults = [name for name in processes if name not in finished]
    verdicts = {
        "a process did not report": bool(faults),
        "nothing was called": not made,
        "calls failed": failed > 0,
        "calls were rejected": bool(rejected),
        "threads have grown": any(each.threads > 0 for each in grown.values()),
        "descriptors have grown": any(each.descriptors > 0 for each in grown.values()),
        "memory has grown": any(each.memory > each.allowed for each in grown.values()),
    }
    say("")
    wrong = [words for words, is_so in verdicts.items() if is_so]
    say("FAILED: " + "; ".join(wrong) if wrong else "all is well")
    return not wrong


def _by_process(samples: dict[str, list[Sample]], grown: dict[str, Growth]) -> str:
    head = ("process", "calls", "refreshes", "threads", "grown", "fds", "grown", "MB", "grown kB", "allowed kB", "objects")
    lines = [head]
    for name, each in samples.items():
        end, more = each[-2], grown[name]  # the last one comes after the end
        objects = [sample.objects for sample in each if sample.objects]
        line: tuple[object, ...] = (
            name, each[-1].calls, end.refreshes, end.threads, f"{more.threads:+d}", end.descriptors, f"{more.descriptors:+d}",
            f"{end.memory / 1e6:.1f}", f"{more.memory / 1e3:+.0f}", f"{more.allowed / 1e3:.0f}", f"{objects[0]} - {objects[-1]}",
        )  # fmt: skip
        lines.append(tuple(map(str, line)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  " + "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in lines)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
