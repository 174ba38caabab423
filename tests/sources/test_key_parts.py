"""One rule for the parts of keys and for tokens, wherever they come from: what stands around them goes, what none has is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from alicred import (
    AlicredError,
    BearerProfileProvider,
    BearerToken,
    CliProfileProvider,
    ConfigurationError,
    Credential,
    CredentialsUriProvider,
    EnvironmentProvider,
    ExternalProcessProvider,
    MalformedResponseError,
    NotConfiguredError,
    OidcRoleArnProvider,
    ProfileFileProvider,
    RamRoleArnProvider,
)
from alicred.sources import FunctionComputeProvider, SamlRoleArnProvider
from tests.recording_http import RecordingHttp
from tests.recording_sts import RecordingSts

VARIABLES = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")
GOOD = ("the-id", "the-secret", "the-token")
BEARER = "ALIBABA_CLOUD_BEARER_TOKEN"


def parts(key: Credential) -> tuple[object, ...]:
    return key.access_key_id, key.access_key_secret, key.security_token


def environment(_: Path, values: tuple[str, ...]) -> object:
    return parts(EnvironmentProvider(dict(zip(VARIABLES, values, strict=True))).get())


def profile_file(folder: Path, values: tuple[str, ...]) -> object:
    (folder / "credentials").write_text(
        "[default]\ntype = sts\naccess_key_id = {}\naccess_key_secret = {}\nsecurity_token = {}\n".format(*values), "utf-8", "surrogatepass"
    )
    return parts(ProfileFileProvider(folder / "credentials", environ={}).get())


def key_of_a_role(folder: Path, values: tuple[str, ...]) -> object:
    sts = RecordingSts()
    (folder / "credentials").write_text(
        "[default]\ntype = ram_role_arn\nrole_arn = acs:ram::1:role/a\naccess_key_id = {}\naccess_key_secret = {}\n"
        "security_token = {}\n".format(*values),
        "utf-8",
        "surrogatepass",
    )
    ProfileFileProvider(folder / "credentials", environ={}, sts=sts).get()  # type: ignore[arg-type]  # a stand-in
    return parts(sts.calls[0]["credential"])


def cli(folder: Path, profile: dict[str, Any], environ: dict[str, str]) -> CliProfileProvider:
    path = folder / "config.json"
    path.write_text(json.dumps({"profiles": [{"name": "default", **profile}]}))
    return CliProfileProvider(path, environ=environ)


def cli_profile(folder: Path, values: tuple[str, ...]) -> object:
    profile = dict(zip(("access_key_id", "access_key_secret", "sts_token"), values, strict=True))
    return parts(cli(folder, {"mode": "StsToken", **profile}, {}).get())


def gaps_of_a_cli_profile(folder: Path, values: tuple[str, ...]) -> object:
    return parts(cli(folder, {"mode": "StsToken"}, dict(zip(VARIABLES, values, strict=True))).get())


def program(_: Path, values: tuple[str, ...]) -> object:
    printed = json.dumps(dict(zip(("access_key_id", "access_key_secret", "sts_token"), values, strict=True)))
    return parts(ExternalProcessProvider([sys.executable, "-c", f"print({printed!r})"]).get())


def credentials_uri(_: Path, values: tuple[str, ...]) -> object:
    answer = dict(zip(("AccessKeyId", "AccessKeySecret", "SecurityToken"), values, strict=True))
    http: Any = RecordingHttp({**answer, "Expiration": "2099-12-31T23:59:59Z"})
    return parts(CredentialsUriProvider("http://127.0.0.1:7002/keys", http=http).get())


def headers(_: Path, values: tuple[str, ...]) -> object:
    provider = FunctionComputeProvider()
    names = ("x-fc-access-key-id", "x-fc-access-key-secret", "x-fc-security-token")
    provider.update(dict(zip(names, values, strict=True)))
    return parts(provider.get())


def oidc_token(folder: Path, values: tuple[str, ...]) -> object:
    sts = RecordingSts()
    (folder / "token").write_text(values[2], "utf-8", "surrogatepass")
    OidcRoleArnProvider(
        role_arn="acs:ram::1:role/a",
        oidc_provider_arn="acs:ram::1:oidc-provider/p",
        oidc_token_file=folder / "token",
        sts=sts,  # type: ignore[arg-type]  # a stand-in
    ).get()
    return (*values[:2], sts.calls[0]["oidc_token"])


def assertion(_: Path, values: tuple[str, ...]) -> object:
    sts = RecordingSts()
    SamlRoleArnProvider(
        role_arn="acs:ram::1:role/a",
        saml_provider_arn="acs:ram::1:saml-provider/p",
        assertion=lambda: values[2],
        sts=sts,  # type: ignore[arg-type]  # a stand-in
    ).get()
    return (*values[:2], sts.calls[0]["saml_assertion"])


def bearer(found: BearerToken, values: tuple[str, ...]) -> object:
    return (*values[:2], found.token)


def bearer_of_the_profile_file(folder: Path, values: tuple[str, ...]) -> object:
    (folder / "credentials").write_text(f"[default]\ntype = bearer\nbearer_token = {values[2]}\n", "utf-8", "surrogatepass")
    return bearer(BearerProfileProvider(folder / "credentials", environ={}).get(), values)


def bearer_of_the_cli(folder: Path, values: tuple[str, ...]) -> object:
    cli(folder, {"mode": "BearerToken", "bearer_token": values[2]}, {})
    return bearer(BearerProfileProvider(folder / "config.json", environ={}).get(), values)


def bearer_of_a_variable(folder: Path, values: tuple[str, ...]) -> object:
    cli(folder, {"mode": "BearerToken"}, {})
    return bearer(BearerProfileProvider(folder / "config.json", environ={BEARER: values[2]}).get(), values)


@attrs.frozen
class Place:
    """Where id, secret and token may come from.

    Args:
        read: What comes out of the three, when they are written there.
        names: How an error names each; ``None`` for what cannot come from there.
        error: Its type.
        is_text: Whether it is a text file, which can hold neither NUL nor half a character.
    """

    read: Callable[[Path, tuple[str, ...]], object]
    names: tuple[str | None, ...]
    error: type[AlicredError] = ConfigurationError
    is_text: bool = False


PAIR = ("access_key_id", "access_key_secret")
INI = tuple(f"profile 'default' (line 1 of {{}}/credentials): {key} holds" for key in (*PAIR, "security_token"))
JSON = tuple(f"profile 'default' of {{}}/config.json: {key} holds" for key in (*PAIR, "sts_token"))
PLACES = [
    Place(environment, tuple(f"env: {name} holds" for name in VARIABLES)),
    Place(profile_file, INI, is_text=True),
    Place(key_of_a_role, INI, is_text=True),
    Place(cli_profile, JSON),
    Place(gaps_of_a_cli_profile, tuple(f"config.json: {name} holds" for name in VARIABLES)),
    Place(program, ("access_key_id", "access_key_secret", "security_token"), MalformedResponseError),
    Place(credentials_uri, ("access_key_id", "access_key_secret", "security_token"), MalformedResponseError),
    Place(headers, ("header x-fc-access-key-id", "header x-fc-access-key-secret", "header x-fc-security-token")),
    Place(oidc_token, (None, None, "the OIDC token file {}/token holds"), is_text=True),
    Place(assertion, (None, None, "what assertion() returned holds")),
    Place(bearer_of_the_profile_file, (None, None, "(line 1 of {}/credentials): bearer_token holds"), is_text=True),
    Place(bearer_of_the_cli, (None, None, "{}/config.json: bearer_token holds")),
    Place(bearer_of_a_variable, (None, None, f"{{}}/config.json: {BEARER} holds")),
]
AROUND = [" {} ", "\ufeff{}", "\t{}\n", "\xa0{}\u3000", " \ufeff {} \ufeff\r\n"]
FOREIGN = {
    "planted\u200b": "ZERO WIDTH SPACE",
    "\u2060planted": "WORD JOINER",
    "plan\ufeffted": "ZERO WIDTH NO-BREAK SPACE",
    "plan\xa0ted": "NO-BREAK SPACE",
    "plante\uff44": "a full-width letter",
    "pl\u00e4nted": "a letter",
    "planted\u2014": "a punctuation mark",
    "plan\x00ted": "control character",
    "plan\x7fted": "control character",
    "planted\ud800": "half a character",
}


def ids(place: Place) -> str:
    return place.read.__name__


@pytest.mark.parametrize("around", AROUND, ids=ascii)
@pytest.mark.parametrize("place", PLACES, ids=ids)
def test_what_stands_around_a_part_goes(tmp_path: Path, place: Place, around: str) -> None:
    if place.read in (profile_file, key_of_a_role, bearer_of_the_profile_file):
        around = around.replace("\n", "").replace("\r", "")  # which end a line there
    values = tuple(around.format(value) if name else value for value, name in zip(GOOD, place.names, strict=True))
    assert place.read(tmp_path, values) == GOOD


@pytest.mark.parametrize(("foreign", "kind"), FOREIGN.items(), ids=map(ascii, FOREIGN))
@pytest.mark.parametrize("place", PLACES, ids=ids)
def test_what_no_part_has_is_refused_by_its_place_and_kind(tmp_path: Path, place: Place, foreign: str, kind: str) -> None:
    if place.read is assertion and "\xa0" in foreign:
        pytest.skip("white space in an assertion does not count")
    for number, name in enumerate(place.names):
        if name is None:
            continue
        words = [name.format(tmp_path), kind]
        if place.is_text and ("\0" in foreign or "\ud800" in foreign):
            words = [str(tmp_path), "is not UTF-8 text"]
        if place.error is MalformedResponseError and "\ud800" in foreign:
            words = []  # the whole answer may be refused for it
        with pytest.raises(place.error) as caught:
            place.read(tmp_path, tuple(foreign if each == number else value for each, value in enumerate(GOOD)))
        text = str(caught.value)
        assert [each for each in words if each not in text] == []
        assert "plan" not in text
        assert text.isascii()


def test_nothing_but_white_space_is_nothing(tmp_path: Path) -> None:
    blank = (" \ufeff", "\ufeff\n", "\xa0")
    with pytest.raises(NotConfiguredError, match="are not set"):
        environment(tmp_path, blank)
    with pytest.raises(ConfigurationError, match="are missing"):
        cli_profile(tmp_path, blank)
    for read in (program, credentials_uri):
        with pytest.raises(MalformedResponseError, match="the answer lacks"):
            read(tmp_path, blank)
    assert program(tmp_path, (*GOOD[:2], blank[2])) == (*GOOD[:2], None)
    with pytest.raises(MalformedResponseError, match="the answer lacks SecurityToken"):
        credentials_uri(tmp_path, (*GOOD[:2], blank[2]))


HALF = "planted\ud800"
ARN = "acs:ram::1:role/a"


@pytest.mark.parametrize(
    "make",
    [
        lambda: RamRoleArnProvider(EnvironmentProvider({}), role_arn=HALF),
        lambda: RamRoleArnProvider(EnvironmentProvider({}), role_arn=ARN, external_id=HALF),
        lambda: RamRoleArnProvider(EnvironmentProvider({}), role_arn=ARN, session_policy=f'{{"a": "{HALF}"}}'),
        lambda: OidcRoleArnProvider(role_arn=ARN, oidc_provider_arn=HALF, oidc_token_file="/nowhere"),
        lambda: OidcRoleArnProvider.from_environment(
            {"ALIBABA_CLOUD_ROLE_ARN": HALF, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "p", "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/nowhere"}
        ).get(),
        lambda: SamlRoleArnProvider(role_arn=ARN, saml_provider_arn=HALF, assertion=str),
        lambda: CredentialsUriProvider(f"http://127.0.0.1:1/{HALF}"),
        lambda: ProfileFileProvider(profile=HALF),
        lambda: ProfileFileProvider(HALF),
        lambda: ProfileFileProvider(environ={"HOME": HALF}).get(),
        lambda: CliProfileProvider(environ={"ALIBABA_CLOUD_CONFIG_FILE": HALF}).get(),
    ],
)
def test_half_a_character_is_an_error_wherever_a_text_is_taken(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError, match="holds half a character") as caught:
        make()
    assert "planted" not in str(caught.value)
    assert str(caught.value).isascii()
