"""What is quoted of a service's own message, and what is not."""

from __future__ import annotations

import base64
import html
import json
import string
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from alicred.wire.service_message import LONGEST, MASK, clean

SENTENCES = [
    "You are not authorized to do this action. You should be authorized by RAM.",
    "Roles may not be assumed by root accounts.",
    "The specified Role not exists.",
    "The role not exists: acs:ram::1000000000000001:role/test-role.",
    "The parameter RoleSessionName is wrongly formed.",
    "The Min/Max value of DurationSeconds is 15min/12hr.",
    "This JsonWebToken is expired.",
    "Specified SecurityToken mismatch with the AccessKey.",
    "Specified time stamp 2026-01-02T03:04:05Z or date value is expired.",
    "No such OIDC Provider registered.",
    "invalid_grant: the refresh token is invalid, has been used or belongs to another client (OAuth2).",
    "The action sts:AssumeRole is denied in cn-hangzhou; this API doesn't support RAM, or IPv6 and HMAC-SHA1.",
    "指定的角色不存在",
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_services_say_is_quoted_as_it_is(sentence: str) -> None:
    assert clean(sentence, ["planted-secret-of-this-request"]) == sentence


LETTERS = string.ascii_letters + string.digits
SHAPES: dict[str, st.SearchStrategy[str]] = {
    "key secret": st.text(LETTERS, min_size=30, max_size=30),
    "security token": st.text(LETTERS + "+/", min_size=80, max_size=200).map(lambda text: f"CAIS{text}=="),
    "metadata token": st.binary(min_size=32, max_size=64).map(lambda raw: base64.b64encode(raw).decode()),
    "url-safe token": st.binary(min_size=32, max_size=64).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    "hex": st.binary(min_size=16, max_size=64).map(bytes.hex),
    "jwt": st.lists(st.binary(min_size=20, max_size=60), min_size=3, max_size=3).map(
        lambda parts: "eyJ" + ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    ),
    "pem": st.binary(min_size=60, max_size=200).map(
        lambda raw: f"-----BEGIN PRIVATE KEY-----\n{base64.encodebytes(raw).decode()}-----END PRIVATE KEY-----"
    ),
    "wrapped": st.binary(min_size=60, max_size=200).map(lambda raw: base64.encodebytes(raw).decode()),
}
real = st.sampled_from(sorted(SHAPES)).flatmap(SHAPES.__getitem__)

DRESSES: list[Callable[[str], str]] = [
    str,
    lambda text: urllib.parse.quote(text, safe=""),
    lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    urllib.parse.quote_plus,
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.b64encode(f"a{text}".encode()).decode(),
    lambda text: base64.urlsafe_b64encode(f"ab{text}c".encode()).decode(),
    lambda text: text.encode().hex(),
    lambda text: text.encode().hex().upper(),
    html.escape,
    lambda text: json.dumps(text)[1:-1],
    lambda text: text.replace("/", "\\/"),
    str.upper,
]
dresses = st.sampled_from(DRESSES)
AROUND = [
    "{}",
    "the token {} is bad",
    "the value '{}' of SecurityToken",
    "token={}&x=y is wrong",
    "bad({}), sorry",
    "the{}end is bad",
    "is {}.",
    "x:{} y z",
]


def pieces(text: str, size: int) -> set[str]:
    """Everything of *text* that is *size* characters long."""
    return {text[start : start + size] for start in range(max(1, len(text) - size + 1))}


@given(secret=real, dress=dresses, around=st.sampled_from(AROUND), more=st.sampled_from(SENTENCES))
def test_what_looks_like_a_key_or_a_token_is_cut(secret: str, dress: Callable[[str], str], around: str, more: str) -> None:
    """Although nothing here knows it: a service may quote what it has made itself."""
    planted = dress(secret)
    text = clean(f"{more} {around.format(planted)} {more}")
    shown = "" if text is None else text.replace(more, "")
    for line in planted.split():
        assert not any(piece in shown for piece in pieces(line, 8) if len(piece) == 8), text


# Of no shape at all: what a person chose. Eight characters are the least by which part of one can be told from a word.
chosen = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=80)


@given(
    secret=st.one_of(chosen, real), dress=dresses, around=st.sampled_from(AROUND), more=st.sampled_from(SENTENCES), cut=st.integers(0, 60)
)
@example("correct-horse", DRESSES[0], "the token {} is bad", SENTENCES[0], 0)
@example("externalid", DRESSES[0], "the token {} is bad", SENTENCES[0], 0)
@example("abcd", DRESSES[4], "the token {} is bad", SENTENCES[0], 0)
@example("https://x", DRESSES[9], "the token {} is bad", SENTENCES[0], 0)
def test_what_was_sent_is_cut_in_every_form(secret: str, dress: Callable[[str], str], around: str, more: str, cut: int) -> None:
    planted = dress(secret)[cut:]
    assume(len(planted) >= (16 if cut else 4))  # the ends of base64 mix with what is around
    assume(planted.lower() not in f"{more} {around}".lower())
    text = clean(f"{more} {around.format(planted)}", [secret])
    assert text is None or planted.lower() not in text.lower()
    if len(secret) > 7:
        assert text is None or secret.lower() not in text.lower()


@pytest.mark.parametrize(
    ("secret", "word"),
    [
        ("correcthorse", "correcthorse"),
        ("correcthorse", "incorrecthorses"),
        ("correcthorse", "correcth"),
        ("correcthorse", "CORRECTHORSE"),
        ('"horse"and"cart"', "&quot;horse&quot;and"),
        ("word", "&#119;&#111;&#114;&#100;"),
        ("abc", "616263"),
        ("jxgmph", "anhnbXBo"),
        ("jxgmp", "anhnbXBo"),
        ("tliou", "eHRsaW91"),
        ("dlsbqgb", "eHhkbHNicWdi"),
        ("eahnxdtad", "ZWFobnhkdGFk"),
    ],
)
def test_a_secret_that_looks_like_a_word_is_cut_in_every_form(secret: str, word: str) -> None:
    """The other properties would not notice: what has been encoded looks like no word, mostly."""
    assert clean(f"the value {word} is bad", ["another"]) == f"the value {word} is bad"
    assert clean(f"the value {word} is bad", ["another", secret]) in (f"the value {MASK} is bad", None)


@pytest.mark.parametrize("gap", ["\u200b", "\n", " ", "\x07", "\u2028", "\t "])
def test_a_secret_with_gaps_in_it_is_found(gap: str) -> None:
    secret = "correcthorsebatterystaple"
    assert clean(f"the phrase is {secret[:6]}{gap}{secret[6:12]}{gap}{secret[12:]} today", [secret]) in (
        None,
        f"the phrase is {MASK} today",
    )


def test_a_secret_in_full_width_letters_is_found() -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) for c in "correcthorse")
    assert clean(f"the phrase {wide} is bad", ["correcthorse"]) == f"the phrase {MASK} is bad"


def test_a_short_secret_is_cut_where_it_stands_alone() -> None:
    assert clean("the id 'ab' is about to end", ["ab"]) == f"the id {MASK} is about to end"


@pytest.mark.parametrize("secret", ["", " "])
def test_a_secret_of_nothing_cuts_nothing(secret: str) -> None:
    assert clean("the role is gone", [secret]) == "the role is gone"


@pytest.mark.parametrize(
    "message",
    [
        "",
        "planted",
        "'planted'",
        "Pl4nt3d t0k3ns4r3 b4d",
        "\ud800 is no character",
        "a " * 3000,
        "-----BEGIN PRIVATE KEY----- a b c d",
        "see PRIVATE KEY x y z",
    ],
)
def test_what_cannot_be_cleaned_with_certainty_is_left_out(message: str) -> None:
    assert clean(message, []) is None


def test_the_request_that_a_service_quotes_is_cut_off() -> None:
    said = "The request signature does not conform to standards. "
    assert clean(f"{said}server string to sign is:POST&%2F&SecurityToken%3D{'x' * 20_000}", []) == said.strip()
    assert clean(f"{said}Server CanonicalRequest is: POST\n/\n\nhost:x y z", []) == said.strip()


def test_a_cleaned_message_is_one_short_line() -> None:
    text = clean("one\r\n\ttwo  three\x1b[0m " + "word " * 200, [])
    assert text is not None
    assert text.startswith("one two three")
    assert text.endswith("word …")
    assert text.isprintable()
    assert LONGEST - 10 < len(text) <= LONGEST


def test_quotes_become_single_ones() -> None:
    assert clean('the value "x" is bad', []) == "the value 'x' is bad"


@given(st.text(), st.lists(st.text(max_size=50), max_size=3))
def test_every_text_is_one_short_line_or_left_out(message: str, secrets: list[str]) -> None:
    text = clean(message, secrets)
    assert text is None or (len(text) <= LONGEST and text.isprintable() and text.strip() == text)


def test_a_long_secret_takes_no_long_time() -> None:
    import time

    began = time.perf_counter()
    clean(" ".join(SENTENCES) * 3, ["Ab1" * 33_000])
    assert time.perf_counter() - began < 10  # a third of a second on an idle machine
