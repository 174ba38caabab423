"""The access of a CloudSSO user to an account."""

from __future__ import annotations

from alicred.clock import SYSTEM_CLOCK
from alicred.compat.bridge import OfficialProvider
from alicred.compat.exceptions import CredentialValueError, checking
from alicred.compat.http import HttpOptions
from alicred.compat.settings import CONNECT_MILLISECONDS, READ_MILLISECONDS, http_client, moment
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources.cloud_sso import CloudSsoProvider

_OWNER = "CloudSSOCredentialsProvider"
_LOG_IN = "log in again with `aliyun configure --mode CloudSSO`"


class CloudSSOCredentialsProvider(OfficialProvider):
    """Temporary keys for the access token of a CloudSSO login, kept and refreshed ahead. Thread-, task- and fork-safe, picklable.

    Args:
        sign_in_url: Where the login was.
        account_id: The account to work in.
        access_config: The access configuration to work with there.
        access_token: What the login gave.
        access_token_expire: When that ends, in seconds since 1970.
        http_options: Time-outs and proxy.

    Raises:
        CredentialValueError: A parameter is missing or wrong, or the access token has ended.
    """

    DEFAULT_CONNECT_TIMEOUT = CONNECT_MILLISECONDS
    DEFAULT_READ_TIMEOUT = READ_MILLISECONDS

    def __init__(
        self,
        *,
        sign_in_url: str | None = None,
        account_id: str | None = None,
        access_config: str | None = None,
        access_token: str | None = None,
        access_token_expire: int = 0,
        http_options: HttpOptions | None = None,
    ) -> None:
        ends_at = moment(f"{_OWNER}.access_token_expire", access_token_expire)
        if not access_token or ends_at is None or ends_at <= SYSTEM_CLOCK.utcnow():
            raise CredentialValueError(f"{_OWNER}.access_token is empty or has ended: {_LOG_IN}")
        if not sign_in_url or not account_id or not access_config:
            raise CredentialValueError(f"{_OWNER} needs sign_in_url, account_id and access_config")
        with checking():
            source = CloudSsoProvider(
                sign_in_url=sign_in_url,
                account_id=account_id,
                access_configuration_id=access_config,
                access_token=access_token,
                access_token_expires_at=ends_at,
                http=http_client(_OWNER, http_options, url=sign_in_url),
            )
        super().__init__(CachingProvider(RetryingProvider(source)))


__all__ = ["CloudSSOCredentialsProvider"]
