"""Tokens as values, and bad parameters."""

from __future__ import annotations

import pickle
from datetime import datetime
from typing import Any

import attrs
import pytest

from alicred.errors import ConfigurationError
from alicred.sources.oauth import OAuthTokens
from tests.sources.oauth.support import LATER, provider


def test_tokens_are_values_that_show_no_token() -> None:
    tokens = OAuthTokens("planted", "planted", LATER)
    assert repr(tokens) == f"OAuthTokens(access_token_expires_at={LATER!r})"
    assert tokens == pickle.loads(pickle.dumps(tokens)) == attrs.evolve(tokens)
    assert len({tokens, OAuthTokens("planted", "planted", LATER)}) == 1
    assert OAuthTokens("", "at") == OAuthTokens(None, "at")
    assert repr(provider(tokens=tokens)) == "OAuthProvider(client_id='4038181954557748008')"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((None,), " needs a refresh_token or an access_token"),
        (("", ""), " needs a refresh_token or an access_token"),
        ((7,), ".refresh_token must be a string"),
        ((" ",), ".refresh_token is empty"),
        (("planted\n",), ".refresh_token holds a control character"),
        (("plantedé",), ".refresh_token holds a character that no token has"),
        (("rt", b"planted"), ".access_token must be a string"),
        (("rt", "planted\x7f"), ".access_token holds a control character"),
        (("rt", "at", 4070908800), ".access_token_expires_at must be a datetime.datetime, not int"),
        (("rt", "at", datetime(2099, 1, 1)), ".access_token_expires_at has no time zone"),  # noqa: DTZ001
    ],
)
def test_tokens_that_cannot_be_are_refused(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OAuthTokens(*arguments)
    assert f"OAuthTokens{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


async def save_later(tokens: OAuthTokens) -> None: ...


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": ""}, "client_id is empty"),
        ({"sign_in_url": None}, "sign_in_url must be a string"),
        ({"sign_in_url": "oauth.aliyun.com"}, "sign_in_url: the URL must be http(s)://host"),
        ({"tokens": "planted"}, "tokens must be a OAuthTokens, not a str"),
        ({"on_tokens": "planted"}, "on_tokens must be a function, not str"),
        ({"on_tokens": save_later}, "on_tokens is a coroutine function"),
        ({"http": "planted"}, "http must be None or have a method request()"),
    ],
)
def test_a_bad_parameter_is_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider(**changes)
    assert f"OAuthProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)
