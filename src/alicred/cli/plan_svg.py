"""The picture of ``alicred plan`` as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from html import escape

from alicred.cli.layout import wrapped
from alicred.cli.plan import ZERO, Plan, legend, outage, title
from alicred.cli.spans import shown
from alicred.cli.terminal import Terminal

_WIDTH, _MARGIN, _BAR, _LINE = 860, 20, 22, 20
_CODE_COLUMNS = 110  # fit into the width
_STYLE = """
  svg { background: #fff }
  text { font: 13px sans-serif; fill: #333 }
  .title { font-size: 15px; font-weight: bold }
  .quiet { fill: #666 }
  .code { font-family: monospace; font-size: 12px }
  .fresh { fill: #2e9f5b } .begin { fill: #f2c14e } .aging { fill: #e39b1e } .urgent { fill: #d1495b } .grace { fill: #8d99ae }
  .track { fill: #e8e8e8 }
  .attempt { stroke: #d1495b; stroke-width: 2 }
  .tick { stroke: #888 }
  @media (prefers-color-scheme: dark) {
    svg { background: #1b1f24 }
    text { fill: #ddd } .quiet { fill: #aaa } .track { fill: #333a42 } .attempt { stroke: #ff7b8a }
  }
"""


def drawn(plan: Plan, terminal: Terminal, code: str) -> str:
    """The whole file. Its texts are in the language of *terminal*."""
    parts: list[str] = []
    y = 30
    parts.append(_text(_MARGIN, y, title(plan, terminal), "title"))
    for line in wrapped(code, _CODE_COLUMNS):
        y += _LINE
        parts.append(_text(_MARGIN, y, line, "quiet code"))
    y += 24
    parts += _life(plan, y)
    y += _BAR + 16
    parts += _axis([ZERO, plan.refresh_from, plan.refresh_until, plan.urgent, plan.lifetime, plan.dead], ZERO, plan.dead, y)
    y += 26
    for name, at, meaning in legend(plan, terminal):
        if name:
            parts.append(f'<rect x="{_MARGIN}" y="{y - 11}" width="14" height="14" rx="2" class="{name}"/>')
        parts.append(_text(_MARGIN + 22, y, shown(at), "quiet"))
        parts.append(_text(_MARGIN + 90, y, meaning))
        y += _LINE
    heading, *rest = outage(plan, terminal)
    y += 22
    parts.append(_text(_MARGIN, y, heading, "title"))
    y += 16
    if rest:
        parts.append(f'<rect x="{_MARGIN}" y="{y}" width="{_WIDTH - 2 * _MARGIN}" height="{_BAR}" rx="3" class="track"/>')
        for at in plan.attempts:
            x = _x(at, plan.first_attempt, plan.dead)
            parts.append(f'<line x1="{x:.1f}" y1="{y + 2}" x2="{x:.1f}" y2="{y + _BAR - 2}" class="attempt"/>')
        y += _BAR + 16
        parts += _axis([plan.first_attempt, plan.urgent, plan.dead], plan.first_attempt, plan.dead, y)
        y += 26
        for text in rest:
            parts.append(_text(_MARGIN, y, text))
            y += _LINE
    size = f'viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title">'
    description = f'<title id="title">{escape(title(plan, terminal))}: {escape(code)}</title>'
    return "\n".join([head, description, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])


def _life(plan: Plan, y: int) -> Iterator[str]:
    for name, begin, end in plan.phases():
        left, right = _x(begin, ZERO, plan.dead), _x(end, ZERO, plan.dead)
        yield f'<rect x="{left:.1f}" y="{y}" width="{max(1.5, right - left):.1f}" height="{_BAR}" class="{name}"/>'


def _axis(moments: list[timedelta], begin: timedelta, end: timedelta, y: int) -> Iterator[str]:
    """The moments under a bar. One that has no room beside those at its right is left out, but for the first and the last one."""
    taken = _WIDTH + 100.0
    for at in sorted(set(moments), reverse=True):
        x, label = _x(at, begin, end), shown(at)
        half = 4.0 * len(label)
        center = min(max(x, _MARGIN + half), _WIDTH - _MARGIN - half)
        yield f'<line x1="{x:.1f}" y1="{y - 14}" x2="{x:.1f}" y2="{y - 9}" class="tick"/>'
        if center + half < taken - 4 and (at == begin or center - half > _MARGIN + 8 * len(shown(begin))):
            yield f'<text x="{center:.1f}" y="{y + 3}" text-anchor="middle" class="quiet">{label}</text>'
            taken = center - half


def _x(at: timedelta, begin: timedelta, end: timedelta) -> float:
    return _MARGIN + (_WIDTH - 2 * _MARGIN) * ((at - begin) / (end - begin))


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'
