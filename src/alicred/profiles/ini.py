"""The grammar of the profile file: text in, sections out. Pure; an error names the line and never quotes it.

* A line is empty, a comment, a ``[section]`` header, or ``key = value``, also with ``:`` for ``=``. White space around each
  part is dropped, indented or not: there are no continuation lines, and a backslash means nothing.
* ``#`` and ``;`` begin a comment at the start of a line and after white space, anywhere else they are ordinary characters:
  ``ab#c;d%e`` is a whole value. After a header, white space is not needed.
* Nothing is expanded or unquoted: ``%`` is an ordinary character, and quotation marks belong to the value.
* Keys are compared in lower case, section names as they are. Giving a key twice in a section, or a section twice, is an error.
* No section passes anything on to another one, ``[DEFAULT]`` neither.
"""

from __future__ import annotations

import re

import attrs

_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"\s[#;].*")
_DELIMITER = re.compile(r"[=:]")


class IniError(ValueError):
    """The text is no profile file. The message names the line and quotes nothing."""


@attrs.frozen
class Section:
    """One section.

    Args:
        name: Its name.
        line: The number of its header's line; the first line is 1.
        values: Its keys, in lower case, with their values, which may be empty.
    """

    name: str
    line: int
    values: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)


def parse(text: str) -> dict[str, Section]:
    """The sections of a profile file by their names, in the order of the file.

    Raises:
        IniError: A line is none of the four kinds, a key or a section is given twice, or a key stands above the first header.
    """
    sections: dict[str, Section] = {}
    current: Section | None = None
    lines_of_keys: dict[str, int] = {}
    for number, raw in enumerate(_LINE_END.split(text), start=1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        line = _COMMENT.sub("", line, count=1).rstrip()
        if line[0] == "[":
            current = Section(_section_name(line, number), number)
            if current.name in sections:
                earlier = sections[current.name].line
                raise IniError(f"line {number} begins the section of line {earlier} again: give each section once")
            sections[current.name] = current
            continue
        if current is None:
            raise IniError(f"line {number} stands above the first [section] header, such as [default]")
        key, value = _entry(line, number)
        if key in current.values:
            raise IniError(f"line {number} gives the key of line {lines_of_keys[key]} again: remove one of the two")
        current.values[key] = value
        lines_of_keys[key] = number
    return sections


def _section_name(line: str, number: int) -> str:
    name, bracket, rest = line[1:].partition("]")
    if not bracket or (rest and rest.lstrip()[0] not in "#;"):
        raise IniError(f"line {number} begins like a [section] header, but is none: close the bracket, and put only a comment behind it")
    if not name.strip():
        raise IniError(f"line {number} is a [section] header without a name")
    return name.strip()


def _entry(line: str, number: int) -> tuple[str, str]:
    delimiter = _DELIMITER.search(line)
    if delimiter is None:
        raise IniError(f"line {number} is neither a [section] header nor `key = value` (a value cannot go on in the next line)")
    key, value = line[: delimiter.start()].strip(), line[delimiter.end() :].strip()
    if not key:
        raise IniError(f"line {number} has a value, but no key in front of it")
    return key.lower(), value
