"""Which profile of which file a provider wants, and the text of that file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import alicred._internal.checks as check
from alicred._internal.environ import variable
from alicred._internal.files import as_text, expand, home, read_if_there, shown
from alicred._internal.late import os
from alicred.errors import ConfigurationError, NotConfiguredError

PROFILE = "ALIBABA_CLOUD_PROFILE"
DEFAULT_PROFILE = "default"
LARGEST_FILE = 1 << 20  # bytes


class FileLookup:
    """What is asked for. Immutable: thread- and fork-safe, picklable.

    A subclass says which `VARIABLE` names its file, and which the `DEFAULTS` are.

    Args:
        owner: The provider's class, for errors.
        path: The file; ``None`` means the variable's, else a default path's.
        profile: The profile; ``None`` means the variable's, else a default one.
        environ: Where to look variables up, HOME too; ``None`` means ``os.environ`` at the time of the call.

    Raises:
        ConfigurationError: An argument is empty or of the wrong type; the text names it.
    """

    VARIABLE: ClassVar[str]
    DEFAULTS: ClassVar[tuple[str, ...]]

    def __init__(self, owner: str, *, path: object, profile: object, environ: Mapping[str, str] | None) -> None:
        self._path = None if path is None else check.path(f"{owner}.path", path)
        self._profile = check.optional_text(f"{owner}.profile", profile)
        self._environ = check.environment(f"{owner}.environ", environ)

    @property
    def environ(self) -> Mapping[str, str]:
        """Where to look variables up now."""
        return os.environ if self._environ is None else self._environ

    @property
    def asked(self) -> str | None:
        """The profile that the program or the variable names."""
        return self._profile or variable(self.environ, PROFILE)

    @property
    def asked_by(self) -> str:
        """Which of the two it is, for errors."""
        return "the argument profile" if self._profile is not None else PROFILE

    @property
    def files(self) -> str:
        """The file that counts, or those of which the first counts that exists; for a text."""
        paths = candidates(self._path, self.environ, variable_name=self.VARIABLE, defaults=self.DEFAULTS)[0]
        return " or ".join(map(shown, paths))


def read_named(path: str | None, environ: Mapping[str, str], *, what: str, variable_name: str, defaults: Sequence[str]) -> tuple[str, str]:
    """The path of the file that counts, and its text: *path*, else the variable's, else the first of *defaults* that exists.

    Raises:
        NotConfiguredError: None of *defaults* exists, and none was asked for.
        ConfigurationError: The file that was asked for is missing, or it cannot be read. The text names *what* it is and the path.
    """
    paths, by = candidates(path, environ, variable_name=variable_name, defaults=defaults)
    for each in paths:
        content = read_if_there(each, what=what, limit=LARGEST_FILE, private=True, is_asked_for=by is not None)
        if content is not None:
            return each, as_text(content, each, what=what)
    if by is not None:
        raise ConfigurationError(f"{what} {shown(paths[0])}, which {by} names, does not exist. Create it, or correct the path")
    looked = f"looked for {' and '.join(paths)}" if paths else no_home(environ)
    raise NotConfiguredError(f"there is no {what.removeprefix('the ')}: {looked}")


def candidates(
    path: str | None, environ: Mapping[str, str], *, variable_name: str, defaults: Sequence[str]
) -> tuple[list[str], str | None]:
    """The paths of which the first counts that exists, and what names it if it was asked for."""
    named, by = (path, "the argument path") if path is not None else (variable(environ, variable_name), variable_name)
    return (in_home(defaults, environ), None) if named is None else ([expand(named, environ)], by)


def in_home(paths: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """*paths*, which begin with ``~``; none if there is no home, for they would be looked for in the working directory."""
    return [] if home(environ) is None else [expand(each, environ) for each in paths]


def no_home(environ: Mapping[str, str]) -> str:
    """Why there is no home directory, for a text."""
    if variable(environ, "HOME") is not None:
        return "HOME is no absolute path, so there is no home directory to look in. Let HOME begin with /"
    return "there is no home directory to look in; HOME would name one"
