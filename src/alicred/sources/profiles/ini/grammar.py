"""The grammar of the profile file: text in, sections out. Pure; an error names the line and never quotes it.

The grammar is that of `configparser`, which the official package reads the file with, but for what could cut or change a secret:

* A line is empty, a comment, a ``[section]`` header, or ``key = value``, also with ``:`` for ``=``. White space around each part is
  dropped.
* A value goes on in the lines below it that are indented further than its key. A backslash means nothing.
* ``#`` and ``;`` begin a comment at the start of a line and after white space, anywhere else they are ordinary characters:
  ``ab#c;d%e`` is a whole value. After a header, white space is not needed.
* Nothing is expanded or unquoted: ``%`` is an ordinary character, and quotation marks belong to the value.
* Keys are compared in lower case, section names as they are. Giving a key twice in a section, or a section twice, is an error.
* The keys of ``[DEFAULT]`` are handed on to the sections that do not have them. It is no section itself.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from configparser import DuplicateOptionError, DuplicateSectionError, MissingSectionHeaderError, ParsingError, RawConfigParser
from typing import Any, cast

import attrs

_COMMENT = re.compile(r"\s[#;].*")


class IniError(ValueError):
    """The text is no profile file. The message names the line and quotes nothing."""


@attrs.frozen
class Section:
    """One section.

    Args:
        name: Its name.
        line: The number of its header's line; the first line is 1.
        values: Its keys, in lower case, with their values, which may be empty. Those that go on hold newlines.
        lines: The numbers of the lines in which the keys stand.
    """

    name: str
    line: int
    values: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    lines: dict[str, int] = attrs.field(factory=dict[str, int], repr=False)


def parse(text: str) -> dict[str, Section]:
    """The sections of a profile file by their names, in the order of the file.

    Raises:
        IniError: A line is none of what it may be, a key or a section is given twice, or a key stands above the first header.
    """
    file = _File(text)
    parser = _Parser(file)
    tables = file.tables
    problem = ""
    try:
        parser.read_file(file)
    except MissingSectionHeaderError:
        problem = _mistake(file.line, above=True)
    except DuplicateSectionError as error:
        problem = f"begins the section of line {tables[error.section].line} again. Give each section once"
    except DuplicateOptionError as error:
        problem = f"gives the key of line {tables.get(error.section, parser.shared).lines[error.option]} again. Remove one of the two"
    except ParsingError as error:
        file.number = error.errors[0][0]
        problem = _mistake(file.line)
    if problem:  # raised out here, for those errors quote the line
        raise IniError(f"line {file.number} {problem}")
    shared = parser.shared
    for table in (shared, *tables.values()):
        for key, number in table.lines.items():
            if key.startswith("["):
                raise IniError(f"line {number} {_mistake(key)}")
    return {name: Section(name, own.line, {**shared, **own}, {**shared.lines, **own.lines}) for name, own in tables.items()}


def _mistake(line: str, *, above: bool = False) -> str:
    """What is wrong with *line*, which is in no section if it stands *above* them."""
    if re.match(r"\[\s*\]", line):
        return "is a [section] header without a name"
    if line.startswith("["):
        return "begins like a [section] header, but is none. Close the bracket, and put only a comment behind it"
    if above:
        return "stands above the first [section] header, such as [default]"
    if line.startswith(("=", ":")):
        return "has a value, but no key in front of it"
    return "is neither a [section] header nor `key = value` (a value goes on in lines that are indented further than its key)"


class _File:
    """The lines of *text* without their comments, the number of the one that is being read, and the sections that have been met."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline=None).read().split("\n")
        self.number = 0
        self.tables: dict[str, _Table] = {}

    @property
    def line(self) -> str:
        """That one, without white space around it."""
        return self._lines[self.number - 1].strip()

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._lines, start=1):
            self.number = number
            # Up to Python 3.12, configparser overlooks some comments behind others.
            yield line if line.lstrip().startswith(("#", ";")) else _COMMENT.sub("", line, count=1)


class _Table(dict[str, Any]):
    """What the parser keeps the sections in, and the keys of each, with the lines in which they stand."""

    def __init__(self, file: _File) -> None:
        super().__init__()
        self._file = file
        self.line = 0
        self.lines: dict[str, int] = {}

    def __setitem__(self, name: str, value: Any) -> None:
        self.lines.setdefault(name, self._file.number)
        if isinstance(value, _Table):
            value.line = self._file.number
            self._file.tables[name] = value
        super().__setitem__(name, value)


class _Parser(RawConfigParser):
    SECTCRE = re.compile(r"\[\s*(?P<header>[^\]\s]|[^\]\s][^\]]*[^\]\s])\s*\]\s*(?:[#;].*)?$")
    OPTCRE = re.compile(r"(?P<option>[^=:]*)(?P<vi>[=:])\s*(?P<value>.*)$")  # as it was, but in linear time

    def __init__(self, file: _File) -> None:
        class Table(_Table):
            def __init__(self) -> None:
                super().__init__(file)

        super().__init__(dict_type=Table, interpolation=None)

    @property
    def shared(self) -> _Table:
        """What ``[DEFAULT]`` hands on."""
        return cast("_Table", self.defaults())  # as everything that the parser keeps
