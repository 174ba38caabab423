"""The two ways over: a native provider with the official API, and any provider with the official API as a native one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Protocol, TypeGuard, cast

from alicred._internal.tasks import in_thread
from alicred.compat.api import ICredentials, ICredentialsProvider
from alicred.compat.exceptions import CredentialException, CredentialValueError, explained, native_error
from alicred.compat.naming import kind_of
from alicred.compat.provider.refreshable import Credentials, credentials_of
from alicred.credential import BearerToken, Credential
from alicred.errors import AlicredError, ProviderError
from alicred.provider import Provider, ask_in_task


class GivesCredentials(Protocol):
    """The least that a provider must have. An `ICredentialsProvider` is one."""

    def get_credentials(self) -> ICredentials:
        """The current credential. May block."""
        ...


class OfficialProviderBase(ICredentialsProvider):
    """What all providers of the façade have in common: how a value, or an error, gets the official API."""

    # What was handed out last, and what it was made of, which is made once for each value. Never changed, only replaced.
    _made: tuple[Credential, Credentials] | None = None

    def _get(self) -> Credential:
        raise NotImplementedError

    async def _aget(self) -> Credential:
        return self._get()

    def get_credentials(self) -> Credentials:
        """The current credential. At once while a good one is held, else after a refresh.

        Raises:
            CredentialException: There is none.
        """
        try:
            return self._official(self._get())
        except AlicredError as error:
            raise explained(error) from error

    async def get_credentials_async(self) -> Credentials:
        """As `get_credentials`, for tasks. Never blocks the event loop.

        Raises:
            CredentialException: There is none.
        """
        try:
            return self._official(await self._aget())
        except AlicredError as error:
            raise explained(error) from error

    def _official(self, held: Credential) -> Credentials:
        made = self._made
        if made is None or made[0] is not held:
            self._made = made = held, credentials_of(held)
        return made[1]

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_made"}  # the configuration travels, no secret does

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.get_provider_name()}>"


class OfficialProvider(OfficialProviderBase):
    """A native provider as the official package would have it. As thread-, task- and fork-safe, and as picklable, as that is.

    ``copy.deepcopy``, which some clients apply to their configuration, returns the same object: a copy would refresh on its own.

    Args:
        provider: Where credentials come from.
        name: What `get_provider_name` answers; ``None`` means the provider's own name.
    """

    def __init__(self, provider: Provider[Credential], name: str | None = None) -> None:
        self._provider = provider
        self._name = name or provider.name

    def _get(self) -> Credential:
        return _key(self._provider.get(), self._name)

    async def _aget(self) -> Credential:
        return _key(await ask_in_task(self._provider), self._name)

    def get_provider_name(self) -> str:
        """What the provider is called."""
        return self._name

    def __deepcopy__(self, memo: object) -> OfficialProvider:
        return self


class NativeProvider:
    """Any provider with the official API, as a native one: ``name``, ``get()`` and ``aget()``. Holds nothing.

    Args:
        official: Any object with ``get_credentials()``; with ``get_credentials_async()`` and ``get_provider_name()``, if it has them.
    """

    def __init__(self, official: GivesCredentials) -> None:
        self._official = official

    @property
    def name(self) -> str:
        """What the official provider calls itself, else its class's name."""
        return provider_name(self._official)

    def get(self) -> Credential:
        """What the official provider answers now.

        Raises:
            AlicredError: What a provider of the façade raised, as it was before; anything else is passed on as it is.
        """
        try:
            return credential_of(self._official.get_credentials(), self.name)
        except CredentialException as error:
            raise native_error(error) from error

    async def aget(self) -> Credential:
        """As `get`, for tasks; on a thread if it has no ``get_credentials_async()`` of its own."""
        try:
            return credential_of(await credentials_in_task(self._official), self.name)
        except CredentialException as error:
            raise native_error(error) from error

    def __repr__(self) -> str:
        return f"<native {self.name}>"


def native(provider: GivesCredentials | Provider[Credential]) -> Provider[Credential]:
    """*provider*, of the façade or a user's own, as alicred's adapters and decorators take it: with ``name`` and ``get()``.

    For the way from the façade to native alicred, one part of a program at a time: both parts then share one provider, and one cache.

    Raises:
        CredentialValueError: It is no provider.
    """
    return as_native("the provider", provider)


def as_native(name: str, provider: GivesCredentials | Provider[Credential]) -> Provider[Credential]:
    """*provider* as `native` gives it; *name* is what the user calls it, for errors."""
    if _is_official(provider):
        return NativeProvider(provider)
    if _is_native(provider):
        return provider
    raise CredentialValueError(f"{name} must have get_credentials(), or name and get(); {kind_of(provider)} has neither")


def as_official(name: str, provider: GivesCredentials | Provider[Credential]) -> GivesCredentials:
    """*provider*, native or not, as the official package takes it.

    Raises:
        CredentialValueError: It is no provider; the text calls it *name*.
    """
    return provider if _is_official(provider) else OfficialProvider(as_native(name, provider))


def provider_name(provider: object) -> str:
    """What *provider* calls itself, else its class's name."""
    ask = getattr(provider, "get_provider_name", None)
    name: object = ask() if callable(ask) else None
    return name if isinstance(name, str) and name else type(provider).__name__


async def credentials_in_task(provider: GivesCredentials) -> ICredentials:
    """What ``get_credentials_async()`` answers; where there is none, or it was only inherited, ``get_credentials()`` on a thread."""
    ask: object = getattr(provider, "get_credentials_async", None)
    if callable(ask) and getattr(type(provider), "get_credentials_async", None) not in _abstract():
        return await cast("Callable[[], Awaitable[ICredentials]]", ask)()  # a provider's own; what it awaits to is the provider's word
    return await in_thread(provider.get_credentials)


def credential_of(found: ICredentials, name: str) -> Credential:
    """What *found* holds, as one value.

    Raises:
        ProviderError: It holds no key.
    """
    key_id, secret, token = (_part(found, part) for part in ("get_access_key_id", "get_access_key_secret", "get_security_token"))
    if not isinstance(key_id, str) or not isinstance(secret, str) or not isinstance(token, (str, type(None))):
        raise ProviderError("the provider handed out no access key: get_access_key_id() or _secret() gave no string", provider=name)
    named = _part(found, "get_provider_name")
    return Credential(key_id, secret, token, _moment(_part(found, "get_expiration")), named if isinstance(named, str) and named else name)


def _key(found: object, name: str) -> Credential:
    """*found*, if a native provider has given what it should.

    Raises:
        ProviderError: It has not: its type was no promise.
    """
    if isinstance(found, Credential):
        return found
    advice = '; for a bearer token: Client(Config(type="bearer", bearer_token=...))' if isinstance(found, BearerToken) else ""
    raise ProviderError(f"the provider must give a Credential, not {kind_of(found)}{advice}", provider=name)


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds <= 0:
        return None  # the official package's 0 and -1 mean: not known
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def _part(found: object, method: str) -> object:
    ask = getattr(found, method, None)
    return ask() if callable(ask) else None


def _is_official(provider: object) -> TypeGuard[GivesCredentials]:
    return not isinstance(provider, type) and callable(getattr(provider, "get_credentials", None))


def _is_native(provider: object) -> TypeGuard[Provider[Credential]]:
    return not isinstance(provider, type) and callable(getattr(provider, "get", None)) and hasattr(provider, "name")


def _abstract() -> tuple[object, ...]:
    """The methods that only say that they must be overridden: the façade's, and, where it is loaded, the official package's."""
    import sys

    theirs = getattr(sys.modules.get("alibabacloud_credentials_api"), "ICredentialsProvider", None)
    return ICredentialsProvider.get_credentials_async, getattr(theirs, "get_credentials_async", None)


__all__ = ["NativeProvider", "OfficialProvider", "OfficialProviderBase", "GivesCredentials", "native"]
