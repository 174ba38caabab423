"""What the official package does wrong, done right: requests, files, errors. Each test is named in the table of docs/compat.md.

Where it can be shown beside, the official package is run too, so that the table stays true.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.errors import TransientError
from alicred.testing import FakeCloud, faults
from tests.compat.support import WAYS, Package, command_of, host_of, keys

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of how the official package asks for the time

SPACED = '{ "Version": "1", "Statement": [] }'


def role(package: Package, cloud: FakeCloud, **more: Any) -> Any:
    given = {**keys(cloud), "role_arn": cloud.role_arn, "sts_endpoint": host_of(cloud), **more}
    return package.provider.RamRoleArnCredentialsProvider(**given)


def refused(package: Package, ask: Any) -> str:
    """The text of the exception of the package's own that *ask* raises."""
    with pytest.raises(package.exceptions.CredentialException) as caught:
        ask()
    return str(caught.value)


def cli_file(home: Path, *profiles: dict[str, Any]) -> str:
    path = home / "config.json"
    path.write_text(json.dumps({"current": profiles[0]["name"], "profiles": profiles}))
    return str(path)


# --- requests -----------------------------------------------------------------------------------------------------------------------


def test_a_key_pair_signs_with_rsa(cloud: FakeCloud, tmp_path: Path, ours: Package, official: Package) -> None:
    public_key_id, pem = cloud.add_rsa_key()
    (tmp_path / "key.pem").write_text(pem)
    given = {"public_key_id": public_key_id, "private_key_file": str(tmp_path / "key.pem"), "sts_endpoint": host_of(cloud)}
    assert ours.provider.RsaKeyPairCredentialsProvider(**given).get_credentials().get_access_key_id()
    assert cloud.rejected == ()
    refused(official, official.provider.RsaKeyPairCredentialsProvider(**given).get_credentials)


def test_a_policy_with_spaces_is_signed_right(cloud: FakeCloud, ours: Package, official: Package) -> None:
    assert role(ours, cloud, policy=SPACED).get_credentials().get_access_key_id()
    assert cloud.rejected == ()
    assert "SignatureDoesNotMatch" in refused(official, role(official, cloud, policy=SPACED).get_credentials)


def test_nothing_secret_is_in_a_url(cloud: FakeCloud, tmp_path: Path, ours: Package, official: Package) -> None:
    token = cloud.add_oidc_token()
    (tmp_path / "token").write_text(token)
    given = {
        "role_arn": cloud.role_arn,
        "oidc_provider_arn": cloud.oidc_provider_arn,
        "oidc_token_file_path": str(tmp_path / "token"),
        "policy": "{}",
        "sts_endpoint": host_of(cloud),
    }
    for package, shows in ((ours, False), (official, True)):
        package.provider.OIDCRoleArnCredentialsProvider(**given).get_credentials()
        line = cloud.raw[-1].line
        assert (token in line, "Policy" in line) == (shows, shows)


def test_the_newline_of_a_token_file_is_dropped(cloud: FakeCloud, tmp_path: Path, ours: Package, official: Package) -> None:
    (tmp_path / "token").write_text(cloud.add_oidc_token() + "\n")
    given = {
        "role_arn": cloud.role_arn,
        "oidc_provider_arn": cloud.oidc_provider_arn,
        "oidc_token_file_path": str(tmp_path / "token"),
        "sts_endpoint": host_of(cloud),
    }
    assert ours.provider.OIDCRoleArnCredentialsProvider(**given).get_credentials().get_access_key_id()
    refused(official, official.provider.OIDCRoleArnCredentialsProvider(**given).get_credentials)


def test_an_oauth_answer_in_camel_case_is_understood(cloud: FakeCloud, ours: Package, official: Package) -> None:
    for package, ask in ((ours, lambda made: made.get_credentials()), (official, lambda made: refused(official, made.get_credentials))):
        login = cloud.add_oauth_login()
        given = {"client_id": login.client_id, "sign_in_url": cloud.http_endpoint, "refresh_token": login.refresh_token}
        assert ask(package.provider.OAuthCredentialsProvider(**given))


def test_the_metadata_service_is_never_asked_through_a_proxy(
    instance: FakeCloud, ours: Package, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    options = ours.http.HttpOptions(proxy=f"http://127.0.0.1:{closed_port}")
    assert ours.provider.EcsRamRoleCredentialsProvider(http_options=options).get_credentials().get_access_key_id()


def test_one_metadata_token_serves_all_steps(instance: FakeCloud, ours: Package, official: Package) -> None:
    ours.provider.EcsRamRoleCredentialsProvider().get_credentials()
    assert instance.count("MetadataToken") == 1
    theirs = official.provider.EcsRamRoleCredentialsProvider(async_update_enabled=False)
    theirs._EcsRamRoleCredentialsProvider__metadata_service_host = instance.imds_endpoint.partition("://")[2]
    theirs.get_credentials()
    assert instance.count("MetadataToken") == 1 + 2


def test_an_empty_role_name_means_the_one_of_the_instance(instance: FakeCloud, ours: Package) -> None:
    for way in WAYS.values():
        assert way(ours.provider.EcsRamRoleCredentialsProvider(role_name=""), "get_credentials").get_access_key_id()
    assert instance.count("MetadataRole") == 2


def test_a_role_name_is_never_a_path(instance: FakeCloud, ours: Package, official: Package) -> None:
    name = "a b/../c?d"
    refused(ours, ours.provider.EcsRamRoleCredentialsProvider(role_name=name).get_credentials)
    assert instance.raw[-1].line.split(" ")[1].endswith("/security-credentials/a%20b%2F..%2Fc%3Fd")
    theirs = official.provider.EcsRamRoleCredentialsProvider(role_name=name, async_update_enabled=False)
    theirs._EcsRamRoleCredentialsProvider__metadata_service_host = instance.imds_endpoint.partition("://")[2]
    with pytest.raises(official.exceptions.CredentialException):
        theirs.get_credentials()
    assert "%2F" not in instance.raw[-1].line


def test_no_login_is_sent_that_is_none(cloud: FakeCloud, ours: Package, official: Package) -> None:
    given = {"client_id": "tool", "sign_in_url": cloud.http_endpoint}
    with pytest.raises(ours.exceptions.CredentialException, match="refresh_token or an access_token"):
        ours.provider.OAuthCredentialsProvider(**given)
    assert cloud.count() == 0
    refused(official, official.provider.OAuthCredentialsProvider(**given).get_credentials)
    assert cloud.raw[-1].headers["authorization"] == "Bearer None"


def test_a_credentials_uri_is_sent_as_it_is(cloud: FakeCloud, ours: Package, official: Package) -> None:
    host = host_of(cloud).rpartition(":")[0]
    uri = f"http://me:word@{host}:{cloud.http_endpoint.rpartition(':')[2]}/credentials?user=a%20b&user=c"
    ours.provider.URLCredentialsProvider(uri=uri).get_credentials()
    assert "?user=a%20b&user=c " in cloud.raw[-1].line
    assert "authorization" in cloud.raw[-1].headers
    official.provider.URLCredentialsProvider(uri=uri).get_credentials()
    assert "?user=c " in cloud.raw[-1].line
    assert "authorization" not in cloud.raw[-1].headers


def test_keys_do_not_travel_over_plain_http_from_afar(ours: Package) -> None:
    for uri in ("http://keys.example.com/x", "//keys.example.com/x", "keys.example.com/x"):
        with pytest.raises(ours.exceptions.CredentialException, match="Use https"):
            ours.client(type="credentials_uri", credentials_uri=uri)


def test_a_failure_that_may_pass_is_tried_again(cloud: FakeCloud, ours: Package, official: Package) -> None:
    for package, tries in ((ours, 2), (official, 1)):
        made, before = role(package, cloud), cloud.count()
        cloud.inject(faults.ServerError())
        made.get_credentials() if tries == 2 else refused(official, made.get_credentials)
        assert cloud.count() - before == tries


# --- the environment, files, programs -----------------------------------------------------------------------------------------------


def test_the_environment_is_read_when_it_is_needed(ours: Package, official: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = ours.provider.EnvironmentVariableCredentialsProvider()
    theirs = official.provider.EnvironmentVariableCredentialsProvider()
    for key_id in ("first", "second"):
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", key_id)
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
        assert provider.get_credentials().get_access_key_id() == key_id
        assert ours.of("utils.auth_util").environment_access_key_id == key_id
    refused(official, theirs.get_credentials)


@pytest.mark.parametrize(
    "given", [{"access_key_id": "mine"}, {"access_key_secret": "mine"}, {"access_key_id": "mine", "access_key_secret": "mine"}]
)
def test_halves_of_two_keys_are_not_mixed(given: dict[str, str], ours: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"):
        monkeypatch.setenv(f"ALIBABA_CLOUD_{name}", "another")
    if len(given) == 1:
        with pytest.raises(ours.exceptions.CredentialException, match=r"empty\. Give id and secret, or neither"):
            ours.provider.StaticAKCredentialsProvider(**given)
    with pytest.raises(ValueError, match=r"empty\. Give"):
        ours.provider.StaticSTSCredentialsProvider(**given)
    assert ours.provider.StaticSTSCredentialsProvider().get_credentials().get_security_token() == "another"


def test_a_secret_with_hash_and_percent_is_read_whole(tmp_path: Path, ours: Package, official: Package) -> None:
    path = tmp_path / "credentials.ini"
    for secret, theirs in (("ab#cd", "ab"), ("ab%cd", None)):
        path.write_text(f"[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = {secret}\n")
        made = ours.provider.ProfileCredentialsProvider(profile_file=str(path))
        assert made.get_credentials().get_access_key_secret() == secret
        cut = official.provider.ProfileCredentialsProvider(profile_file=str(path))
        if theirs is not None:
            assert cut.get_credentials().get_access_key_secret() == theirs
        else:
            with pytest.raises(Exception, match="%"):
                cut.get_credentials()


def test_the_token_of_a_section_is_used(tmp_path: Path, ours: Package, official: Package) -> None:
    path = tmp_path / "credentials.ini"
    path.write_text("[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = secret\nsecurity_token = token\n")
    for package, token in ((ours, "token"), (official, None)):
        made = package.provider.ProfileCredentialsProvider(profile_file=str(path)).get_credentials()
        assert made.get_security_token() == token


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path, ours: Package, official: Package) -> None:
    ini, tool = tmp_path / "credentials.ini", tmp_path / "config.json"
    ini.write_text("[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = secret\n", encoding="utf-8-sig")
    profile = {"name": "x", "mode": "AK", "access_key_id": "id", "access_key_secret": "secret"}
    tool.write_text(json.dumps({"current": "x", "profiles": [profile]}), encoding="utf-8-sig")
    for name, path in (("ProfileCredentialsProvider", ini), ("CLIProfileCredentialsProvider", tool)):
        made = getattr(ours.provider, name)(profile_file=str(path))
        assert made.get_credentials().get_access_key_id() == "id"
        with pytest.raises(Exception, match=r"failed to parse|no section headers"):
            getattr(official.provider, name)(profile_file=str(path)).get_credentials()


def test_the_newline_of_a_variable_is_dropped(ours: Package, official: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id\n", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret\n"}
    program = "from {}.provider import EnvironmentVariableCredentialsProvider as P; print(repr(P().get_credentials().get_access_key_id()))"
    for package, expected in ((ours, "'id'"), (official, "'id\\n'")):
        command = [sys.executable, "-W", "ignore", "-c", program.format(package.name)]
        done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


def test_the_session_name_of_an_oidc_profile_counts(cloud: FakeCloud, tmp_path: Path, ours: Package) -> None:
    (tmp_path / "token").write_text(cloud.add_oidc_token())
    profile = {
        "name": "pod",
        "mode": "OIDC",
        "ram_role_arn": cloud.role_arn,
        "oidc_provider_arn": cloud.oidc_provider_arn,
        "oidc_token_file": str(tmp_path / "token"),
        "ram_session_name": "named-by-me",
        "sts_endpoint": cloud.endpoint,
    }
    ours.provider.CLIProfileCredentialsProvider(profile_file=cli_file(tmp_path, profile)).get_credentials()
    assert cloud.sessions[-1].arn.endswith("/named-by-me")


def test_zero_seconds_in_a_profile_mean_an_hour(cloud: FakeCloud, tmp_path: Path, ours: Package, official: Package) -> None:
    profile = {"name": "x", "mode": "RamRoleArn", **keys(cloud), "ram_role_arn": cloud.role_arn, "sts_endpoint": cloud.endpoint}
    path = cli_file(tmp_path, {**profile, "expired_seconds": 0, "sts_token": "", "enable_vpc": False})
    ours.provider.CLIProfileCredentialsProvider(profile_file=path).get_credentials()
    assert "DurationSeconds=3600" in cloud.raw[-1].body.decode()
    with pytest.raises(ValueError, match="900"):
        official.provider.CLIProfileCredentialsProvider(profile_file=path).get_credentials()


def test_a_circle_of_profiles_is_an_error_that_names_it(tmp_path: Path, ours: Package, official: Package) -> None:
    profiles = [
        {"name": one, "mode": "ChainableRamRoleArn", "source_profile": other, "ram_role_arn": "acs:ram::1:role/x"}
        for one, other in (("a", "b"), ("b", "a"))
    ]
    path = cli_file(tmp_path, *profiles)
    text = refused(ours, ours.provider.CLIProfileCredentialsProvider(profile_file=path).get_credentials)
    assert "'a' -> 'b' -> 'a'" in text
    with pytest.raises(RecursionError):
        official.provider.CLIProfileCredentialsProvider(profile_file=path).get_credentials()


def test_keys_of_a_program_are_not_written_to_the_file(tmp_path: Path, ours: Package, official: Package) -> None:
    printed = {"mode": "StsToken", "access_key_id": "id", "access_key_secret": "secret", "sts_token": "token"}
    (tmp_path / "answer.json").write_text(json.dumps(printed))
    command = command_of(f"print(open({str(tmp_path / 'answer.json')!r}).read())")
    path = cli_file(tmp_path, {"name": "x", "mode": "External", "process_command": command})
    before = Path(path).read_text()
    for package, changed in ((ours, False), (official, True)):
        made = package.provider.CLIProfileCredentialsProvider(profile_file=path)
        assert made.get_credentials().get_access_key_secret() == "secret"
        assert (Path(path).read_text() != before) == changed


def test_a_replaced_private_key_file_counts(timed: FakeCloud, tmp_path: Path, ours: Package) -> None:
    public_key_id, pem = timed.add_rsa_key()
    path = tmp_path / "key.pem"
    made = ours.provider.RsaKeyPairCredentialsProvider(
        public_key_id=public_key_id, private_key_file=str(path), sts_endpoint=timed.endpoint
    )  # there is no file yet
    assert str(path) in refused(ours, made.get_credentials)
    path.write_text(pem)
    assert made.get_credentials().get_access_key_id()


def test_a_program_that_says_no_end_is_run_once_a_minute(timed: FakeCloud, tmp_path: Path, ours: Package) -> None:
    runs = tmp_path / "runs"
    program = (
        f"import json; open({str(runs)!r}, 'a').write('x'); print(json.dumps(dict(mode='AK', access_key_id='id', access_key_secret='s')))"
    )
    made = ours.provider.ExternalCredentialsProvider(process_command=command_of(program))
    for _ in range(3):
        assert made.get_credentials().get_access_key_id() == "id"
    assert runs.read_text() == "x"
    timed.clock.advance(timedelta(seconds=61))  # type: ignore[attr-defined]  # a FakeClock
    made.get_credentials()
    assert runs.read_text() == "xx"


def test_a_uri_whose_answer_says_no_end_is_asked_once_a_minute(timed: FakeCloud, ours: Package, official: Package) -> None:
    timed.inject(faults.MissingField("Expiration"), times=None)
    uri = f"{timed.http_endpoint}/credentials"
    made = ours.provider.URLCredentialsProvider(uri=uri)
    for _ in range(3):
        assert made.get_credentials().get_access_key_id()
    assert timed.count() == 1
    timed.clock.advance(timedelta(seconds=61))  # type: ignore[attr-defined]  # a FakeClock
    made.get_credentials()
    assert timed.count() == 2
    refused(official, official.provider.URLCredentialsProvider(uri=uri).get_credentials)


# --- what goes wrong, and what is shown ---------------------------------------------------------------------------------------------


def test_no_secret_is_in_an_error(cloud: FakeCloud, ours: Package, official: Package) -> None:
    spoilt = faults.MissingField("SecurityToken")
    for package, shows in ((ours, False), (official, True)):
        cloud.inject(spoilt)
        text = refused(package, role(package, cloud).get_credentials)
        assert ("AccessKeySecret" in text) == shows


def test_models_show_no_secret(ours: Package, official: Package) -> None:
    parts = {"access_key_secret": "S3cret", "security_token": "T0ken", "bearer_token": "B3arer"}
    for package, shows in ((ours, False), (official, True)):
        for made in (package.models.Config(**parts), package.models.CredentialModel(**parts)):
            assert any(secret in f"{made!r} {made}" for secret in parts.values()) == shows


def test_whatever_fails_is_a_credential_exception(
    cloud: FakeCloud, ours: Package, official: Package, closed_port: int, tmp_path: Path
) -> None:
    nowhere = f"127.0.0.1:{closed_port}"
    text = refused(ours, role(ours, cloud, sts_endpoint=nowhere).get_credentials)
    assert nowhere in text
    with pytest.raises(Exception, match=str(closed_port)) as caught:
        role(official, cloud, sts_endpoint=nowhere).get_credentials()
    assert not isinstance(caught.value, official.exceptions.CredentialException)
    with pytest.raises(ours.exceptions.CredentialException) as ours_caught:
        role(ours, cloud, sts_endpoint=nowhere).get_credentials()
    assert isinstance(ours_caught.value.__cause__, TransientError)


def test_the_code_and_the_request_id_of_an_error_are_there(cloud: FakeCloud, ours: Package, official: Package) -> None:
    for package, there in ((ours, True), (official, False)):
        cloud.inject(faults.Denied("NoPermission"))
        with pytest.raises(package.exceptions.CredentialException) as caught:
            role(package, cloud).get_credentials()
        assert (caught.value.code == "NoPermission", bool(caught.value.request_id)) == (there, there)


def test_the_text_of_an_exception_is_its_message(ours: Package, official: Package) -> None:
    assert str(ours.exceptions.CredentialException("no", "Code", "R-1")) == "no"
    assert str(official.exceptions.CredentialException("no", "Code", "R-1")) == "('no', 'Code', 'R-1')"


def test_a_bearer_client_without_a_token_is_refused(ours: Package) -> None:
    with pytest.raises(ours.exceptions.CredentialException, match="bearer_token is empty"):
        ours.client(type="bearer")


def test_a_broken_source_ends_the_chain(instance: FakeCloud, ours: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_FILE", str(tmp_path / "missing"))
    for reuse in (True, False):
        provider = ours.provider.DefaultCredentialsProvider(reuse_last_provider_enabled=reuse)
        assert "missing" in refused(ours, provider.get_credentials)
    assert instance.count() == 0, "the role of the machine has not been used instead"


def test_a_copied_configuration_shares_the_client(cloud: FakeCloud, ours: Package, official: Package) -> None:
    given = {"type": "ram_role_arn", **keys(cloud), "role_arn": cloud.role_arn, "sts_endpoint": host_of(cloud)}
    client = ours.client(**given)
    assert copy.deepcopy({"credential": client})["credential"] is client
    with pytest.raises(TypeError, match="pickle"):
        copy.deepcopy(official.client(**given))


IMPORTING = """
import json, logging, sys, threading
threads = threading.active_count()
from {package}.client import Client
from {package}.provider import EcsRamRoleCredentialsProvider
EcsRamRoleCredentialsProvider(role_name="x")
loggers = [logging.getLogger(), *(each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger))]
named = [each for each in loggers if each.name.split(".")[0] in ("root", "alicred", "credentials")]
print(json.dumps([
    threading.active_count() - threads,
    sum(len(each.handlers) for each in named),
    [name for name in ("urllib3", "ssl", "cryptography", "asyncio") if name in sys.modules],
]))
"""


def test_nothing_is_started_by_an_import_or_a_provider(official: Package) -> None:
    seen = []
    for package in ("alicred.compat", official.name):
        program = IMPORTING.format(package=package)
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
        seen.append(json.loads(done.stdout))
    assert seen[0] == [0, 0, []]
    assert seen[1][0] >= 1
    assert seen[1][1] >= 1
