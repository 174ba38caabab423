"""Text for a terminal: a table, and a timeline of sessions and refreshes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import attrs

WIDTH = 72


@attrs.frozen(kw_only=True)
class Session:
    """One session on the timeline; moments are seconds since the beginning."""

    name: str
    begins: float
    ends: float
    calls: int


def say(text: str) -> None:
    """One line, or several, to standard output, at once."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def table(rows: Mapping[str, str]) -> str:
    """Names and values, one pair on a line."""
    width = max(map(len, rows))
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows.items())


def timeline(
    sessions: Sequence[Session],
    refreshes: Sequence[tuple[float, bool]],
    troubles: Sequence[tuple[float, str]],
    seconds: float,
) -> str:
    """Sessions as bars, refreshes as marks below them, and trouble as numbers, over *seconds*."""
    plain = (sys.stdout.encoding or "ascii").lower().replace("-", "") != "utf8"
    bar, good, bad = ("=", "o", "x") if plain else ("━", "●", "✗")

    def column(moment: float) -> int:
        return max(0, min(WIDTH - 1, int(moment / max(seconds, 0.001) * WIDTH)))

    margin = max([len(session.name) for session in sessions] + [len("refreshes")]) + 2
    lines = [f"{'session':<{margin}}{'0 s':<{WIDTH - 6}}{seconds:5.1f} s   calls"]
    for session in sessions:
        first, last = column(session.begins), column(session.ends)
        lines.append(f"{session.name:<{margin}}{' ' * first}{bar * (last - first + 1):<{WIDTH - first}}{session.calls:8d}")
    marks = [" "] * WIDTH
    for moment, worked in refreshes:
        marks[column(moment)] = good if worked else bad
    lines.append(f"{'refreshes':<{margin}}{''.join(marks)}  {good} worked  {bad} failed")
    marks = [" "] * WIDTH
    for number, (moment, _) in enumerate(troubles, start=1):
        marks[column(moment)] = str(number)
    lines.append(f"{'trouble':<{margin}}{''.join(marks)}")
    lines += [f"{'':<{margin}}{number}: {words}" for number, (_, words) in enumerate(troubles, start=1)]
    return "\n".join(lines)
