"""Checks of what constructors and methods are given, for callers that no type checker has looked at.

Each refuses in words that name the parameter, and none quotes a text: it may be a secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from inspect import iscoroutinefunction
from typing import TypeGuard, TypeVar

from alicred.errors import ConfigurationError

F = TypeVar("F")


def has_control_characters(text: str) -> bool:
    """Whether *text* holds what can stand in no header, no URL and no key."""
    return not text.isprintable() and any(c < " " or "\x7f" <= c <= "\x9f" for c in text)  # the first alone settles it, mostly, and fast


def has_surrogates(text: str) -> bool:
    """Whether *text* holds half a character, which can be neither sent nor shown."""
    return not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)


def whole(name: str, value: str) -> str:
    """*value*, if it has no half of a character in it."""
    if has_surrogates(value):
        raise ConfigurationError(f"{name} holds half a character (a lone surrogate), which nothing can be sent with. Write it again")
    return value


def text(name: str, value: object) -> str:
    """*value*, if it is a string of whole characters with something in it and without control characters."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")
    if has_control_characters(value):
        raise ConfigurationError(f"{name} holds a control character, such as a newline. Remove it")
    whole(name, value)
    if not value.strip():
        raise ConfigurationError(f"{name} is empty. Give the whole value")
    return value


# What str.isspace() says yes to, and the byte order mark.
_AROUND = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f"
    "\u3000\ufeff"
)


def bare(value: str) -> str:
    """*value* without white space and byte order marks around it, which editors, shells and mounted secrets leave behind."""
    return value.strip(_AROUND)


def key_text(name: str, value: object) -> str:
    """*value*, if it can be an id, a secret or a token: printable ASCII, with something in it, and nothing around it.

    Sources drop what stands around a value, by `bare`, before they ask.
    """
    if isinstance(value, str) and value and value.isascii() and value.isprintable() and value == value.strip():
        return value  # what is mostly so needs no words that say what is wrong
    found = text(name, value)
    if not found.isascii():
        raise ConfigurationError(f"{name} holds a character that no token has, and no key: {_foreign(found)}; copy it again, as plain text")
    if found != bare(found):
        raise ConfigurationError(f"{name} has white space around it, which belongs to no key or token. Remove it")
    return found


def _foreign(value: str) -> str:
    """The kind of the first character outside ASCII. One that can be seen is not named: it may be a part of a secret."""
    import unicodedata

    character = next(c for c in value if not c.isascii())
    category = unicodedata.category(character)
    if category[0] in "CZ":
        return f"{unicodedata.name(character, category)}, which cannot be seen"
    width = "full-width " if unicodedata.east_asian_width(character) == "F" else ""
    return f"a {width}{_CATEGORIES[category[0]]} outside ASCII (category {category})"


_CATEGORIES = {"L": "letter", "M": "mark", "N": "digit", "P": "punctuation mark", "S": "symbol"}


def optional_text(name: str, value: object) -> str | None:
    """*value*, if it is ``None`` or a string with something in it and without control characters."""
    return None if value is None else text(name, value)


_DAY = timedelta(days=1)


def span(name: str, value: object, *, longest: timedelta = _DAY) -> timedelta:
    """*value*, if it is a timedelta above zero and of at most *longest*: a day, which is short enough for the system to wait for."""
    if not isinstance(value, timedelta) or not timedelta(0) < value <= longest:
        most = "a day" if longest == _DAY else f"{longest.days} days"
        raise ConfigurationError(f"{name} must be a datetime.timedelta above zero and of at most {most}, not {value!r}")
    return value


def count(name: str, value: object) -> int:
    """*value*, if it is a whole number of 1 or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of 1 or more, not {value!r}")
    return value


def moment(name: str, value: object) -> datetime:
    """*value*, if it is a datetime with a time zone."""
    if not isinstance(value, datetime):
        raise ConfigurationError(f"{name} must be a datetime.datetime, not {type(value).__name__}")
    if value.utcoffset() is None:
        raise ConfigurationError(f"{name} has no time zone. Give an aware datetime, such as datetime.now(timezone.utc)")
    return value


def flag(name: str, value: object) -> bool:
    """*value*, if it is a truth value."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False, not {type(value).__name__}")
    return value


def path(name: str, value: object) -> str:
    """The text of *value*, if it is a path with something in it."""
    if not _is_path(value):
        raise ConfigurationError(f"{name} must be a path, as a string or a pathlib.Path, not {type(value).__name__}")
    return text(name, os.fspath(value))


def _is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, (str, os.PathLike))


def function(name: str, value: F) -> F:
    """*value*, if it can be called, and what it returns need not be awaited."""
    if not callable(value):
        raise ConfigurationError(f"{name} must be a function, not {type(value).__name__}")
    _not_awaited(name, value)
    return value


def _not_awaited(name: str, value: object) -> None:
    """Refuse what would have to be awaited."""
    if is_coroutine_function(value):
        raise ConfigurationError(f"{name} is a coroutine function, which nothing here awaits. Write it without async")


def is_coroutine_function(value: object) -> bool:
    """Whether calling *value*, a function or an object with ``__call__``, gives something to await."""
    return iscoroutinefunction(value) or iscoroutinefunction(getattr(type(value), "__call__", None))  # noqa: B004  (not whether it can be called)


def environment(name: str, value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """*value*, if it is a mapping or ``None``. The process's own environment becomes ``None``, which a pickle can take along."""
    optional(name, value, Mapping)
    return None if value is os.environ else value


def required(name: str, value: object, kind: type) -> None:
    """Refuse what is no *kind*."""
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be a {kind.__name__}, not {_kind(value)}")


def optional(name: str, value: object, kind: type) -> None:
    """Refuse what is neither ``None`` nor a *kind*."""
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be a {kind.__name__} or None, not {type(value).__name__}")


def client(name: str, value: object, method: str) -> None:
    """Refuse a client that lacks the one *method* that its user calls."""
    if value is not None and not _has(value, method):
        raise ConfigurationError(f"{name} must be None or have a method {method}(), as alicred's own client has, not {_kind(value)}")


def clock(name: str, value: object) -> None:
    """Refuse what lacks a method of a clock."""
    if not _has(value, "monotonic", "utcnow", "sleep", "observe"):
        raise ConfigurationError(f"{name} must be a Clock, with monotonic(), utcnow(), sleep() and observe(), not {_kind(value)}")


def listener(name: str, value: object) -> None:
    """Refuse what is no listener, and one that would have to be awaited."""
    _not_awaited(name, value)
    if value is not None and not callable(value):
        raise ConfigurationError(f"{name} must be None or a function of an event, not {_kind(value)}")


def provider(name: str, value: object) -> None:
    """Refuse what does not look like a provider."""
    if not _has(value, "get") or not hasattr(value, "name"):
        hint = ""
        if isinstance(value, type):
            hint = f". Make one, {value.__name__}(...)"
        elif hasattr(value, "expires_at"):
            hint = ". Wrap it in a StaticProvider"
        elif type(value) in (list, tuple):
            hint = ". Give the providers one by one, not in one argument"
        raise ConfigurationError(f"{name} must be a provider, an object with a name and a get() method, not {_kind(value)}{hint}")
    if iscoroutinefunction(getattr(value, "get")):  # noqa: B009  (a protocol would be a second notion of what a provider is)
        raise ConfigurationError(
            f"{name}: get() of {_kind(value)} is a coroutine function. Write it without async, aget() runs it on a thread"
        )


def _has(value: object, *methods: str) -> bool:
    """Whether *value* is an instance of something with these methods; a class has them too, but cannot be asked."""
    return not isinstance(value, type) and all(callable(getattr(value, method, None)) for method in methods)


def _kind(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    kind = type(value).__name__
    return "None" if value is None else f"an {kind}" if kind[0] in "aeiouAEIOU" else f"a {kind}"
