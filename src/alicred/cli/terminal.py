"""What a command prints, and how: to a person at a terminal, in their language, or to a program."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

from alicred.cli.wording import CHINESE
from alicred.errors import AlicredError

if TYPE_CHECKING:
    from rich.console import Console

    from alicred.cli.layout import Cell, Node

_STYLES = {"good": "32", "bad": "31", "warning": "33", "quiet": "2", "strong": "1"}
_RICH_STYLES = {"good": "green", "bad": "red", "warning": "yellow", "quiet": "dim", "strong": "bold"}
_LINES = "─│├└━●→✓✗"  # what tables, trees and timelines are drawn with


class Terminal:
    """Standard output and standard error of a command.

    Args:
        output: Where what was asked for goes.
        errors: Where everything else goes: errors, progress, hints.
        json: Whether output is to be JSON.
        color: Whether to colour what goes to a terminal.
        chinese: Whether headings and remedies are in Chinese.
        ascii_only: Whether lines and ticks are drawn with ASCII; they are anyway where the output knows no others.
    """

    def __init__(
        self,
        output: TextIO,
        errors: TextIO,
        *,
        json: bool = False,
        color: bool = True,
        chinese: bool = False,
        ascii_only: bool = False,
    ) -> None:
        self.output = output
        self.errors = errors
        self.json = json
        self.chinese = chinese and _encodes(output, "中")
        self.ascii_only = ascii_only or not _encodes(output, _LINES)
        self._color = color

    @classmethod
    def of(cls, options: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Terminal:
        """That of this process, as *options* and the environment want it."""
        color = not options.no_color and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        output, errors = _stream("stdout"), _stream("stderr")
        ascii_only = _locale(environ, "LC_CTYPE") in ("C", "POSIX")
        return cls(output, errors, json=options.json, color=color, chinese=is_chinese(environ), ascii_only=ascii_only)

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads the output, not a program or a file."""
        return self.output.isatty()

    @property
    def width(self) -> int | None:
        """How many columns a line has; ``None`` if no person reads it, for then it may be as long as it is."""
        return _columns() if self.is_terminal else None

    def text(self, english: str, **values: object) -> str:
        """*english* in the language of the user, with *values* put in."""
        pattern = CHINESE.get(english, english) if self.chinese else english
        return pattern.format(**values) if values else pattern

    def say(self, text: str) -> None:
        """Print a line, or several."""
        _write(self.output, text)

    def say_json(self, value: object) -> None:
        """Print *value* as JSON."""
        import json

        _write(self.output, json.dumps(value, indent=2, ensure_ascii=False))

    def hint(self, text: str) -> None:
        """Tell the person who runs the command something that is no part of its output. What is indented, to be copied, stays whole."""
        (_write if text.lstrip("\n").startswith(" ") else _tell)(self.errors, text)

    def error(self, error: AlicredError) -> None:
        """Tell *error*, without a traceback."""
        _tell(self.errors, f"alicred: {error}")

    def usage(self, command: str, problem: str) -> int:
        """Say what is wrong with the command line of *command*; the exit code."""
        _tell(self.errors, f"alicred {command}: {problem}")
        return 2

    def styled(self, text: str, style: str) -> str:
        """*text* for the output in *style*: good, bad, warning, quiet or strong; as it is where no colour is wanted."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and self._color and self.output.isatty() else text

    # --- what takes more than a line ----------------------------------------------------------------------------------------------

    def paragraph(self, cell: Cell, *, first: str = "", then: str | None = None) -> None:
        """Print a text in lines as long as the terminal's.

        Args:
            cell: The text.
            first: What stands in front of its first line.
            then: What stands in front of the other ones; ``None`` means blanks.
        """
        from alicred.cli.layout import Styled, columns, plain, wrapped

        margin = " " * columns(first) if then is None else then
        width = None if self.width is None else max(20, self.width - columns(margin))
        style = cell.style if isinstance(cell, Styled) else ""
        for number, line in enumerate(wrapped(plain(cell), width)):
            self.say((margin if number else first) + self.styled(line, style))

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Print a table: by rich if it is installed, and as a list of *headings* and cells for each row where the lines are too short."""
        from alicred.cli.layout import GAP, Styled, columns, padded, plain, widths

        sizes = widths(headings, rows)
        total, width = sum(sizes) + GAP * (len(sizes) - 1), self.width
        console = self._rich(self.output)
        if width is not None and total > (width if console is None else width * 1.5):
            margin = max(map(columns, headings))
            for row in rows:
                for heading, cell in zip(headings, row, strict=True):
                    if plain(cell):
                        self.paragraph(cell, first=padded(heading, margin) + " " * GAP)
                self.say("")
        elif console is not None:
            from rich.table import Table
            from rich.text import Text

            table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
            for heading in headings:
                table.add_column(heading, overflow="fold")
            for row in rows:
                styles = [_RICH_STYLES[cell.style] if isinstance(cell, Styled) else "" for cell in row]
                table.add_row(*(Text(plain(cell), style) for cell, style in zip(row, styles, strict=True)))
            console.print(table)
        else:
            for line in [[Styled(heading, "strong") for heading in headings], *rows]:
                cells = [(padded(plain(cell), size), cell) for cell, size in zip(line, sizes, strict=True)]
                shown = [self.styled(text, cell.style) if isinstance(cell, Styled) else text for text, cell in cells]
                self.say((" " * GAP).join(shown).rstrip())

    def tree(self, nodes: Sequence[Node]) -> None:
        """Print a tree."""
        from alicred.cli.layout import branches

        for first, then, cell in branches(nodes, ascii_only=self.ascii_only):
            self.paragraph(cell, first=first, then=then)

    @contextmanager
    def progress(self) -> Generator[Callable[[str], None]]:
        """What says to a person at a terminal what is being done; it is gone when the block ends."""
        console = self._rich(self.errors)
        if console is not None:
            with console.status("") as status:
                yield status.update
        elif self._color and self.errors.isatty():
            try:
                yield self._overwrite
            finally:  # an error that is told next begins at the beginning of the line
                self._overwrite("")
        else:
            yield lambda text: None

    def _overwrite(self, text: str) -> None:
        self.errors.write(f"\r\x1b[K{text}")
        self.errors.flush()

    def _rich(self, stream: TextIO) -> Console | None:
        """What rich writes to *stream* with: for a person at a terminal with colours and lines. Everything works without it."""
        if not self._color or self.ascii_only or not stream.isatty():
            return None
        try:
            from rich.console import Console
        except ImportError:
            return None
        return Console(file=stream, highlight=False, emoji=False, markup=False, width=self.width)


def say(text: str) -> None:
    """Print a line, or several, to the output of this process: what no options need to be known for."""
    _write(_stream("stdout"), text)


def hint(text: str) -> None:
    """As `Terminal.hint`, where there is none yet."""
    _tell(_stream("stderr"), text)


def is_chinese(environ: Mapping[str, str]) -> bool:
    """Whether the locale of the user is a Chinese one."""
    return _locale(environ, "LC_MESSAGES").lower().startswith("zh")


def _locale(environ: Mapping[str, str], category: str) -> str:
    """The locale that the environment names for *category*; empty if it names none."""
    return next((value for name in ("LC_ALL", category, "LANG") if (value := environ.get(name))), "")


class _Closed(io.StringIO):
    """An output that was closed before the program began."""

    def write(self, text: str) -> NoReturn:
        """Say so."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _stream(name: str) -> TextIO:
    found: TextIO | None = getattr(sys, name)
    return found or (_Closed() if name == "stdout" else io.StringIO())


def _columns() -> int:
    """How many columns the terminal has."""
    import shutil

    return shutil.get_terminal_size().columns


def _encodes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _tell(stream: TextIO, text: str) -> None:
    """Write *text* to a person, in lines as long as the terminal's."""
    if stream.isatty():
        from alicred.cli.layout import wrapped

        text = "\n".join(wrapped(text, _columns()))
    _write(stream, text)


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "ascii"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()
