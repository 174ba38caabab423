"""What `sdk_core` and `sdk_core_client` do where their client is not installed; tests/clients/test_sdk_core.py has the rest."""

from __future__ import annotations

import sys

import pytest

from alicred import ConfigurationError, Credential, StaticProvider
from alicred.adapters import sdk_core, sdk_core_client

PROVIDER = StaticProvider(Credential("the-id", "the-secret", "the-token"))


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "aliyunsdkcore" or name == "alicred.adapters._clients.sdk_core"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aliyunsdkcore", None)


@pytest.mark.usefixtures("not_installed")
def test_a_client_that_is_not_there_is_asked_for() -> None:
    for name, make in (("sdk_core", lambda: sdk_core(PROVIDER)), ("sdk_core_client", lambda: sdk_core_client(PROVIDER, "cn-hangzhou"))):
        with pytest.raises(ConfigurationError) as caught:
            make()
        assert str(caught.value).startswith(f"{name} needs the package aliyun-python-sdk-core: pip install aliyun-python-sdk-core")
        assert isinstance(caught.value.__cause__, ImportError)


def test_variables_that_the_client_would_prefer_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_ID", "somebody-else")
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_SECRET", "planted-secret")
    with pytest.raises(ConfigurationError, match="unset them, or use sdk_core_client") as caught:
        sdk_core(PROVIDER)
    assert "planted" not in str(caught.value)
