"""Whatever a service answers, a program prints or a file holds: no secret shows in anything that the library emits.

Every source there is gets secrets from everywhere, is asked through all the decorators, and is disturbed in ways that are drawn. Then
everything is searched that the library has said: errors with all that led to them, log records, events, reports, the ``repr`` of
everything, pickled errors, standard output, and the URLs of the requests.
"""

from __future__ import annotations

import json
import logging
import os
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alicred import CachingProvider, ChainPolicy, ChainProvider, OnError, RefreshMode, RefreshPolicy, RetryingProvider
from alicred.credential import BearerToken, Credential
from alicred.default import default_chain
from alicred.errors import AlicredError
from alicred.sources import (
    EcsRamRoleProvider,
    EnvironmentProvider,
    OidcRoleArnProvider,
    RamRoleArnProvider,
    RsaKeyPairProvider,
    StaticProvider,
)
from alicred.sources.cloud_sso import CloudSsoProvider
from alicred.sources.credentials_uri import CredentialsUriProvider
from alicred.sources.external_process import ExternalProcessProvider
from alicred.sources.function_compute import FunctionComputeProvider
from alicred.sources.oauth import OAuthProvider, OAuthSite, OAuthTokens
from alicred.sources.profiles.bearer import BearerProfileProvider
from alicred.sources.profiles.cli import oauth_login
from alicred.sources.profiles.cli.provider import CliProfileProvider
from alicred.sources.profiles.ini.provider import ProfileFileProvider
from alicred.sources.saml_role_arn import SamlRoleArnProvider
from alicred.testing import FakeClock, FakeCloud
from tests.secrecy import NOISE, PLANTINGS, SECRET, SHAPES, Said, listening
from tests.support import examples

ROLE = "acs:ram::1:role/x"


def ask(said: Said, make: Callable[[], Any], *, listens: bool) -> None:
    """Make a provider, and ask it in every way there is."""
    listener = said.event if listens else None
    try:
        source = make()
    except AlicredError as error:
        return said.error(error)
    stop, go_on = ChainPolicy(), ChainPolicy(on_error=OnError.CONTINUE)
    for policy in (stop, go_on):
        retrying: Any = RetryingProvider(source, clock=FakeClock(), listener=listener)
        chain: Any = ChainProvider(retrying, chain=policy, listener=listener, name="default")
        cache: Any = CachingProvider(chain, refresh=RefreshPolicy(mode=RefreshMode.INLINE), listener=listener)
        for each in (source, cache, cache):
            said.value(each)
            try:
                said.value(each.get())
            except AlicredError as error:
                said.error(error)
        said.value(cache.state())
        for each in (retrying, chain, *chain.explain()):
            said.value(each)
            said.error(getattr(each, "error", None))
    return None


# --- the sources --------------------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Case:
    """One draw: a cloud, an empty home, and whether what the source is given is sound, so that all goes on to the cloud's answer."""

    cloud: FakeCloud
    home: Path
    draw: Callable[[st.SearchStrategy[Any]], Any]
    sound: bool
    secrets: set[str] = attrs.field(factory=lambda: set(SHAPES))

    def pick(self, good: Any, *bad: Any) -> Any:
        return good if self.sound else self.draw(st.sampled_from([good, *bad]))

    def pick_of(self, good: list[Any], *bad: Any) -> Any:
        return self.draw(st.sampled_from(good if self.sound else [*good, *bad]))

    def secret(self, real: str = SECRET) -> str:
        """*real*, which becomes one of those that are searched for, or one that is planted."""
        self.secrets.add(real if real != SECRET else SHAPES[0])
        return str(self.pick(real, SECRET, SECRET + "\n", f"{SECRET} {SECRET}", SECRET * 3000))

    def noisy(self, real: str = SECRET) -> str:
        return str(self.pick("{}", *NOISE)).format(self.secret(real))

    def some(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """All of *values*; most of them, if they need not be sound."""
        return {name: value for name, value in values.items() if self.sound or self.draw(st.integers(0, 9))}

    def key(self) -> Credential:
        key = self.cloud.access_key
        self.secrets.add(key.access_key_secret)
        return Credential(key.access_key_id, self.pick(key.access_key_secret, SECRET))

    def file(self, name: str, text: str) -> Path:
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode(errors="surrogatepass"))
        return path

    def rsa_key(self) -> tuple[str, str]:
        """The id of the public half, and the private half."""
        if self.cloud not in RSA_KEYS:
            RSA_KEYS[self.cloud] = self.cloud.add_rsa_key()
        public_key_id, pem = RSA_KEYS[self.cloud]
        line = pem.splitlines()[3]
        self.secrets.add(line)
        broken = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"
        return public_key_id, self.pick(pem, pem.replace(line, SECRET), broken, SECRET, SECRET + "\n\0")

    def environ(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "PLANTED": SECRET, **variables}


RSA_KEYS: dict[FakeCloud, tuple[str, str]] = {}
POLICY = json.dumps({"Statement": SECRET})


def static(case: Case) -> Any:
    return StaticProvider(Credential("id", case.secret(), case.secret()))


def bearer(case: Case) -> Any:
    return StaticProvider(BearerToken(case.secret()))


VARIABLES = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")


def environment(case: Case) -> Any:
    return EnvironmentProvider(case.some({VARIABLES[0]: "id", VARIABLES[1]: case.noisy(), VARIABLES[2]: case.noisy()}))


def ram_role_arn(case: Case) -> Any:
    policy = case.pick(POLICY, {"Statement": SECRET}, SECRET, {"a": {SECRET}}, {SECRET: object()})
    role, sts = case.pick(case.cloud.role_arn, ROLE), case.cloud.sts_client()
    return RamRoleArnProvider(StaticProvider(case.key()), role_arn=role, session_policy=policy, external_id=case.secret(), sts=sts)


def oidc_role_arn(case: Case) -> Any:
    token = case.file("token", case.noisy(case.cloud.add_oidc_token()))
    variables = {
        "ALIBABA_CLOUD_ROLE_ARN": case.cloud.role_arn,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": case.cloud.oidc_provider_arn,
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": case.pick(str(token), f"eyJ{SECRET}.{SECRET}.{SECRET}"),  # that is the token itself
    }
    return OidcRoleArnProvider.from_environment(case.environ(variables), sts=case.cloud.sts_client())


def saml_role_arn(case: Case) -> Any:
    assertion = case.noisy(case.cloud.add_saml_assertion())

    def hand_out() -> str:
        return assertion

    arns = {"role_arn": case.cloud.role_arn, "saml_provider_arn": case.cloud.saml_provider_arn}
    return SamlRoleArnProvider(assertion=hand_out, session_policy=POLICY, sts=case.cloud.sts_client(), **arns)


def ecs_ram_role(case: Case) -> Any:
    return EcsRamRoleProvider(case.pick_of([None, "test-role"], "other"), imds=case.cloud.imds_client())


def rsa_key_pair(case: Case) -> Any:
    public_key_id, pem = case.rsa_key()
    key: str | Path = case.file("key.pem", pem) if case.draw(st.booleans()) else pem
    return RsaKeyPairProvider(public_key_id=public_key_id, private_key=key, sts=case.cloud.sts_client())


def profile(case: Case) -> Any:
    kinds = ["access_key", "sts", "ram_role_arn", "ecs_ram_role", "rsa_key_pair", "oidc_role_arn", "bearer"]
    kind: Any = case.pick_of([ProfileFileProvider], BearerProfileProvider)
    key, (public_key_id, pem) = case.key(), case.rsa_key()
    values = {
        "enable": "true",
        "type": case.pick_of(kinds, SECRET),
        "access_key_id": key.access_key_id,
        "access_key_secret": key.access_key_secret,
        "role_arn": case.cloud.role_arn,
        "policy": POLICY,
        "external_id": SECRET,
        "bearer_token": SECRET,
        "security_token": SECRET,
        "oidc_provider_arn": case.cloud.oidc_provider_arn,
        "oidc_token_file_path": str(case.file("token", case.noisy(case.cloud.add_oidc_token()))),
        "private_key_file": str(case.file("key.pem", pem)),
        "public_key_id": public_key_id,
    }
    odd = case.pick("", SECRET, f"[{SECRET}", f"= {SECRET}", f"access_key_secret = {SECRET}", f"enable: {SECRET}")
    text = "\n".join(["[default]", *(f"{name} = {value}" for name, value in case.some(values).items()), odd])
    clients = {"sts": case.cloud.sts_client(), "imds": case.cloud.imds_client()} if kind is ProfileFileProvider else {}
    return kind(case.file("credentials", text), environ=case.environ({}), **clients)


CLI_MODES = (
    "AK", "StsToken", "RamRoleArn", "EcsRamRole", "OIDC", "RsaKeyPair", "RamRoleArnWithRoleName", "ChainableRamRoleArn", "CredentialsURI",
    "External", "CloudSSO", "OAuth", "BearerToken",
)  # fmt: skip


def cli_profile(case: Case) -> Any:
    cloud, key, (public_key_id, pem) = case.cloud, case.key(), case.rsa_key()
    sso, oauth_login = cloud.add_cloud_sso_login(), cloud.add_oauth_login()
    mode = case.pick_of(list(CLI_MODES), "")
    keys = {"access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret}
    values: dict[str, Any] = {
        "name": "default",
        "mode": mode,
        **keys,
        "sts_token": SECRET if mode == "StsToken" else "",
        "ram_role_arn": cloud.role_arn,
        "source_profile": "other",
        "policy": POLICY,
        "external_id": SECRET,
        "bearer_token": SECRET,
        "oidc_provider_arn": cloud.oidc_provider_arn,
        "oidc_token_file": str(case.file("token", case.noisy(cloud.add_oidc_token()))),
        "private_key": str(case.file("key.pem", pem)),
        "key_pair_name": public_key_id,
        "process_command": f"sh -c 'echo $1; echo {SECRET} >&2' {SECRET} '{case.pick(PRINTED, SECRET)}'",
        "credentials_uri": uri(case),
        "cloud_sso_sign_in_url": cloud.endpoint,
        "cloud_sso_account_id": sso.account_id,
        "cloud_sso_access_config": sso.access_configuration_id,
        "access_token": case.secret(sso.access_token),
        "cloud_sso_access_token_expire": int(sso.expires_at.timestamp()),
        "oauth_site_type": "CN",
        "oauth_access_token": case.secret(oauth_login.access_token),
        "oauth_refresh_token": case.secret(oauth_login.refresh_token),
        "oauth_access_token_expire": case.draw(st.sampled_from([1, int(oauth_login.expires_at.timestamp())])),
    }
    other = {"name": "other", "mode": "AK", **keys}
    text = json.dumps({"current": "default", "profiles": [case.some(values), other], "meta": SECRET})
    path = case.file(".aliyun/config.json", text[: len(text) - case.pick(0, 3, 40)])
    if case.draw(st.booleans()):
        path.parent.chmod(0o500)  # nothing can be written back, unless by the super-user
    client = cloud.http_client()
    return CliProfileProvider(path, environ=case.environ({}), sts=cloud.sts_client(), imds=cloud.imds_client(), http=client)


def uri(case: Case) -> str:
    start = case.cloud.http_endpoint.replace("//", f"//user:{SECRET}@")
    return str(case.pick(f"{start}/credentials?token={SECRET}", f"{start}/nowhere?{SECRET}", f"{start}/#{SECRET}"))


def credentials_uri(case: Case) -> Any:
    nobody = f"http://{SECRET}:{SECRET}@127.0.0.1:1/?{SECRET}"
    wrong = [f"http://user:{SECRET}@192.0.2.1/?{SECRET}", f"http://127.0.0.1:port/?{SECRET}", f"{SECRET}://x", f"http:// /{SECRET}"]
    given = case.pick(uri(case), *wrong, nobody)
    if case.draw(st.booleans()):
        return CredentialsUriProvider(given)
    return CredentialsUriProvider.from_environment({"ALIBABA_CLOUD_CREDENTIALS_URI": given})


def cloud_sso(case: Case) -> Any:
    login = case.cloud.add_cloud_sso_login()
    return CloudSsoProvider(
        sign_in_url=case.cloud.endpoint + case.pick_of(["/start", f"/?{SECRET}"], f"/#{SECRET}"),
        account_id=login.account_id,
        access_configuration_id=login.access_configuration_id,
        access_token=case.secret(login.access_token),
        access_token_expires_at=login.expires_at - case.pick(timedelta(0), timedelta(days=1)),
        http=case.cloud.http_client(),
    )


def oauth(case: Case) -> Any:
    login = case.cloud.add_oauth_login()
    ends = login.expires_at - case.draw(st.sampled_from([timedelta(0), timedelta(days=1)]))
    tokens = OAuthTokens(case.secret(login.refresh_token), case.secret(login.access_token), ends)
    return OAuthProvider(client_id=login.client_id, sign_in_url=case.cloud.endpoint, tokens=tokens, http=case.cloud.http_client())


PRINTED = json.dumps({"access_key_id": "id", "access_key_secret": SECRET, "sts_token": SECRET, "expiration": "2099-01-01T00:00:00Z"})


def external(case: Case) -> Any:
    spoilt = [PRINTED.replace(SECRET, SECRET + "\\n"), PRINTED.replace("2099", SECRET), PRINTED.replace("sts_token", SECRET)]
    spoilt += [PRINTED[:-2], f"{SECRET}{PRINTED}", f"[{PRINTED}]", SECRET, "", PRINTED.replace(f'"{SECRET}"', "7")]
    printed = case.pick(PRINTED, *spoilt)
    after = case.pick("exit 0", "exit 0", "exit 0", "exit 0", "exit 0", "exit 3", "kill -9 $$", "yes $1 | head -c 2000000", "sleep 60")
    command = [case.pick("sh", "sh", "sh", "sh", "/nonexistent"), "-c", f'printf %s "$0"; echo "$1" >&2; {after}', printed, SECRET]
    timeout = timedelta(seconds=0.02 if after == "sleep 60" else 5)
    environ = case.environ({"MORE": case.pick(SECRET, SECRET, SECRET, SECRET + "\0")})
    return ExternalProcessProvider(command, timeout=timeout, environ=environ)


class EachRequest:
    """Hands a request to a `FunctionComputeProvider` before each call."""

    name = "each_request"

    def __init__(self, provider: FunctionComputeProvider, hand_over: Callable[[], object]) -> None:
        self._provider, self._hand_over = provider, hand_over

    def get(self) -> Credential:
        self._hand_over()
        return self._provider.get()

    def __repr__(self) -> str:
        return repr(self._provider)


def function_compute(case: Case) -> Any:
    made = FunctionComputeProvider.from_environment(dict.fromkeys(VARIABLES[1:], SECRET))
    parts = case.some({"access_key_id": "id", "access_key_secret": case.noisy(), "security_token": case.noisy()})
    if case.draw(st.booleans()):
        context = type("Context", (), {"credentials": type("Credentials", (), parts)})
        return EachRequest(made, lambda: made.update_from_context(context))
    headers = {f"x-fc-{name.replace('_', '-')}": value for name, value in parts.items()}
    headers |= case.pick({}, {"X-FC-Access-Key-Secret": SECRET + SECRET})
    return EachRequest(made, lambda: made.update(headers))


def default(case: Case) -> Any:
    """The default chain: everything at once, of which the first thing that is set counts."""
    case.file(".alibabacloud/credentials", f"[default]\nenable = true\ntype = sts\naccess_key_secret = {SECRET}\n{case.noisy()}")
    values = {
        **dict(zip(VARIABLES, ("id", case.noisy(), case.noisy()), strict=True)),
        "ALIBABA_CLOUD_ROLE_ARN": case.cloud.role_arn,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": case.cloud.oidc_provider_arn,
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(case.file("token", case.noisy(case.cloud.add_oidc_token()))),
        "ALIBABA_CLOUD_CREDENTIALS_URI": uri(case),
    }
    less = case.pick_of([values, {name: value for name, value in values.items() if name not in VARIABLES}], {})
    environ = case.environ({**less, "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"})
    if not case.sound:
        environ["ALIBABA_CLOUD_STS_ENDPOINT"] = f"https://user:{SECRET}@example.com/?{SECRET}"
    return default_chain(environ=environ, sts=case.pick(case.cloud.sts_client(), None))


STS, IMDS = ("AssumeRole", "AssumeRoleWithOIDC", "AssumeRoleWithSAML", "GenerateSessionAccessKey"), ("MetadataToken", "MetadataCredential")
OTHERS = ("CredentialsUri", "OAuthToken", "OAuthExchange", "CloudSsoCredential")
SOURCES: dict[Callable[[Case], Any], tuple[str, ...]] = {
    static: (),
    bearer: (),
    environment: (),
    ram_role_arn: STS[:1],
    oidc_role_arn: STS[1:2],
    saml_role_arn: STS[2:3],
    ecs_ram_role: IMDS,
    rsa_key_pair: STS[3:],
    profile: (*STS, *IMDS),
    cli_profile: (*STS, *IMDS, *OTHERS),
    credentials_uri: OTHERS[:1],
    cloud_sso: OTHERS[3:],
    oauth: OTHERS[1:3],
    external: (),
    function_compute: (),
    default: (*STS, *IMDS, *OTHERS),
}


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running
    RSA_KEYS.pop(running, None)


def lines_with(secrets: set[str], cloud: FakeCloud, since: int) -> list[str]:
    """The request lines with a secret in them, but for credentials URIs, in which a user may have put one."""
    lines = [urllib.parse.unquote_plus(raw.line) for raw in cloud.raw[since:]]
    ours = [line for line in lines if not line.startswith(("GET /credentials?", "GET /nowhere?"))]
    return [line for line in ours if any(secret in line for secret in secrets)]


def check(
    source: Callable[[Case], Any],
    data: st.DataObject,
    cloud: FakeCloud,
    homes: pytest.TempPathFactory,
) -> None:
    operations = SOURCES[source]
    sound = data.draw(st.sampled_from([True, True, False] if operations else [True, False, False, False]), label="sound")
    case = Case(cloud=cloud, home=homes.mktemp("home"), draw=data.draw, sound=sound)
    operation = data.draw(st.sampled_from(operations)) if operations else "none"
    before = len(cloud.raw)
    site = {"CN": OAuthSite(cloud.endpoint, "test-client")}
    with (
        pytest.MonkeyPatch.context() as patch,
        cloud.faulty(data.draw(PLANTINGS), operation=operation),
        listening() as said,
    ):
        patch.setattr(oauth_login, "OAUTH_SITES", site)
        ask(said, lambda: source(case), listens=data.draw(st.booleans()))
    said.search(case.secrets)
    assert lines_with(case.secrets, cloud, before) == []


SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]  # one cloud for all draws is meant


@pytest.mark.parametrize("source", [source for source in SOURCES if source is not rsa_key_pair], ids=lambda source: str(source.__name__))
@settings(max_examples=examples(30), suppress_health_check=SHARED)
@given(data=st.data())
def test_no_secret_shows_in_anything_that_a_source_emits(
    source: Callable[[Case], Any], data: st.DataObject, cloud: FakeCloud, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(source, data, cloud, tmp_path_factory)


@settings(max_examples=examples(6), suppress_health_check=SHARED)  # a private key takes its time to be read, once for each call
@given(data=st.data())
def test_no_secret_shows_in_anything_that_a_key_pair_emits(
    data: st.DataObject, cloud: FakeCloud, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(rsa_key_pair, data, cloud, tmp_path_factory)


# --- the test can fail --------------------------------------------------------------------------------------------------------------


class Leaky:
    """A source with a leak."""

    name = "leaky"

    def __init__(self, leak: str) -> None:
        self._leak = leak

    def get(self) -> Credential:
        error = AlicredError(f"the answer was {SECRET}" if self._leak == "error" else "no")
        if self._leak == "detail":
            error.provider = SECRET
        if self._leak == "log":
            logging.getLogger("alicred.somewhere").debug("got %s", {"answer": SECRET})
        if self._leak == "print":
            print(SECRET)
        if self._leak == "value":
            return Credential(SECRET, "x")
        try:
            raise ValueError(SECRET if self._leak in ("cause", "context") else "x")
        except ValueError as cause:
            if self._leak == "cause":
                raise error from cause
            raise error from None

    def __repr__(self) -> str:
        return SECRET if self._leak == "repr" else "<Leaky>"


@pytest.mark.parametrize("leak", ["error", "detail", "log", "print", "value", "cause", "context", "repr"])
@pytest.mark.parametrize("listens", [False, True])
def test_every_kind_of_leak_is_found(leak: str, listens: bool) -> None:
    with listening() as said:
        ask(said, lambda: Leaky(leak), listens=listens)
    with pytest.raises(AssertionError, match="a secret is shown"):
        said.search(set(SHAPES))


def test_what_has_no_leak_passes() -> None:
    with listening() as said:
        ask(said, lambda: Leaky("none"), listens=False)
    said.search(set(SHAPES))
    assert said.errors
    assert any("passed over" in text for text in said.texts), "the log is heard"


def test_a_secret_in_a_url_is_found(cloud: FakeCloud) -> None:
    cloud.http_client().request("GET", f"{cloud.endpoint}/x?policy={SECRET}")
    assert lines_with(set(SHAPES), cloud, 0) == [f"GET /x?policy={SECRET} HTTP/1.1"]


def test_every_source_is_asked() -> None:
    import alicred.sources

    asked = {
        "StaticProvider", "EnvironmentProvider", "RamRoleArnProvider", "OidcRoleArnProvider", "SamlRoleArnProvider", "EcsRamRoleProvider",
        "RsaKeyPairProvider", "ProfileFileProvider", "BearerProfileProvider", "CliProfileProvider", "CredentialsUriProvider",
        "CloudSsoProvider", "OAuthProvider", "ExternalProcessProvider", "FunctionComputeProvider",
    }  # fmt: skip
    providers = {name for name in alicred.sources.__all__ if name.endswith("Provider")}
    assert providers <= asked, "a new source: plant secrets in it, too"
