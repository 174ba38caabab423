"""A bearer token from a section of the profile file."""

from __future__ import annotations

import os
from collections.abc import Mapping

import attrs

from alicred.credential import BearerToken
from alicred.errors import ConfigurationError
from alicred.profiles.location import Lookup
from alicred.profiles.profile import Profile
from alicred.profiles.types import BEARER
from alicred.sources._naming import errors_of
from alicred.sources.static import StaticProvider

_OWNER = "BearerProfileProvider"


class BearerProfileProvider:
    """The bearer token in a section of the profile file whose ``type`` is ``bearer``.

    The file is found and read at every `get`; when the token ends is not known, so ``expires_at`` is ``None``. Thread-, task-
    and fork-safe, picklable. `get` reads one small file and asks nobody.

    Args:
        path: As in `ProfileFileProvider`.
        profile: As in `ProfileFileProvider`.
        require_enable: As in `ProfileFileProvider`.
        environ: As in `ProfileFileProvider`.

    Raises:
        ConfigurationError: An argument is empty or of the wrong type; the text names it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        *,
        require_enable: bool = True,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._lookup = Lookup(_OWNER, path=path, profile=profile, require_enable=require_enable, environ=environ)

    @property
    def name(self) -> str:
        """``profile``."""
        return "profile"

    def get(self) -> BearerToken:
        """The token that the section holds now. Its ``provider_name`` is ``profile/bearer``.

        Raises:
            NotConfigured: As `ProfileFileProvider.get`.
            ConfigurationError: The file or the section is wrong, or holds no bearer token; the text names the path and the key.
        """
        with errors_of(self.name):
            profile = self._lookup.find()
            try:
                source = _source(profile)
            except ConfigurationError as error:
                raise ConfigurationError(f"{profile.where}: {error.message}") from None
        return attrs.evolve(source.get(), provider_name=f"{self.name}/{source.name}")


def _source(profile: Profile) -> StaticProvider[BearerToken]:
    if (profile.text("type") or "").lower() != BEARER:
        raise ConfigurationError("type is not bearer: use ProfileFileProvider for a section with an access key or a role")
    (token,) = profile.needed("bearer_token")
    return StaticProvider(BearerToken(token))
