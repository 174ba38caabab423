"""The adapter for the official package, alone; tests/clients/test_official.py has the package."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading

import pytest

from alicred import CachingProvider, ConfigurationError, Credential, StaticProvider
from alicred.adapters import alibabacloud_credentials
from tests.support import HOUR, Script

HELD = Credential("the-id", "the-secret", "the-token", provider_name="bearer")


def test_it_has_the_methods_of_a_provider_there() -> None:
    adapter = alibabacloud_credentials(StaticProvider(HELD))
    for got in (adapter.get_credentials(), asyncio.run(adapter.get_credentials_async())):
        assert (got.get_access_key_id(), got.get_access_key_secret(), got.get_security_token()) == ("the-id", "the-secret", "the-token")
        assert got.get_provider_name() == adapter.get_provider_name() == "alicred"
        assert "the-secret" not in repr(got)
        assert "the-token" not in repr(got)


def test_tasks_go_through_aget_or_a_thread() -> None:
    asked_on: list[int] = []

    def note() -> object:
        asked_on.append(threading.get_ident())
        return HOUR

    async def ask() -> None:
        await alibabacloud_credentials(Script(note)).get_credentials_async()
        await alibabacloud_credentials(CachingProvider(Script(note))).get_credentials_async()

    asyncio.run(ask())
    assert len(asked_on) == 2
    assert threading.get_ident() not in asked_on


def test_it_is_copied_as_itself_and_pickled_as_its_provider() -> None:
    adapter = alibabacloud_credentials(StaticProvider(HELD))
    assert copy.deepcopy(adapter) is adapter
    assert pickle.loads(pickle.dumps(adapter)).get_credentials() == adapter.get_credentials()
    assert repr(adapter) == "<alibabacloud_credentials adapter of static_sts>"


def test_nothing_but_a_provider_is_taken() -> None:
    with pytest.raises(ConfigurationError, match="alibabacloud_credentials"):
        alibabacloud_credentials("nonsense")  # type: ignore[arg-type]
