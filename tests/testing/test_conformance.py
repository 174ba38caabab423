"""The conformance kit: alicred's own providers pass it, and whoever breaks a promise is found out by the check that is about it."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import wraps
from pathlib import Path

import attrs
import pytest

from alicred import (
    Backoff,
    BearerToken,
    CachingProvider,
    Clock,
    ConfigurationError,
    Credential,
    EcsRamRoleProvider,
    EnvironmentProvider,
    Listener,
    NotConfiguredError,
    OidcRoleArnProvider,
    OnDenied,
    Phase,
    Provider,
    ProviderError,
    RamRoleArnProvider,
    RefreshPolicy,
    RetryingProvider,
    StaticProvider,
    TransientError,
)
from alicred.testing import FakeClock, FakeCloud, faults
from alicred.testing.conformance import FEATURES, Check, Scenario, cache_checks, scenarios, source_checks

HOUR = timedelta(hours=1)
SECRET = "the-first-secret"
PASSWORD = "the-password-of-the-vault"


def check_named(name: str, checks: tuple[Check, ...]) -> Check:
    return next(check for check in checks if check.name == name)


# --- sources ------------------------------------------------------------------------------------------------------------------------

NAMES = [check.name for check in source_checks(lambda: StaticProvider(Credential("id", SECRET)))]


def test_a_source_is_asked_for_everything_that_a_provider_is() -> None:
    assert NAMES == ["name", "value", "errors", "pickle", "threads", "fork", "secrecy", "cached"]


@pytest.mark.parametrize("name", NAMES)
class TestAlicredsOwn:
    def test_static(self, name: str) -> None:
        make = lambda: StaticProvider(Credential("id", SECRET, "the-first-token"))  # noqa: E731
        check_named(name, source_checks(make))()

    def test_bearer(self, name: str) -> None:
        check_named(name, source_checks(lambda: StaticProvider(BearerToken("the-first-token"))))()

    def test_environment(self, name: str) -> None:
        variables = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET}
        half = {**variables, "ALIBABA_CLOUD_ACCESS_KEY_ID": ""}
        failing = [lambda: EnvironmentProvider({}), lambda: EnvironmentProvider(half)]
        check_named(name, source_checks(lambda: EnvironmentProvider(variables), failing=failing, secrets=[SECRET]))()

    def test_role(self, name: str, alicred_cloud: FakeCloud) -> None:
        key = alicred_cloud.access_key
        source = StaticProvider(key)

        def make(role: str) -> RamRoleArnProvider:
            return RamRoleArnProvider(source, role_arn=role, sts=alicred_cloud.sts_client())

        def broken() -> RamRoleArnProvider:
            alicred_cloud.inject(faults.Malformed())
            return make(alicred_cloud.role_arn)

        failing = [lambda: make(alicred_cloud.role_arn + "x"), broken]
        check_named(name, source_checks(lambda: make(alicred_cloud.role_arn), failing=failing, secrets=[key.access_key_secret]))()

    def test_role_on_a_fake_clock(self, name: str) -> None:
        clock = FakeClock(datetime(2031, 1, 1, tzinfo=timezone.utc))
        with FakeCloud(clock=clock, session=timedelta(minutes=15)) as cloud:
            source = StaticProvider(cloud.access_key)
            make = lambda: RamRoleArnProvider(source, role_arn=cloud.role_arn, sts=cloud.sts_client())  # noqa: E731
            check_named(name, source_checks(make, clock=clock))()

    def test_instance(self, name: str, alicred_cloud: FakeCloud) -> None:
        make = lambda: RetryingProvider(EcsRamRoleProvider(imds=alicred_cloud.imds_client()))  # noqa: E731
        check_named(name, source_checks(make, failing=[lambda: EcsRamRoleProvider("another", imds=alicred_cloud.imds_client())]))()

    def test_oidc(self, name: str, alicred_cloud: FakeCloud, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text(alicred_cloud.add_oidc_token(), "utf-8")

        def make(file: Path) -> OidcRoleArnProvider:
            return OidcRoleArnProvider(
                role_arn=alicred_cloud.role_arn, oidc_provider_arn=alicred_cloud.oidc_provider_arn, oidc_token_file=file,
                sts=alicred_cloud.sts_client(),
            )  # fmt: skip

        failing = [lambda: make(tmp_path / "none")]
        check_named(name, source_checks(lambda: make(token), failing=failing, secrets=[token.read_text("utf-8")]))()


class Vault:
    """A source that does everything right. Those below break one promise each."""

    name = "vault"

    def __init__(self, password: str = PASSWORD) -> None:
        self._password = password

    def get(self) -> Credential:
        return Credential("id", SECRET, "the-first-token", datetime.now(timezone.utc) + HOUR)

    def __repr__(self) -> str:
        return "<Vault>"


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


class HoldsALock(Vault):
    """What a thread of the parent holds while it forks, nobody releases in the child."""

    LOCK = threading.Lock()

    def get(self) -> Credential:
        with self.LOCK:
            threading.Event().wait(0.2)
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


class Down(Vault):
    """One that cannot deliver, as it should be."""

    def get(self) -> Credential:
        raise TransientError("the vault is down: wait")


class RaisesAnything(Vault):
    def get(self) -> Credential:
        raise KeyError("id")


class RaisesNothing(Vault):
    """Is to fail, and answers."""


class SaysNothing(Vault):
    def get(self) -> Credential:
        raise TransientError(" ")


class SaysThePassword(Vault):
    def get(self) -> Credential:
        raise TransientError(f"{self._password} does not open the vault")


class SaysItInTheCause(Vault):
    def get(self) -> Credential:
        try:
            raise ValueError(self._password)
        except ValueError as error:
            raise TransientError("the vault is down: wait") from error


class NeverMade(Vault):
    def __init__(self) -> None:
        raise ValueError(PASSWORD)


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


@pytest.mark.parametrize("name", NAMES)
def test_a_source_that_does_everything_right_passes(name: str) -> None:
    check_named(name, source_checks(Vault, failing=[Down], secrets=[PASSWORD]))()


@pytest.mark.parametrize(("make", "name", "text"), BROKEN, ids=lambda part: getattr(part, "__name__", None))
def test_a_source_that_breaks_a_promise_is_found_out(make: Callable[[], Provider[Credential]], name: str, text: str) -> None:
    patience = timedelta(seconds=3 if make is HoldsALock else 30)
    check = check_named(name, source_checks(make, secrets=[PASSWORD], patience=patience))
    with pytest.raises(AssertionError, match=text) as caught:
        check()
    assert SECRET not in str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(("make", "name", "text"), BROKEN_FAILURES, ids=lambda part: getattr(part, "__name__", None))
def test_a_failure_that_breaks_a_promise_is_found_out(make: Callable[[], Provider[Credential]], name: str, text: str) -> None:
    check = check_named(name, source_checks(Vault, failing=[Down, make], secrets=[PASSWORD]))
    with pytest.raises(AssertionError, match=text) as caught:
        check()
    assert PASSWORD not in str(caught.value)


def test_of_a_long_text_that_part_is_told_where_the_secret_shows() -> None:
    class Talkative(Vault):
        def __repr__(self) -> str:
            return "<Vault, " + "very " * 1000 + f"well hidden behind {self._password}>"

    with pytest.raises(AssertionError, match=r"^a secret shows in repr\(source\): [very ]+well hidden behind \[a secret\]>$") as caught:
        check_named("secrecy", source_checks(Talkative, secrets=[PASSWORD]))()
    assert len(str(caught.value)) < 300


class KeepsItForEver(Vault):
    """What it got first, it returns for ever."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._kept: Credential | None = None

    def get(self) -> Credential:
        if self._kept is None:
            self._kept = Credential("id", SECRET, "the-first-token", self._clock.utcnow() + HOUR)
        return self._kept


class KeepsItToItsEnd(KeepsItForEver):
    def get(self) -> Credential:
        if self._kept is not None and self._kept.expires_at is not None and self._clock.utcnow() >= self._kept.expires_at:
            self._kept = None
        return super().get()


def test_a_source_that_keeps_its_value_for_ever_is_found_out_with_a_fake_clock() -> None:
    clock = FakeClock()
    check = check_named("cached", source_checks(lambda: KeepsItForEver(clock), clock=clock))
    with pytest.raises(AssertionError, match=r"session life 2 raised .* a value that had ended .* fetch a new value in each life"):
        check()


def test_a_source_that_keeps_its_value_to_its_end_passes() -> None:
    clock = FakeClock()
    check_named("cached", source_checks(lambda: KeepsItToItsEnd(clock), clock=clock))()
    assert clock.utcnow() == FakeClock().utcnow() + 2 * (HOUR + timedelta(seconds=1))


def test_a_value_without_an_end_may_be_kept_for_ever() -> None:
    check_named("cached", source_checks(lambda: StaticProvider(Credential("id", SECRET)), clock=FakeClock()))()


@pytest.mark.parametrize("name", NAMES)
def test_a_source_that_cannot_be_made_is_told_by_every_check(name: str) -> None:
    failing = [NeverMade] if name == "errors" else []
    with pytest.raises(AssertionError, match=r"make\(\) raised ValueError") as caught:
        check_named(name, source_checks(NeverMade, failing=failing))()
    assert PASSWORD not in str(caught.value)


def test_what_a_factory_lacks_is_told_with_an_example() -> None:
    def make() -> Vault:
        return OpenedByFile()  # type: ignore[call-arg]  # that is what it breaks

    with pytest.raises(AssertionError, match=r"make\(\) raised TypeError.*lambda: VaultProvider\(path\)"):
        check_named("value", source_checks(make))()


def test_an_error_that_quotes_a_secret_is_told_without_it() -> None:
    with pytest.raises(AssertionError, match=r"raised TransientError: \[a secret\] does not open the vault"):
        check_named("value", source_checks(SaysThePassword, secrets=[PASSWORD]))()


class OpenedByFile(Vault):
    def __init__(self, path: Path) -> None:
        super().__init__(path.read_text("utf-8"))


async def make_later() -> Vault:
    return Vault()


WRONG_ARGUMENTS: list[tuple[dict[str, object], str]] = [
    ({"make": Vault()}, r"make must be a function or a class that makes a source, such as lambda: VaultProvider\(path\), not a Vault$"),
    ({"make": None}, "make must be a function or a class .* not None$"),
    ({"make": make_later}, "make is a coroutine function"),
    ({"make": OpenedByFile}, r"make is called as make\(\): missing a required argument: 'path'; .* such as lambda: VaultProvider\(path\)$"),
    ({"failing": Down()}, r"failing must be a list of functions .* such as \[lambda: VaultProvider\(path\)\], not a Down$"),
    ({"failing": Down}, "failing must be a list of functions .* not the class Down$"),
    ({"failing": lambda: Down()}, "failing must be a list of functions .* not a function$"),
    ({"failing": [Down, Down()]}, r"failing\[1\] must be a function or a class that makes a source, .* not a Down$"),
    ({"failing": [OpenedByFile]}, r"failing\[0\] is called as failing\[0\]\(\): missing a required argument: 'path'"),
    ({"failing": "vault"}, "failing must be a list of functions .* not a str$"),
    ({"secrets": PASSWORD}, r"secrets must be a list of strings, such as \['...'\], not a str$"),
    ({"secrets": PASSWORD.encode()}, "secrets must be a list of strings, .* not a bytes$"),
    ({"secrets": None}, "secrets must be a list of strings, .* not None$"),
    ({"secrets": [PASSWORD, PASSWORD.encode()]}, "secrets must hold strings only, not a bytes$"),
    ({"secrets_of": "token"}, "secrets_of must be a function, not str$"),
    ({"clock": FakeClock}, "clock must be a Clock, .* not the class FakeClock$"),
    ({"patience": 5}, "patience must be a datetime.timedelta above zero"),
    ({"patience": timedelta(0)}, "patience must be a datetime.timedelta above zero"),
]


@pytest.mark.parametrize(("arguments", "text"), WRONG_ARGUMENTS, ids=lambda part: next(iter(part)) if isinstance(part, dict) else "")
def test_an_argument_that_cannot_be_used_is_refused_when_it_is_given(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        source_checks(**{"make": Vault, **arguments})  # type: ignore[arg-type]  # that is what is refused
    assert PASSWORD not in str(caught.value)


def test_a_factory_that_hides_the_signature_of_another_is_taken() -> None:
    @wraps(OpenedByFile.__init__)
    def make(*arguments: object) -> Vault:
        return Vault()

    check_named("value", source_checks(make))()


def test_a_factory_without_a_signature_is_taken() -> None:
    class Unsigned(Vault):
        __signature__ = "none"

    check_named("value", source_checks(Unsigned))()


@pytest.mark.parametrize(
    ("found", "text"),
    [(SECRET, "must be a list of strings, .* not a str$"), ([None], "must hold strings only, not None$"), (None, "must be .* not None$")],
    ids=["text", "none", "nothing"],
)
def test_secrets_of_must_return_strings(found: object, text: str) -> None:
    with pytest.raises(AssertionError, match=f"^what secrets_of returns {text}"):
        check_named("secrecy", source_checks(Vault, secrets_of=lambda value: found))()  # type: ignore[arg-type, return-value]  # refused


def test_secrets_of_that_fails_is_told() -> None:
    with pytest.raises(AssertionError, match="secrets_of raised AttributeError"):
        check_named("secrecy", source_checks(Vault, secrets_of=lambda value: [value.code]))()  # type: ignore[attr-defined]  # it fails


def test_every_check_of_a_source_is_broken_by_somebody() -> None:
    assert {name for _, name, _ in BROKEN + BROKEN_FAILURES} == set(NAMES)


def test_a_secret_that_is_too_short_to_be_looked_for_is_refused() -> None:
    with pytest.raises(AssertionError, match="too short to be looked for"):
        check_named("secrecy", source_checks(Vault, secrets=["short"]))()


def test_a_value_of_ones_own_may_say_which_its_secrets_are() -> None:
    @attrs.frozen
    class Ticket:
        code: str = "the-code-of-a-ticket"
        expires_at: None = None

    class Tickets:
        name = "tickets"

        def get(self) -> Ticket:
            return Ticket()

    with pytest.raises(AssertionError, match="say which they are with secrets_of="):
        check_named("secrecy", source_checks(Tickets))()
    with pytest.raises(AssertionError, match=r"a secret shows in repr\(value\): "):
        check_named("secrecy", source_checks(Tickets, secrets_of=lambda ticket: [ticket.code]))()


# --- caches -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", cache_checks(CachingProvider), ids=str)
def test_the_caching_provider_keeps_every_rule(check: Check) -> None:
    check()


class Bare:
    """A cache with ``get()`` and nothing else, for what is easily got wrong in one."""

    def __init__(self, source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> None:
        self.name = source.name
        self.source = source
        self.refresh = refresh
        self.clock = clock
        self.held: Credential | None = None
        self.until = 0.0

    def get(self) -> Credential:
        if self.held is None or self.clock.monotonic() >= self.until:
            self.fetch()
        assert self.held is not None
        return self.held

    def fetch(self) -> None:
        self.held = self.source.get()
        left = self.held.expires_at - self.clock.utcnow() if self.held.expires_at else timedelta(days=9999)
        self.until = self.clock.monotonic() + left.total_seconds()


class PerCall(Bare):
    """Fetches for every caller."""

    def get(self) -> Credential:
        return self.source.get()


class FirstForEver(Bare):
    """Never fetches again, and so serves what has ended."""

    def get(self) -> Credential:
        return self.held or super().get()


class ByTheWallClock(Bare):
    """Compares with the wall clock whenever it is asked."""

    def get(self) -> Credential:
        if self.held is None or (self.held.expires_at and self.clock.utcnow() >= self.held.expires_at):
            self.fetch()
        assert self.held is not None
        return self.held


class ByLocalTime(Bare):
    """Takes the end for local time."""

    def get(self) -> Credential:
        if self.held is None or (self.held.expires_at and self.held.expires_at.replace(tzinfo=None).timestamp() <= self.now()):
            self.fetch()
        assert self.held is not None
        return self.held

    def now(self) -> float:
        return self.clock.utcnow().timestamp()


class FiveMinutesAhead(Bare):
    """Withholds what it holds when the refresh fails, and asks at every call."""

    def get(self) -> Credential:
        if self.held is None or self.clock.monotonic() >= self.until - 300:
            self.fetch()
        assert self.held is not None
        return self.held


Breaks = Callable[..., Provider[Credential]]


def with_policy(**changes: object) -> Breaks:
    """The real cache, which does not take the policy to heart."""

    def make(source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> Provider[Credential]:
        return CachingProvider(source, refresh=attrs.evolve(refresh, **changes), clock=clock, listener=listener)  # type: ignore[arg-type]

    return make


class Deaf(CachingProvider[Credential]):
    def invalidate(self, value: Credential | None = None) -> bool:
        return False


class Eager(CachingProvider[Credential]):
    """Takes every rejection for one of what it holds."""

    def invalidate(self, value: Credential | None = None) -> bool:
        return super().invalidate() or True


class NeverClosed(CachingProvider[Credential]):
    def close(self) -> None:
        return None


class NoLonger(CachingProvider[Credential]):
    """Takes any value to last for any span."""

    def get_valid_for(self, span: timedelta) -> Credential:
        return self.get()


class TooStrict(CachingProvider[Credential]):
    """Takes a value without an end to last for no span."""

    def get_valid_for(self, span: timedelta) -> Credential:
        value = super().get_valid_for(span)
        if value.expires_at is None:
            raise ProviderError("it does not say how long it lasts")
        return value


class StaleFirst(CachingProvider[Credential]):
    """In GRACE, serves before it asks."""

    __slots__ = ("last",)

    def get(self) -> Credential:
        if self.state().phase is not Phase.GRACE:
            self.last = super().get()
        return self.last


class Hushed(CachingProvider[Credential]):
    """Tells nobody."""

    def __init__(self, source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> None:
        super().__init__(source, refresh=refresh, clock=clock, listener=lambda event: None)


def blaming(source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> Provider[Credential]:
    """The real cache, with everything that goes wrong put down to the network."""

    class Blaming:
        name = source.name

        def get(self) -> Credential:
            try:
                return source.get()
            except BaseException:
                raise TransientError("the network is to blame") from None

    return CachingProvider(Blaming(), refresh=refresh, clock=clock, listener=listener)


# Each broken cache, what it has, and some of the checks that must find it out.
BARE, WHOLE = frozenset[str](), FEATURES
BROKEN_CACHES: dict[str, tuple[Breaks, frozenset[str], tuple[str, ...]]] = {
    "bare": (Bare, BARE, ("failure_keeps_the_value", "aging_refreshes_ahead", "cold_failure_is_held_back", "foreign_errors_are_wrapped")),
    "per call": (PerCall, BARE, ("fresh_asks_nobody", "short_sessions_are_used", "a_valid_credential_is_never_withheld")),
    "first for ever": (FirstForEver, BARE, ("nothing_past_its_end", "an_expired_credential_is_never_served")),
    "by the wall clock": (ByTheWallClock, BARE, ("a_backward_step_moves_nothing", "a_paused_machine_refreshes")),
    "by local time": (ByLocalTime, BARE, ("the_time_zone_moves_nothing", "clocks_going_back_in_autumn_move_nothing")),
    "ahead per call": (
        FiveMinutesAhead,
        BARE,
        ("a_source_that_keeps_its_value_is_not_asked_per_call", "a_valid_credential_is_never_withheld", "no_convoy_while_a_value_is_held"),
    ),
    "deaf": (Deaf, WHOLE, ("invalidate_refreshes_once", "a_late_flight_revives_nothing", "the_third_rejection_is_paced")),
    "eager": (Eager, WHOLE, ("invalidate_refreshes_once", "invalidate_of_nothing_changes_nothing")),
    "never closed": (NeverClosed, WHOLE, ("closed_is_closed", "a_late_flight_opens_nothing")),
    "no longer": (NoLonger, WHOLE, ("valid_for_refreshes", "valid_for_too_long_is_paced", "valid_for_fails_alone")),
    "too strict": (TooStrict, WHOLE, ("no_expiry_lasts_for_every_span",)),
    "stale first": (StaleFirst, WHOLE, ("grace_asks_first",)),
    "hushed": (Hushed, WHOLE, ("grace_is_announced",)),
    "blaming": (blaming, WHOLE, ("local_errors_are_not_held_back", "an_interrupt_leaves_no_trace")),
    "no window": (with_policy(ahead=timedelta(0)), WHOLE, ("aging_refreshes_ahead", "urgent_takes_the_new_value")),
    "late": (with_policy(ahead=timedelta(seconds=1)), WHOLE, ("aging_serves_while_the_refresh_fails",)),
    "early": (with_policy(ahead=timedelta(days=1)), WHOLE, ("fresh_asks_nobody", "a_window_of_zero_refreshes_at_the_end")),
    "no margin": (with_policy(margin=timedelta(0)), WHOLE, ("the_margin_takes_a_tenth_at_most", "urgent_serves_what_is_held")),
    "told of a denial": (with_policy(on_denied=OnDenied.RAISE), WHOLE, ("denied_is_served_by_default",)),
    "never told": (with_policy(on_denied=OnDenied.SERVE), WHOLE, ("denied_is_told_on_request",)),
    "graceful": (with_policy(grace=timedelta(days=1)), WHOLE, ("nothing_past_its_end", "grace_ends")),
    "graceless": (with_policy(grace=timedelta(0)), WHOLE, ("grace_is_announced", "an_invalidated_value_is_in_grace")),
    "ageing": (with_policy(max_age=timedelta(seconds=60)), WHOLE, ("no_expiry_is_fresh_for_ever", "the_draw_stays_within_the_window")),
    "ageless": (with_policy(max_age=None), WHOLE, ("max_age_refreshes", "max_age_counts_for_a_value_with_an_end")),
    "never looks again": (
        with_policy(recheck=None),
        WHOLE,
        ("a_rotated_key_is_noticed", "a_recheck_that_finds_the_same_is_no_repeat", "a_key_that_was_removed_stays_in_service"),
    ),
    "looks all the time": (with_policy(recheck=timedelta(seconds=1)), WHOLE, ("no_expiry_is_fresh_for_ever",)),
    "impatient": (
        with_policy(failure_backoff=Backoff(initial=timedelta(0), jitter=0)),
        WHOLE,
        ("the_backoff_grows_to_its_maximum", "a_dead_source_is_left_alone", "no_convoy_behind_a_dead_source"),
    ),
}


CHECKS = {name: {check.name: check for check in cache_checks(make, has=has)} for name, (make, has, _) in BROKEN_CACHES.items()}


def fails(name: str, check_name: str) -> bool:
    """Whether the broken cache *name* is found out by the check."""
    check = CHECKS[name].get(check_name)
    try:
        if check is not None:
            check()
    except AssertionError as error:
        assert check.sentence in str(error)  # noqa: PT017  (it may pass)
        return True
    return False


@pytest.mark.parametrize("name", BROKEN_CACHES)
def test_a_broken_cache_is_found_out(name: str) -> None:
    _, _, found_by = BROKEN_CACHES[name]
    assert [check for check in found_by if not fails(name, check)] == []


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_every_scenario_finds_somebody_out(scenario: Scenario) -> None:
    assert any(fails(name, scenario.name) for name in BROKEN_CACHES)


def test_what_goes_wrong_is_told_with_the_rule_the_step_and_what_was_seen() -> None:
    with pytest.raises(AssertionError) as caught:
        check_named("nothing_past_its_end", cache_checks(FirstForEver, has=()))()
    assert str(caught.value) == (
        'get() never returns a value past its end. Step 5, {"get": "TransientError"}: the caller got: value 1, expected TransientError'
    )


def test_who_has_get_alone_is_asked_for_nothing_else() -> None:
    names = {check.name for check in cache_checks(Bare, has=())}
    assert "nothing_past_its_end" in names
    assert names.isdisjoint({"closed_is_closed", "invalidate_refreshes_once", "grace_is_announced", "valid_for_refreshes"})
    assert "the_phases_follow_the_schedule" not in names, "nothing is left of it without state()"


def test_a_feature_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not aget"):
        cache_checks(CachingProvider, has={"aget"})
    with pytest.raises(ConfigurationError, match="has must be a list of strings"):
        cache_checks(CachingProvider, has="state")


class Clockless:
    def __init__(self, source: Provider[Credential], *, refresh: RefreshPolicy, listener: Listener) -> None:
        """Nothing tells it the time."""


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            Clockless,
            r"make is called as make\(source, refresh=..., clock=..., listener=...\): got an unexpected keyword argument 'clock'; "
            r"give a function or a class that makes a cache and takes these arguments, such as CachingProvider$",
        ),
        (CachingProvider(Vault()), "make must be a function or a class .* a cache, such as CachingProvider, not a CachingProvider$"),
    ],
    ids=["no clock", "instance"],
)
def test_a_factory_that_cannot_make_a_cache_is_refused_when_it_is_given(make: Breaks, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        cache_checks(make)


def test_a_cache_that_cannot_be_made_is_told() -> None:
    def make(source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> Provider[Credential]:
        raise ValueError("no cache today")

    with pytest.raises(AssertionError, match=r"never returns a value past its end\. At the beginning: make\(\) raised ValueError"):
        check_named("nothing_past_its_end", cache_checks(make))()


def test_a_cache_that_lacks_what_it_is_said_to_have_is_told() -> None:
    with pytest.raises(AssertionError, match=r"the Bare has no close\(\), get_valid_for\(\), invalidate\(\), state\(\): say in has="):
        check_named("nothing_past_its_end", cache_checks(Bare))()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"steps": [{"dance": "1 s"}]}, "no such step"),
        ({"steps": [], "expected": {"applause": 1}}, "expects no such thing"),
    ],
)
def test_a_scenario_that_is_no_scenario_is_refused(data: dict[str, object], text: str) -> None:
    whole = {"sentence": "A story.", "given": {"source": [{"lasts": "1 h"}]}, "expected": {"calls": 0}, **data}
    with pytest.raises(ConfigurationError, match=text):
        Scenario("story", whole).play(CachingProvider)


def test_the_time_zone_of_the_process_is_put_back() -> None:
    program = """
        import os, time
        from alicred import CachingProvider
        from alicred.testing.conformance import cache_checks

        for before in (None, "JST-9"):
            os.environ.pop("TZ", None) if before is None else os.environ.update(TZ=before)
            time.tzset()
            names = time.tzname
            for check in cache_checks(CachingProvider):
                if "zone" in check.name or "clocks" in check.name:
                    check()
            print(os.environ.get("TZ") == before, time.tzname == names)
    """
    assert run(program) == "True True\nTrue True"


def test_the_kit_needs_no_pytest() -> None:
    program = """
        import sys
        sys.modules["pytest"] = None
        from alicred import CachingProvider, Credential, StaticProvider
        from alicred.testing.conformance import cache_checks, source_checks

        checks = (*cache_checks(CachingProvider), *source_checks(lambda: StaticProvider(Credential("id", "a-longer-secret"))))
        for check in checks:
            check()
        print(len(checks) > 70)
    """
    assert run(program) == "True"


def run(program: str) -> str:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- the page -----------------------------------------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text("utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_programs_of_the_page_are_those_that_the_type_checkers_see() -> None:
    checked = sorted((ROOT / "docs" / "examples" / "checks").glob("*.py"))
    assert sorted(PROGRAMS) == sorted(path.read_text("utf-8") for path in checked)
    assert all(f"(examples/checks/{path.name})" in PAGE for path in checked)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_of_the_page_runs(program: str, tmp_path: Path) -> None:
    path = tmp_path / "test_program.py"
    path.write_text(program, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scenario_on_the_page_is_one() -> None:
    shown = json.loads(re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0])
    assert shown in [scenario.data for scenario in scenarios()]


def test_the_page_explains_every_word_of_the_format() -> None:
    words: set[str] = set()
    for scenario in scenarios():
        data = json.loads(json.dumps(scenario.data))
        given, steps = data["given"], data["steps"]
        checks = [step.get("check", {}) for step in steps]
        words = words.union(given, given.get("policy", {}), *given["source"], *steps, *checks, data["expected"])
    table = set(re.findall(r"`([^`\n]+)`", PAGE))
    assert sorted(words - table) == []
    assert table >= FEATURES
