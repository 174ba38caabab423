"""What a profile of the command line tool's file describes, beside what the official libraries make of the same bytes."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.clock import SYSTEM_CLOCK
from alicred.errors import AlicredError, ConfigurationError, NotConfiguredError
from alicred.sources._clients import HttpChoice, ImdsChoice, StsChoice
from alicred.sources._role_session import SessionName
from alicred.sources.oauth import OAuthProvider
from alicred.sources.profiles.cli import modes
from alicred.sources.profiles.cli.config import CliLookup
from alicred.sources.profiles.cli.modes import CliTools, LateLogins, source_of
from alicred.wire.url import Target

VECTORS = Path(__file__).parents[2] / "vectors" / "cli_config.json"
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]}
PYTHON, GO = "alibabacloud_credentials 1.0.12", "credentials-go 9ac55b4"

ROLE = "acs:ram::123456789012:role/admin"
AK = {"provider": "static_ak", "access_key_id": "AK1", "access_key_secret": "SK1"}
ASSUMED = {
    "provider": "ram_role_arn",
    "role_arn": ROLE,
    "role_session_name": "s1",
    "duration_seconds": 3600,
    "sts_endpoint": "sts.aliyuncs.com",
    "source": AK,
}
OIDC = {
    "provider": "oidc_role_arn",
    "role_arn": ROLE,
    "oidc_provider_arn": "acs:ram::1:oidc-provider/p",
    "oidc_token_file": "/var/run/tok",
    "duration_seconds": 3600,
    "sts_endpoint": "sts.aliyuncs.com",
}
ERROR = "an error"

# Where the two differ, or alicred does something else than both: what it makes of the file, and by which rule.
DECISIONS: dict[str, tuple[object, str]] = {
    "ram_role_arn_expired_seconds_0": (ASSUMED, "0 and the empty string are unset"),
    "ram_role_arn_with_sts_token": (
        {**ASSUMED, "source": {**AK, "provider": "static_sts", "access_key_id": "STS.AK1", "security_token": "T1"}},
        "RamRoleArn honours sts_token",
    ),
    "ram_role_arn_sts_endpoint": ({**ASSUMED, "sts_endpoint": "sts-vpc.cn-beijing.aliyuncs.com"}, "the profile's own sts_endpoint counts"),
    "oidc": ({**OIDC, "role_session_name": "s1", "duration_seconds": 1200}, "the key of the CLI's file is ram_session_name"),
    "oidc_role_session_name_key": ({**OIDC, "role_session_name": "s2"}, "role_session_name stands in where ram_session_name is missing"),
    "oauth_no_site": (ERROR, "no site is guessed: a login of one site would show its tokens to the other"),
    "oauth_intl_cached": (
        {"provider": "oauth", "stored": {"access_key_id": "STS.c", "access_key_secret": "SKc", "security_token": "Tc"}},
        "a stored STS is used while sts_expiration is far enough ahead",
    ),
    "rsa_key_pair": (
        {
            "provider": "rsa_key_pair",
            "public_key_id": "KP1",
            "private_key": "/var/run/k.pem",
            "duration_seconds": 3600,
            "sts_endpoint": "sts.aliyuncs.com",
        },
        "every mode that yields a credential, also those that only the CLI has",
    ),
    "ram_role_arn_with_role_name": (
        {**ASSUMED, "source": {"provider": "ecs_ram_role", "role_name": "EcsRole"}},
        "every mode that yields a credential, also those that only the CLI has",
    ),
    "credentials_uri": (
        {"provider": "credentials_uri", "uri": "http://127.0.0.1:1/x"},
        "every mode that yields a credential, also those that only the CLI has",
    ),
    "mode_missing": (AK, "a missing mode is guessed as the CLI does"),
    "expired_seconds_float": (ASSUMED, "3600.0 is a whole number"),
    "RAW_bom": (AK, "a byte order mark is accepted"),
    "RAW_json_key_case": (ERROR, "keys are compared letter by letter"),
}

# Which kind of error: only NotConfiguredError lets a chain move on.
NOT_CONFIGURED = {
    "current_missing": "names no current profile",
    "profiles_empty": "it has none at all",
    "empty_object": "names no current profile",
    "RAW_json_key_case": "names no current profile",
}
WORDS = {
    "ak_missing_secret": "access_key_secret is missing",
    "sts_token_missing": "sts_token is missing",
    "ram_role_arn_expired_seconds_899": "expired_seconds must be 900 to 43200 (seconds), not ",
    "oidc_missing_fields": "ram_role_arn and oidc_provider_arn and oidc_token_file are missing (or set ALIBABA_CLOUD_ROLE_ARN and ",
    "chain_missing_source": "source_profile is 'nope', and there is no such profile: it has 'p'",
    "chain_cycle": "source_profile leads in a circle: 'a' -> 'b' -> 'a'",
    "chain_no_source_key": "source_profile is missing",
    "cloud_sso_expired": "og in again",
    "oauth_no_site": "oauth_site_type is missing",
    "oauth_bad_site": " is unknown. Set it to CN or INTL.",
    "external_empty": "process_command is missing",
    "bearer_token": "Use BearerProfileProvider",
    "anonymous": "its mode is Anonymous, so it has no credential",
    "mode_lower_case": " is unknown. Give one of AK, StsToken, ",
    "profile_not_found": "has no profile 'p', which it calls current: it has 'base'",
    "expired_seconds_string": "expired_seconds must be a whole number, not str",
    "RAW_trailing_comma": "line 1, column ",
    "RAW_number_array_root": "must be a JSON object",
}


class Recorded:
    """Stands in for the class of a source, and keeps what it was made with."""

    def __init__(self, name: str, *arguments: object, **keywords: object) -> None:
        self.name = name
        self.arguments = arguments
        self.keywords = keywords

    def get(self) -> Any:
        raise AssertionError("nothing is asked here")


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, class_name, name in (
        ("ram_role_arn", "RamRoleAsWritten", "ram_role_arn"),
        ("oidc_role_arn", "OidcRoleAsWritten", "oidc_role_arn"),
        ("rsa_key_pair", "RsaKeyPairProvider", "rsa_key_pair"),
        ("credentials_uri", "CredentialsUriProvider", "credentials_uri"),
        ("external_process", "ExternalProcessProvider", "external"),
    ):
        monkeypatch.setattr(f"alicred.sources.{module}.{class_name}", lambda *a, _name=name, **k: Recorded(_name, *a, **k))
    monkeypatch.setattr(
        "alicred.sources.ecs_ram_role.EcsRamRoleProvider", lambda role_name, **_: Recorded("ecs_ram_role", role_name=role_name)
    )


def described(source: Any) -> dict[str, Any]:
    """A source in the words of the vectors."""
    if isinstance(source, modes._OfProfile):
        return described(source._source)
    if source.name in ("static_ak", "static_sts"):
        key = source.get()
        parts = {name: getattr(key, name) for name in ("access_key_id", "access_key_secret", "security_token")}
        return tidy({"provider": source.name, **parts})
    if isinstance(source, Recorded):
        found = {"provider": source.name, **source.keywords}
        if source.arguments:
            first = {"ram_role_arn": "source", "credentials_uri": "uri", "external": "process_command"}[source.name]
            found[first] = described(source.arguments[0]) if first == "source" else source.arguments[0]
        if isinstance(found.get("duration"), timedelta):
            found["duration_seconds"] = found.pop("duration").total_seconds()
        if "session_policy" in found:
            found["policy"] = found.pop("session_policy")
        if "sts" in found:
            found["sts_endpoint"] = found.pop("sts").endpoint.removeprefix("https://")
        found["private_key"] = str(found["private_key"]) if "private_key" in found else None
        return tidy(found)
    if source.name == "cloud_sso":
        ends_at = source._ends_at
        return {
            "provider": "cloud_sso",
            "sign_in_url": source._client.endpoint,
            "account_id": source._account_id,
            "access_config": source._access_configuration_id,
            "access_token": source._access_token,
            "access_token_expire": ends_at.timestamp(),
        }
    raise AssertionError(source.name)


def oauth(source: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an OAuth source would ask with, or the keys that it finds in the file."""
    made: list[dict[str, Any]] = []

    class Stop(Exception):
        pass

    def provider(**keywords: Any) -> OAuthProvider:
        made.append(keywords)
        raise Stop

    monkeypatch.setattr("alicred.sources.profiles.cli.oauth_login.OAuthProvider", provider)
    try:
        key = source.get()
    except Stop:
        tokens = made[0]["tokens"]
        return {
            "provider": "oauth",
            "client_id": made[0]["client_id"],
            "sign_in_url": made[0]["sign_in_url"],
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "access_token_expire": tokens.access_token_expires_at.timestamp(),
        }
    stored = {name: getattr(key, name) for name in ("access_key_id", "access_key_secret", "security_token")}
    return {"provider": "oauth", "stored": stored}


def tidy(found: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing, and without the name that each library makes up for itself."""
    said = {
        key: tidy(value) if isinstance(value, dict) else value
        for key, value in found.items()
        if value not in (None, "", False) and key not in ("timeout_s", "environ", "http")
    }
    if re.match(r"(credentials-|alicred-)", said.get("role_session_name", "")):
        del said["role_session_name"]
    return said


def official(case: dict[str, Any]) -> object:
    """What both libraries make of it; None if they differ."""
    answers = [tidy(result["ok"]) if "ok" in result else ERROR for result in (case["results"][PYTHON], case["results"][GO])]
    for answer in answers:
        if isinstance(answer, dict):
            answer.pop("cached_access_key_id", None)
            answer.pop("cached_sts_expiration", None)
            if answer["provider"] == "cloud_sso":  # of that URL, no more than the site counts
                answer["sign_in_url"] = str(Target.parse(answer["sign_in_url"]).endpoint)
    return answers[0] if answers[0] == answers[1] else None


def content(case: dict[str, Any]) -> str:
    return json.dumps(case["config"]) if case.get("raw_text") is None else case["raw_text"]


def ours(case: dict[str, Any], path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    path.write_text(content(case), encoding="utf-8")
    lookup = CliLookup("Test", path=path, profile=case["profile_argument"] or None, environ={})
    try:
        chosen = lookup.find()
        tools = CliTools(
            config=chosen.config,
            environ={},
            sts=StsChoice("Test", None, "assume_role"),
            imds=ImdsChoice("test", None),
            http=HttpChoice("Test", None),
            clock=SYSTEM_CLOCK,
            session=SessionName("Test", None),
            logins=LateLogins(write_back=False),
        )
        source = source_of(chosen, tools)
        if case["name"] == "cloud_sso_expired":
            source.get()  # the official ones look at the time when they are made
        return oauth(source, monkeypatch) if source.name == "oauth" else described(source)
    except AlicredError as error:
        check(error, case["name"], path)
        return ERROR


def check(error: AlicredError, name: str, path: Path) -> None:
    kind, words = (NotConfiguredError, NOT_CONFIGURED) if name in NOT_CONFIGURED else (ConfigurationError, WORDS)
    assert type(error) is kind
    assert words[name] in str(error)
    assert str(path) in str(error) or name == "cloud_sso_expired"


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("name", CASES)
def test_every_case_of_the_vectors(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ours(CASES[name], tmp_path / "config.json", monkeypatch)
    expected, rule = DECISIONS.get(name, (official(CASES[name]), "as both official libraries have it"))
    assert found == expected, rule


def test_there_is_a_decision_where_one_is_needed_and_nowhere_else() -> None:
    assert [name for name, case in CASES.items() if official(case) is None and name not in DECISIONS] == []
    assert [name for name, (expected, _) in DECISIONS.items() if expected == official(CASES[name])] == []
    assert len(CASES) == 54
