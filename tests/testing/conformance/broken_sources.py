"""Sources that each break one promise, and the check that must find it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import attrs

from alicred import (
    ConfigurationError,
    Credential,
    NotConfiguredError,
    ProviderError,
    TransientError,
)
from tests.testing.conformance.support import HOUR, SECRET, HoldsALock, NeverMade, SaysThePassword, Vault


class Nameless(Vault):
    name = ""


class Renamed(Vault):
    def get(self) -> Credential:
        self.name = "vault, once used"
        return super().get()


class Endless(Vault):
    def get(self) -> Credential:
        return {"id": "id", "secret": SECRET}  # type: ignore[return-value]  # that is what it breaks


@attrs.frozen
class Loose:
    """A value that checks nothing."""

    expires_at: datetime
    session_token: str = attrs.field(default=SECRET, repr=False)


class Naive(Vault):
    def get(self) -> Loose:  # type: ignore[override]  # another value
        return Loose(datetime.now() + HOUR)  # noqa: DTZ005  (that is what it breaks)


class Local(Vault):
    def get(self) -> Loose:  # type: ignore[override]  # another value
        return Loose(datetime.now(timezone(timedelta(hours=8))) + HOUR)


class Ended(Vault):
    def get(self) -> Credential:
        return Credential("id", SECRET, None, datetime.now(timezone.utc) - timedelta(seconds=1))


class Awaited(Vault):
    async def get(self) -> Credential:  # type: ignore[override]  # that is what it breaks
        return super().get()


class Unpicklable(Vault):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()


class Forgetful(Vault):
    """A pickled copy of it has lost its settings."""

    def __getstate__(self) -> dict[str, object]:
        return {}

    def get(self) -> Credential:
        if not hasattr(self, "_password"):
            raise ConfigurationError("no password")
        return super().get()


class OneAtATime(Vault):
    def __init__(self) -> None:
        super().__init__()
        self._busy = False

    def get(self) -> Credential:
        if self._busy:
            raise ProviderError("one at a time, please")
        self._busy = True
        threading.Event().wait(0.2)
        self._busy = False
        return super().get()


class OfThisProcess(Vault):
    """Goes on with what the parent had, and finds that out."""

    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()

    def get(self) -> Credential:
        if self._process != os.getpid():
            raise TransientError("the connection is another process's")
        return super().get()


class Crashes(OfThisProcess):
    """As libraries in C do that were not made for a fork."""

    def get(self) -> Credential:
        if self._process != os.getpid():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().get()


class Leaves(OfThisProcess):
    def get(self) -> Credential:
        if self._process != os.getpid():
            os._exit(0)
        return super().get()


class ShowsItsPassword(Vault):
    def __repr__(self) -> str:
        return f"<Vault opened by {self._password}>"


class ShowsItsPasswordAsText(Vault):
    def __str__(self) -> str:
        return f"<Vault opened by {self._password}>"


class ShowsItsValue(Vault):
    def get(self) -> ShownValue:  # type: ignore[override]  # another value
        return ShownValue(datetime.now(timezone.utc) + HOUR)


@attrs.frozen
class ShownValue:
    expires_at: datetime
    session_token: str = SECRET


class Logs(Vault):
    def get(self) -> Credential:
        value = super().get()
        logging.getLogger("vault").debug("got %s", value.access_key_secret)
        return value


class ShowsItsValueAsText(Vault):
    def get(self) -> TextValue:  # type: ignore[override]  # another value
        return TextValue(datetime.now(timezone.utc) + HOUR)


@attrs.frozen
class TextValue:
    expires_at: datetime
    session_token: str = attrs.field(default=SECRET, repr=False)

    def __str__(self) -> str:
        return self.session_token


class LogsArguments(Vault):
    def get(self) -> Credential:
        logging.getLogger("vault").info("opened with %.3s...", self._password)
        return super().get()


class LogsATraceback(Vault):
    def get(self) -> Credential:
        try:
            raise ValueError(self._password)
        except ValueError:
            logging.getLogger("vault").exception("the vault stays shut")
        return super().get()


class Prints(Vault):
    def get(self) -> Credential:
        value = super().get()
        print("opening\ngot", value.security_token)
        return value


class Complains(Vault):
    def get(self) -> Credential:
        value = super().get()
        print("got", value.security_token, file=sys.stderr)
        return value


class CannotBeShown(Vault):
    def __repr__(self) -> str:
        raise RuntimeError


class CannotDeliver(Vault):
    def get(self) -> Credential:
        raise NotConfiguredError("the vault is not there: start it")


class WithoutAName:
    def get(self) -> Credential:
        return Vault().get()


class NamedByAnAccident(Vault):
    @property
    def name(self) -> str:  # type: ignore[override]  # a property, and one that fails
        raise RuntimeError


class WithoutGet:
    name = "without get"


class WorksOnce(Vault):
    def __init__(self) -> None:
        super().__init__()
        self._first: Credential | None = None

    def get(self) -> Credential:
        if self._first is not None:
            raise ProviderError("the ticket has been used")
        self._first = super().get()
        return self._first


class RaisesAnything(Vault):
    def get(self) -> Credential:
        raise KeyError("id")


class RaisesNothing(Vault):
    """Is to fail, and answers."""


class SaysNothing(Vault):
    def get(self) -> Credential:
        raise TransientError(" ")


class SaysItInTheCause(Vault):
    def get(self) -> Credential:
        try:
            raise ValueError(self._password)
        except ValueError as error:
            raise TransientError("the vault is down: wait") from error


BROKEN: list[tuple[Callable[[], object], str, str]] = [
    (Nameless, "name", "name must be a text with something in it"),
    (Renamed, "name", "is 'vault, once used' after a get"),
    (Endless, "value", "returned a dict, which has no expires_at"),
    (Naive, "value", "neither None nor a datetime with a time zone"),
    (Local, "value", "not in UTC"),
    (Ended, "value", "a value that ended at"),
    (Awaited, "value", "returned a coroutine: write get"),
    (Unpicklable, "pickle", "cannot be pickled: TypeError"),
    (Forgetful, "pickle", "raised ConfigurationError: no password"),
    (OneAtATime, "threads", "one at a time, please"),
    (HoldsALock, "fork", "a forked child has no answer"),
    (OfThisProcess, "fork", "the connection is another process's"),
    (Crashes, "fork", "a forked child has ended without an answer, killed by the signal SIGKILL"),
    (Leaves, "fork", "a forked child has ended without an answer, with the exit status 0"),
    (ShowsItsPassword, "secrecy", r"^a secret shows in repr\(source\): <Vault opened by \[a secret\]>$"),
    (ShowsItsPasswordAsText, "secrecy", r"^a secret shows in str\(source\): <Vault opened by \[a secret\]>$"),
    (ShowsItsValue, "secrecy", r"^a secret shows in repr\(value\): ShownValue"),
    (ShowsItsValueAsText, "secrecy", r"^a secret shows in str\(value\): \[a secret\]$"),
    (Logs, "secrecy", r"^a secret shows in the log of 'vault' \(DEBUG\): got \[a secret\]$"),
    (LogsArguments, "secrecy", r"^a secret shows in the arguments of a record in the log of 'vault' \(INFO\): \('\[a secret\]',\)$"),
    (LogsATraceback, "secrecy", r"^a secret shows in a traceback in the log of 'vault' \(ERROR\): ValueError: \[a secret\]$"),
    (Prints, "secrecy", r"^a secret shows on standard output: got \[a secret\]$"),
    (Complains, "secrecy", r"^a secret shows on standard error: got \[a secret\]$"),
    (CannotBeShown, "secrecy", r"^repr\(source\) raised RuntimeError$"),
    (WorksOnce, "cached", "session life 2 raised ProviderError: vault: the ticket has been used"),
    (CannotDeliver, "value", "raised NotConfiguredError: the vault is not there: start it"),
    (WithoutAName, "name", "it has no name: give its class one"),
    (WithoutAName, "pickle", "it has no name: give its class one"),
    (WithoutAName, "cached", "it has no name: give its class one"),
    (NamedByAnAccident, "name", "name raised RuntimeError"),
    (WithoutGet, "value", r"make\(\) returned a WithoutGet, which has no get\(\)"),
]
BROKEN_FAILURES: list[tuple[Callable[[], object], str, str]] = [
    (RaisesAnything, "errors", "raised KeyError, which is no AlicredError"),
    (RaisesNothing, "errors", "returned a Credential, and was to fail"),
    (SaysNothing, "errors", "a TransientError without a text"),
    (SaysThePassword, "secrecy", r"^a secret shows in the error of failing source 2 of 2: \[a secret\] does not open the vault$"),
    (SaysItInTheCause, "secrecy", r"^a secret shows in the traceback of failing source 2 of 2: ValueError: \[a secret\]"),
    (NeverMade, "errors", r"^failing source 2 of 2: make\(\) raised ValueError"),
    (NeverMade, "secrecy", r"^failing source 2 of 2: make\(\) raised ValueError"),
    (WithoutGet, "errors", r"^failing source 2 of 2: make\(\) returned a WithoutGet, which has no get\(\)"),
]
