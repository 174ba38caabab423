"""The default chain, through real files, mappings and a cloud."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alicred.chain import ChainProvider
from alicred.credential import Credential
from alicred.default import default_chain, default_provider
from alicred.errors import ChainError, ConfigurationError, DeniedError, NotConfiguredError, SourceOutcome, TransientError
from alicred.events import ChainResolved, RefreshSucceeded, RetryScheduled, SourceSkipped
from alicred.policy.backoff import Backoff
from alicred.policy.refresh import RefreshPolicy
from alicred.policy.retry import RetryPolicy
from alicred.refresh.cache import CachingProvider
from alicred.sources._late import LateSource
from alicred.sources.environment import EnvironmentProvider
from alicred.testing import FakeCloud, faults
from alicred.wire.http import HttpClient
from alicred.wire.imds import ImdsClient
from alicred.wire.sts import StsClient
from tests.recording_sts import RecordingSts
from tests.reference_file import REFERENCE
from tests.support import HOUR, Recorder, Script

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "planted"}
AT_ONCE = RetryPolicy(backoff=Backoff(initial=timedelta(0)))
NAMES = ("env", "oidc_role_arn", "cli_profile", "profile", "ecs_ram_role", "credentials_uri")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".alibabacloud").mkdir()
    return tmp_path


def profile_file(home: Path, text: str) -> Path:
    path = home / ".alibabacloud" / "credentials"
    path.write_text(text)
    return path


def cli_file(home: Path, key_id: str) -> Path:
    path = home / ".aliyun" / "config.json"
    path.parent.mkdir()
    profile = {"name": "p", "mode": "AK", "access_key_id": key_id, "access_key_secret": "planted"}
    path.write_text(json.dumps({"current": "p", "profiles": [profile]}))
    return path


def clients(cloud: FakeCloud) -> dict[str, Any]:
    http = HttpClient(ca_file=cloud.ca_file)
    return {"sts": StsClient(cloud.endpoint, http=http), "imds": ImdsClient(cloud.imds_endpoint)}


def oidc_variables(cloud: FakeCloud, home: Path) -> dict[str, str]:
    (home / "token").write_text(cloud.add_oidc_token() + "\n")
    return {
        "ALIBABA_CLOUD_ROLE_ARN": cloud.role_arn,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": cloud.oidc_provider_arn,
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(home / "token"),
    }


# --- the order ----------------------------------------------------------------------------------------------------------------------


def test_each_source_counts_when_those_before_it_are_not_set_up(home: Path) -> None:
    with FakeCloud() as cloud:
        environ = {"HOME": str(home), **oidc_variables(cloud, home), **KEYS}
        profile = profile_file(home, REFERENCE)
        cli = cli_file(home, "cli-id")
        environ["ALIBABA_CLOUD_CREDENTIALS_URI"] = f"{cloud.http_endpoint}/credentials"

        def found() -> str:
            return default_chain(environ=environ, **clients(cloud)).get().provider_name

        assert found() == "default/env"
        for name in KEYS:
            del environ[name]
        assert found() == "default/oidc_role_arn"
        del environ["ALIBABA_CLOUD_ROLE_ARN"]
        assert found() == "default/cli_profile/static_ak"
        environ["ALIBABA_CLOUD_CLI_PROFILE_DISABLED"] = "true"
        assert found() == "default/profile/static_ak"
        profile.unlink()
        assert found() == "default/ecs_ram_role"
        environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
        assert found() == "default/credentials_uri"
        del environ["ALIBABA_CLOUD_CREDENTIALS_URI"]
        cli.unlink()
        with pytest.raises(ChainError):
            found()


def test_the_process_environment_and_home_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = default_chain(sts=RecordingSts())
    home = Path(os.environ["HOME"])
    (home / ".alibabacloud").mkdir()
    profile_file(home, REFERENCE)
    assert chain.get().provider_name == "default/profile/static_ak"
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert default_chain().get().provider_name == "default/env"


def test_a_sections_role_is_named_with_what_lies_below_it(home: Path) -> None:
    with FakeCloud() as cloud:
        key = cloud.access_key
        profile_file(
            home,
            f"[default]\nenable = true # on\ntype = ram_role_arn # role\naccess_key_id = {key.access_key_id} # Key\n"
            f"access_key_secret = {key.access_key_secret} # Secret\nrole_arn = {cloud.role_arn} # the role\n",
        )
        found = default_chain(environ={"HOME": str(home)}, **clients(cloud)).get()
        assert found.provider_name == "default/profile/ram_role_arn/static_ak"
        assert clients(cloud)["sts"].get_caller_identity(found).identity_type == "AssumedRoleUser"


@pytest.mark.parametrize(
    ("name", "outcome"), [(None, "default/profile/static_ak"), ("client1", None), ("client2", None), ("client3", None)]
)
def test_the_reference_file_in_the_chain(home: Path, name: str | None, outcome: str | None) -> None:
    profile_file(home, REFERENCE)
    environ = {"HOME": str(home), "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
    if name is not None:
        environ["ALIBABA_CLOUD_PROFILE"] = name
    chain = default_chain(environ=environ, require_enable=True)
    if outcome is None:
        with pytest.raises(ChainError, match=r"`enable = true`"):
            chain.get()
    else:
        found = chain.get()
        assert (found, found.provider_name) == (Credential("foo", "bar"), outcome)


# --- what is broken is not passed over ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id"}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not"),
        ({"ALIBABA_CLOUD_CREDENTIALS_FILE": "/nowhere"}, "which ALIBABA_CLOUD_CREDENTIALS_FILE names, does not exist"),
        ({"ALIBABA_CLOUD_PROFILE": "missing"}, "has no section 'missing', which ALIBABA_CLOUD_PROFILE names"),
    ],
)
def test_a_source_that_is_set_up_wrongly_ends_the_walk(home: Path, environ: dict[str, str], words: str) -> None:
    profile_file(home, REFERENCE)
    with FakeCloud() as cloud:
        with pytest.raises(ConfigurationError, match=words):
            default_chain(environ={"HOME": str(home), **environ}, **clients(cloud)).get()
        assert cloud.count() == 0


def test_a_denied_role_ends_the_walk_without_a_second_try(home: Path) -> None:
    with FakeCloud() as cloud:
        environ = {"HOME": str(home), **oidc_variables(cloud, home)}
        (home / "token").write_text("no-token-of-this-cloud")
        with pytest.raises(DeniedError):
            default_chain(environ=environ, retry=AT_ONCE, **clients(cloud)).get()
        assert cloud.count() == 1


# --- retries ------------------------------------------------------------------------------------------------------------------------


def test_what_goes_over_the_network_is_tried_again(home: Path) -> None:
    with FakeCloud() as cloud:
        environ = {"HOME": str(home), **oidc_variables(cloud, home)}
        cloud.inject(faults.ServerError(), operation="AssumeRoleWithOIDC", times=2)
        recorder = Recorder()
        provider = default_provider(environ=environ, retry=AT_ONCE, listener=recorder, **clients(cloud))
        assert provider.get().provider_name == "default/oidc_role_arn"
        assert cloud.count("AssumeRoleWithOIDC") == 3
        assert len(recorder.of(RetryScheduled)) == 2
        cloud.inject(faults.ServerError(), operation="AssumeRoleWithOIDC", times=1)
        with pytest.raises(TransientError):
            default_chain(environ=environ, retry=RetryPolicy(attempts=1), **clients(cloud)).get()


def test_a_machine_that_is_no_instance_is_asked_once(home: Path, closed_port: int) -> None:
    recorder = Recorder()
    imds = ImdsClient(f"http://127.0.0.1:{closed_port}")
    began = time.monotonic()
    with pytest.raises(ChainError):
        default_provider(environ={"HOME": str(home)}, imds=imds, listener=recorder).get()
    assert recorder.of(RetryScheduled) == []
    assert time.monotonic() - began < 5


# --- explain ------------------------------------------------------------------------------------------------------------------------


def test_nothing_set_up_reads_as_one_line_for_each_source(home: Path) -> None:
    chain = default_chain(environ={"HOME": str(home), "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"})
    with pytest.raises(ChainError) as caught:
        chain.get()
    first, *lines = str(caught.value).splitlines()
    assert first == "default: no source has a credential:"
    assert [line.split(":")[0] for line in lines] == [f"  - {name}" for name in NAMES]
    assert [report.name for report in chain.explain()] == list(NAMES)
    assert all(report.outcome is SourceOutcome.NOT_CONFIGURED for report in chain.explain())
    assert all(isinstance(report.error, NotConfiguredError) for report in caught.value.reports)


def test_explain_says_what_each_source_has_and_no_secret(home: Path) -> None:
    profile_file(home, REFERENCE.replace("enable = true ", "enable = maybe"))
    with FakeCloud() as cloud:
        environ = {"HOME": str(home), **KEYS, **oidc_variables(cloud, home)}
        (home / "token").unlink()
        reports = default_chain(environ=environ, **clients(cloud)).explain()
        texts = [str(report) for report in reports]
        assert [report.outcome.name for report in reports] == ["FOUND", "FAILED", "NOT_CONFIGURED", "FAILED", "FOUND", "NOT_CONFIGURED"]
        assert texts[0].splitlines()[0] == "env: found: access key id env-id, without an end"
        assert texts[1].startswith(f"oidc_role_arn: failed: the OIDC token file {home}/token does not exist")
        assert texts[2].startswith("cli_profile: not configured: ")
        assert f"{home}/.aliyun/config.json" in texts[2]
        assert "enable must be true or false" in texts[3]
        assert "ecs_ram_role: found: access key id" in texts[4]
        assert "ALIBABA_CLOUD_CREDENTIALS_URI is not set" in texts[5]
        for text in texts:
            assert "planted" not in text


# --- laziness, pickling, arguments --------------------------------------------------------------------------------------------------


class Untouchable(dict[str, str]):
    """An environment that nobody may look into yet."""

    def get(self, *_: object) -> Any:
        raise AssertionError("the environment was read")

    __getitem__ = __contains__ = __iter__ = get  # type: ignore[assignment]  # none of them may be called


def test_nothing_is_read_before_the_first_get(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*_: object, **__: object) -> None:
        raise AssertionError("the disk was read")

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", touched)
        patch.setattr("builtins.open", touched)
        default_chain(environ=Untouchable())
        default_provider(environ=Untouchable())
        default_chain()
    with pytest.raises(AssertionError, match="the environment was read"):
        default_chain(environ=Untouchable())._sources[0].get()


def test_a_credential_of_the_environment_loads_no_other_source_and_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    program = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "import alicred\n"
        "assert alicred.default_provider().get().provider_name == 'default/env'\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert [name for name in loaded if name.startswith("alicred.sources.")] == [
        "alicred.sources._late", "alicred.sources._source", "alicred.sources.environment"
    ]  # fmt: skip
    assert not [name for name in loaded if name.startswith("alicred.wire")]
    assert not {"urllib3", "ssl", "json", "hashlib", "logging", "configparser", "pathlib", "cryptography"}.intersection(loaded)


def test_a_source_is_made_once_and_what_it_has_learned_does_not_travel(home: Path) -> None:
    made: list[str] = []

    def make() -> Script:
        made.append("made")
        return Script(HOUR, HOUR)

    late = LateSource("script", make)
    assert (late.name, made) == ("script", [])
    assert late.get().access_key_id == "id-1"
    assert late.get().access_key_id == "id-2"
    assert made == ["made"]

    environ = {"HOME": str(home), **KEYS}
    profile_file(home, REFERENCE)
    asked = LateSource("env", partial(EnvironmentProvider, environ))
    asked.get()
    again = pickle.loads(pickle.dumps(asked))
    assert again._made == {}
    assert again.get() == asked.get()


def test_two_threads_that_come_first_share_one_source() -> None:
    both, gate = threading.Barrier(2), threading.Barrier(2)

    def make() -> Script:
        gate.wait(10)  # neither has stored its own
        return Script(HOUR, HOUR)

    late = LateSource("script", make)
    found: list[str] = []

    def ask() -> None:
        both.wait(10)
        found.append(late.get().access_key_id)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(found) == ["id-1", "id-2"]


def test_the_chain_and_the_cache_can_be_pickled(home: Path) -> None:
    profile_file(home, REFERENCE)
    environ = {"HOME": str(home)}
    for made in (default_chain(environ=environ), default_provider(environ=environ), default_chain(environ=os.environ)):
        again = pickle.loads(pickle.dumps(made))
        assert type(again) is type(made)
    assert pickle.loads(pickle.dumps(default_provider(environ=environ))).get().provider_name == "default/profile/static_ak"


def test_default_provider_is_a_cache_over_the_chain_and_tells_its_listener(home: Path) -> None:
    with FakeCloud() as cloud:
        recorder = Recorder()
        environ = {"HOME": str(home)}
        provider = default_provider(environ=environ, refresh=RefreshPolicy(), listener=recorder, **clients(cloud))
        assert isinstance(provider, CachingProvider)
        assert provider.name == "default"
        first = provider.get()
        assert provider.get() is first
        assert asyncio.run(provider.aget()) is first
        assert cloud.count("MetadataCredential") == 1
        assert [event.source for event in recorder.of(SourceSkipped)] == list(NAMES[:4])
        assert [event.source for event in recorder.of(ChainResolved)] == ["ecs_ram_role"]
        assert len(recorder.of(RefreshSucceeded)) == 1
        provider.close()


@pytest.mark.parametrize("make", [default_chain, default_provider])
@pytest.mark.parametrize("argument", ["environ", "sts", "imds", "http", "retry"])
def test_a_bad_argument_is_refused(make: Any, argument: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(**{argument: "planted"})
    assert "planted" not in str(caught.value)


def test_a_given_http_client_serves_every_source(home: Path) -> None:
    with FakeCloud() as cloud:
        environ = {"HOME": str(home), **oidc_variables(cloud, home), "ALIBABA_CLOUD_STS_ENDPOINT": cloud.endpoint}
        chain = default_chain(environ=environ, http=HttpClient(ca_file=cloud.ca_file))
        assert isinstance(chain, ChainProvider)
        assert chain.get().provider_name == "default/oidc_role_arn"


def test_what_is_asked_in_plain_text_nearby_goes_through_no_proxy_of_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    with FakeCloud() as cloud:
        key = {"access_key_id": cloud.access_key.access_key_id, "access_key_secret": cloud.access_key.access_key_secret}
        profiles: tuple[dict[str, str], ...] = (
            {"mode": "CredentialsURI", "credentials_uri": f"{cloud.http_endpoint}/credentials"},
            {"mode": "RamRoleArn", **key, "ram_role_arn": cloud.role_arn, "sts_endpoint": cloud.http_endpoint},
        )
        path = cli_file(home, "id")
        for profile in profiles:
            path.write_text(json.dumps({"current": "p", "profiles": [{"name": "p", **profile}]}))
            assert default_chain(environ={"HOME": str(home)}).get().provider_name.startswith("default/cli_profile/")
