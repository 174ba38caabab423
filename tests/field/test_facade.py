"""`alicred.compat`, for programs that were written for the official package."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alicred.compat.exceptions import CredentialException
from alicred.compat.provider import EnvironmentVariableCredentialsProvider, ExternalCredentialsProvider, ProfileCredentialsProvider
from alicred.compat.provider.refreshable import Credentials
from alicred.compat.utils import auth_util
from alicred.testing import FakeCloud
from alicred.wire.http import HttpClient
from tests.compat.support import command_of
from tests.field import naive_facade
from tests.field.harness import Subject, bites
from tests.recording_http import RecordingHttp

KEY = {"mode": "StsToken", "access_key_id": "id", "access_key_secret": "secret", "sts_token": "token", "expiration": "2099-01-31T12:00:00Z"}


def of_program(_: Callable[[], Credentials], callback: Callable[..., None]) -> ExternalCredentialsProvider:
    return ExternalCredentialsProvider(process_command=command_of(f"print({json.dumps(KEY)!r})"), credential_update_callback=callback)


@bites(naive_facade.LosesWhatItHasFetched, failing="the key is lost", alicred=of_program)
@pytest.mark.parametrize("ending", [asyncio.CancelledError, SystemExit])
def test_a_callback_that_is_cancelled_loses_no_key(subject: Subject, ending: type[BaseException]) -> None:
    def callback(*_: object) -> None:
        raise ending

    provider = subject.make(lambda: Credentials(access_key_id="id", access_key_secret="secret"), callback)
    try:
        found = provider.get_credentials()
    except ending:
        raise AssertionError("the key is lost with the callback") from None
    assert found.get_access_key_id() == "id"


def of_section(path: Path, _: object = None) -> ProfileCredentialsProvider:
    return ProfileCredentialsProvider(profile_file=str(path))


@bites(naive_facade.ReadsTheSectionAlone, failing="the variable does not count", alicred=of_section)
def test_variables_fill_what_a_section_leaves_out(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    path = tmp_path / "credentials.ini"
    path.write_text("[default]\ntype = access_key\n")
    found = subject.make(path).get_credentials()
    assert found.get_access_key_id() == "id", "the variable does not count"


@bites(naive_facade.ReadsTheSectionAlone, failing="asked elsewhere", alicred=of_section)
def test_a_key_pair_of_a_section_is_used_where_key_pairs_are(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = {"SessionAccessKeyId": "i", "SessionAccessKeySecret": "s", "Expiration": "2099-01-01T00:00:00Z"}
    http = RecordingHttp({"SessionAccessKey": session})
    monkeypatch.setattr(HttpClient, "request", lambda _, *args, **more: http.request(*args, **more))
    path, pem = tmp_path / "credentials.ini", tmp_path / "key.pem"
    pem.write_text(FakeCloud().add_rsa_key()[1])
    path.write_text(f"[default]\ntype = rsa_key_pair\npublic_key_id = p\nprivate_key_file = {pem}\n")
    subject.make(path, lambda url: http.request("POST", url)).get_credentials()
    assert [sent.url for sent in http.sent] == ["https://sts.ap-northeast-1.aliyuncs.com/"], "asked elsewhere"


class Assignable:
    """The module, and a provider."""

    def __setattr__(self, name: str, value: str) -> None:
        setattr(auth_util, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(auth_util, name)

    def get_access_key_id(self) -> Any:
        return EnvironmentVariableCredentialsProvider().get_credentials().get_access_key_id()


@bites(naive_facade.LooksElsewhere, failing="without effect", alicred=Assignable)
def test_what_a_program_assigns_counts(subject: Subject) -> None:
    module = subject.make()
    names = ("environment_access_key_id", "environment_access_key_secret")
    for name in names:
        setattr(module, name, "assigned")
    try:
        assert module.get_access_key_id() == "assigned", "without effect, and without a word"
    finally:
        for name in names:
            delattr(module, name)
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" not in os.environ


def time_out_of_a_program(timeout: float) -> float:
    """The one that its error tells of."""
    provider = ExternalCredentialsProvider(process_command=command_of("import time; time.sleep(50)"), timeout=timeout)
    with pytest.raises(CredentialException) as caught:
        provider.get_credentials()
    return float(str(caught.value).partition(" s")[0].rpartition(" ")[2])


@bites(naive_facade.whole_seconds, failing="waits for", alicred=time_out_of_a_program)
def test_a_time_out_of_half_a_second_is_half_a_second(subject: Subject) -> None:
    assert subject.make(0.5) == 0.5, "waits for a minute instead"
