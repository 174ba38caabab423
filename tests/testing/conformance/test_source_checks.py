"""The checks of sources: each finds the source that breaks its promise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path

import attrs
import pytest

from alicred import (
    Clock,
    ConfigurationError,
    Credential,
    Provider,
    StaticProvider,
    TransientError,
)
from alicred.testing import FakeClock
from alicred.testing.conformance import source_checks
from tests.testing.conformance.broken_sources import BROKEN, BROKEN_FAILURES
from tests.testing.conformance.support import HOUR, NAMES, PASSWORD, SECRET, HoldsALock, NeverMade, SaysThePassword, Vault, check_named


class Down(Vault):
    """One that cannot deliver, as it should be."""

    def get(self) -> Credential:
        raise TransientError("the vault is down: wait")


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


def test_every_check_of_a_source_is_broken_by_some_source() -> None:
    assert {name for _, name, _ in BROKEN + BROKEN_FAILURES} == set(NAMES)


def test_a_secret_that_is_too_short_to_be_looked_for_is_refused() -> None:
    with pytest.raises(AssertionError, match="too short to be looked for"):
        check_named("secrecy", source_checks(Vault, secrets=["short"]))()


def test_a_value_of_ones_own_may_say_which_its_secrets_are() -> None:
    @attrs.frozen
    class Ticket:
        code: str = "the-code-of-a-ticket"
        expires_at: None = None

    class IssuedTokens:
        name = "issued_tokens"

        def get(self) -> Ticket:
            return Ticket()

    with pytest.raises(AssertionError, match="say which they are with secrets_of="):
        check_named("secrecy", source_checks(IssuedTokens))()
    with pytest.raises(AssertionError, match=r"a secret shows in repr\(value\): "):
        check_named("secrecy", source_checks(IssuedTokens, secrets_of=lambda ticket: [ticket.code]))()
