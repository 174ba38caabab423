"""Where a credential comes from: in the value, in the reports of `explain`, in the state of a cache, and in the log."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from alicred import (
    AlicredError,
    BearerProfileProvider,
    CachingProvider,
    ChainPolicy,
    ChainProvider,
    CliProfileProvider,
    CloudSsoProvider,
    Credential,
    CredentialsUriProvider,
    DeniedError,
    EcsRamRoleProvider,
    EnvironmentProvider,
    ExternalProcessProvider,
    NotConfiguredError,
    OAuthProvider,
    OidcRoleArnProvider,
    OnError,
    ProfileFileProvider,
    RamRoleArnProvider,
    RefreshMode,
    RefreshPolicy,
    RetryingProvider,
    RsaKeyPairProvider,
    SamlRoleArnProvider,
    SourceReport,
    StaticProvider,
    TransientError,
    default_provider,
)
from alicred.adapters import tea
from alicred.errors import SourceOutcome
from alicred.events import RefreshFailed, RefreshSucceeded
from alicred.sources import FunctionComputeProvider, OAuthTokens
from alicred.testing import FakeClock, FakeCloud
from tests.support import HOUR, SECOND, Recorder, Script

URI = "ALIBABA_CLOUD_CREDENTIALS_URI"
KEY_VARIABLES = "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        yield cloud


@attrs.frozen
class Place:
    """What a case is made with."""

    cloud: FakeCloud
    home: Path

    @property
    def key(self) -> Credential:
        return attrs.evolve(self.cloud.access_key, provider_name="")

    @property
    def variables(self) -> dict[str, str]:
        return {"HOME": str(self.home), "ALIBABA_CLOUD_STS_ENDPOINT": self.cloud.http_endpoint}

    def file(self, name: str, text: str) -> Path:
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    def cli_config(self, *profiles: dict[str, str]) -> str:
        base = {"name": "base", "mode": "AK", "access_key_id": self.key.access_key_id, "access_key_secret": self.key.access_key_secret}
        return str(self.file(".aliyun/config.json", json.dumps({"current": "p", "profiles": [*profiles, base]})))


def _role(place: Place) -> Any:
    return RamRoleArnProvider(StaticProvider(place.key), role_arn=place.cloud.role_arn, sts=place.cloud.sts_client())


def _cli(place: Place, **values: str) -> Any:
    place.cli_config({"name": "p", **values})
    return CliProfileProvider(environ=place.variables, imds=place.cloud.imds_client())


def _ini(place: Place, text: str) -> Any:
    place.file(".alibabacloud/credentials", f"[default]\n{text}\n")
    return ProfileFileProvider(environ=place.variables, imds=place.cloud.imds_client())


def _key(place: Place) -> str:
    return f"access_key_id = {place.key.access_key_id}\naccess_key_secret = {place.key.access_key_secret}"


def _oidc(place: Place) -> dict[str, str]:
    return {
        "role_arn": place.cloud.role_arn,
        "oidc_provider_arn": place.cloud.oidc_provider_arn,
        "oidc_token_file": str(place.file("token", place.cloud.add_oidc_token())),
    }


def _cloud_sso(place: Place) -> Any:
    login = place.cloud.add_cloud_sso_login()
    return CloudSsoProvider(
        sign_in_url=place.cloud.http_endpoint,
        account_id=login.account_id,
        access_configuration_id=login.access_configuration_id,
        access_token=login.access_token,
        access_token_expires_at=login.expires_at,
    )


def _oauth(place: Place) -> Any:
    login = place.cloud.add_oauth_login()
    tokens = OAuthTokens(refresh_token=login.refresh_token, access_token=login.access_token, access_token_expires_at=login.expires_at)
    return OAuthProvider(client_id=login.client_id, sign_in_url=place.cloud.http_endpoint, tokens=tokens)


def _function_compute(place: Place) -> Any:
    provider = FunctionComputeProvider()
    provider.update({f"x-fc-{name}": f"a-{name}" for name in ("access-key-id", "access-key-secret", "security-token")})
    return provider


def _external(place: Place) -> Any:
    printed = json.dumps({"mode": "AK", "access_key_id": "an-id", "access_key_secret": "a-secret"})
    return ExternalProcessProvider(["/bin/echo", printed])


_CHAINED = {"mode": "ChainableRamRoleArn", "source_profile": "base"}
# The source; its origin; and that of the identity that a role was assumed with. {home}, {role} and so on stand for what differs.
ORIGINS: dict[str, tuple[Callable[[Place], Any], str, str | None]] = {
    "static": (lambda place: StaticProvider(place.key), "the program itself", None),
    "env": (
        lambda _: EnvironmentProvider({"ALIBABA_CLOUD_ACCESS_KEY_ID": "an-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "a-secret"}),
        KEY_VARIABLES,
        None,
    ),
    "ram_role_arn": (_role, "the role {role}", "the program itself"),
    "oidc_role_arn": (
        lambda place: OidcRoleArnProvider(**_oidc(place), sts=place.cloud.sts_client()),
        "the role {role}, with the OIDC token in {home}/token",
        None,
    ),
    "saml_role_arn": (
        lambda place: SamlRoleArnProvider(
            role_arn=place.cloud.role_arn,
            saml_provider_arn=place.cloud.saml_provider_arn,
            assertion=place.cloud.add_saml_assertion,
            sts=place.cloud.sts_client(),
        ),
        "the role {role}, with a SAML assertion",
        None,
    ),
    "ecs_ram_role": (
        lambda place: EcsRamRoleProvider(imds=place.cloud.imds_client()),
        "the RAM role 'test-role' of the ECS instance",
        None,
    ),
    "credentials_uri": (
        lambda place: CredentialsUriProvider.from_environment({URI: f"{place.cloud.http_endpoint}/credentials?x=y"}),
        "ALIBABA_CLOUD_CREDENTIALS_URI ({endpoint}/credentials)",
        None,
    ),
    "external": (_external, "the program /bin/echo", None),
    "cloud_sso": (_cloud_sso, "account {account} with access configuration {configuration}, of {endpoint}", None),
    "oauth": (_oauth, "the OAuth login at {endpoint}", None),
    "function_compute": (_function_compute, "a request to the function", None),
    "cli AK": (
        lambda place: CliProfileProvider(place.cli_config(), "base"),
        "profile 'base' (mode AK) of {home}/.aliyun/config.json",
        None,
    ),
    "cli RamRoleArn": (
        lambda place: _cli(
            place, mode="RamRoleArn", ram_role_arn=place.cloud.role_arn, access_key_id=place.key.access_key_id,
            access_key_secret=place.key.access_key_secret,
        ),
        "profile 'p' (mode RamRoleArn) of {home}/.aliyun/config.json, the role {role}",
        "profile 'p' (mode RamRoleArn) of {home}/.aliyun/config.json",
    ),
    "cli ChainableRamRoleArn": (
        lambda place: _cli(place, **_CHAINED, ram_role_arn=place.cloud.role_arn),
        "profile 'p' (mode ChainableRamRoleArn) of {home}/.aliyun/config.json, the role {role}",
        "profile 'base' (mode AK) of {home}/.aliyun/config.json",
    ),
    "cli EcsRamRole": (
        lambda place: _cli(place, mode="EcsRamRole", ram_role_name="test-role"),
        "profile 'p' (mode EcsRamRole) of {home}/.aliyun/config.json, the RAM role 'test-role' of the ECS instance",
        None,
    ),
    "ini access_key": (
        lambda place: _ini(place, f"type = access_key\n{_key(place)}"),
        "profile 'default' (type access_key) of {home}/.alibabacloud/credentials",
        None,
    ),
    "ini ram_role_arn": (
        lambda place: _ini(place, f"type = ram_role_arn\nrole_arn = {place.cloud.role_arn}\n{_key(place)}"),
        "profile 'default' (type ram_role_arn) of {home}/.alibabacloud/credentials, the role {role}",
        "profile 'default' (type ram_role_arn) of {home}/.alibabacloud/credentials",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ORIGINS)
def test_a_credential_says_where_it_comes_from(case: str, cloud: FakeCloud, tmp_path: Path) -> None:
    make, origin, means = ORIGINS[case]
    provider = make(Place(cloud, tmp_path))
    sso = provider if isinstance(provider, CloudSsoProvider) else None
    there = {
        "home": tmp_path,
        "role": cloud.role_arn,
        "endpoint": cloud.http_endpoint,
        "account": sso and sso._account_id,
        "configuration": sso and sso._access_configuration_id,
    }
    held = provider.get()
    assert held.origin == origin.format(**there)
    assert (held.obtained_with and held.obtained_with.origin) == (means and means.format(**there))
    (report,) = CachingProvider(RetryingProvider(ChainProvider(provider))).explain()
    assert (report.chosen, report.origin, report.obtained_with) == (True, held.origin, held.obtained_with)
    assert report.outcome is SourceOutcome.FOUND
    assert f"from {held.origin}" in str(report)


def test_an_rsa_key_pair_says_where_it_is(cloud: FakeCloud, tmp_path: Path) -> None:
    public_key_id, pem = cloud.add_rsa_key()
    path = Place(cloud, tmp_path).file("key.pem", pem)
    made = {"public_key_id": public_key_id, "sts": cloud.sts_client()}
    assert RsaKeyPairProvider(private_key=pem, **made).get().origin == f"the RSA key pair {public_key_id}"  # type: ignore[arg-type]
    assert RsaKeyPairProvider(private_key=path, **made).get().origin == f"the RSA key pair {public_key_id}, with the private key in {path}"  # type: ignore[arg-type]


def test_a_bearer_token_says_where_it_comes_from(cloud: FakeCloud, tmp_path: Path) -> None:
    path = Place(cloud, tmp_path).file("credentials", "[default]\ntype = bearer\nbearer_token = a-token\n")
    assert BearerProfileProvider(path, environ={}).get().origin == f"profile 'default' (type bearer) of {path}"
    config = Place(cloud, tmp_path).cli_config({"name": "p", "mode": "BearerToken", "bearer_token": "a-token"})
    assert BearerProfileProvider(config, environ={}).get().origin == f"profile 'p' (mode BearerToken) of {config}"


def test_a_key_that_the_environment_lends_a_profile_says_so(cloud: FakeCloud, tmp_path: Path) -> None:
    place = Place(cloud, tmp_path)
    place.cli_config({"name": "p", "mode": "RamRoleArn", "ram_role_arn": cloud.role_arn})
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": place.key.access_key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": place.key.access_key_secret}
    held = CliProfileProvider(environ={**place.variables, **keys}).get()
    assert held.obtained_with is not None
    assert held.obtained_with.origin == KEY_VARIABLES


@pytest.mark.parametrize(
    ("case", "origin"),
    [
        ("env", KEY_VARIABLES),
        ("oidc_role_arn", "ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE"),
        ("cli_profile", "{home}/.aliyun/config.json"),
        ("profile", "{home}/.alibabacloud/credentials or {home}/.alibabacloud/credentials.ini"),
        ("ecs_ram_role", "the metadata service of the ECS instance"),
        ("credentials_uri", "ALIBABA_CLOUD_CREDENTIALS_URI"),
    ],
)
def test_what_is_not_set_up_says_where_it_would_be(case: str, origin: str, tmp_path: Path, cloud: FakeCloud) -> None:
    cloud.attach_instance_role(None)
    reports = {report.name: report for report in default_provider(environ={"HOME": str(tmp_path)}, imds=cloud.imds_client()).explain()}
    assert reports[case].outcome is SourceOutcome.NOT_CONFIGURED
    assert reports[case].origin == origin.format(home=tmp_path)
    assert (reports[case].chosen, reports[case].access_key_id) == (False, None)


def test_a_role_that_is_denied_says_what_it_was_to_be_assumed_with(cloud: FakeCloud, tmp_path: Path) -> None:
    place = Place(cloud, tmp_path)
    wrong = f"{cloud.role_arn}-of-no-one"
    provider = RetryingProvider(_cli(place, **_CHAINED, ram_role_arn=wrong))
    with pytest.raises(DeniedError) as caught:
        provider.get()
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert error.origin == f"profile 'p' (mode ChainableRamRoleArn) of {tmp_path}/.aliyun/config.json, the role {wrong}"
        assert error.obtained_with is not None
        assert error.obtained_with.access_key_id == place.key.access_key_id
        assert "profile 'base'" in error.obtained_with.origin
    (report,) = provider.explain()
    assert (report.outcome, report.chosen) == (SourceOutcome.FAILED, False)
    assert report.obtained_with == caught.value.obtained_with
    assert place.key.access_key_secret not in repr(report) + str(report) + repr(caught.value)


def test_of_several_profiles_the_one_is_named_whose_role_is_denied(cloud: FakeCloud, tmp_path: Path) -> None:
    place = Place(cloud, tmp_path)
    inner = {"name": "inner", **_CHAINED, "ram_role_arn": f"{cloud.role_arn}-of-no-one"}
    path = place.cli_config({"name": "p", "mode": "ChainableRamRoleArn", "source_profile": "inner", "ram_role_arn": cloud.role_arn}, inner)
    with pytest.raises(DeniedError) as caught:
        CliProfileProvider(environ=place.variables).get()
    modes = [f"profile {name!r} (mode ChainableRamRoleArn) of {path}" for name in ("p", "inner")]
    assert caught.value.origin == f"{', '.join(modes)}, the role {cloud.role_arn}-of-no-one"


# --- which one is chosen ------------------------------------------------------------------------------------------------------------


def source(name: str, step: object) -> Script:
    made = Script(step)
    made.name = name
    return made


ABSENT, BROKEN, DOWN = NotConfiguredError("nothing is set up"), DeniedError("no"), TransientError("down")
GO_ON = ChainPolicy(on_error=OnError.CONTINUE)


@pytest.mark.parametrize(
    ("steps", "policy", "chosen"),
    [
        ((HOUR, HOUR), ChainPolicy(), [True, False]),
        ((ABSENT, HOUR, HOUR), ChainPolicy(), [False, True, False]),
        ((ABSENT, BROKEN, HOUR), ChainPolicy(), [False, False, False]),  # get() raises what is broken
        ((ABSENT, BROKEN, HOUR), GO_ON, [False, False, True]),
        ((ABSENT, ABSENT), ChainPolicy(), [False, False]),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_the_one_that_get_uses_is_chosen(steps: tuple[object, ...], policy: ChainPolicy, chosen: list[bool], nested: bool) -> None:
    keys = [Credential(f"key-{number}", "secret") for number in range(len(steps))]
    sources = [source(f"s{number}", key if step is HOUR else step) for number, (step, key) in enumerate(zip(steps, keys, strict=True))]
    chain = ChainProvider(ChainProvider(*sources, chain=policy) if nested else sources[0], *([] if nested else sources[1:]), chain=policy)
    reports = chain.explain()
    assert [report.chosen for report in reports] == chosen
    try:
        held = chain.get()
    except AlicredError:
        assert not any(chosen)
    else:
        assert held == keys[chosen.index(True)]


def test_the_one_that_was_used_before_stays_chosen() -> None:
    first, second = Script(ABSENT, HOUR), Script(HOUR, DOWN)
    chain = ChainProvider(first, second)
    chain.get()  # the second's, and the chain stays with it
    assert [(report.outcome, report.chosen) for report in chain.explain()] == [(SourceOutcome.FOUND, False), (SourceOutcome.FAILED, True)]


def test_a_chain_that_does_not_stay_with_a_source_marks_the_one_that_comes_next() -> None:
    first, second = Script(ABSENT, HOUR), Script(HOUR)
    chain = ChainProvider(first, second, chain=ChainPolicy(sticky=False))
    chain.get()
    assert [report.chosen for report in chain.explain()] == [True, False]


def test_a_nested_chain_that_was_used_before_marks_why_it_fails_now() -> None:
    nested = ChainProvider(Script(ABSENT), Script(HOUR, DOWN), Script(ABSENT), chain=ChainPolicy(sticky=False))
    chain = ChainProvider(nested, Script(HOUR))
    chain.get()
    assert [report.chosen for report in chain.explain()] == [False, True, False, False]
    nested = ChainProvider(Script(ABSENT), Script(HOUR, ABSENT), chain=ChainPolicy(sticky=False))
    chain = ChainProvider(nested, Script(HOUR))
    chain.get()
    assert [report.chosen for report in chain.explain()] == [False, True, False]


def test_an_explanation_is_a_list_for_people(cloud: FakeCloud, tmp_path: Path) -> None:
    place = Place(cloud, tmp_path)
    _cli(place, **_CHAINED, ram_role_arn=cloud.role_arn)
    provider = default_provider(environ=place.variables, imds=cloud.imds_client())
    lines = str(provider.explain()).splitlines()
    assert lines[0] == f"   env: not configured: {KEY_VARIABLES} are not set"
    assert [line for line in lines if line.startswith("->")] == [lines[2]]
    assert lines[2].startswith("-> cli_profile: found: access key id STS.")
    assert lines[3].strip() == f"from profile 'p' (mode ChainableRamRoleArn) of {tmp_path}/.aliyun/config.json, the role {cloud.role_arn}"
    assert lines[4].strip() == f"obtained with static_ak: found: access key id {place.key.access_key_id}, without an end"
    assert lines[5].strip() == f"from profile 'base' (mode AK) of {tmp_path}/.aliyun/config.json"


# --- the state of a cache -----------------------------------------------------------------------------------------------------------


def test_the_state_says_whose_value_is_held(cloud: FakeCloud, tmp_path: Path) -> None:
    place = Place(cloud, tmp_path)
    _cli(place, **_CHAINED, ram_role_arn=cloud.role_arn)
    with default_provider(environ=place.variables, imds=cloud.imds_client()) as provider:
        empty = provider.state()
        assert (empty.provider_name, empty.access_key_id, empty.origin, empty.fetched_at) == ("default", None, "", None)
        assert str(empty) == "default: EMPTY\n  0 of 0 refreshes succeeded"
        held, state = provider.get(), provider.state()
    assert (state.provider_name, state.access_key_id, state.origin) == (held.provider_name, held.access_key_id, held.origin)
    assert state.obtained_with == held.obtained_with
    assert state.fetched_at is not None
    assert state.expires_at is not None
    assert timedelta(minutes=59) < state.expires_at - state.fetched_at < timedelta(minutes=61)
    lines = str(state).splitlines()
    assert lines[0] == "default/cli_profile/ram_role_arn/static_ak: FRESH"
    assert lines[1].startswith(f"  access key id {held.access_key_id}, valid until ")
    assert lines[2] == f"  from {held.origin}"
    assert lines[-1] == "  1 of 1 refreshes succeeded"


def test_the_state_tells_of_failures() -> None:
    clock = FakeClock()
    policy = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0)
    cache = CachingProvider(Script(HOUR, DOWN, clock=clock), clock=clock, refresh=policy)
    cache.get()
    fetched = clock.utcnow()
    clock.advance(timedelta(minutes=50))
    cache.get()
    state = cache.state()
    assert state.fetched_at == fetched
    assert "1 failed since, next attempt at 2026-" in str(state)
    assert str(state).endswith("; the last one with: down")


def test_the_repr_of_policies_and_states_reads_like_code() -> None:
    names: dict[str, Any] = {}
    exec("from datetime import *; from alicred import *; from alicred.policy import *", names)
    policy = RefreshPolicy(max_wait=timedelta(minutes=10), grace=1.5 * SECOND, jitter=0)
    assert "max_wait=timedelta(minutes=10), " in repr(policy)
    assert "mode=RefreshMode.BACKGROUND, " in repr(policy)
    for each in (
        policy,
        policy.failure_backoff,
        policy.schedule(HOUR, 0.5),
        names["RetryPolicy"](),
        ChainPolicy(),
        names["TieredWindow"](),
    ):
        if "function" not in repr(each):
            assert eval(repr(each), names) == each
    clock = FakeClock()
    cache = CachingProvider(Script(HOUR, clock=clock), clock=clock)
    cache.get()
    assert "fetched_at=datetime(2026, 1, 1, 0, 0, 0, tzinfo=timezone.utc), phase=Phase.FRESH, " in repr(cache.state())
    assert eval(repr(cache.state()), names) == cache.state()


# --- the log ------------------------------------------------------------------------------------------------------------------------


def test_one_line_says_which_identity_is_used_and_when_that_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "alicred")
    clock, heard = FakeClock(), Recorder()

    def session(key_id: str, origin: str = "profile 'a'", means: str = "LTAI1") -> Credential:
        report = SourceReport(name="static_ak", outcome=SourceOutcome.FOUND, detail="", access_key_id=means)
        return Credential(key_id, "secret", "token", clock.utcnow() + HOUR, "p/role", origin=origin, obtained_with=report)

    steps = [session("STS.1"), session("STS.2"), session("STS.3", "profile 'b'"), session("STS.4", "profile 'b'", "LTAI2")]
    cache = CachingProvider(Script(*steps, Credential("LTAI3", "s"), Credential("LTAI4", "s")), name="mine", clock=clock, listener=heard)
    for _ in range(6):
        cache.refresh()
    assert [event.changed for event in heard.of(RefreshSucceeded)] == [True, False, True, True, True, True]
    assert len(caplog.messages) == 5
    assert caplog.messages[0].startswith(
        "mine: using access key id STS.1, valid until 2026-01-01 01:00:00 UTC, from profile 'a'; obtained with "
    )
    assert caplog.messages[-1].startswith("mine: using access key id LTAI4, without an end, from mine (fetched in ")


def test_a_failed_refresh_says_what_is_held_and_when_it_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    clock, heard = FakeClock(), Recorder()
    policy = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0)
    cache = CachingProvider(Script(HOUR, DOWN, clock=clock), name="mine", clock=clock, listener=heard, refresh=policy)
    cache.get()
    clock.advance(timedelta(minutes=50))
    cache.get()
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    held = "still serving access key id id-1, valid until 2026-01-01 01:00:00 UTC, next attempt at 2026-01-01 00:50:0"
    assert warning.getMessage().startswith(f"mine: refresh failed (1 in a row), {held}")
    assert warning.getMessage().endswith(": down")
    (event,) = heard.of(RefreshFailed)
    assert event.held is not None
    assert event.held.access_key_id == "id-1"


PROGRAM = """
from datetime import timedelta
from alicred import *
from alicred.testing import FakeClock
from tests.support import Script
clock = FakeClock()
cache = CachingProvider(Script({steps}, clock=clock), clock=clock, refresh=RefreshPolicy(mode=RefreshMode.INLINE, jitter=0))
for _ in range(2):
    try:
        cache.get()
    except AlicredError as error:
        print("raised", error)
    clock.advance(timedelta(minutes=50))
"""
A_DOWN = "TransientError('the-service-is-down')"


@pytest.mark.parametrize("steps", [A_DOWN, f"timedelta(hours=1), {A_DOWN}"], ids=["with nothing held", "with a value held"])
def test_without_a_log_nothing_is_printed_twice(steps: str) -> None:
    program = PROGRAM.format(steps=steps)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    if "timedelta" in steps:
        assert done.stdout == ""
        assert done.stderr.count("the-service-is-down") == len(done.stderr.splitlines()) == 1
    else:
        assert done.stdout.count("the-service-is-down") == 2
        assert done.stderr == ""


# --- an adapter without a cache -----------------------------------------------------------------------------------------------------


def test_an_adapter_of_a_source_without_a_cache_warns_once(cloud: FakeCloud, caplog: pytest.LogCaptureFixture) -> None:
    for provider in (
        EcsRamRoleProvider(imds=cloud.imds_client()),
        RetryingProvider(ChainProvider(EnvironmentProvider({}), EcsRamRoleProvider(imds=cloud.imds_client()))),
    ):
        caplog.clear()
        credential = tea(provider)
        for _ in range(3):
            credential.get_credential()
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert record.getMessage() == (
            f"tea: the provider {provider.name!r} keeps nothing, and is asked for every request. Put a CachingProvider around it"
        )


def test_an_adapter_of_what_costs_nothing_does_not_warn(cloud: FakeCloud, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for provider in (
        CachingProvider(EcsRamRoleProvider(imds=cloud.imds_client())),
        StaticProvider(attrs.evolve(cloud.access_key, expires_at=cloud.now() + HOUR)),
        _cli(Place(cloud, tmp_path), mode="AK", access_key_id="an-id", access_key_secret="a-secret"),
        ChainProvider(StaticProvider(cloud.access_key)),
        Script(),
    ):
        tea(provider).get_credential()
    assert [text for text in caplog.messages if "keeps nothing" in text] == []
