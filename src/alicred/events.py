"""What providers tell a listener and the log: events, as values. All of them are public, and so is this module."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs

import alicred._internal.checks as check
from alicred._internal.log import DEBUG, ERROR, INFO, WARNING, has_handlers, is_logged, log
from alicred._internal.text import utc
from alicred.errors import AlicredError, SourceReport, is_not_configured, is_of_user_code, one_line


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _AnyEvent:
    """What all events have. The methods below are what attrs would write: once, since writing them for each kind slows the first import."""

    provider_name: str

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _AnyEvent) or type(other) is not type(self):
            return NotImplemented
        return attrs.astuple(self, recurse=False) == attrs.astuple(other, recurse=False)

    def __hash__(self) -> int:
        return hash((type(self), attrs.astuple(self, recurse=False)))

    def __repr__(self) -> str:
        fields = (f"{field.name}={getattr(self, field.name)!r}" for field in attrs.fields(type(self)))
        return f"{type(self).__name__}({', '.join(fields)})"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RefreshStarted(_AnyEvent):
    """A refresh has begun: its source is about to be asked.

    Args:
        provider_name: Name of the provider that is being refreshed.
        attempt: How many refreshes this provider has begun, this one included.
    """

    attempt: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RefreshSucceeded(_AnyEvent):
    """A refresh has put a new value into service.

    Args:
        provider_name: Name of the provider that was refreshed.
        refreshes: How many refreshes of this provider have succeeded, this one included.
        expires_at: End of the new value; ``None`` means never.
        refresh_due_at: When the next refresh is due; ``None`` means never.
        seconds: How long the source took.
        found: Whose the new value is: where it comes from, its key id, and what a role was assumed with.
        changed: Whether that is another identity than before, or the first one. The key ids of a session change with every refresh, and
            do not count.
    """

    refreshes: int
    expires_at: datetime | None
    refresh_due_at: datetime | None
    seconds: float
    found: SourceReport | None = None
    changed: bool = False


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RefreshFailed(_AnyEvent):
    """A refresh has failed. A value that is still usable stays in service.

    Args:
        provider_name: Name of the provider that was to be refreshed.
        error: What the source raised.
        consecutive_failures: How many refreshes have failed in a row, this one included.
        next_attempt_at: Before this moment the source is not asked again; ``None`` means at once, when a caller asks.
        usable: Whether a value is still in service.
        seconds: How long the source took.
        held: Whose that value is.
    """

    error: AlicredError
    consecutive_failures: int
    next_attempt_at: datetime | None
    usable: bool
    seconds: float
    held: SourceReport | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ServedStale(_AnyEvent):
    """A value past its end was served, as the policy's ``grace`` allows.

    Args:
        provider_name: Name of the provider that served it.
        expires_at: The end that has passed.
        times: How often this value has been served past its end, this time included.
    """

    expires_at: datetime | None
    times: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RetryScheduled(_AnyEvent):
    """An attempt has failed and another one will follow.

    Args:
        provider_name: Name of the provider that is tried again.
        error: What the attempt raised.
        failures: How many attempts have failed so far.
        delay: The pause before the next one.
    """

    error: AlicredError
    failures: int
    delay: timedelta


@attrs.frozen(kw_only=True, eq=False, repr=False)
class SourceSkipped(_AnyEvent):
    """A chain has passed over one of its sources.

    Args:
        provider_name: Name of the chain.
        source: Name of the source.
        error: Why it was passed over.
    """

    source: str
    error: AlicredError


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ChainResolved(_AnyEvent):
    """A chain has found a source that has a credential.

    Args:
        provider_name: Name of the chain.
        source: Name of the source.
        changed: Whether the chain has not used that source the last time.
    """

    source: str
    changed: bool = True


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LoginNotSaved(_AnyEvent):
    """What the renewal of a login brought could not be written back into its file. The credential is served all the same.

    Args:
        provider_name: Name of the provider that renewed the login.
        detail: One line: what was not saved, where, why, and what that means.
        tokens: Whether the tokens of the login are among it: then the login ends with this process, unless they can be saved later.
    """

    detail: str
    tokens: bool


Event = RefreshStarted | RefreshSucceeded | RefreshFailed | ServedStale | RetryScheduled | SourceSkipped | ChainResolved | LoginNotSaved
"""Every kind of event. The union may grow: a listener handles the kinds that it knows and ignores the others."""

Listener = Callable[[Event], None]
"""Called with each event, on the thread on which it happened, with no lock held. Callers may wait for it: be quick."""


_RAISED_BY = "_alicred_raised_by_listener"


def is_of_listener(error: BaseException) -> bool:
    """Whether *error* ended a thread out of a listener. Not an interrupt, which only met it there."""
    return isinstance(error, SystemExit) and hasattr(error, _RAISED_BY)


def emit(listener: Listener | None, event: Event) -> None:
    """Write *event* to the log and give it to *listener*, if there is one. Nothing that the listener raises goes any further."""
    _call(log_events, event)
    if listener is not None:
        _call(listener, event)


def _call(listener: Listener, event: Event) -> None:
    try:
        listener(event)
    except BaseException as raised:
        if not is_of_user_code(raised):
            setattr(raised, _RAISED_BY, True)
            raise
        log(ERROR, "a listener raised on %s; the event is lost, nothing else is", type(event).__name__, with_traceback=True)


def fan_out(*listeners: Listener) -> Listener:
    """One listener that gives every event to all of *listeners*, in their order. One that raises is logged, and the others get the event.

    Thread-safe if they are; it can be pickled if they can.

    Raises:
        ConfigurationError: One of them is no function, or a coroutine function.
    """
    for listener in listeners:
        check.function("fan_out.listeners", listener)
    return _FanOut(listeners)


@attrs.frozen
class _FanOut:
    listeners: tuple[Listener, ...]

    def __call__(self, event: Event) -> None:
        for listener in self.listeners:
            _call(listener, event)


def sentence(found: SourceReport) -> str:
    """Whose a value is, on one line: key id, end, origin, and what a role was assumed with."""
    text = f"{found.detail}, from {found.origin or found.name}"
    return text if found.obtained_with is None else f"{text}; obtained with {sentence(found.obtained_with)}"


def log_events(event: Event) -> None:
    """Write *event* to the logger ``alicred``: what every event goes through, beside the listener. It can serve as a listener too."""
    name = event.provider_name
    if isinstance(event, RefreshFailed):
        kept = "no value is left to serve" if event.held is None else f"still serving {event.held.detail}"
        after = f", next attempt at {utc(event.next_attempt_at)}" if event.next_attempt_at else ""
        # Where nothing is left, a caller gets the error, and it is not to be printed twice. What is not set up is no failure of a service.
        is_raised = event.held is None and (is_not_configured(event.error) or not has_handlers())
        text, told = "%s: refresh failed (%d in a row), %s%s: %s", one_line(event.error, without=name)
        log(DEBUG if is_raised else WARNING, text, name, event.consecutive_failures, kept, after, told)
    elif isinstance(event, RefreshSucceeded):
        level = INFO if event.changed else DEBUG
        if event.found is not None and is_logged(level):  # it mostly is not, and then no text is made
            doing = "using" if event.changed else "refreshed:"
            log(level, "%s: %s %s (fetched in %.3f s)", name, doing, sentence(event.found), event.seconds)
    elif isinstance(event, ServedStale):
        level = WARNING if event.times == 1 else DEBUG
        end = utc(event.expires_at) if event.expires_at else "its rejection"
        log(level, "%s: serving a value that ended at %s, as the policy's grace allows", name, end)
    elif isinstance(event, RetryScheduled):
        text = "%s: attempt %d failed, the next one follows in %.3f s: %s"
        log(DEBUG, text, name, event.failures, event.delay.total_seconds(), one_line(event.error, without=name))
    elif isinstance(event, SourceSkipped):
        log(DEBUG, "%s: %s passed over: %s", name, event.source, one_line(event.error, without=event.source))
    elif isinstance(event, ChainResolved):
        log(DEBUG, "%s: %s has a credential", name, event.source)  # the cache around it says which
    elif isinstance(event, LoginNotSaved):
        log(WARNING, "%s: %s", name, event.detail)


__all__ = [
    "ChainResolved",
    "Event",
    "Listener",
    "LoginNotSaved",
    "RefreshFailed",
    "RefreshStarted",
    "RefreshSucceeded",
    "RetryScheduled",
    "ServedStale",
    "SourceSkipped",
    "fan_out",
    "log_events",
]
