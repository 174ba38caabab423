"""Where a login is kept: a profile of the command line tool's file, which need not be there yet."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from alicred._internal.environ import variable
from alicred._internal.file_lock import Busy
from alicred._internal.files import as_text, expand, read_if_there, shown
from alicred._internal.late import os
from alicred.errors import ConfigurationError, TransientError
from alicred.sources.profiles.cli import write_back
from alicred.sources.profiles.cli.config import CONFIG_FILE, DEFAULT_PATH, EMPTY, WHAT, CliConfig
from alicred.sources.profiles.cli.modes import is_blank, mode_of
from alicred.sources.profiles.cli.profile import CliProfile
from alicred.sources.profiles.cli.write_back import NotWrittenError
from alicred.sources.profiles.lookup import DEFAULT_PROFILE, LARGEST_FILE, PROFILE

_LONGEST_WAIT = 30.0  # seconds; a program that renews a login of the file holds its lock for that long
_IDENTITY = ("mode", "access_key_id", "access_key_secret")  # of a profile that is no login yet
_LOGIN = ("oauth_refresh_token", "access_token")
KEYS = ("access_key_id", "access_key_secret", "sts_token", "sts_expiration")
"""The keys that a login has got last."""


@attrs.frozen(kw_only=True)
class Place:
    """A profile, as the file had it when it was looked up. A value.

    Args:
        path: The file.
        name: The profile's name.
        profile: The profile; ``None`` if there is none of that name.
    """

    path: str
    name: str
    profile: CliProfile | None

    @property
    def where(self) -> str:
        """How a text calls it."""
        return f"profile {self.name!r} of {shown(self.path)}"

    @property
    def mode(self) -> str | None:
        """Its mode; ``None`` if there is no profile, or one that was never filled in.

        Raises:
            ConfigurationError: The mode is unknown; the text names the profile.
        """
        if self.profile is None or is_blank(self.profile):
            return None
        with self.profile.explained():
            return mode_of(self.profile)

    def text(self, key: str) -> str | None:
        """What the profile says at *key*.

        Raises:
            ConfigurationError: It is no text that can stand there; the error names the profile and the key.
        """
        if self.profile is None:
            return None
        with self.profile.explained():
            return self.profile.text(key)

    def must_be_writable(self) -> None:
        """Refuse a place where nothing can be saved, before a person has logged in for nothing.

        Raises:
            ConfigurationError: It is one; the text says why.
        """
        folder = os.path.dirname(os.path.realpath(self.path))
        while not os.path.lexists(folder) and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"{self.where} could not be saved: {shown(folder)} is no folder that you may write to. Change that first"
            )

    def save(self, changes: Mapping[str, str | int | None], *, make_current: bool = False) -> Place:
        """Make *changes* to the profile, and to nothing else; a value that is empty or 0 is taken away, as the tool leaves such out.

        A profile that another program has changed meanwhile, to one of another kind or by another login, stays as it is.

        The file and the profile are made if they are not there. Blocks for 30 s if another program is renewing a login of the file.

        Returns:
            The profile as it is now.

        Raises:
            ConfigurationError: The file is as it was; the text says why.
            TransientError: Another program has been renewing a login for too long.
        """
        full = {key: value or None for key, value in changes.items()}
        values: Mapping[str, object] = {} if self.profile is None else self.profile.values
        still = {key: values.get(key) or None for key in (_IDENTITY if self.mode is None else (*_IDENTITY[:1], *_LOGIN))}
        try:
            os.makedirs(os.path.dirname(os.path.realpath(self.path)), mode=0o700, exist_ok=True)
            config = write_back.alone(
                self.path,
                lambda: write_back.put(self.path, self.name, full, still=still, make_current=make_current),
                create=True,
                seconds=_LONGEST_WAIT,
            )
        except NotWrittenError as error:
            raise ConfigurationError(f"{self.where} was not saved: {error}") from None
        except OSError as error:
            raise ConfigurationError(f"{self.where} was not saved: its folder cannot be made: {error.strerror}") from None
        except Busy:
            text = f"{self.where} was not saved: another program has been renewing a login of the file for {_LONGEST_WAIT:.0f} s"
        else:
            return attrs.evolve(self, profile=config.profile(self.name))
        raise TransientError(f"{text}. Start again")


def find(name: str | None, environ: Mapping[str, str]) -> Place:
    """The profile *name*, else the one that the variable names, else the one that the file calls current, else ``default``.

    Raises:
        ConfigurationError: The file cannot be read, or there is no home directory that it could be in. The text names the path.
    """
    path = expand(variable(environ, CONFIG_FILE) or DEFAULT_PATH, environ)
    content = read_if_there(path, what=WHAT, limit=LARGEST_FILE, private=True)
    config = CliConfig.parse(EMPTY if content is None else as_text(content, path, what=WHAT), path)
    chosen = name or variable(environ, PROFILE) or config.current or DEFAULT_PROFILE
    return Place(path=path, name=chosen, profile=config.profile(chosen))
