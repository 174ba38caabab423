"""The one interface that sources and decorators share, and how a provider is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from inspect import iscoroutine
from typing import Protocol, cast

from alicred._internal.public import public
from alicred._internal.real_time import monotonic
from alicred._internal.shortage import TEMPORARY, shortage
from alicred._internal.tasks import in_thread
from alicred._internal.text import key_id_text, until
from alicred.credential import BearerToken, C, C_co, Credential, Expiring
from alicred.errors import (
    AlicredError,
    ConfigurationError,
    MalformedResponseError,
    ProviderError,
    SourceOutcome,
    SourceReport,
    TransientError,
    is_not_configured,
    one_line,
)


@public("alicred")
class Provider(Protocol[C_co]):
    """Anything with a ``name`` and a ``get()``: no base class, no registration.

    ``get()`` may be called from several threads at once. It raises `AlicredError`, and nothing else, on failure; a
    decorator turns anything else into a `ProviderError`.
    """

    @property
    def name(self) -> str:
        """What the provider is called in reports, events and errors."""
        ...

    def get(self) -> C_co:
        """One value. May block; a source asks its origin each time, a decorator may have kept one."""
        ...


def ask(provider: Provider[C]) -> C:
    """The value of *provider*, which may be a user's own class.

    Raises:
        AlicredError: What the provider raised; anything else that it raised is the cause of a `ProviderError`.
    """
    try:
        return validate_value(provider.get(), provider.name)
    except AlicredError:
        raise
    except Exception as raised:
        raise as_alicred_error(raised, provider=provider.name) from raised


async def ask_in_task(provider: Provider[C]) -> C:
    """What *provider* provides, without blocking the event loop: through its ``aget()``, or through a thread if it has none."""
    aget: object = getattr(provider, "aget", None)
    if callable(aget):
        return await cast("Callable[[], Awaitable[C]]", aget)()  # a provider's own: what it awaits to is the provider's word
    return await in_thread(provider.get)


def validate_value(value: C, provider: str) -> C:
    """*value* itself, if it knows its end.

    Raises:
        ConfigurationError: It is a coroutine: ``get()`` of the provider is a coroutine function.
        MalformedResponseError: It has no ``expires_at`` that is ``None`` or a datetime with a time zone.
    """
    expires_at: object = getattr(value, "expires_at", "")
    if expires_at is None or (isinstance(expires_at, datetime) and expires_at.utcoffset() is not None):
        return value
    found: object = value
    if iscoroutine(found):
        found.close()
        raise ConfigurationError("get() is a coroutine function. Write it without async, aget() runs it on a thread", provider=provider)
    if expires_at == "":
        problem = f"get() returned a {type(value).__name__}, which has no expires_at. Return a Credential or another value with an end"
    else:
        problem = f"get() returned a {type(value).__name__} whose expires_at is neither None nor a datetime with a time zone"
    raise MalformedResponseError(problem, provider=provider)


def as_alicred_error(error: Exception, *, provider: str) -> AlicredError:
    """*error* itself if it is alicred's own, else a `ProviderError` that keeps it as the cause.

    The text of a foreign exception may hold anything, a secret included, so only its type is named.
    """
    if isinstance(error, AlicredError):
        return error
    short = shortage(error)
    wrapped: ProviderError
    if short is not None:
        wrapped = TransientError(f"the source could not go on: {short}", provider=provider, code=TEMPORARY)
    else:
        problem = f"the source raised {type(error).__name__}, which is none of alicred's errors; its text is kept in __cause__"
        wrapped = ProviderError(problem, provider=provider)
    wrapped.__cause__ = error
    return wrapped


def explain(provider: Provider[C]) -> tuple[SourceReport, ...]:
    """What *provider* says of the sources in it, through its ``explain()``; without one, what it answers when it is asked now."""
    own: object = getattr(provider, "explain", None)
    if callable(own):
        return cast("Callable[[], tuple[SourceReport, ...]]", own)()  # a decorator's own
    began = monotonic()
    try:
        value = ask(provider)
    except AlicredError as error:
        return Explanation((failure_report(provider, error, monotonic() - began),))
    return Explanation((success_report(provider.name, value, monotonic() - began),))


def identity_of(provider: object) -> object:
    """What *provider* says of itself, by its optional ``identity()``: what makes its credential another one than that of its like."""
    identity: object = getattr(provider, "identity", None)
    return cast("Callable[[], object]", identity)() if callable(identity) else None


def asks_each_time(provider: Provider[C]) -> bool:
    """Whether *provider* is known to keep nothing: it, or what it passes the question on to, asks its origin at every `get`."""
    return getattr(provider, "_asks_each_time", False) is True


class Explanation(tuple[SourceReport, ...]):
    """Reports in the order in which their sources are asked. ``str()`` is a list for people, in which the one that is chosen is marked."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(f"{'->' if report.chosen else '  '} {report}" for report in self)


def success_report(name: str, value: Expiring, seconds: float = 0.0) -> SourceReport:
    """What the source *name* answered within *seconds*, if that was *value*."""
    credential = value if isinstance(value, Credential) else None
    key = type(value).__name__ if credential is None else f"access key id {key_id_text(credential.access_key_id)}"
    return SourceReport(
        name=name,
        outcome=SourceOutcome.FOUND,
        detail=f"{key}, {until(value.expires_at)}",
        chosen=True,
        origin=value.origin if isinstance(value, (Credential, BearerToken)) else "",
        access_key_id=None if credential is None else credential.access_key_id,
        expires_at=value.expires_at,
        obtained_with=None if credential is None else credential.obtained_with,
        seconds=seconds,
    )


def failure_report(provider: Provider[C], error: AlicredError, seconds: float) -> SourceReport:
    """What *provider* answered within *seconds*, if that was *error*."""
    return SourceReport(
        name=provider.name,
        outcome=SourceOutcome.NOT_CONFIGURED if is_not_configured(error) else SourceOutcome.FAILED,
        detail=one_line(error, without=provider.name),
        origin=error.origin,
        obtained_with=error.obtained_with,
        error=error,
        seconds=seconds,
    )
