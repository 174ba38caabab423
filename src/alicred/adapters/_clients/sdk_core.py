"""The classes of `alicred.adapters.sdk_core_credential`, which inherit from the client's own: it looks at the class of what it is given."""

from __future__ import annotations

from typing import Any, cast

from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.auth.signers.access_key_signer import AccessKeySigner
from aliyunsdkcore.auth.signers.signer import Signer
from aliyunsdkcore.auth.signers.sts_token_signer import StsTokenSigner
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import AcsRequest

from alicred.adapters.adapter import Adapter
from alicred.adapters.last_fetch import LastFetch
from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.provider import Provider

_KEYS = ("ak", "secret", "public_key_id", "private_key", "credential")
_TOKEN_PARAMETER, _TOKEN_HEADER = "SecurityToken", "x-acs-security-token"
_LAST: LastFetch[Credential] = LastFetch("alicred.sdk_core")


class SdkCoreCredential(Adapter[Credential, None], StsTokenCredential):
    """The credential of an ``AcsClient``, for temporary credentials. Thread-, task- and fork-safe, and it can be pickled.

    The client reads the token first; this fetches, and the id and the secret that the same thread or task reads afterwards are of that
    one fetch.

    Raises:
        ConfigurationError: At the read of the token: the provider has handed out a key without one.
        AlicredError: At the read of the token: what the provider raised.
    """

    _call = "sdk_core"

    @property
    def sts_token(self) -> str:
        """The security token of a credential that is fetched now."""
        held = _LAST.remember(self, self._held())
        if held.security_token is None:
            raise ConfigurationError(
                f"sdk_core: {held.provider_name or self._provider.name} has provided a key without a security token, which an AcsClient "
                "cannot take this way. Use sdk_core_client()"
            )
        return held.security_token

    @property
    def sts_access_key_id(self) -> str:
        """The id that belongs to the token that was read last."""
        return self._last().access_key_id

    @property
    def sts_access_key_secret(self) -> str:
        """The secret that belongs to the token that was read last."""
        return self._last().access_key_secret

    def _last(self) -> Credential:
        return _LAST.recall(self) or _LAST.remember(self, self._held())


class SdkCoreSigner(Adapter[Credential, Signer], Signer):
    """Signs each attempt with the credential of that moment, through the client's own signers."""

    _call = "sdk_core_client"

    def sign(self, region_id: str, request: AcsRequest) -> tuple[dict[str, str], str]:
        """The headers and the URL of *request*, signed with the current credential."""
        signer = self._value()
        if isinstance(signer, AccessKeySigner):
            # a request that has been sent before may still have the token of that time
            request.get_query_params().pop(_TOKEN_PARAMETER, None)
            request.get_headers().pop(_TOKEN_HEADER, None)
        return signer.sign(region_id, request)

    def _make(self, held: Credential) -> Signer:
        if held.security_token is None:
            return AccessKeySigner(AccessKeyCredential(held.access_key_id, held.access_key_secret))
        return StsTokenSigner(StsTokenCredential(held.access_key_id, held.access_key_secret, held.security_token))


class SdkCoreClient(AcsClient):
    """An ``AcsClient`` under a provider."""

    session = None  # what the client's __del__ asks for, also where the constructor has refused

    def __init__(self, provider: Provider[Credential], region_id: str, **options: object) -> None:
        signer = SdkCoreSigner(provider)
        if wrong := [name for name in _KEYS if name in options]:
            raise ConfigurationError(f"sdk_core_client: leave out {', '.join(wrong)}: the provider is where the credential comes from")
        passed_on = cast("dict[str, Any]", options)  # the client itself says what is wrong with them
        super().__init__(ak="", secret="", region_id=region_id, **passed_on)  # it wants some key, which is never used
        if not isinstance(getattr(self, "_signer", None), AccessKeySigner):
            raise ConfigurationError("sdk_core_client: this AcsClient keeps its signer elsewhere. Use sdk_core(), or another release")
        self._signer: Signer = signer
