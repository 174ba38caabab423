"""What stands in files, variables and parameters: where it may send keys, when it is judged, and what it is called in an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from alicred import CliProfileProvider, ConfigurationError, Credential, ProfileFileProvider, RamRoleArnProvider, StaticProvider, StsClient
from alicred.default import default_provider
from tests.field import naive_settings
from tests.field.harness import Subject, bites, outcome
from tests.recording_http import RecordingHttp

ROLE = "acs:ram::1:role/reader"
FAR = "http://sts.example.com"
SESSION = {"AccessKeyId": "i", "AccessKeySecret": "s", "SecurityToken": "t", "Expiration": "2099-01-01T00:00:00Z"}
CLI = {"name": "x", "mode": "RamRoleArn", "access_key_id": "i", "access_key_secret": "s", "ram_role_arn": ROLE}
INI = f"[default]\nenable = true\ntype = ram_role_arn\naccess_key_id = i\naccess_key_secret = s\nrole_arn = {ROLE}\n"


def written(path: Path, **changes: str) -> Path:
    path.write_text(json.dumps({"current": "x", "profiles": [{**CLI, **changes}]}))
    return path


def from_anywhere(http: Any, *, endpoint: str | None = None, file: Path | None = None, environ: Mapping[str, str] = {}) -> Any:
    """A source of role sessions, with the service's address from a parameter, a file or a variable."""
    if endpoint is not None:
        return RamRoleArnProvider(StaticProvider(Credential("i", "s")), role_arn=ROLE, sts=StsClient(endpoint, http=http))
    kind = ProfileFileProvider if file is not None and file.suffix == ".ini" else CliProfileProvider
    return kind(file, environ=environ, http=http)


WAYS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "parameter": lambda _: {"endpoint": FAR},
    "profile of the tool": lambda folder: {"file": written(folder / "config.json", sts_endpoint=FAR)},
    "section": lambda folder: {"file": _section(folder / "file.ini", f"sts_endpoint = {FAR}")},
    "variable": lambda folder: {"file": _section(folder / "file.ini"), "environ": {"ALIBABA_CLOUD_STS_ENDPOINT": FAR}},
}


def _section(path: Path, more: str = "") -> Path:
    path.write_text(f"{INI}{more}\n")
    return path


@bites(naive_settings.SendsAnywhere, failing="sent in plain text", alicred=from_anywhere)
@pytest.mark.parametrize("way", WAYS)
def test_no_session_is_asked_for_where_others_can_read_along(subject: Subject, way: str, tmp_path: Path) -> None:
    http = RecordingHttp({"Credentials": SESSION})
    found = outcome(lambda: subject.make(http, **WAYS[way](tmp_path)).get())
    assert http.sent == [], "sent in plain text"
    assert isinstance(found, ConfigurationError)
    assert "Use https" in str(found)


def of_role(**parameters: Any) -> RamRoleArnProvider:
    return RamRoleArnProvider(StaticProvider(Credential("i", "s")), **parameters)


@bites(naive_settings.TakesAnyText, failing="taken", alicred=of_role)
@pytest.mark.parametrize(
    "wrong",
    [
        {"role_arn": "acs:ram::reader"},
        {"role_arn": ROLE, "session_policy": '{"Version": "1",}'},
        {"role_arn": ROLE, "session_policy": "oss:Get*"},
    ],
)
def test_a_slip_of_the_pen_in_a_role_or_a_policy_is_told_at_once(subject: Subject, wrong: dict[str, str]) -> None:
    found = outcome(lambda: subject.make(**wrong))
    assert isinstance(found, ConfigurationError), f"taken, to be found out by the first refresh: {wrong}"
    assert "acs:ram::<account>:role/<name>" in str(found) or "JSON" in str(found)


def of_profile(path: Path, environ: Mapping[str, str]) -> CliProfileProvider:
    return CliProfileProvider(path, environ=environ)


@bites(naive_settings.SpeaksOfItself, failing="not what the user wrote", alicred=of_profile)
@pytest.mark.parametrize(("key", "variable", "name"), [("a\nb", "", "ram_role_arn"), ("", "a\nb", "ALIBABA_CLOUD_ROLE_ARN")])
def test_an_error_names_what_the_user_wrote(subject: Subject, key: str, variable: str, name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "config.json", ram_role_arn=key)
    found = outcome(subject.make(path, {"ALIBABA_CLOUD_ROLE_ARN": variable}).get)
    assert isinstance(found, ConfigurationError)
    assert f"{name} holds" in str(found), f"not what the user wrote: {found}"


def of_listener(listener: Any) -> None:
    default_provider(listener=listener)


@bites(naive_settings.checks_that_it_can_be_called, failing="taken", alicred=of_listener)
def test_a_listener_that_nothing_would_await_is_called_what_it_is(subject: Subject) -> None:
    async def listener(event: object) -> None: ...

    found = outcome(lambda: subject.make(listener))
    assert isinstance(found, ConfigurationError), "taken, and every event is lost"
    assert "default_provider.listener is a coroutine function" in str(found)
    assert "Write it without async" in str(found)
