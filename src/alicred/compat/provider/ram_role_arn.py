"""A RAM role, assumed with another credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred.compat.bridge import GivesCredentials, OfficialProvider, as_native
from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import checking
from alicred.compat.http import HttpOptions
from alicred.compat.provider.static_ak import StaticAKCredentialsProvider
from alicred.compat.provider.static_sts import StaticSTSCredentialsProvider
from alicred.compat.settings import CONNECT_MILLISECONDS, DURATION, READ_MILLISECONDS, SESSION_SECONDS, StsHost, given_or, session_span
from alicred.credential import Credential
from alicred.provider import Provider
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources.oidc_role_arn import ROLE_ARN
from alicred.sources.ram_role_arn import RamRoleAsWritten

if TYPE_CHECKING:
    pass

_OWNER = "RamRoleArnCredentialsProvider"


class RamRoleArnCredentialsProvider(OfficialProvider):
    """Temporary keys of a RAM role, kept and refreshed ahead. Thread-, task- and fork-safe, picklable.

    Args:
        access_key_id: With *access_key_secret* and, for a temporary key, *security_token*: whose key assumes the role.
        access_key_secret: Its secret.
        security_token: Its token.
        credentials_provider: Whose credentials assume the role, asked at each refresh; takes precedence over the three. Any object with
            ``get_credentials()``, or a native provider.
        role_arn: ``acs:ram::<account>:role/<name>``; default ``ALIBABA_CLOUD_ROLE_ARN``.
        role_session_name: Default ``ALIBABA_CLOUD_ROLE_SESSION_NAME``, else one that is made up once.
        duration_seconds: Lifetime of the keys: 900 to 43200.
        policy: The most that the session may do, as JSON.
        external_id: What the role's trust policy may ask for.
        sts_region_id: The region whose STS is asked.
        sts_endpoint: Host of the STS, or a URL of it with a scheme; takes precedence over the region.
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
            role = RamRoleAsWritten(
                as_native(f"{_OWNER}.credentials_provider", credentials_provider),
                role_arn=given_or(role_arn, f"{_OWNER}.role_arn", ROLE_ARN),
                role_session_name=role_session_name or None,
                duration=session_span(DURATION.format(_OWNER), duration_seconds),
                session_policy=policy or None,
                external_id=external_id or None,
            ).resolving(StsHost(_OWNER, endpoint=sts_endpoint, region=sts_region_id, vpc=enable_vpc, options=http_options), ENVIRON)
        super().__init__(CachingProvider(RetryingProvider(role)))


__all__ = ["RamRoleArnCredentialsProvider"]
