"""For the Tea clients: every ``alibabacloud_*`` package of the present generation and the ones before it."""

from __future__ import annotations

from typing import ClassVar

import attrs

from alicred._internal.public import public
from alicred.adapters.adapter import Adapter
from alicred.adapters.last_fetch import LastFetch
from alicred.credential import BearerToken, Credential
from alicred.provider import Provider


@public("alicred.adapters")
@attrs.frozen(kw_only=True)
class TeaValue:
    """One credential as a Tea client reads it: six attributes, all of one fetch. ``repr`` shows no secret.

    Args:
        provider_name: Where the credential came from; sent along as ``x-acs-credentials-provider``.
        type: ``"access_key"``, ``"sts"`` or ``"bearer"``.
        access_key_id: ``None`` for a bearer token.
        access_key_secret: ``None`` for a bearer token.
        security_token: ``None`` unless the key is a temporary one.
        bearer_token: ``None`` unless it is a bearer token.
    """

    provider_name: str | None
    type: str
    access_key_id: str | None = None
    access_key_secret: str | None = attrs.field(default=None, repr=False)
    security_token: str | None = attrs.field(default=None, repr=False)
    bearer_token: str | None = attrs.field(default=None, repr=False)


_LAST: LastFetch[TeaValue] = LastFetch("alicred.tea")


@public("alicred.adapters")
def tea(provider: Provider[Credential | BearerToken]) -> TeaCredential:
    """What a Tea client takes as its ``credential``: ``Config(credential=tea(provider), ...)``.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.

    Raises:
        ConfigurationError: *provider* is no provider.
    """
    return TeaCredential(provider)


@public("alicred.adapters")
class TeaCredential(Adapter[Credential | BearerToken, TeaValue]):
    """The credential object of a Tea client, over a provider. Thread-, task- and fork-safe, and it can be pickled.

    Clients of the present generation ask once per attempt, for everything at once (`get_credential`). Older ones ask for the
    parts one by one. Each of them begins with the type or the id; this fetches, and the other parts that the same thread
    or task asks for afterwards come from that one fetch, so that no request mixes two credentials. Ask one after the other in one
    task: a part that is asked for in a task of its own (``gather``, and ``wait_for`` before Python 3.12) is fetched on its own. To
    ask for a secret or a token alone gives the one that belongs to the id that was asked for last.

    ``copy.deepcopy``, which some clients apply to their configuration, returns the same object: a copy of the provider would
    refresh on its own.

    Args:
        provider: Where credentials or bearer tokens come from.

    Raises:
        ConfigurationError: *provider* is no provider.
    """

    _call = "tea"
    _takes: ClassVar[tuple[type, ...]] = (Credential, BearerToken)
    _wanted = "a Credential or a BearerToken"

    def __init__(self, provider: Provider[Credential | BearerToken]) -> None:
        super().__init__(provider)

    # What clients of the present generation call

    def get_credential(self) -> TeaValue:
        """Everything at once.

        Raises:
            AlicredError: The provider's error. The client wraps it; it is the ``inner_exception`` of what arrives.
        """
        return self._value()

    async def get_credential_async(self) -> TeaValue:
        """As `get_credential`, for tasks. Never blocks the event loop."""
        return await self._value_async()

    # What older clients call, part by part

    def get_type(self) -> str:
        """The type of a credential that is fetched now."""
        return _LAST.remember(self, self.get_credential()).type

    def get_access_key_id(self) -> str | None:
        """The id of a credential that is fetched now."""
        return _LAST.remember(self, self.get_credential()).access_key_id

    def get_access_key_secret(self) -> str | None:
        """The secret that belongs to the id that was asked for last."""
        return self._last().access_key_secret

    def get_security_token(self) -> str | None:
        """The security token that belongs to the id that was asked for last."""
        return self._last().security_token

    def get_bearer_token(self) -> str | None:
        """The bearer token that belongs to the type that was asked for last."""
        return self._last().bearer_token

    async def get_access_key_id_async(self) -> str | None:
        """As `get_access_key_id`, for tasks."""
        return _LAST.remember(self, await self.get_credential_async()).access_key_id

    async def get_access_key_secret_async(self) -> str | None:
        """As `get_access_key_secret`, for tasks."""
        return (await self._last_async()).access_key_secret

    async def get_security_token_async(self) -> str | None:
        """As `get_security_token`, for tasks."""
        return (await self._last_async()).security_token

    def _last(self) -> TeaValue:
        return _LAST.recall(self) or _LAST.remember(self, self.get_credential())

    async def _last_async(self) -> TeaValue:
        return _LAST.recall(self) or _LAST.remember(self, await self.get_credential_async())

    def _make(self, held: Credential | BearerToken) -> TeaValue:
        if isinstance(held, BearerToken):
            return TeaValue(provider_name=held.provider_name or None, type="bearer", bearer_token=held.token)
        return TeaValue(
            provider_name=held.provider_name or None,
            type="sts" if held.security_token else "access_key",
            access_key_id=held.access_key_id,
            access_key_secret=held.access_key_secret,
            security_token=held.security_token,
        )
