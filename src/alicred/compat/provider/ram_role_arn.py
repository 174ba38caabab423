"""A RAM role, assumed with another credential."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

from alicred.compat.bridge import GivesCredentials, OfficialProvider, as_native
from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import checking
from alicred.compat.http import HttpOptions
from alicred.compat.provider.static_ak import StaticAKCredentialsProvider
from alicred.compat.provider.static_sts import StaticSTSCredentialsProvider
from alicred.compat.settings import CONNECT_MILLISECONDS, DURATION, READ_MILLISECONDS, SESSION_SECONDS, StsHost, given_or, session_span
from alicred.credential import Credential, named
from alicred.errors import AlicredError, ProviderError
from alicred.provider import Provider
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources._role_session import SessionName
from alicred.sources.oidc_role_arn import ROLE_ARN
from alicred.sources.ram_role_arn import RamRoleAsWritten

if TYPE_CHECKING:
    from alicred.wire.sts import StsClient

_OWNER = "RamRoleArnCredentialsProvider"


class RamRoleArnCredentialsProvider(OfficialProvider):
    """Temporary keys of a RAM role, kept and refreshed ahead. Thread-, task- and fork-safe, picklable.

    Args:
        access_key_id: With *access_key_secret* and, for a temporary key, *security_token*: whose key assumes the role.
        access_key_secret: Its secret.
        security_token: Its token.
        credentials_provider: Whose credentials assume the role, asked at each refresh; goes before the three. Anybody's object with
            ``get_credentials()``, or a native provider.
        role_arn: ``acs:ram::<account>:role/<name>``; default ``ALIBABA_CLOUD_ROLE_ARN``.
        role_session_name: Default ``ALIBABA_CLOUD_ROLE_SESSION_NAME``, else one that is made up once.
        duration_seconds: How long the keys are to live: 900 to 43200.
        policy: What the session may do at most, as JSON.
        external_id: What the role's trust policy may ask for.
        sts_region_id: The region whose STS is asked.
        sts_endpoint: Host of the STS, or a URL of it with a scheme; goes before the region.
        enable_vpc: Whether a region means its host inside VPCs; default ``ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED``.
        http_options: Time-outs and proxy.

    Raises:
        CredentialValueError: A parameter is missing or wrong; the text names it.
    """

    DEFAULT_DURATION_SECONDS = SESSION_SECONDS
    DEFAULT_CONNECT_TIMEOUT = CONNECT_MILLISECONDS
    DEFAULT_READ_TIMEOUT = READ_MILLISECONDS

    def __init__(
        self,
        *,
        access_key_id: str | None = None,
        access_key_secret: str | None = None,
        security_token: str | None = None,
        credentials_provider: GivesCredentials | Provider[Credential] | None = None,
        role_arn: str | None = None,
        role_session_name: str | None = None,
        duration_seconds: int | None = DEFAULT_DURATION_SECONDS,
        policy: str | None = None,
        external_id: str | None = None,
        sts_region_id: str | None = None,
        sts_endpoint: str | None = None,
        enable_vpc: bool | None = None,
        http_options: HttpOptions | None = None,
    ) -> None:
        if credentials_provider is None:
            if security_token:
                credentials_provider = StaticSTSCredentialsProvider(
                    access_key_id=access_key_id, access_key_secret=access_key_secret, security_token=security_token
                )
            else:
                credentials_provider = StaticAKCredentialsProvider(access_key_id=access_key_id, access_key_secret=access_key_secret)
        with checking():
            role = _Role(
                source=as_native(f"{_OWNER}.credentials_provider", credentials_provider),
                role_arn=given_or(role_arn, f"{_OWNER}.role_arn", ROLE_ARN),
                session=SessionName(_OWNER, role_session_name or None),
                duration=session_span(DURATION.format(_OWNER), duration_seconds),
                policy=policy or None,
                external_id=external_id or None,
                sts=StsHost(_OWNER, endpoint=sts_endpoint, region=sts_region_id, vpc=enable_vpc, options=http_options),
            )
            role.assumed_by(role.source)  # refuses what is wrong
        super().__init__(CachingProvider(RetryingProvider(role)))


@attrs.frozen(kw_only=True)
class _Role:
    """`RamRoleArnProvider`, except that its values say whose credential has assumed the role."""

    source: Provider[Credential]
    role_arn: str
    session: SessionName
    duration: timedelta
    policy: str | None = attrs.field(repr=False)
    external_id: str | None = attrs.field(repr=False)
    sts: StsHost

    @property
    def name(self) -> str:
        return "ram_role_arn"

    def get(self) -> Credential:
        recording = _RecordingSource(self.source)
        fetched = self.assumed_by(recording, self.session.resolve(ENVIRON), self.sts.client(ENVIRON)).get()
        return named(fetched, f"{self.name}/{recording.provider_name}")

    def assumed_by(self, source: Provider[Credential], session_name: str | None = None, sts: StsClient | None = None) -> RamRoleAsWritten:
        return RamRoleAsWritten(
            source,
            role_arn=self.role_arn,
            role_session_name=session_name,
            duration=self.duration,
            session_policy=self.policy,
            external_id=self.external_id,
            sts=sts,
        )


class _RecordingSource:
    """The source of one fetch, and the name of what it gave."""

    def __init__(self, source: Provider[Credential]) -> None:
        self._source = source
        self.provider_name = ""

    @property
    def name(self) -> str:
        return self._source.name

    def get(self) -> Credential:
        try:
            found = self._source.get()
        except AlicredError:
            raise
        except Exception as error:
            text = f"the credentials_provider raised {type(error).__name__}: it is at the end of the chain of __cause__"
            raise ProviderError(text, provider=self.name) from error
        self.provider_name = found.provider_name
        return found


__all__ = ["RamRoleArnCredentialsProvider"]
