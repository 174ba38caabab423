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
class RefreshDeferred(_AnyEvent):
    """A source that shares its values with other workers has nothing new yet, and nothing has failed.

    Args:
        provider_name: Name of the provider that was to be refreshed.
        reason: Why, in a word.
        next_attempt_at: Before this moment the source is not asked again; ``None`` means at once, when a caller asks.
    """

    reason: str
    next_attempt_at: datetime | None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TurnAwaited(_AnyEvent):
    """A provider has waited for its turn under a `alicred.policy.Limit`, and is about to ask its source.

    Args:
        provider_name: Name of the `alicred.limiting.LimitingProvider`.
        seconds: How long it has waited.
        waiting: How many wait behind it.
    """

    seconds: float
    waiting: int


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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CredentialAdopted(_AnyEvent):
    """A worker uses a credential that another worker has fetched.

    Args:
        provider_name: Name of the `SharedProvider`.
        store: Name of the store.
        generation: Its number: a higher one is newer.
        age: How long ago it was stored.
    """

    store: str
    generation: int
    age: timedelta


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CredentialPublished(_AnyEvent):
    """A worker has stored a credential for the others.

    Args:
        provider_name: Name of the `SharedProvider`.
        store: Name of the store.
        generation: Its number.
        expires_at: Its end.
    """

    store: str
    generation: int
    expires_at: datetime


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StoreFailed(_AnyEvent):
    """A store could not be asked, or could not save. The credential comes from the source instead.

    Args:
        provider_name: Name of the `SharedProvider`.
        store: Name of the store.
        error: What the store raised.
        consecutive_failures: How often in a row, this time included.
        next_attempt_at: Before this moment the store is left alone.
    """

    store: str
    error: Exception
    consecutive_failures: int
    next_attempt_at: datetime | None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StoreRecovered(_AnyEvent):
    """A store that failed works again.

    Args:
        provider_name: Name of the `SharedProvider`.
        store: Name of the store.
    """

    store: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RecordRefused(_AnyEvent):
    """What is stored cannot be used, and counts as absent.

    Args:
        provider_name: Name of the `SharedProvider`.
        store: Name of the store.
        reason: ``NOT_OPENED`` (another key, another entry, or garbage), ``OLDER``, ``ENDED`` or ``TOO_LARGE``.
    """

    store: str
    reason: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LeaseLost(_AnyEvent):
    """A worker has fetched for so long that another one has stored a newer credential.

    Args:
        provider_name: Name of the `SharedProvider`.
        store: Name of the store.
        seconds: How long it took.
    """

    store: str
    seconds: float


Event = (
    RefreshStarted
    | RefreshSucceeded
    | RefreshFailed
    | RefreshDeferred
    | TurnAwaited
    | ServedStale
    | RetryScheduled
    | SourceSkipped
    | ChainResolved
    | LoginNotSaved
    | CredentialAdopted
    | CredentialPublished
    | StoreFailed
    | StoreRecovered
    | RecordRefused
    | LeaseLost
)
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
    elif isinstance(event, RefreshDeferred):
        log(DEBUG, "%s: nothing new yet (%s)", name, event.reason)
    elif isinstance(event, TurnAwaited):
        log(DEBUG, "%s: its turn has come after %.1f s, %d more are waiting", name, event.seconds, event.waiting)
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
    elif not isinstance(event, RefreshStarted):
        _log_sharing(event)


def _log_sharing(event: CredentialAdopted | CredentialPublished | StoreFailed | StoreRecovered | RecordRefused | LeaseLost) -> None:
    name, store = event.provider_name, event.store
    if isinstance(event, CredentialAdopted):
        log(DEBUG, "%s: generation %d of %s is used, stored %.1f s ago", name, event.generation, store, event.age.total_seconds())
    elif isinstance(event, CredentialPublished):
        log(DEBUG, "%s: generation %d stored in %s, valid until %s", name, event.generation, store, utc(event.expires_at))
    elif isinstance(event, StoreFailed):
        level = WARNING if event.consecutive_failures == 1 else DEBUG
        after = f", next attempt at {utc(event.next_attempt_at)}" if event.next_attempt_at else ""
        text = "%s: the store %s failed (%d in a row), the source is asked instead%s: %s"
        # The text of a foreign exception may hold anything, a password included.
        told = one_line(event.error, without=name) if isinstance(event.error, AlicredError) else type(event.error).__name__
        log(level, text, name, store, event.consecutive_failures, after, told)
    elif isinstance(event, StoreRecovered):
        log(INFO, "%s: the store %s works again", name, store)
    elif isinstance(event, RecordRefused):
        log(
            WARNING if event.reason in ("NOT_OPENED", "OLDER") else DEBUG, "%s: the record in %s is not used: %s", name, store, event.reason
        )
    else:
        log(INFO, "%s: fetching took %.1f s, and another worker has stored a newer credential in %s", name, event.seconds, store)


__all__ = [
    "ChainResolved",
    "CredentialAdopted",
    "CredentialPublished",
    "Event",
    "LeaseLost",
    "Listener",
    "LoginNotSaved",
    "RecordRefused",
    "RefreshDeferred",
    "RefreshFailed",
    "RefreshStarted",
    "RefreshSucceeded",
    "RetryScheduled",
    "ServedStale",
    "SourceSkipped",
    "StoreFailed",
    "StoreRecovered",
    "TurnAwaited",
    "fan_out",
    "log_events",
]
