"""Where the profile file is, which section of it counts, and whether that is switched on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import alicred._internal.checks as check
from alicred._internal.environ import variable
from alicred._internal.files import as_text, expand, home, is_there, read_if_there, shown
from alicred._internal.late import os
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources.profiles.ini.grammar import IniError, Section, parse
from alicred.sources.profiles.ini.profile import Profile

CREDENTIALS_FILE = "ALIBABA_CLOUD_CREDENTIALS_FILE"
PROFILE = "ALIBABA_CLOUD_PROFILE"
DEFAULT_PATHS = ("~/.alibabacloud/credentials", "~/.alibabacloud/credentials.ini")
DEFAULT_PROFILE = "default"

_WHAT = "the profile file"
LARGEST_FILE = 1 << 20  # bytes
_ON, _OFF = ("true", "1", "yes"), ("false", "0", "no")


class Lookup:
    """Which section of which file a provider wants. Immutable: thread- and fork-safe, picklable.

    Args:
        owner: The provider's class, for errors.
        path: The file; ``None`` means the variable's, else the first default path at which there is one.
        profile: The section; ``None`` means the variable's, else ``default``.
        require_enable: Whether a section without ``enable`` is switched off.
        environ: Where to look variables up, HOME too; ``None`` means ``os.environ`` at the time of the call.

    Raises:
        ConfigurationError: An argument is empty or of the wrong type; the text names it.
    """

    def __init__(self, owner: str, *, path: object, profile: object, require_enable: object, environ: Mapping[str, str] | None) -> None:
        self._path = None if path is None else check.path(f"{owner}.path", path)
        self._profile = check.optional_text(f"{owner}.profile", profile)
        self._require_enable = check.flag(f"{owner}.require_enable", require_enable)
        self._environ = check.environment(f"{owner}.environ", environ)

    @property
    def environ(self) -> Mapping[str, str]:
        """Where to look variables up now."""
        return os.environ if self._environ is None else self._environ

    def find(self) -> Profile:
        """The section, read from its file now.

        Raises:
            NotConfiguredError: There is no file, or no section ``default`` and none was asked for, or the section is switched off.
            ConfigurationError: The file that was asked for is missing, the file is unreadable or malformed, or it lacks the
                section that was asked for. The text names the path.
        """
        path, text = read_named(self._path, self.environ, what=_WHAT, variable_name=CREDENTIALS_FILE, defaults=DEFAULT_PATHS)
        try:
            sections = parse(text)
        except IniError as error:
            json = " (it looks like JSON; the profile file is INI)" if text.lstrip().startswith("{") else ""
            raise ConfigurationError(f"{_WHAT} {shown(path)}: {error}{json}") from None
        asked = self._profile or variable(self.environ, PROFILE)
        section = sections.get(asked or DEFAULT_PROFILE)
        if section is None:
            raise _no_such_section(asked, "the argument profile" if self._profile else PROFILE, path, sections)
        profile = Profile(name=section.name, path=path, line=section.line, values=section.values, lines=section.lines)
        try:
            profile.check_lines()
            _check_enabled(profile, self._require_enable)
        except ConfigurationError as error:
            raise ConfigurationError(f"{profile.where}: {error.message}") from None
        return profile


def read_named(path: str | None, environ: Mapping[str, str], *, what: str, variable_name: str, defaults: Sequence[str]) -> tuple[str, str]:
    """The path of the file that counts, and its text: *path*, else the variable's, else the first of *defaults* that exists.

    Raises:
        NotConfiguredError: None of *defaults* exists, and none was asked for.
        ConfigurationError: The file that was asked for is missing, or it cannot be read. The text names *what* it is and the path.
    """
    named, by = (path, "the argument path") if path is not None else (variable(environ, variable_name), variable_name)
    candidates = [expand(named, environ)] if named is not None else _in_home(defaults, environ)
    for each in candidates:
        content = read_if_there(each, what=what, limit=LARGEST_FILE, private=True, is_asked_for=named is not None)
        if content is not None:
            return each, as_text(content, each, what=what)
    if named is not None:
        raise ConfigurationError(f"{what} {shown(candidates[0])}, which {by} names, does not exist: create it, or correct the path")
    looked = f"looked for {' and '.join(candidates)}" if candidates else "there is no home directory to look in; HOME would name one"
    raise NotConfiguredError(f"there is no {what.removeprefix('the ')}: {looked}")


def _in_home(paths: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """*paths*, which begin with ``~``; none if there is no home, for they would be looked for in the working directory."""
    return [] if home(environ) is None else [expand(each, environ) for each in paths]


def has_profile_file(environ: Mapping[str, str]) -> bool:
    """Whether there is a profile file, or one is asked for. Nothing is read."""
    return variable(environ, CREDENTIALS_FILE) is not None or any(map(is_there, _in_home(DEFAULT_PATHS, environ)))


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
        raise NotConfiguredError(f"{profile.where} is switched off: change its enable to `enable = true` to use it")
    raise ConfigurationError("enable must be true or false")
