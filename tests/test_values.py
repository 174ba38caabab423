"""Credentials and bearer tokens as values."""

from __future__ import annotations

import copy
import logging
import pickle
from datetime import datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred import BearerToken, ConfigurationError, Credential, Expiring
from alicred.credential import named
from tests.strategies import EPOCH

FULL = Credential("the-id", "the-secret", "the-token", EPOCH, "profile/ram_role_arn")
BEARER = BearerToken("the-token", EPOCH, "bearer")


@pytest.mark.parametrize("value", [FULL, BEARER])
@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, "%s".__mod__])
def test_no_text_of_a_value_holds_a_secret(value: object, show: object) -> None:
    text = show(value)  # type: ignore[operator]
    assert "the-secret" not in text
    assert "the-token" not in text
    assert "2026" in text


def test_the_text_of_a_credential_names_its_id_and_its_end_only() -> None:
    assert repr(FULL) == f"Credential(access_key_id='the-id', expires_at={EPOCH!r})"


def test_a_logged_credential_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("app").info("using %s and %r in %s", FULL, BEARER, [FULL, {"c": BEARER}])
    assert "the-secret" not in caplog.text
    assert "the-token" not in caplog.text


CONTROLS = [chr(code) for code in (*range(32), *range(127, 160))]


@pytest.mark.parametrize("control", CONTROLS)
def test_control_characters_are_refused_wherever_they_stand(control: str) -> None:
    for bad in (control, f"a{control}b", f"a{control}", f"{control}a"):
        for parts in ((bad, "s"), ("i", bad), ("i", "s", bad)):
            with pytest.raises(ConfigurationError, match="control character"):
                Credential(*parts)
        with pytest.raises(ConfigurationError, match="control character"):
            BearerToken(bad)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"access_key_id": ""}, "access_key_id is empty"),
        ({"access_key_secret": ""}, "access_key_secret is empty"),
        ({"access_key_id": "  "}, "access_key_id is empty"),
        ({"access_key_id": None}, "access_key_id must be a string"),
        ({"access_key_secret": b"s"}, "access_key_secret must be a string"),
        ({"security_token": 5}, "security_token must be a string"),
        ({"expires_at": datetime(2026, 1, 1)}, "expires_at has no time zone"),  # noqa: DTZ001  (that is the point)
        ({"expires_at": datetime.max.replace(tzinfo=timezone(-timedelta(hours=5)))}, "expires_at is beyond"),
        ({"expires_at": "2026-01-01T00:00:00Z"}, "expires_at must be a datetime"),
        ({"expires_at": 1767225600}, "expires_at must be a datetime"),
    ],
)
def test_what_is_wrong_is_named_and_never_quoted(parts: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        Credential(**{"access_key_id": "i", "access_key_secret": "hush", **parts})  # type: ignore[arg-type]
    assert "hush" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_an_empty_token_is_none() -> None:
    assert Credential("i", "s", "").security_token is None


def test_the_end_is_kept_in_utc() -> None:
    beijing = EPOCH.astimezone(timezone(timedelta(hours=8)))
    for value in (Credential("i", "s", None, beijing), BearerToken("t", beijing)):
        assert value.expires_at == EPOCH
        assert value.expires_at is not None
        assert value.expires_at.tzinfo is timezone.utc


@pytest.mark.parametrize("value", [FULL, BEARER])
def test_values_are_frozen_hashable_picklable_and_replaceable(value: Credential | BearerToken) -> None:
    with pytest.raises(AttributeError):
        value.expires_at = None  # type: ignore[misc]
    for twin in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value), attrs.evolve(value)):
        assert twin == value
        assert hash(twin) == hash(value)
        assert twin.provider_name == value.provider_name
    assert attrs.evolve(value, expires_at=None) != value
    if hasattr(copy, "replace"):
        assert copy.replace(value, expires_at=None) == attrs.evolve(value, expires_at=None)


def test_the_name_of_the_provider_takes_no_part_in_equality() -> None:
    other = attrs.evolve(FULL, provider_name="env")
    assert other == FULL
    assert hash(other) == hash(FULL)


@pytest.mark.parametrize("value", [FULL, BEARER])
def test_a_named_value_differs_in_its_name_alone(value: Credential | BearerToken) -> None:
    before = attrs.asdict(value)
    assert attrs.asdict(named(value, "chain/env")) == {**before, "provider_name": "chain/env"}
    assert type(named(value, "chain/env")) is type(value)
    assert attrs.asdict(value) == before


@attrs.frozen(cache_hash=True)
class Tagged(Credential):
    """A credential of somebody's own, with more than its fields."""

    tag: str = "blue"


class Plain(Credential):
    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        object.__setattr__(self, "tag", "blue")


def test_a_named_value_of_somebodys_own_class_lacks_nothing() -> None:
    tagged = named(Tagged("the-id", "the-secret"), "vault")
    assert (tagged.tag, tagged.provider_name, hash(tagged)) == ("blue", "vault", hash(Tagged("the-id", "the-secret")))
    assert named(Plain("the-id", "the-secret"), "vault").tag == "blue"  # type: ignore[attr-defined]  # a class without annotations


# Each of them stands for a kind, with the words that name it.
FOREIGN = {
    "\u200b": "ZERO WIDTH SPACE, which cannot be seen",
    "\ufeff": "ZERO WIDTH NO-BREAK SPACE, which cannot be seen",
    "\u2060": "WORD JOINER, which cannot be seen",
    "\u200f": "RIGHT-TO-LEFT MARK, which cannot be seen",
    "\xa0": "NO-BREAK SPACE, which cannot be seen",
    "\ue000": "Co, which cannot be seen",
    "\uff45": "a full-width letter outside ASCII",
    "\u0435": "a letter outside ASCII",
    "\u0301": "a mark outside ASCII",
    "\u0661": "a digit outside ASCII",
    "\u2013": "a punctuation mark outside ASCII",
    "\u20ac": "a symbol outside ASCII",
    "\ud800": "half a character",
}


@pytest.mark.parametrize(("foreign", "words"), FOREIGN.items(), ids=[f"U+{ord(c):04X}" for c in FOREIGN])
def test_what_is_not_ascii_is_refused_wherever_it_stands_and_its_kind_is_named(foreign: str, words: str) -> None:
    for bad in (f"the{foreign}secret", f"the-secret{foreign}", f"{foreign}the-secret"):
        for parts, name in (((bad, "s"), "access_key_id"), (("i", bad), "access_key_secret"), (("i", "s", bad), "security_token")):
            with pytest.raises(ConfigurationError, match=rf"^Credential\.{name} holds .*{words}") as caught:
                Credential(*parts)
            assert "secret" not in str(caught.value).partition(" holds ")[2]
            assert foreign not in str(caught.value)
        with pytest.raises(ConfigurationError, match=rf"^BearerToken\.token holds .*{words}"):
            BearerToken(bad)


@pytest.mark.parametrize("bad", [" the-secret", "the-secret ", "  the-secret  "])
def test_blanks_around_a_part_are_refused(bad: str) -> None:
    for parts in ((bad, "s"), ("i", bad), ("i", "s", bad)):
        with pytest.raises(ConfigurationError, match=r"^Credential\.\w+ has white space around it") as caught:
            Credential(*parts)
        assert "the-secret" not in str(caught.value)


_PART = st.one_of(st.text(min_size=1), st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))


@given(_PART, _PART, st.one_of(st.just(""), _PART))
def test_every_printable_ascii_text_is_a_value_and_comes_back_as_it_is(key_id: str, secret: str, token: str) -> None:
    parts = (key_id, secret, *([token] if token else []))
    if any(text != text.strip() or not text.isascii() or not text.isprintable() for text in parts):
        with pytest.raises(ConfigurationError):
            Credential(key_id, secret, token)
    else:
        made = Credential(key_id, secret, token)
        assert (made.access_key_id, made.access_key_secret, made.security_token) == (key_id, secret, token or None)


def test_values_are_what_a_cache_can_hold() -> None:
    held: list[Expiring] = [FULL, BEARER]
    assert [value.expires_at for value in held] == [EPOCH, EPOCH]
