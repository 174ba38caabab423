"""A RAM role, assumed with the OIDC token of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred.compat.bridge import OfficialProvider
from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import checking
from alicred.compat.http import HttpOptions
from alicred.compat.settings import CONNECT_MILLISECONDS, DURATION, READ_MILLISECONDS, SESSION_SECONDS, StsHost, given_or, session_span
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources.oidc_role_arn import OIDC_PROVIDER_ARN, OIDC_TOKEN_FILE, ROLE_ARN, OidcRoleAsWritten

if TYPE_CHECKING:
    pass

_OWNER = "OIDCRoleArnCredentialsProvider"


class OIDCRoleArnCredentialsProvider(OfficialProvider):
    """Temporary keys of a RAM role for the holder of an OIDC token, kept and refreshed ahead. Thread-, task- and fork-safe, picklable.

    Args:
        role_arn: ``acs:ram::<account>:role/<name>``; default ``ALIBABA_CLOUD_ROLE_ARN``.
        oidc_provider_arn: Default ``ALIBABA_CLOUD_OIDC_PROVIDER_ARN``.
        oidc_token_file_path: Read at each refresh; default ``ALIBABA_CLOUD_OIDC_TOKEN_FILE``.
        role_session_name: Default ``ALIBABA_CLOUD_ROLE_SESSION_NAME``, else one that is made up once.
        duration_seconds: Lifetime of the keys: 900 to 43200.
        policy: The most that the session may do, as JSON.
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
        role_arn: str | None = None,
        oidc_provider_arn: str | None = None,
        oidc_token_file_path: str | None = None,
        role_session_name: str | None = None,
        duration_seconds: int | None = DEFAULT_DURATION_SECONDS,
        policy: str | None = None,
        sts_region_id: str | None = None,
        sts_endpoint: str | None = None,
        enable_vpc: bool | None = None,
        http_options: HttpOptions | None = None,
    ) -> None:
        with checking():
            role = OidcRoleAsWritten(
                role_arn=given_or(role_arn, f"{_OWNER}.role_arn", ROLE_ARN),
                oidc_provider_arn=given_or(oidc_provider_arn, f"{_OWNER}.oidc_provider_arn", OIDC_PROVIDER_ARN),
                oidc_token_file=given_or(oidc_token_file_path, f"{_OWNER}.oidc_token_file_path", OIDC_TOKEN_FILE),
                role_session_name=role_session_name or None,
                duration=session_span(DURATION.format(_OWNER), duration_seconds),
                session_policy=policy or None,
            ).resolving(StsHost(_OWNER, endpoint=sts_endpoint, region=sts_region_id, vpc=enable_vpc, options=http_options), ENVIRON)
        super().__init__(CachingProvider(RetryingProvider(role)))


__all__ = ["OIDCRoleArnCredentialsProvider"]
