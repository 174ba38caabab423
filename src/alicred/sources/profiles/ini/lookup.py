"""Where the profile file is, which section of it counts, and whether that is switched on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import alicred._internal.checks as check
from alicred._internal.environ import variable
from alicred._internal.files import is_there, shown
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources.profiles.ini.grammar import IniError, Section, parse
from alicred.sources.profiles.ini.profile import Profile
from alicred.sources.profiles.lookup import DEFAULT_PROFILE, FileLookup, in_home, read_named

CREDENTIALS_FILE = "ALIBABA_CLOUD_CREDENTIALS_FILE"
DEFAULT_PATHS = ("~/.alibabacloud/credentials", "~/.alibabacloud/credentials.ini")

_WHAT = "the profile file"
_ON, _OFF = ("true", "1", "yes"), ("false", "0", "no")


class Lookup(FileLookup):
    """The same for the profile file.

    Args:
        owner: As before.
        path: As before.
        profile: As before.
        require_enable: Whether a section without ``enable`` is switched off.
        environ: As before.

    Raises:
        ConfigurationError: As before.
    """

    VARIABLE = CREDENTIALS_FILE
    DEFAULTS: ClassVar[tuple[str, ...]] = DEFAULT_PATHS

    def __init__(self, owner: str, *, path: object, profile: object, require_enable: object, environ: Mapping[str, str] | None) -> None:
        super().__init__(owner, path=path, profile=profile, environ=environ)
        self._require_enable = check.flag(f"{owner}.require_enable", require_enable)

    def find(self) -> Profile:
        """The section, read from its file now.

        Raises:
            NotConfiguredError: There is no file, or no section ``default`` and none was asked for, or the section is switched off.
            ConfigurationError: The file that was asked for is missing, the file is unreadable or malformed, or it lacks the
                section that was asked for. The text names the path.
        """
        path, text = read_named(self._path, self.environ, what=_WHAT, variable_name=self.VARIABLE, defaults=self.DEFAULTS)
        try:
            sections = parse(text)
        except IniError as error:
            json = " (it looks like JSON; the profile file is INI)" if text.lstrip().startswith("{") else ""
            raise ConfigurationError(f"{_WHAT} {shown(path)}: {error}{json}") from None
        asked = self.asked
        section = sections.get(asked or DEFAULT_PROFILE)
        if section is None:
            raise _no_such_section(asked, self.asked_by, path, sections)
        profile = Profile(name=section.name, path=path, line=section.line, values=section.values, lines=section.lines)
        with profile.explained():
            profile.check_lines()
            _check_enabled(profile, self._require_enable)
        return profile


def has_profile_file(environ: Mapping[str, str]) -> bool:
    """Whether there is a profile file, or one is asked for. Nothing is read."""
    return variable(environ, CREDENTIALS_FILE) is not None or any(map(is_there, in_home(DEFAULT_PATHS, environ)))


def _no_such_section(asked: str | None, by: str, path: str, sections: Mapping[str, Section]) -> ConfigurationError | NotConfiguredError:
    there = f"it has {', '.join(repr(name) for name in sections)}" if sections else "it has none at all"
    hint = ""
    if any(name.lower() == (asked or DEFAULT_PROFILE).lower() for name in sections):
        hint = " (capital and small letters differ: write section names in small ones)"
    if asked is None:
        return NotConfiguredError(f"{_WHAT} {shown(path)} has no section 'default', and no other one was asked for: {there}{hint}")
    return ConfigurationError(f"{_WHAT} {shown(path)} has no section {asked!r}, which {by} names: {there}{hint}")


def _check_enabled(profile: Profile, require_enable: bool) -> None:
    value = (profile.text("enable") or "").lower()
    if value in _ON or not (value or require_enable):
        return
    if not value:
        raise NotConfiguredError(f"{profile.where} is not switched on: `enable = true` is missing in it")
    if value in _OFF:
        raise NotConfiguredError(f"{profile.where} is switched off. Change its enable to `enable = true` to use it")
    raise ConfigurationError("enable must be true or false")
