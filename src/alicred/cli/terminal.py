"""What a command prints, and how: to a person at a terminal, in their language, or to a program."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Mapping
from typing import NoReturn, TextIO

from alicred.cli.wording import CHINESE
from alicred.errors import AlicredError

_STYLES = {"good": "32", "bad": "31", "warning": "33", "quiet": "2", "strong": "1"}


class Terminal:
    """Standard output and standard error of a command.

    Args:
        output: Where what was asked for goes.
        errors: Where everything else goes: errors, progress, hints.
        json: Whether output is to be JSON.
        color: Whether to colour what goes to a terminal.
        chinese: Whether headings and remedies are in Chinese.
    """

    def __init__(self, output: TextIO, errors: TextIO, *, json: bool = False, color: bool = True, chinese: bool = False) -> None:
        self.output = output
        self.errors = errors
        self.json = json
        self.chinese = chinese
        self._color = color

    @classmethod
    def of(cls, options: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Terminal:
        """That of this process, as *options* and the environment want it."""
        color = not options.no_color and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        output, errors = _stream("stdout"), _stream("stderr")
        return cls(output, errors, json=options.json, color=color, chinese=is_chinese(environ))

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads the output, not a program or a file."""
        return self.output.isatty()

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
        """Tell the person who runs the command something that is no part of its output."""
        _write(self.errors, text)

    def error(self, error: AlicredError) -> None:
        """Tell *error*, without a traceback."""
        _write(self.errors, f"alicred: {error}")

    def usage(self, command: str, problem: str) -> int:
        """Say what is wrong with the command line of *command*; the exit code."""
        _write(self.errors, f"alicred {command}: {problem}")
        return 2

    def styled(self, text: str, style: str) -> str:
        """*text* for the output in *style*: good, bad, warning, quiet or strong; as it is where no colour is wanted."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._color and self.output.isatty() else text


def is_chinese(environ: Mapping[str, str]) -> bool:
    """Whether the locale of the user is a Chinese one."""
    chosen = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environ.get(name))), "")
    return chosen.lower().startswith("zh")


class _Closed(io.StringIO):
    """An output that was closed before the program began."""

    def write(self, text: str) -> NoReturn:
        """Say so."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _stream(name: str) -> TextIO:
    found: TextIO | None = getattr(sys, name)
    return found or (_Closed() if name == "stdout" else io.StringIO())


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "ascii"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()
