"""An application that composes its own chain, as mypy and pyright see it. Checked in strict mode, never run."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path

import attrs
from typing_extensions import assert_type

from alicred import (
    SYSTEM_CLOCK,
    AlicredError,
    Backoff,
    BearerProfileProvider,
    BearerToken,
    CacheState,
    CachingProvider,
    CallerIdentity,
    ChainError,
    ChainPolicy,
    ChainProvider,
    CliProfileProvider,
    Clock,
    CloudSsoProvider,
    Credential,
    CredentialsUriProvider,
    DeniedError,
    EcsRamRoleProvider,
    EnvironmentProvider,
    ExternalProcessProvider,
    FixedWindow,
    FractionWindow,
    FunctionComputeProvider,
    HttpClient,
    ImdsClient,
    OAuthProvider,
    OidcRoleArnProvider,
    OnDenied,
    OnError,
    ProfileFileProvider,
    Provider,
    ProviderError,
    RamRoleArnProvider,
    RefreshMode,
    RefreshPolicy,
    RetryingProvider,
    RetryPolicy,
    RsaKeyPairProvider,
    SamlRoleArnProvider,
    SourceReport,
    StaticProvider,
    StsClient,
    TieredWindow,
    default_chain,
    default_provider,
)
from alicred.adapters import tea
from alicred.events import Event, Listener, RefreshFailed, fan_out, log_events
from alicred.policy import Schedule
from alicred.sources import OAuthTokens


class VaultProvider:
    """A source of the application's own: no base class, no registration."""

    name = "vault"

    def __init__(self, path: str) -> None:
        self.path = path

    def get(self) -> Credential:
        if not self.path:
            raise DeniedError("the vault is sealed: unseal it", provider=self.name, code="Sealed", status=503)
        return Credential("id", "secret", expires_at=datetime.now(timezone.utc) + timedelta(minutes=15))


@attrs.frozen
class Certificate:
    """A value of the application's own: all that a cache needs of it is its end."""

    pem: str
    expires_at: datetime | None = None


class CertificateProvider:
    name = "certificates"

    def get(self) -> Certificate:
        return Certificate("...")


def listen(event: Event) -> None:
    if isinstance(event, RefreshFailed):
        assert_type(event.consecutive_failures, int)


def keep(tokens: OAuthTokens) -> None:
    assert_type(tokens.refresh_token, str | None)


def a_tenth(lifetime: timedelta) -> timedelta:
    return lifetime / 10


def sources() -> None:
    key = StaticProvider(Credential("id", "secret"))
    assert_type(key, StaticProvider[Credential])
    assert_type(key.get(), Credential)
    assert_type(StaticProvider(BearerToken("token")).get(), BearerToken)
    sts = StsClient.for_region("cn-hangzhou", vpc=True, http=HttpClient(connect_timeout=timedelta(seconds=2)))
    role = RamRoleArnProvider(key, role_arn="acs:ram::1:role/x", session_policy={"Version": "1"}, duration=timedelta(minutes=30), sts=sts)
    several: list[Provider[Credential]] = [
        role,
        RamRoleArnProvider(role, role_arn="acs:ram::2:role/y"),
        EnvironmentProvider({"ALIBABA_CLOUD_ACCESS_KEY_ID": "id"}),
        EcsRamRoleProvider("name", allow_imds_v1=False, imds=ImdsClient()),
        OidcRoleArnProvider(role_arn="r", oidc_provider_arn="p", oidc_token_file="/token"),
        OidcRoleArnProvider.from_environment(),
        RsaKeyPairProvider(public_key_id="id", private_key=Path("key.pem")),
        ProfileFileProvider("~/credentials", "client1", require_enable=False),
        CliProfileProvider("~/.aliyun/config.json", "prod", write_back=False),
        SamlRoleArnProvider(role_arn="r", saml_provider_arn="p", assertion=lambda: "assertion"),
        CredentialsUriProvider("http://localhost:7002/credentials", allow_http=True),
        ExternalProcessProvider(["vault", "print"], timeout=timedelta(seconds=5), environ={}),
        CloudSsoProvider(
            sign_in_url="https://signin.example.com",
            account_id="1",
            access_configuration_id="ac",
            access_token="token",
            access_token_expires_at=datetime.now(timezone.utc),
        ),
        OAuthProvider(client_id="c", sign_in_url="https://oauth.example.com", tokens=OAuthTokens(refresh_token="r"), on_tokens=keep),
        FunctionComputeProvider(),
        VaultProvider("a"),
        CachingProvider(VaultProvider("a")),
        default_chain(),
        default_provider(role_arn="acs:ram::1:role/x", profile="reports", chain=ChainPolicy(), clock=SYSTEM_CLOCK, listener=listen),
        default_chain(profile="reports", clock=SYSTEM_CLOCK, listener=listen),
        EnvironmentProvider(name="mine"),
        EcsRamRoleProvider(name="instance"),
    ]
    assert_type(ChainProvider(*several), ChainProvider[Credential])
    tokens: Provider[BearerToken] = BearerProfileProvider(profile="ccc")
    assert_type(CachingProvider(tokens).get(), BearerToken)
    assert_type(CachingProvider(CertificateProvider()).get(), Certificate)
    assert_type(sts.get_caller_identity(key.get()), CallerIdentity)
    clock: Clock = SYSTEM_CLOCK
    assert_type(clock.utcnow(), datetime)


def policies() -> None:
    for ahead in (timedelta(minutes=5), FixedWindow(timedelta(minutes=5)), FractionWindow(0.5), TieredWindow(), a_tenth):
        RefreshPolicy(ahead=ahead)
    policy = RefreshPolicy(
        ahead=TieredWindow(),
        jitter=0.5,
        margin=timedelta(seconds=30),
        mode=RefreshMode.INLINE,
        failure_backoff=Backoff(initial=timedelta(seconds=1), maximum=timedelta(minutes=1)),
        on_denied=OnDenied.RAISE,
        grace=timedelta(minutes=5),
        max_wait=timedelta(seconds=10),
        max_age=timedelta(hours=12),
        recheck=None,
    )
    assert_type(policy.schedule(timedelta(hours=1), 0.5), Schedule)
    assert_type(RetryPolicy(attempts=5).next_delay(1, timedelta(0), ProviderError("no"), 0.5), timedelta | None)


def composed(listener: Listener = listen) -> None:
    chain = ChainProvider(
        EnvironmentProvider(),
        RetryingProvider(EcsRamRoleProvider(), retry=RetryPolicy(attempts=2)),
        RetryingProvider(VaultProvider("a"), name="vault again", clock=SYSTEM_CLOCK),
        name="mine",
        chain=ChainPolicy(sticky=False, on_error=OnError.CONTINUE),
        listener=listener,
    )
    assert_type(chain, ChainProvider[Credential])
    assert_type(chain.explain(), tuple[SourceReport, ...])
    with CachingProvider(chain, name="orders", refresh=RefreshPolicy(), listener=fan_out(listener, log_events)) as provider:
        assert_type(provider, CachingProvider[Credential])
        held = provider.get()
        assert_type(held, Credential)
        assert_type(held.security_token, str | None)
        assert_type(provider.get_valid_for(timedelta(minutes=10)), Credential)
        assert_type(provider.get(max_wait=timedelta(seconds=1)), Credential)
        assert_type(provider.refresh(), Credential)
        assert_type(provider.explain(), tuple[SourceReport, ...])
        assert_type(provider.invalidate(held), bool)
        assert_type(provider.state(), CacheState)
        assert_type(tea(provider).get_access_key_id(), str | None)


async def for_tasks(provider: CachingProvider[Credential]) -> None:
    assert_type(await provider.aget(), Credential)
    assert_type(await provider.aget_valid_for(timedelta(minutes=1)), Credential)
    assert_type(await provider.aget(max_wait=timedelta(seconds=1)), Credential)
    assert_type(await provider.arefresh(), Credential)
    async with provider as same:
        assert_type(same, CachingProvider[Credential])
    await provider.aclose()
    first, second = await asyncio.gather(provider.aget(), provider.aget())
    assert_type(first, Credential)
    assert_type(second, Credential)


class Awaited:
    name = "vault"

    async def get(self) -> Credential:
        return Credential("id", "secret")


def refused(provider: CachingProvider[Credential]) -> None:
    CachingProvider(Awaited())  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportUnknownArgumentType]
    ChainProvider(provider, policy=ChainPolicy())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RamRoleArnProvider(CachingProvider(StaticProvider(BearerToken("t"))), role_arn="r")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def failed(error: AlicredError) -> None:
    assert_type(error.code, str | None)
    if isinstance(error, ChainError):
        assert_type(error.reports, tuple[SourceReport, ...])
        assert_type(error.retryable, bool)
    try:
        raise error
    except TimeoutError as late:
        assert_type(late, TimeoutError)
    except ProviderError as refusal:
        assert_type(refusal.status, int | None)
