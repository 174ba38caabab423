"""What the checks are given: errors name the argument, before any check runs. No string is quoted: it may be a secret."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TypeVar

from alicred import ConfigurationError
from alicred._internal import checks as check
from alicred._internal.public import public

A_SOURCE = "lambda: VaultProvider(path)"
"""How a factory of a source may look; for the texts of errors."""

A_STORE = "lambda: TableStore(url)"
"""The same for a factory of a store of shared credentials."""

M = TypeVar("M")


@public("alicred.testing.conformance")
def source_factory(name: str, make: Callable[[], M]) -> Callable[[], M]:
    """*make*, if it can be called without arguments."""
    _factory(name, make, "makes a source", A_SOURCE)
    _fits(name, make, f"{name}()", f"give a function that needs no arguments, such as {A_SOURCE}")
    return make


@public("alicred.testing.conformance")
def store_factory(name: str, make: Callable[[], M]) -> Callable[[], M]:
    """The same for a store of shared credentials."""
    _factory(name, make, "makes a store", A_STORE)
    _fits(name, make, f"{name}()", f"give a function that needs no arguments, such as {A_STORE}")
    return make


@public("alicred.testing.conformance")
def source_factories(name: str, makes: Iterable[Callable[[], M]]) -> tuple[Callable[[], M], ...]:
    """*makes*, if each of them can be called without arguments."""
    wrong = f"{name} must be a list of functions that make a source each, such as [{A_SOURCE}]"
    _several(makes, wrong)
    return tuple(source_factory(f"{name}[{number}]", make) for number, make in enumerate(makes))


@public("alicred.testing.conformance")
def cache_factory(name: str, make: Callable[..., object]) -> None:
    """Refuse what cannot be called as `alicred.CachingProvider` can."""
    _factory(name, make, "makes a cache", "CachingProvider")
    otherwise = "give a function or a class that makes a cache and takes these arguments, such as CachingProvider"
    named = dict.fromkeys(("refresh", "clock", "listener"))
    _fits(name, make, f"{name}(source, refresh=..., clock=..., listener=...)", otherwise, None, **named)


@public("alicred.testing.conformance")
def strings(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """*values*, if each of them is a string."""
    _several(values, f"{name} must be a list of strings, such as ['...']")
    found = tuple(values)
    for value in found:
        _string(name, value)
    return found


def _string(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must hold strings only, not {_kind(value)}")


def _several(values: object, wrong: str) -> None:
    if isinstance(values, (str, bytes, type)) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{wrong}, not {_kind(values)}")


def _factory(name: str, make: object, does: str, example: str) -> None:
    if not callable(make):
        raise ConfigurationError(f"{name} must be a function or a class that {does}, such as {example}, not {_kind(make)}")
    check.function(name, make)


def _fits(name: str, make: Callable[..., object], called: str, otherwise: str, *arguments: None, **named: None) -> None:
    try:
        signature = inspect.signature(make, follow_wrapped=False)  # what is wrapped is not what is called
    except Exception:  # noqa: BLE001  (not everything tells its signature; then its first call shows whether it fits)
        return
    try:
        signature.bind(*arguments, **named)
    except TypeError as error:
        raise ConfigurationError(f"{name} is called as {called}: {error}; {otherwise}") from None


def _kind(value: object) -> str:
    if value is None:
        return "None"
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
