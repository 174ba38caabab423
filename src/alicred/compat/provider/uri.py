"""A URL that hands out keys."""

from __future__ import annotations

from alicred.compat.bridge import OfficialProvider
from alicred.compat.exceptions import checking
from alicred.compat.http import HttpOptions
from alicred.compat.lifetime import DefaultLifetime
from alicred.compat.settings import CONNECT_MILLISECONDS, READ_MILLISECONDS, given_or, http_client
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources.credentials_uri import CREDENTIALS_URI, CredentialsUriProvider
from alicred.wire.url import safe_target

_OWNER = "URLCredentialsProvider"


class URLCredentialsProvider(OfficialProvider):
    """Keys from a URL, kept and refreshed ahead; for a minute, where the answer does not say when they end. As safe as the others.

    Args:
        uri: Default ``ALIBABA_CLOUD_CREDENTIALS_URI``. ``https``, or ``http`` to this machine, its link or a private address.
        protocol: The scheme for a *uri* that has none.
        http_options: Time-outs and proxy.

    Raises:
        CredentialValueError: A parameter is missing or wrong; the text names it.
    """

    DEFAULT_CONNECT_TIMEOUT = CONNECT_MILLISECONDS
    DEFAULT_READ_TIMEOUT = READ_MILLISECONDS

    def __init__(self, *, uri: str | None = None, protocol: str = "http", http_options: HttpOptions | None = None) -> None:
        with checking():
            given = given_or(uri, f"{_OWNER}.uri (Config.credentials_uri)", CREDENTIALS_URI)
            if "://" not in given:
                given = f"{protocol or 'http'}://{given.removeprefix('//')}"
            safe_target(f"{_OWNER}.uri (Config.credentials_uri)" if uri else CREDENTIALS_URI, given)
            source = CredentialsUriProvider(given, http=http_client(_OWNER, http_options, url=given))
        super().__init__(CachingProvider(RetryingProvider(DefaultLifetime(source))), "credential_uri")


__all__ = ["URLCredentialsProvider"]
