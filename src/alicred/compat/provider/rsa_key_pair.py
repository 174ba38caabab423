"""Temporary keys for the holder of an RSA private key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.files import shown
from alicred.compat.bridge import OfficialProvider
from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import CredentialValueError, checking
from alicred.compat.http import HttpOptions
from alicred.compat.settings import CONNECT_MILLISECONDS, DURATION, KEY_PAIR_HOST, READ_MILLISECONDS, SESSION_SECONDS, StsHost, session_span
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources.rsa_key_pair import KeyPairOfOwner

if TYPE_CHECKING:
    pass

_OWNER = "RsaKeyPairCredentialsProvider"


class RsaKeyPairCredentialsProvider(OfficialProvider):
    """Temporary keys, without a security token, kept and refreshed ahead. Thread-, task- and fork-safe, picklable.

    Args:
        public_key_id: What the service calls the public half of the key.
        private_key_file: The file with the private half, PEM or the base64 text in it; read at each refresh.
        duration_seconds: Lifetime of the keys: 900 to 3600.
        sts_region_id: The region whose STS is asked.
        sts_endpoint: Host of the STS, or a URL of it with a scheme; takes precedence over the region. Without both, and without variables
            that name a host, ``sts.ap-northeast-1.aliyuncs.com``.
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
        public_key_id: str | None = None,
        private_key_file: str | None = None,
        duration_seconds: int | None = DEFAULT_DURATION_SECONDS,
        sts_region_id: str | None = None,
        sts_endpoint: str | None = None,
        enable_vpc: bool | None = None,
        http_options: HttpOptions | None = None,
    ) -> None:
        if not public_key_id or not private_key_file:
            raise CredentialValueError(f"{_OWNER} needs public_key_id and private_key_file")
        with checking():
            path = check.path(f"{_OWNER}.private_key_file", _no_key(private_key_file))
            host = StsHost(_OWNER, endpoint=sts_endpoint, region=sts_region_id, vpc=enable_vpc, options=http_options, default=KEY_PAIR_HOST)
            duration = session_span(DURATION.format(_OWNER), duration_seconds, SESSION_SECONDS)
            pair = KeyPairOfOwner(public_key_id=public_key_id, private_key=Path(path), duration=duration).resolving(host, ENVIRON)
        super().__init__(CachingProvider(RetryingProvider(pair)))


def _no_key(given: object) -> object:
    """*given*, unless it is a text that seems to be the key."""
    if isinstance(given, str) and shown(given) != given:
        what = f"{_OWNER}.private_key_file is a path, and this looks like the key itself"
        raise CredentialValueError(f"{what}. Write the key into a file, and give the path of that")
    return given


__all__ = ["RsaKeyPairCredentialsProvider"]
