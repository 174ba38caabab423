"""The default chain."""

from __future__ import annotations

from alicred.chain import ChainProvider
from alicred.compat.bridge import Face
from alicred.credential import Credential
from alicred.policy.chain import ChainPolicy
from alicred.provider import Provider
from alicred.refresh.cache import CachingProvider
from alicred.wiring import default_provider, default_sources


class DefaultCredentialsProvider(Face):
    """Environment variables, an OIDC token, the CLI's profile, the profile file, the role of the instance, a credentials URI.

    Nothing is read or sent before the first call. A source that is set up and fails ends the walk with its error. Thread-, task- and
    fork-safe, picklable.

    Args:
        reuse_last_provider_enabled: Whether the source that has had a credential is asked alone from then on. Else each call walks the
            chain, over sources of which each keeps what it has.
    """

    def __init__(self, *, reuse_last_provider_enabled: bool = True) -> None:
        provider: Provider[Credential]
        if reuse_last_provider_enabled:
            provider = default_provider(require_enable=False)
        else:
            kept = (CachingProvider(source) for source in default_sources(require_enable=False))
            provider = ChainProvider(*kept, policy=ChainPolicy(sticky=False), name="default")
        super().__init__(provider, "default")


__all__ = ["DefaultCredentialsProvider"]
