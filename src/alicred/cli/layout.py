"""Text set for a terminal: columns, lines of a given width, tables and trees. Pure functions; a Chinese character takes two columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import attrs

_STYLING = re.compile(r"\x1b\[[0-9;]*m")
GAP = 2  # columns between two columns of a table
_LAST_COLUMN = re.compile(r"( *(?:.*\S {2,})?).*")  # what stands in front of it
# A line may end behind each: a word, or a Chinese character with what may not begin a line.
_WORD = re.compile(r"\s+|[\u2e80-\u9fff\uf900-\uffef][、。，：；！？）”]*|[^\s\u2e80-\u9fff\uf900-\uffef]+")


@attrs.frozen
class Styled:
    """A text and its style; see `Terminal.styled`."""

    text: str
    style: str


Cell = str | Styled


@attrs.frozen
class Node:
    """A part of a tree: its heading, what is said of it, and what hangs under it."""

    text: Cell
    lines: Sequence[str] = ()
    below: Sequence[Node] = ()


def plain(cell: Cell) -> str:
    """The text of *cell*."""
    return cell.text if isinstance(cell, Styled) else cell


def columns(text: str) -> int:
    """How many columns *text* takes."""
    text = _STYLING.sub("", text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def padded(text: str, width: int) -> str:
    """*text*, and blanks up to *width* columns."""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int | None) -> list[str]:
    """*text* in lines of at most *width* columns, but for a word that is longer; ``None`` is no limit."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line, used = "", 0
        for word in _WORD.findall(paragraph):
            size = columns(word)
            if width is not None and line.strip() and used + columns(word.rstrip()) > width:
                lines.append(line.rstrip())
                line, used = "", 0
                if word.isspace():
                    continue
            line, used = line + word, used + size
        lines.append(line.rstrip())
    return lines


def refilled(text: str, width: int) -> str:
    """*text*, which is in lines already, in lines of at most *width* columns.

    A paragraph is filled again. A line that is indented stays a line of its own; what it goes on with stands below its last column, or
    that column below the others, which are whole, if these take more than half of the line.
    """
    lines: list[str] = []
    for is_indented, part in groupby(text.split("\n"), lambda line: not line or line[0] == " "):
        if not is_indented:
            lines += wrapped(" ".join(part), width)
            continue
        for line in part:
            head = _LAST_COLUMN.sub(r"\1", line)
            if columns(line) > width and columns(head) > width / 2:
                lines.append(head.rstrip())
                head = " " * 6
            first, *more = wrapped(line[len(_LAST_COLUMN.sub(r"\1", line)) :], width - columns(head))
            lines += [head + first, *(" " * columns(head) + each for each in more)]
    return "\n".join(lines)


def widths(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> list[int]:
    """How many columns each column of a table takes."""
    return [max(columns(plain(cell)) for cell in column) for column in zip(headings, *rows, strict=True)]


def branches(nodes: Sequence[Node], *, ascii_only: bool) -> Iterator[tuple[str, str, Cell]]:
    """The paragraphs of a tree: what is drawn in front of the first line of each, what in front of the others, and its text."""
    tee, corner, bar = ("|-- ", "`-- ", "|   ") if ascii_only else ("├── ", "└── ", "│   ")

    def lines(nodes: Sequence[Node], margin: str) -> Iterator[tuple[str, str, Cell]]:
        for number, node in enumerate(nodes, start=1):
            is_last = number == len(nodes)
            inner = margin + ("    " if is_last else bar)
            beside = inner + (bar if node.below else "")
            yield margin + (corner if is_last else tee), beside, node.text
            for line in node.lines:
                yield beside, beside, line
            yield from lines(node.below, inner)

    return lines(nodes, "")
