"""The default chain."""

from __future__ import annotations

from alicred.chain import ChainProvider
from alicred.compat.bridge import OfficialProvider
from alicred.compat.environ import ENVIRON
from alicred.compat.provider.profile import FilledProfileFile
from alicred.credential import Credential
from alicred.default import default_sources
from alicred.policy.chain import ChainPolicy
from alicred.provider import Provider
from alicred.refresh.cache import CachingProvider


class DefaultCredentialsProvider(OfficialProvider):
    """Environment variables, an OIDC token, the CLI's profile, the profile file, the role of the instance, a credentials URI.

    Nothing is read or sent before the first call. A source that is set up and fails ends the search with its error. Thread-, task- and
    fork-safe, picklable.

    Args:
        reuse_last_provider_enabled: Whether only the source that has had a credential is asked from then on. Else each call walks the
            chain, over sources of which each keeps what it has.
    """

    def __init__(self, *, reuse_last_provider_enabled: bool = True) -> None:
        provider: Provider[Credential]
        sources = default_sources(environ=ENVIRON, require_enable=False, profile_file=FilledProfileFile)
        if reuse_last_provider_enabled:
            provider = CachingProvider(ChainProvider(*sources, name="default"))
        else:
            provider = ChainProvider(*map(CachingProvider, sources), chain=ChainPolicy(sticky=False), name="default")
        super().__init__(provider, "default")


__all__ = ["DefaultCredentialsProvider"]
