"""What `default_provider` and `default_chain` hand down: a profile, a role, a clock, a listener."""

from __future__ import annotations

import json
import pickle
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from alicred import (
    AlicredError,
    ChainError,
    ChainPolicy,
    ConfigurationError,
    OnError,
    RetryPolicy,
    TransientError,
    default_chain,
    default_provider,
)
from alicred.events import ChainResolved, RefreshSucceeded, RetryScheduled
from alicred.testing import FakeClock, FakeCloud, faults
from alicred.wire.imds import ImdsClient
from tests.recording_http import RecordingHttp
from tests.recording_sts import RecordingSts
from tests.support import Recorder

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "planted"}
MAKERS = pytest.mark.parametrize("make", [default_chain, default_provider])


def environ(home: Path, **variables: str) -> dict[str, str]:
    return {"HOME": str(home), "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true", **variables}


def of_cloud(cloud: FakeCloud) -> dict[str, str]:
    key = cloud.access_key
    return {"ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret}


def cli_file(home: Path, **key_ids: str) -> None:
    path = home / ".aliyun" / "config.json"
    path.parent.mkdir()
    profiles = [{"name": name, "mode": "AK", "access_key_id": key_id, "access_key_secret": "planted"} for name, key_id in key_ids.items()]
    path.write_text(json.dumps({"current": next(iter(key_ids)), "profiles": profiles}))


def ini_file(home: Path, **key_ids: str) -> None:
    path = home / ".alibabacloud" / "credentials"
    path.parent.mkdir()
    sections = (f"[{name}]\ntype = access_key\naccess_key_id = {key_id}\naccess_key_secret = planted\n" for name, key_id in key_ids.items())
    path.write_text("".join(sections))


class TestProfile:
    @MAKERS
    def test_it_names_the_profile_in_the_clis_file(self, make: Any, tmp_path: Path) -> None:
        cli_file(tmp_path, other="wrong", reports="cli-id")
        ini_file(tmp_path, reports="ini-id")
        assert make(environ=environ(tmp_path), profile="reports").get().access_key_id == "cli-id"

    @MAKERS
    def test_or_in_the_profile_file(self, make: Any, tmp_path: Path) -> None:
        cli_file(tmp_path, other="wrong")
        ini_file(tmp_path, default="wrong", reports="ini-id")
        assert make(environ=environ(tmp_path), profile="reports").get().access_key_id == "ini-id"

    def test_it_wins_over_the_variable(self, tmp_path: Path) -> None:
        ini_file(tmp_path, other="wrong", reports="ini-id")
        given = environ(tmp_path, ALIBABA_CLOUD_PROFILE="other")
        assert default_chain(environ=given, profile="reports").get().access_key_id == "ini-id"

    @MAKERS
    def test_a_key_in_the_environment_does_not_take_its_place(self, make: Any, tmp_path: Path) -> None:
        cli_file(tmp_path, other="wrong", reports="cli-id")
        assert make(environ=environ(tmp_path, **KEYS)).get().access_key_id == "env-id"
        assert make(environ=environ(tmp_path, **KEYS), profile="reports").get().access_key_id == "cli-id"

    def test_not_even_where_the_chain_goes_on_after_an_error(self, tmp_path: Path) -> None:
        with FakeCloud() as cloud:
            given = environ(tmp_path, ALIBABA_CLOUD_CREDENTIALS_URI=f"{cloud.http_endpoint}/credentials")
            with pytest.raises(ChainError, match="'reports'"):
                default_chain(environ=given, profile="reports", chain=ChainPolicy(on_error=OnError.CONTINUE)).get()

    @pytest.mark.parametrize("files", [(), ("cli",), ("ini",), ("cli", "ini")])
    def test_no_other_identity_takes_its_place(self, files: tuple[str, ...], tmp_path: Path) -> None:
        if "cli" in files:
            cli_file(tmp_path, default="wrong")
        if "ini" in files:
            ini_file(tmp_path, default="wrong")
        with FakeCloud() as cloud:
            given = environ(tmp_path, ALIBABA_CLOUD_CREDENTIALS_URI=f"{cloud.http_endpoint}/credentials")
            assert default_chain(environ={**given, "HOME": "/nonexistent"}).get().access_key_id
            with pytest.raises(ConfigurationError, match="'reports'"):
                default_chain(environ=given, profile="reports").get()

    def test_it_can_be_pickled(self, tmp_path: Path) -> None:
        ini_file(tmp_path, reports="ini-id")
        provider = pickle.loads(pickle.dumps(default_provider(environ=environ(tmp_path), profile="reports")))
        assert provider.get().access_key_id == "ini-id"

    @MAKERS
    @pytest.mark.parametrize("wrong", ["", 3])
    def test_a_wrong_one_is_refused(self, make: Any, wrong: Any) -> None:
        with pytest.raises(ConfigurationError, match=rf"{make.__name__}\.profile"):
            make(profile=wrong)


class TestRole:
    def test_it_is_assumed_with_what_the_chain_finds(self, tmp_path: Path) -> None:
        sts = RecordingSts()
        provider = default_provider(role_arn="acs:ram::1:role/r", environ=environ(tmp_path, **KEYS), sts=sts)
        assert provider.get() == provider.get()
        (call,) = sts.calls
        assert (call["operation"], call["role_arn"], call["credential"].access_key_id) == ("assume_role", "acs:ram::1:role/r", "env-id")
        assert provider.get().provider_name == "ram_role_arn/default/env"

    def test_the_variables_that_were_given_name_the_host(self, tmp_path: Path) -> None:
        with FakeCloud() as cloud:
            given = environ(tmp_path, **of_cloud(cloud), ALIBABA_CLOUD_STS_ENDPOINT=cloud.endpoint)
            assert default_provider(role_arn=cloud.role_arn, environ=given, http=cloud.http_client()).get().security_token

    def test_a_wrong_one_is_named(self) -> None:
        with pytest.raises(ConfigurationError, match=r"default_provider\.role_arn"):
            default_provider(role_arn="reports")


class TestClockAndListener:
    def test_they_reach_everything_below(self, tmp_path: Path) -> None:
        clock, heard = FakeClock(), Recorder()
        with FakeCloud(clock=clock) as cloud:
            cloud.inject(faults.ServerError(), times=1)
            before = clock.monotonic()
            provider = default_provider(
                role_arn=cloud.role_arn, environ=environ(tmp_path, **of_cloud(cloud)), sts=cloud.sts_client(), clock=clock, listener=heard
            )
            assert provider.get().security_token
        assert clock.monotonic() > before, "the pause was slept on that clock"
        assert len(heard.of(RetryScheduled)) == 1
        assert [event.source for event in heard.of(ChainResolved)] == ["env"]
        assert [event.provider_name for event in heard.of(RefreshSucceeded)] == ["default", "ram_role_arn"]

    @pytest.mark.parametrize("how", ["role", "oidc", "cli", "ini"])
    def test_requests_of_sts_clients_that_are_made_go_by_the_clock(self, how: str, tmp_path: Path) -> None:
        clock = FakeClock()
        clock.advance(timedelta(days=400))
        with FakeCloud(clock=clock) as cloud:
            given, role_arn = self.set_up(how, cloud, tmp_path)
            more: dict[str, Any] = {"environ": given, "role_arn": role_arn, "http": cloud.http_client(), "retry": RetryPolicy(attempts=1)}
            assert default_provider(clock=clock, **more).get().security_token
            assert [call.operation for call in cloud.calls if call.operation.startswith("AssumeRole")] == [
                "AssumeRoleWithOIDC" if how == "oidc" else "AssumeRole"
            ], "one that goes by another clock is told the time first"

    def set_up(self, how: str, cloud: FakeCloud, home: Path) -> tuple[dict[str, str], str | None]:
        given = environ(home, ALIBABA_CLOUD_STS_ENDPOINT=cloud.endpoint)
        key = cloud.access_key
        if how == "role":
            return {**given, **of_cloud(cloud)}, cloud.role_arn
        if how == "oidc":
            (home / "token").write_text(cloud.add_oidc_token())
            variables = {
                "ALIBABA_CLOUD_ROLE_ARN": cloud.role_arn,
                "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": cloud.oidc_provider_arn,
                "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(home / "token"),
            }
            return {**given, **variables}, None
        if how == "cli":
            profile = {"name": "p", "mode": "RamRoleArn", "ram_role_arn": cloud.role_arn, "ram_session_name": "me"}
            keys = {"access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret}
            (home / ".aliyun").mkdir()
            (home / ".aliyun" / "config.json").write_text(json.dumps({"current": "p", "profiles": [{**profile, **keys}]}))
            return given, None
        ini_file(home, default=key.access_key_id)
        path = home / ".alibabacloud" / "credentials"
        text = path.read_text().replace("type = access_key", f"type = ram_role_arn\nrole_arn = {cloud.role_arn}\nrole_session_name = me")
        path.write_text(text.replace("planted", key.access_key_secret))
        return given, None

    @pytest.mark.parametrize("mode", ["OAuth", "CloudSSO"])
    def test_a_stored_session_ends_by_the_clock(self, mode: str, tmp_path: Path) -> None:
        clock = FakeClock(datetime(2031, 1, 1, tzinfo=timezone.utc))
        session = {"access_key_id": "stored-id", "access_key_secret": "planted", "sts_token": "planted-too"}
        tokens = {"oauth_access_token": "planted-a", "oauth_refresh_token": "planted-r", "oauth_site_type": "CN"}
        profile = {"name": "p", "mode": mode, **session, **tokens, "sts_expiration": int(clock.utcnow().timestamp()) + 3600}
        (tmp_path / ".aliyun").mkdir()
        (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "p", "profiles": [profile]}))
        http: Any = RecordingHttp(TransientError("down"))
        chain = default_chain(environ=environ(tmp_path), http=http, clock=clock, retry=RetryPolicy(attempts=1))
        assert chain.get().access_key_id == "stored-id"
        assert http.sent == []
        clock.advance(timedelta(hours=2))
        with pytest.raises(AlicredError):
            chain.get()

    def test_a_login_to_cloud_sso_ends_by_the_clock(self, tmp_path: Path) -> None:
        clock = FakeClock(datetime(2031, 1, 1, tzinfo=timezone.utc))
        with FakeCloud(clock=clock) as cloud:
            login = cloud.add_cloud_sso_login()
            profile = {
                "name": "p",
                "mode": "CloudSSO",
                "cloud_sso_sign_in_url": cloud.endpoint,
                "cloud_sso_account_id": login.account_id,
                "cloud_sso_access_config": login.access_configuration_id,
                "access_token": login.access_token,
                "cloud_sso_access_token_expire": int(login.expires_at.timestamp()),
            }
            (tmp_path / ".aliyun").mkdir()
            (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "p", "profiles": [profile]}))
            chain = default_chain(environ=environ(tmp_path), http=cloud.http_client(), clock=clock)
            assert chain.get().security_token
            clock.advance(timedelta(hours=2))
            with pytest.raises(ConfigurationError, match="the access token ended"):
                chain.get()

    def test_the_token_of_the_metadata_service_ends_by_the_clock(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = FakeClock()
        with FakeCloud(clock=clock) as cloud:
            monkeypatch.setattr(ImdsClient.__init__, "__defaults__", (cloud.imds_endpoint,))
            chain = default_chain(environ={"HOME": str(tmp_path)}, clock=clock)
            chain.get()
            asked = len(cloud.calls)
            chain.get()
            without_a_token = len(cloud.calls) - asked
            clock.advance(timedelta(hours=7))
            chain.get()
            assert len(cloud.calls) - asked == 2 * without_a_token + 1

    def test_the_listener_of_a_chain_gets_its_events(self, tmp_path: Path) -> None:
        heard = Recorder()
        default_chain(environ=environ(tmp_path, **KEYS), listener=heard).get()
        assert [event.source for event in heard.of(ChainResolved)] == ["env"]


def test_the_policy_of_the_chain_is_handed_down(tmp_path: Path) -> None:
    cli_file(tmp_path, default="")
    ini_file(tmp_path, default="ini-id")
    go_on = ChainPolicy(on_error=OnError.CONTINUE)
    assert default_chain(environ=environ(tmp_path), chain=go_on).get().access_key_id == "ini-id"
    with pytest.raises(ConfigurationError):
        default_chain(environ=environ(tmp_path)).get()
