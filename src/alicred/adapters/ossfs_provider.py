"""What the file systems of ossfs hold: one provider of theirs for each provider of the user's."""

from __future__ import annotations

import secrets
from weakref import WeakValueDictionary

import alicred._internal.checks as check
from alicred.adapters.getters import GetterCredential, GetterProvider
from alicred.credential import Credential
from alicred.provider import Provider, ask_in_task


class OssfsProvider(GetterProvider[GetterCredential]):
    """The credentials of a file system of ossfs, one of its storage options. Thread-, task- and fork-safe.

    fsspec keeps file systems by the ``repr`` of their options, so this one's tells one provider from all others, and in this process
    there is one for each provider. It can be pickled if the provider can: where the pickle is loaded again and again, as for the tasks
    of dask, the first one stays, and with it the credential that it holds.
    """

    _call = "ossfs"
    _kind = GetterCredential

    def __init__(self, provider: Provider[Credential], key: str) -> None:
        super().__init__(provider)
        self._key = key

    @classmethod
    def of(cls, provider: Provider[Credential], call: str = "ossfs") -> OssfsProvider:
        """The one of *provider*; *call* is what asks for it."""
        check.provider(f"{call}.provider", provider)
        for reference in _KNOWN.valuerefs():
            known = reference()
            if known is not None and known._provider is provider:
                return known
        return _known_as(secrets.token_hex(16), provider)

    async def arrive(self) -> None:
        """Let the event loop run while there is no current credential, if the provider can."""
        if callable(getattr(self._provider, "aget", None)):  # one that has not would only be asked twice
            await ask_in_task(self._provider)

    def __reduce__(self) -> tuple[object, ...]:
        return _known_as, (self._key, self._provider)

    def __repr__(self) -> str:
        return f"<ossfs adapter of {self._provider.name}, {self._key}>"


# No lock: a child would inherit it held. Two threads that come at once may make two for one provider, which does no harm.
_KNOWN: WeakValueDictionary[str, OssfsProvider] = WeakValueDictionary()


def _known_as(key: str, provider: Provider[Credential]) -> OssfsProvider:
    return _KNOWN.setdefault(key, OssfsProvider(provider, key))
