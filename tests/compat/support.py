"""The two packages side by side, and a cloud for both."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import shlex
import sys
import warnings
from collections.abc import Callable
from typing import Any

import attrs

from alicred.testing import FakeCloud

OURS, OFFICIAL = "alicred.compat", "alibabacloud_credentials"
HAS_OFFICIAL = importlib.util.find_spec(OFFICIAL) is not None
PACKAGES = [OURS, OFFICIAL] if HAS_OFFICIAL else [OURS]


@attrs.frozen
class Package:
    """One of the two packages; attribute access imports its modules."""

    name: str

    def __getattr__(self, module: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(f"{self.name}.{module}")

    def client(self, **parameters: object) -> Any:
        return self.of("client").Client(self.of("models").Config(**parameters))

    def of(self, module: str) -> Any:
        return self.__getattr__(module)

    @property
    def is_ours(self) -> bool:
        return self.name == OURS


def host_of(cloud: FakeCloud) -> str:
    """What ``sts_endpoint`` is in the official package: a host, with a port here."""
    return cloud.endpoint.partition("://")[2]


def keys(cloud: FakeCloud) -> dict[str, str]:
    """The key of the cloud's user, as parameters."""
    return {"access_key_id": cloud.access_key.access_key_id, "access_key_secret": cloud.access_key.access_key_secret}


def session(cloud: FakeCloud) -> dict[str, str]:
    """A temporary key of the cloud, as parameters."""
    found = cloud.sts_client().assume_role(cloud.access_key, role_arn=cloud.role_arn, role_session_name="before")
    assert found.security_token is not None
    return {
        "access_key_id": found.access_key_id,
        "access_key_secret": found.access_key_secret,
        "security_token": found.security_token,
    }


def command_of(program: str) -> str:
    """A command line that runs the Python *program*."""
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(program)}"


def whole(value: Any) -> dict[str, Any]:
    """A model, or what a provider hands out, part by part."""
    names = ("access_key_id", "access_key_secret", "security_token", "bearer_token", "type", "provider_name", "expiration")
    return {name: ask() for name in names if (ask := getattr(value, f"get_{name}", None)) is not None}


WAYS: dict[str, Callable[[Any, str], Any]] = {
    "sync": lambda asked, method: getattr(asked, method)(),
    "async": lambda asked, method: asyncio.run(getattr(asked, f"{method}_async")()),
}
