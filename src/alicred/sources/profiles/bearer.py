"""A bearer token from a section of the profile file, or from a profile of the command line tool."""

from __future__ import annotations

import os
from collections.abc import Mapping

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.credential import BearerToken
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources._source import Source, errors_of, parameters_called
from alicred.sources.profiles.cli.config import CliLookup
from alicred.sources.profiles.cli.modes import BEARER as CLI_BEARER
from alicred.sources.profiles.cli.modes import guess
from alicred.sources.profiles.ini.lookup import Lookup
from alicred.sources.profiles.ini.types import BEARER

_OWNER = "BearerProfileProvider"
_PROFILE, _CLI_PROFILE = "profile", "cli_profile"


@public("alicred")
class BearerProfileProvider(Source):
    """The bearer token in a section of the profile file whose ``type`` is ``bearer``, or a CLI profile whose ``mode`` is ``BearerToken``.

    Without *path*, the command line tool's file goes first, and then the profile file: the token is that of the first of the two whose
    chosen profile holds one. The files are found and read at every `get`; when the token ends is not known, so ``expires_at`` is
    ``None``. Thread-, task- and fork-safe, picklable. `get` reads one or two small files and sends no request.

    Args:
        path: As in `CliProfileProvider` if it ends in ``.json``, else as in `ProfileFileProvider`; ``None`` means both.
        profile: As in these two.
        require_enable: As in `ProfileFileProvider`.
        environ: As in these two.
        name: What this source is called; ``None`` means ``cli_profile`` if *path* ends in ``.json``, else ``profile``; and in
            the ``provider_name`` of a token, the one of the two that it comes from.

    Raises:
        ConfigurationError: An argument is empty or of the wrong type; the text names it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        *,
        require_enable: bool = False,
        environ: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> None:
        self._lookup = Lookup(_OWNER, path=path, profile=profile, require_enable=require_enable, environ=environ)
        self._cli_lookup = CliLookup(_OWNER, path=path, profile=profile, environ=environ, of_both=path is None)
        self._path = None if path is None else check.path(f"{_OWNER}.path", path)
        self._given_name = name
        super().__init__(_OWNER, _CLI_PROFILE if self._is_of_cli else _PROFILE, name)

    @property
    def _is_of_cli(self) -> bool:
        return self._path is not None and self._path.endswith(".json")

    def get(self) -> BearerToken:
        """The token that stands there now. Its ``provider_name`` is ``profile/bearer`` or ``cli_profile/bearer``.

        Raises:
            NotConfiguredError: As `ProfileFileProvider.get` and `CliProfileProvider.get`.
            ConfigurationError: The file or the profile is wrong, or holds no bearer token; the text names the path and the key.
        """
        places = [self._from_cli, self._from_file]
        if self._path is not None:
            places = places[:1] if self._is_of_cli else places[1:]
        reasons: list[NotConfiguredError | ConfigurationError] = []
        for place in places:
            found = place()
            if isinstance(found, BearerToken):
                return found
            reasons.append(found)
        # A profile that holds something else is more than none at all: a chain must not pass over it.
        kind = NotConfiguredError if all(isinstance(reason, NotConfiguredError) for reason in reasons) else ConfigurationError
        raise kind("; and ".join(reason.message for reason in reasons), provider=self.name)

    def _from_cli(self) -> BearerToken | NotConfiguredError | ConfigurationError:
        """The token, or why there is none in this place."""
        with errors_of(self._given_name or _CLI_PROFILE):
            try:
                profile = self._cli_lookup.find().profile
            except NotConfiguredError as error:
                return error
            with profile.explained():
                if (profile.text("mode") or guess(profile)) == CLI_BEARER:
                    with parameters_called({"token": profile.key_of("bearer_token")}):
                        return _token(*profile.needed("bearer_token"), of=self._given_name or _CLI_PROFILE, origin=profile.origin)
            return ConfigurationError(f"{profile.where}: mode is not {CLI_BEARER}. Use CliProfileProvider for an access key or a role")

    def _from_file(self) -> BearerToken | NotConfiguredError | ConfigurationError:
        """The token, or why there is none in this place."""
        with errors_of(self._given_name or _PROFILE):
            try:
                profile = self._lookup.find()
            except NotConfiguredError as error:
                return error
            with profile.explained():
                if (profile.text("type") or "").lower() != BEARER:
                    return ConfigurationError(f"{profile.where}: type is not bearer. Use ProfileFileProvider for an access key or a role")
                with parameters_called({"token": "bearer_token"}):
                    return _token(*profile.needed("bearer_token"), of=self._given_name or _PROFILE, origin=profile.origin)


def _token(token: str, *, of: str, origin: str) -> BearerToken:
    return BearerToken(token, provider_name=f"{of}/bearer", origin=origin)
