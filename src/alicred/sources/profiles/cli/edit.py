"""Changes a few values in a JSON text and leaves every other character of it alone. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import attrs

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


@attrs.frozen
class _Member:
    """One ``"key": value`` of an object: where its parts begin and end."""

    key: str
    start: int
    key_end: int
    value: int
    end: int


def with_changes(text: str, profile: str, changes: Mapping[str, str | int]) -> str:
    """*text* with *changes* made to the first profile called *profile*.

    Keys that are there keep their place; new ones come behind the last one, set as that one is.

    Args:
        text: What `CliConfig.parse` takes.
        profile: The name of a profile in it.
        changes: New values by their keys.

    Raises:
        KeyError: There is no such profile.
    """
    members = _members(text, _profile(text, profile))
    there = {member.key: member for member in members}  # of a key that stands there twice, the last one counts
    splices = [(there[key].value, there[key].end, json.dumps(value)) for key, value in changes.items() if key in there]
    last = members[-1]
    before, between = _space_before(text, last.start), text[last.key_end : last.value]
    if not before and len(members) == 1:
        before = between.partition(":")[2]  # no comma to look behind: whoever sets a space behind colons does so behind commas
    more = "".join(f",{before}{json.dumps(key)}{between}{json.dumps(value)}" for key, value in changes.items() if key not in there)
    splices.append((last.end, last.end, more))
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _profile(text: str, name: str) -> int:
    """Where the profile begins."""
    root = {member.key: member.value for member in _members(text, _skip(text, 0))}
    for start in _elements(text, root["profiles"]):
        names = [_DECODER.raw_decode(text, member.value)[0] for member in _members(text, start) if member.key == "name"]
        if ((names[-1] if names else None) or "") == name:  # without a name, it is the one that is called ""
            return start
    raise KeyError(name)


def _members(text: str, start: int) -> list[_Member]:
    """The members of the object that begins at *start*."""
    found: list[_Member] = []
    at = _skip(text, start + 1)
    while text[at] != "}":
        key, key_end = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, key_end) + 1)
        end = _DECODER.raw_decode(text, value)[1]
        found.append(_Member(key, at, key_end, value, end))
        at = _next(text, end)
    return found


def _elements(text: str, start: int) -> Iterator[int]:
    """Where each element of the array at *start* begins."""
    at = _skip(text, start + 1)
    while text[at] != "]":
        yield at
        at = _next(text, _DECODER.raw_decode(text, at)[1])


def _next(text: str, end: int) -> int:
    """Where what follows the value that ends at *end* begins: the next one, or the closing bracket."""
    at = _skip(text, end)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at


def _space_before(text: str, at: int) -> str:
    return text[len(text[:at].rstrip(" \t\n\r")) : at]
