from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.errors import AlicredError, ConfigurationError, DeniedError, NotConfiguredError
from alicred.sources import OidcRoleArnProvider
from alicred.testing import FakeCloud
from alicred.wire.http import HttpClient
from alicred.wire.sts import StsClient
from tests.recording_sts import HOUR, SESSION, RecordingSts

ROLE, PROVIDER = "acs:ram::1:role/test", "acs:ram::1:oidc-provider/test"
VARIABLES = ("ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE")
EXPIRED = "AuthenticationFail.OIDCToken.Expired"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("planted-token\n")
    return path


def provider(token_file: object, sts: object = None, **changes: Any) -> OidcRoleArnProvider:
    arguments = {"role_arn": ROLE, "oidc_provider_arn": PROVIDER, "oidc_token_file": token_file, "sts": sts or RecordingSts()}
    return OidcRoleArnProvider(**{**arguments, **changes})


def expired() -> DeniedError:
    return DeniedError("AssumeRoleWithOIDC was denied", code=EXPIRED, status=400)


def writes(path: Path, token: str, then: object) -> Callable[[], object]:
    def step() -> object:
        path.write_text(token)
        return then

    return step


def test_it_sends_the_token_without_the_white_space_around_it(token_file: Path) -> None:
    token_file.write_bytes(b"\xef\xbb\xbf \tplanted-token \r\n\n")
    sts = RecordingSts()
    made = provider(token_file, sts, role_session_name="me", duration=timedelta(minutes=15), session_policy={"Version": "1"})
    found = made.get()
    assert found == SESSION
    assert (found.provider_name, made.name) == ("oidc_role_arn", "oidc_role_arn")
    assert sts.calls == [
        {
            "operation": "assume_role_with_oidc",
            "role_arn": ROLE,
            "oidc_provider_arn": PROVIDER,
            "oidc_token": "planted-token",
            "role_session_name": "me",
            "duration": timedelta(minutes=15),
            "session_policy": '{"Version":"1"}',
        }
    ]


def test_the_file_is_read_at_every_call(token_file: Path) -> None:
    sts = RecordingSts()
    made = provider(str(token_file), sts)
    made.get()
    token_file.write_text("rotated")
    made.get()
    assert [call["oidc_token"] for call in sts.calls] == ["planted-token", "rotated"]
    assert sts.calls[0]["role_session_name"] == sts.calls[1]["role_session_name"]
    assert sts.calls[0]["duration"] == HOUR


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, token_file: Path) -> None:
    monkeypatch.setenv("HOME", str(token_file.parent))
    assert provider("~/token").get() == SESSION


# --- an expired token ---------------------------------------------------------------------------------------------------------------


def test_an_expired_token_is_read_again_and_the_newer_one_is_sent(token_file: Path) -> None:
    sts = RecordingSts(writes(token_file, "rotated", expired()), SESSION)
    assert provider(token_file, sts).get() == SESSION
    assert [call["oidc_token"] for call in sts.calls] == ["planted-token", "rotated"]


def test_the_newer_token_is_sent_once_and_not_again(token_file: Path) -> None:
    sts = RecordingSts(writes(token_file, "second", expired()), writes(token_file, "third", expired()))
    with pytest.raises(DeniedError) as caught:
        provider(token_file, sts).get()
    assert (caught.value.code, caught.value.provider) == (EXPIRED, "oidc_role_arn")
    assert len(sts.calls) == 2


def test_the_same_token_is_not_sent_again(token_file: Path) -> None:
    sts = RecordingSts(expired())
    with pytest.raises(DeniedError, match=r"^oidc_role_arn: AssumeRoleWithOIDC was denied"):
        provider(token_file, sts).get()
    assert len(sts.calls) == 1


def test_another_denial_is_final(token_file: Path) -> None:
    sts = RecordingSts(writes(token_file, "rotated", DeniedError("denied", code="AuthenticationFail.NoPermission")))
    with pytest.raises(DeniedError):
        provider(token_file, sts).get()
    assert len(sts.calls) == 1


# --- a bad token file ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist. Create it, or correct the path"),
        (b"", "is empty: the platform should have written a token into it"),
        (b" \n\t", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"planted\xff", "is not UTF-8 text"),
        (b"planted\0", "is not UTF-8 text"),
        (b"planted\nplanted", "holds more than one line"),
        (b"x" * 100_001, "it is larger than 100000 bytes"),
    ],
)
def test_a_bad_token_file_is_named(token_file: Path, content: bytes | None, words: str) -> None:
    token_file.unlink() if content is None else token_file.write_bytes(content)
    sts = RecordingSts()
    with pytest.raises(ConfigurationError, match=rf"^oidc_role_arn: the OIDC token file {token_file} ") as caught:
        provider(token_file, sts).get()
    assert words in str(caught.value)
    assert "planted" not in str(caught.value)
    assert sts.calls == []


def test_a_directory_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=rf"the OIDC token file {tmp_path} cannot be read: Is a directory"):
        provider(tmp_path).get()


def test_a_token_of_the_largest_size_is_sent(token_file: Path) -> None:
    token_file.write_bytes(b"x" * 100_000)
    assert provider(token_file).get() == SESSION


# --- from the environment -----------------------------------------------------------------------------------------------------------


def test_the_variables_are_read_at_every_call(monkeypatch: pytest.MonkeyPatch, token_file: Path) -> None:
    sts = RecordingSts()
    made = OidcRoleArnProvider.from_environment(sts=sts)
    for role in ("first", " second\n"):
        for name, value in zip(VARIABLES, (role, PROVIDER, f"{token_file}\n"), strict=True):
            monkeypatch.setenv(name, value)
        assert made.get().provider_name == "oidc_role_arn"
    assert [call["role_arn"] for call in sts.calls] == ["first", "second"]
    assert sts.calls[0]["role_session_name"] == sts.calls[1]["role_session_name"]


@pytest.mark.parametrize("missing", [VARIABLES, VARIABLES[:1], VARIABLES[1:2], VARIABLES[2:], VARIABLES[:2]])
@pytest.mark.parametrize("how", [None, "", " \n"])
def test_a_missing_variable_is_named_and_means_not_configured(missing: tuple[str, ...], how: str | None, token_file: Path) -> None:
    environ = dict(zip(VARIABLES, (ROLE, PROVIDER, str(token_file)), strict=True))
    for name in missing:
        del environ[name]
        if how is not None:
            environ[name] = how
    with pytest.raises(NotConfiguredError) as caught:
        OidcRoleArnProvider.from_environment(environ, sts=RecordingSts()).get()
    verb = "is" if len(missing) == 1 else "are"
    assert str(caught.value) == f"oidc_role_arn: {' and '.join(missing)} {verb} not set"


def test_a_missing_token_file_is_not_passed_over(token_file: Path) -> None:
    token_file.unlink()
    environ = dict(zip(VARIABLES, (ROLE, PROVIDER, str(token_file)), strict=True))
    with pytest.raises(ConfigurationError, match=r"token does not exist"):
        OidcRoleArnProvider.from_environment(environ, sts=RecordingSts()).get()


def test_its_own_environment_names_session_and_host(monkeypatch: pytest.MonkeyPatch, token_file: Path) -> None:
    asked: list[tuple[object, object]] = []
    sts = RecordingSts()

    def choose(endpoint: str, *, http: object, clock: object) -> RecordingSts:
        asked.append((endpoint, http))
        return sts

    monkeypatch.setattr("alicred.wire.sts.StsClient", choose)
    monkeypatch.setenv("ALIBABA_CLOUD_ROLE_SESSION_NAME", "of-the-process")
    environ = dict(zip(VARIABLES, (ROLE, PROVIDER, "~/token"), strict=True))
    environ |= {"HOME": str(token_file.parent), "ALIBABA_CLOUD_ROLE_SESSION_NAME": "of-the-mapping"}
    environ |= {"ALIBABA_CLOUD_STS_REGION": "of-the-mapping"}
    http = HttpClient()
    OidcRoleArnProvider.from_environment(environ, http=http).get()
    assert sts.calls[0]["role_session_name"] == "of-the-mapping"
    assert asked == [("https://sts.of-the-mapping.aliyuncs.com", http)]
    assert asked[0][1] is http


# --- bad parameters -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"role_arn": ""}, "role_arn is empty"),
        ({"role_arn": "planted"}, "role_arn is no ARN of a role"),
        ({"session_policy": "planted"}, "session_policy is no JSON object"),
        ({"role_arn": 7}, "role_arn must be a string"),
        ({"oidc_provider_arn": " "}, "oidc_provider_arn is empty"),
        ({"oidc_provider_arn": None}, "oidc_provider_arn must be a string"),
        ({"oidc_token_file": ""}, "oidc_token_file is empty"),
        ({"oidc_token_file": b"planted"}, "oidc_token_file must be a path"),
        ({"oidc_token_file": None}, "oidc_token_file must be a path"),
        ({"role_session_name": "x"}, "role_session_name must be 2 to 64 characters"),
        ({"duration": timedelta(seconds=899)}, "duration must be a datetime.timedelta of 900 s to 43200 s"),
        ({"session_policy": ""}, "session_policy is empty"),
        ({"session_policy": 7}, "session_policy must be a JSON string, a mapping or None"),
        ({"sts": "planted"}, "sts must be None or have a method assume_role_with_oidc()"),
    ],
)
def test_a_bad_parameter_is_named_with_its_range(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider("/x", **changes)
    assert f"OidcRoleArnProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("arguments", [{"environ": "planted"}, {"sts": "planted"}, {"http": "planted"}])
def test_a_bad_argument_of_from_environment_is_named(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"OidcRoleArnProvider\.{next(iter(arguments))} must"):
        OidcRoleArnProvider.from_environment(**arguments)


def test_it_shows_its_role_only() -> None:
    assert repr(provider("/x", session_policy='{"planted": 1}')) == f"<OidcRoleArnProvider: role_arn='{ROLE}'>"
    assert repr(OidcRoleArnProvider.from_environment({})) == "<OidcRoleArnProvider: from the environment>"


# --- against a cloud ----------------------------------------------------------------------------------------------------------------


def test_a_pods_token_becomes_keys_and_a_rotated_one_does_too(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with FakeCloud() as cloud:
        sts = StsClient(cloud.endpoint, http=HttpClient(ca_file=cloud.ca_file))
        made = provider(path, sts, role_arn=cloud.role_arn, oidc_provider_arn=cloud.oidc_provider_arn)
        path.write_text(cloud.add_oidc_token())
        found = pickle.loads(pickle.dumps(made)).get()
        assert sts.get_caller_identity(found).identity_type == "AssumedRoleUser"
        path.write_text(cloud.add_oidc_token(lasts=timedelta(seconds=-1)))
        with pytest.raises(DeniedError) as caught:
            made.get()
        assert caught.value.code == EXPIRED
        assert caught.value.provider == "oidc_role_arn"
        path.write_text("no-token-of-this-cloud")
        with pytest.raises(AlicredError) as other:
            made.get()
        assert "no-token" not in str(other.value)
