"""The default chain."""

from __future__ import annotations

import attrs

from alicred.chain import ChainProvider
from alicred.compat.bridge import OfficialProvider
from alicred.compat.environ import ENVIRON
from alicred.compat.provider.profile import FilledProfileFile
from alicred.credential import Credential
from alicred.default import default_sources
from alicred.errors import NotConfiguredError
from alicred.events import ChainResolved, Event, RefreshFailed, emit
from alicred.policy.chain import ChainPolicy
from alicred.provider import Provider
from alicred.refresh.cache import CachingProvider


class DefaultCredentialsProvider(OfficialProvider):
    """Environment variables, an OIDC token, the CLI's profile, the profile file, the role of the instance, a credentials URI.

    Nothing is read or sent before the first call. A source that is set up and fails ends the walk with its error. Thread-, task- and
    fork-safe, picklable.

    Args:
        reuse_last_provider_enabled: Whether the source that has had a credential is asked alone from then on. Else each call walks the
            chain, over sources of which each keeps what it has.
    """

    def __init__(self, *, reuse_last_provider_enabled: bool = True) -> None:
        provider: Provider[Credential]
        sources = default_sources(environ=ENVIRON, require_enable=False, profile_file=FilledProfileFile)
        if reuse_last_provider_enabled:
            provider = CachingProvider(ChainProvider(*sources, name="default"))
        else:
            listener = _Listener()
            kept = (CachingProvider(source, listener=listener) for source in sources)
            provider = ChainProvider(*kept, chain=ChainPolicy(sticky=False), listener=listener, name="default")
        super().__init__(provider, "default")


@attrs.define(eq=False)
class _Listener:
    """Writes to the log what is news: a source that is not set up is none, nor is the one that was used at the last call."""

    _used: str | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, RefreshFailed) and isinstance(event.error, NotConfiguredError) and not event.usable:
            return  # the chain says at the level DEBUG that it has passed over it
        if isinstance(event, ChainResolved):
            used, self._used = self._used, event.source
            if used == event.source:
                return
        emit(None, event)


__all__ = ["DefaultCredentialsProvider"]
