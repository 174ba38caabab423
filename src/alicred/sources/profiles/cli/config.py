"""The command line tool's own file, ``~/.aliyun/config.json``: where it is, what it says, and which of its profiles counts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import ClassVar, TypeGuard

import attrs

from alicred._internal.environ import is_true
from alicred._internal.files import as_text, read_file, shown
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources.profiles.cli.profile import CliProfile
from alicred.sources.profiles.lookup import DEFAULT_PROFILE, LARGEST_FILE, FileLookup, read_named

CONFIG_FILE = "ALIBABA_CLOUD_CONFIG_FILE"
DISABLED = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"
DEFAULT_PATH = "~/.aliyun/config.json"
WHAT = "the CLI configuration"
EMPTY = '{"current": "", "profiles": [], "meta_path": ""}'
"""A file without a profile, as the tool writes it."""

_INDENTED = re.compile(r"\n([ \t]+)")


@attrs.frozen(kw_only=True)
class CliConfig:
    """The file as it was at one moment. A value; its ``repr`` shows no value of a profile.

    Args:
        path: The file.
        text: Its content.
        root: What that says.
        current: The profile that counts unless another one is asked for; ``None`` means ``default``, as for the tool.
        profiles: The profiles by their names, in the order of the file; of two with the same name, the first.
    """

    path: str
    text: str = attrs.field(repr=False)
    root: Mapping[str, object] = attrs.field(repr=False)
    current: str | None
    profiles: Mapping[str, Mapping[str, object]] = attrs.field(repr=False)

    @classmethod
    def read(cls, path: str, known: CliConfig | None = None) -> CliConfig:
        """The file at *path* as it is now; *known* itself if it still says the same, for parsing takes longer than reading.

        Raises:
            ConfigurationError: It is missing, unreadable, too large or malformed; the text names the path.
        """
        text = as_text(read_file(path, what=WHAT, limit=LARGEST_FILE, private=True), path, what=WHAT)
        return known if known is not None and known.text == text else cls.parse(text, path)

    @classmethod
    def parse(cls, text: str, path: str) -> CliConfig:
        """What *text*, the content of *path*, says.

        Raises:
            ConfigurationError: It is no JSON, or not of the form of this file; the text names line and column, or the key, and
                quotes nothing.
        """
        root = _json(text, path)
        where = f"{WHAT} {shown(path)}"
        if not is_object(root):
            raise ConfigurationError(f'{where} must be a JSON object, such as {{"current": …, "profiles": […]}}')
        current, listed = root.get("current"), root.get("profiles")
        if current is not None and not isinstance(current, str):
            raise ConfigurationError(f"{where}: current must be a string, not {type(current).__name__}")
        if listed is not None and not _is_list(listed):
            raise ConfigurationError(f"{where}: profiles must be a list, not {type(listed).__name__}")
        profiles: dict[str, Mapping[str, object]] = {}
        for number, each in enumerate(listed or []):
            if not is_object(each):
                raise ConfigurationError(f"{where}: profiles[{number}] must be an object, not {type(each).__name__}")
            name = each.get("name")
            if name is not None and not isinstance(name, str):
                raise ConfigurationError(f"{where}: profiles[{number}].name must be a string, not {type(name).__name__}")
            profiles.setdefault(name or "", each)
        return cls(path=path, text=text, root=root, current=current, profiles=profiles)

    def profile(self, name: str, environ: Mapping[str, str] | None = None) -> CliProfile | None:
        """The profile *name*, whose gaps *environ* fills; ``None`` if there is no such profile."""
        values = self.profiles.get(name)
        return None if values is None else CliProfile(name=name, path=self.path, values=values, environ=environ or {})

    def repeated(self) -> dict[str, int]:
        """How many profiles have each name that several have."""
        listed = self.root.get("profiles")
        names = Counter(each.get("name") or "" for each in listed if is_object(each)) if _is_list(listed) else Counter[object]()
        return {str(name): count for name, count in names.items() if count > 1}

    def with_changes(self, name: str, changes: Mapping[str, str | int | None], *, current: str | None = None) -> CliConfig:
        """The same with *changes* made to the profile *name*: its keys keep their places, new ones come last, and so does everything else.

        The text is set as it was: each level indented like the first line that is, by a tab (as the tool does) if none is; letters outside
        ASCII escaped if there were none.

        Args:
            name: The profile, which comes last if there is none of that name.
            changes: The new values by their keys; ``None`` takes a key away.
            current: What the file is to call current; ``None`` leaves that as it is.

        Raises:
            ValueError: The file holds a number, or half a character, that no JSON text can.
        """
        found = self.profiles.get(name)
        both = {**({"name": name} if found is None else found), **changes}
        changed = {key: value for key, value in both.items() if value is not None or key not in changes}
        if changed == found and current in (None, self.current):
            return self
        listed = self.root.get("profiles")
        profiles = [changed if each is found else each for each in listed] if _is_list(listed) else []
        root = {**self.root, **({} if current is None else {"current": current})}
        root["profiles"] = profiles if found is not None else [*profiles, changed]
        indented = _INDENTED.search(self.text)
        text = json.dumps(root, indent=indented[1] if indented else "\t", ensure_ascii=self.text.isascii(), allow_nan=False)
        text += self.text[len(self.text.rstrip()) :]
        text.encode()  # raises for half a character
        return attrs.evolve(self, text=text, root=root, current=current or self.current, profiles={**self.profiles, name: changed})

    @property
    def names(self) -> str:
        """The names of the profiles, for an error text."""
        return f"it has {', '.join(repr(name) for name in self.profiles)}" if self.profiles else "it has none at all"


@attrs.frozen(kw_only=True)
class Chosen:
    """The profile that counts, and the file that it stands in.

    Args:
        config: The file.
        profile: The profile.
        asked: Whether the program or a variable named it, rather than the file.
    """

    config: CliConfig
    profile: CliProfile
    asked: bool


class CliLookup(FileLookup):
    """The same for the tool's file.

    Args:
        owner: As before.
        path: As before.
        profile: As before; by default the one that the file calls ``current``.
        environ: As before.
        of_both: Whether *profile* may be in the INI file instead.

    Raises:
        ConfigurationError: As before.
    """

    VARIABLE = CONFIG_FILE
    DEFAULTS: ClassVar[tuple[str, ...]] = (DEFAULT_PATH,)

    def __init__(self, owner: str, *, path: object, profile: object, environ: Mapping[str, str] | None, of_both: bool = False) -> None:
        super().__init__(owner, path=path, profile=profile, environ=environ)
        self._of_both = of_both

    def find(self) -> Chosen:
        """The profile, read from its file now.

        Raises:
            NotConfiguredError: A variable switches this file off; or there is no file, no profile in it, or nothing that says which.
            ConfigurationError: The file that was asked for is missing, the file is unreadable or malformed, or it lacks the
                profile that was asked for. The text names the path.
        """
        environ = self.environ
        if is_true(environ, DISABLED):
            raise NotConfiguredError(f"{DISABLED} is true: {WHAT} is not read")
        path, text = read_named(self._path, environ, what=WHAT, variable_name=self.VARIABLE, defaults=self.DEFAULTS)
        config = CliConfig.parse(text, path)
        asked = self.asked
        named = asked or config.current
        profile = config.profile(DEFAULT_PROFILE if named is None else named, environ)
        if profile is None:
            raise self._no_such_profile(config, named)
        return Chosen(config=config, profile=profile, asked=asked is not None)

    def _no_such_profile(self, config: CliConfig, name: str | None) -> ConfigurationError | NotConfiguredError:
        where = f"{WHAT} {shown(config.path)}"
        if name is None:
            return NotConfiguredError(f"{where} names no current profile, and has none that is called {DEFAULT_PROFILE!r}: {config.names}")
        if self.asked is not None:
            from alicred.sources.profiles.ini.lookup import has_profile_file

            text = f"{where} has no profile {name!r}, which {self.asked_by} names: {config.names}"
            # The variable speaks of the INI file as well. Where there is one, that source says whether the profile exists at all.
            elsewhere = (self._of_both or self._profile is None) and has_profile_file(self.environ)
            return NotConfiguredError(text) if elsewhere else ConfigurationError(text)
        text = f"{where} has no profile {name!r}, which it calls current: {config.names}"
        return ConfigurationError(text) if config.profiles else NotConfiguredError(text)


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether *value*, a part of a JSON text, is an object."""
    return isinstance(value, dict)  # JSON has no keys but strings


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _json(text: str, path: str) -> object:
    if not text.strip():
        raise ConfigurationError(f"{WHAT} {shown(path)} is an empty file. Remove it, or run `aliyun configure`")
    try:
        found: object = json.loads(text)
        return found
    except json.JSONDecodeError as error:
        problem = f"line {error.lineno}, column {error.colno} is not valid JSON"
    except (ValueError, RecursionError):
        problem = "it is not JSON that can be read: a number in it is too long, or its brackets are nested too deeply"
    # Raised out here: those errors hold the whole text.
    raise ConfigurationError(f"{WHAT} {shown(path)}: {problem}")
