"""The figures of a run as an SVG, for light and dark pages alike: the same figures give the same bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from tools.bench.measure import Report, readable

WIDTH, HEIGHT = 860, 330
TOP, BOTTOM = 74, 286
COLOURS = ("#2f81c7", "#d2691e", "#3a9a5b")  # dark enough for white, light enough for black
STYLE = """
  text { font: 12px sans-serif; fill: #555 }
  .title { font-size: 14px; font-weight: bold }
  .axis { stroke: #999; stroke-width: 1 }
  .grid { stroke: #999; stroke-width: 0.5; stroke-dasharray: 2 3 }
  .bound { stroke: #999; stroke-width: 1.5 }
  .tail { stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) { text { fill: #bbb } }
"""


def write(report: Report, path: Path) -> None:
    """Draw what *report* holds to *path*."""
    parts = [*latencies(report.latencies), *ratios(report.ratios)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title">'
    title = '<title id="title">Left: how long a cached get() takes. Right: what things cost, as multiples of their floors.</title>'
    path.write_text("\n".join([head, title, f"<style>{STYLE}</style>", *parts, "</svg>", ""]), "utf-8")


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def latencies(found: Mapping[str, Mapping[int, Mapping[str, float]]]) -> Iterator[str]:
    """Against the number of threads: p50 solid, p99.9 dashed, one colour for each condition. The scale is logarithmic."""
    left, right = 60.0, 440.0
    counts = sorted(next(iter(found.values())))
    shown = [spans[name] for spans in (each for condition in found.values() for each in condition.values()) for name in ("p50", "p99.9")]
    low, high = math.floor(math.log10(min(shown))), math.ceil(math.log10(max(shown)))

    def at(position: int, span: float) -> tuple[float, float]:
        x = left + 20 + position * (right - left - 40) / max(1, len(counts) - 1)
        return x, BOTTOM - (math.log10(span) - low) / (high - low) * (BOTTOM - TOP)

    yield text(left, 18, "get() among busy threads: p50, and p99.9 dashed", kind="title")
    for power in range(low, high + 1):
        y = at(0, 10.0**power)[1]
        yield line(left, y, right, y, "axis" if power == low else "grid")
        yield text(left - 6, y + 4, readable(10.0**power), "end")
    for position, count in enumerate(counts):
        yield text(at(position, 10.0**low)[0], BOTTOM + 18, str(count), "middle")
    yield text((left + right) / 2, BOTTOM + 36, "threads", "middle")
    for number, (condition, spans) in enumerate(found.items()):
        for name, kind in (("p50", ""), ("p99.9", ' class="tail"')):
            points = " ".join("{:.1f},{:.1f}".format(*at(position, spans[count][name])) for position, count in enumerate(counts))
            yield f'<polyline points="{points}" fill="none" stroke="{COLOURS[number]}" stroke-width="2"{kind}/>'
        y = 36 + 13 * number
        yield f'<rect x="{left:.0f}" y="{y - 9}" width="10" height="10" fill="{COLOURS[number]}"/>'
        yield text(left + 15, y, condition)


def ratios(found: Mapping[str, float]) -> Iterator[str]:
    """One bar for each comparison, and the floor as a line."""
    left, right, step = 600.0, 810.0, 40
    most = max(2.0, math.ceil(max(found.values())))
    yield text(left, 18, "Times the floor", kind="title")
    for position, (name, ratio) in enumerate(found.items()):
        y = TOP + position * step
        width = ratio / most * (right - left)
        yield text(left - 8, y + 15, name, "end")
        yield f'<rect x="{left:.0f}" y="{y}" width="{width:.1f}" height="20" fill="{COLOURS[0]}"/>'
        yield text(left + width + 5, y + 15, f"{ratio:.2f}")
    one = left + (right - left) / most
    yield line(one, TOP - 8, one, TOP + len(found) * step - 8, "bound")
    yield text(one, TOP - 12, "1", "middle")
