"""The name that a program gives to a source: in ``name``, in errors and in what the source hands out."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from alicred import AlicredError, ConfigurationError, Credential, TransientError, sources
from tests.recording_http import RecordingHttp
from tests.recording_sts import RecordingSts

ROLE = {"role_arn": "acs:ram::1:role/r"}
KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "a", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"}
ANSWER = {"AccessKeyId": "i", "AccessKeySecret": "s", "SecurityToken": "t", "Expiration": "2099-01-01T00:00:00Z"}
LOGIN: dict[str, Any] = {"sign_in_url": "https://h"}
SSO = {**LOGIN, "account_id": "1", "access_configuration_id": "ac-1", "access_token": "at"}
PRINT = [sys.executable, "-c", 'print(\'{"access_key_id": "i", "access_key_secret": "s"}\')']
BROKEN = TransientError("it is broken")


def assertion() -> str:
    return "assertion"


def in_the_future() -> datetime:
    return datetime.now(timezone.utc) + timedelta(hours=1)


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def profile(folder: Path, **keys: str) -> str:
    return written(folder, "config.json", json.dumps({"current": "p", "profiles": [{"name": "p", **keys}]}))


# How each source is made, with answers that are good or not, and what comes behind its name in `provider_name`.
MAKERS: dict[str, tuple[str, Callable[[Path, bool, dict[str, Any]], Any]]] = {
    "StaticProvider": ("", lambda _, __, more: sources.StaticProvider(Credential("a", "s"), **more)),
    "EnvironmentProvider": ("", lambda _, good, more: sources.EnvironmentProvider(KEY if good else {}, **more)),
    "RamRoleArnProvider": (
        "/static_ak",
        lambda _, good, more: sources.RamRoleArnProvider(sources.StaticProvider(Credential("a", "s")), **ROLE, sts=sts(good), **more),
    ),
    "OidcRoleArnProvider": (
        "",
        lambda folder, good, more: sources.OidcRoleArnProvider(
            **ROLE, oidc_provider_arn="o", oidc_token_file=written(folder, "token", "t"), sts=sts(good), **more
        ),
    ),
    "SamlRoleArnProvider": (
        "",
        lambda _, good, more: sources.SamlRoleArnProvider(**ROLE, saml_provider_arn="s", assertion=assertion, sts=sts(good), **more),
    ),
    "EcsRamRoleProvider": ("", lambda _, __, more: sources.EcsRamRoleProvider.from_environment({FORBIDDEN: "true"}, **more)),
    "RsaKeyPairProvider": (
        "",
        lambda _, good, more: sources.RsaKeyPairProvider(public_key_id="k", private_key="p", sts=sts(good), **more),
    ),
    "CredentialsUriProvider": ("", lambda _, good, more: sources.CredentialsUriProvider("https://h", http=http(good), **more)),
    "ExternalProcessProvider": ("", lambda _, good, more: sources.ExternalProcessProvider(PRINT if good else ["/nothing"], **more)),
    "CloudSsoProvider": (
        "",
        lambda _, good, more: sources.CloudSsoProvider(**SSO, access_token_expires_at=in_the_future(), http=http(good), **more),
    ),
    "OAuthProvider": (
        "",
        lambda _, good, more: sources.OAuthProvider(
            **LOGIN, client_id="c", tokens=sources.OAuthTokens(None, "at", in_the_future()), http=http(good), **more
        ),
    ),
    "FunctionComputeProvider": (
        "/env",
        lambda _, good, more: sources.FunctionComputeProvider.from_environment(KEY if good else {}, **more),
    ),
    "ProfileFileProvider": (
        "/static_ak",
        lambda folder, good, more: sources.ProfileFileProvider(
            written(folder, "ini", f"[default]\ntype = {'access_key' if good else '?'}\naccess_key_id = a\naccess_key_secret = s\n"),
            environ={},
            **more,
        ),
    ),
    "CliProfileProvider": (
        "/static_ak",
        lambda folder, good, more: sources.CliProfileProvider(
            profile(folder, mode="AK" if good else "?", access_key_id="a", access_key_secret="s"), environ={}, **more
        ),
    ),
    "BearerProfileProvider": (
        "/bearer",
        lambda folder, good, more: sources.BearerProfileProvider(
            profile(folder, mode="BearerToken" if good else "AK", bearer_token="b"), environ={}, **more
        ),
    ),
}
FORBIDDEN = "ALIBABA_CLOUD_ECS_METADATA_DISABLED"
NEVER_FAILS, NEEDS_A_SERVICE = "StaticProvider", "EcsRamRoleProvider"


def sts(good: bool) -> Any:
    return RecordingSts() if good else RecordingSts(BROKEN)


def http(good: bool) -> Any:
    return RecordingHttp({**ANSWER, "CloudCredential": ANSWER} if good else BROKEN)


def test_each_source_is_here() -> None:
    assert set(MAKERS) == {name for name in sources.__all__ if name.endswith("Provider")}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_source_goes_by_the_name_that_it_is_given(kind: str, tmp_path: Path) -> None:
    inner, make = MAKERS[kind]
    BROKEN.provider = ""
    made = make(tmp_path, True, {"name": "mine"})
    assert made.name == "mine"
    if kind != NEEDS_A_SERVICE:
        assert made.get().provider_name == f"mine{inner}"
    if kind != NEVER_FAILS:
        broken = make(tmp_path, False, {"name": "mine"})
        with pytest.raises(AlicredError) as caught:
            broken.get()
        assert caught.value.provider.split("/")[0] == "mine"


@pytest.mark.parametrize("kind", MAKERS)
def test_a_name_travels_in_a_pickle(kind: str, tmp_path: Path) -> None:
    made = MAKERS[kind][1](tmp_path, True, {"name": "mine"})
    assert pickle.loads(pickle.dumps(made)).name == "mine"


@pytest.mark.parametrize("name", ["", 7, "two\nlines"])
@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_no_name_is_refused(kind: str, name: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{kind}\.name "):
        MAKERS[kind][1](tmp_path, True, {"name": name})


@pytest.mark.parametrize("kind", ["OidcRoleArnProvider", "EcsRamRoleProvider", "CredentialsUriProvider", "FunctionComputeProvider"])
def test_one_that_reads_the_environment_has_a_name_too(kind: str) -> None:
    made = getattr(sources, kind).from_environment({FORBIDDEN: "true"}, name="mine")
    assert made.name == "mine"
    assert "environment" in repr(made)
    with pytest.raises(AlicredError) as caught:
        made.get()
    assert caught.value.provider.split("/")[0] == "mine"
