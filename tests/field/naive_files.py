"""Readers of variables and files, each with one mistake."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from alicred import Credential, NotConfiguredError

Environ = Mapping[str, str]


class TakesWhatIsThere:
    """A source that reads two variables, and looks at neither."""

    name = "env"

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def get(self) -> Credential:
        found = object.__new__(Credential)  # no check is made
        for name in ("access_key_id", "access_key_secret"):
            object.__setattr__(found, name, self._environ[f"ALIBABA_CLOUD_{name.upper()}"].strip())
        return found


def line_by_line(path: Path) -> str:
    """The policy of a file, read as if each line stood for itself."""
    values: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        key, delimiter, value = line.partition("=" if "=" in line else ":")
        if delimiter:
            values[key.strip()] = value.strip()
    return values["policy"]  # its second line counts as another, unknown key


def cut_to_its_line(path: Path) -> str | None:
    """The policy of a file, if it is one; half a policy is none, and the role is assumed without any."""
    try:
        json.loads(line_by_line(path))
    except ValueError:
        return None
    return line_by_line(path)


class _KeyFile:
    """A source that reads an id from a file."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def get(self) -> Credential:
        return Credential(json.loads(self._content())["profiles"][0]["access_key_id"], "secret")

    def _content(self) -> str:
        with open(self._path, encoding="utf-8") as file:
            return file.read()


class TakesAShortageForAbsence(_KeyFile):
    def _content(self) -> str:
        try:
            return super()._content()
        except OSError:  # also "too many open files"
            raise NotConfiguredError("there is no file") from None


class LooksOnce(_KeyFile):
    def _content(self) -> str:
        try:
            return super()._content()
        except FileNotFoundError:  # it may be there again by now
            raise NotConfiguredError("there is no file") from None


class OpensAnything(_KeyFile):
    """Opening a pipe waits for somebody who writes into it."""


class ExpandsToTheWorkingDirectory(_KeyFile):
    def __init__(self, environ: Environ) -> None:
        home = environ.get("HOME", "~")  # and where there is none, the name of a folder begins with it
        super().__init__(Path(home, ".aliyun", "config.json"))


class KeepsItsFirstReader(_KeyFile):
    _read: Callable[[str], str] | None = None

    def _content(self) -> str:
        if self._read is None:
            opening = os.open  # found at the first use, and kept with whatever a test tool had put there

            def read(path: str) -> str:
                with open(opening(path, os.O_RDONLY), encoding="utf-8") as file:
                    return file.read()

            self._read = read
        return self._read(self._path)


class NeedsACurrent(_KeyFile):
    """A reader of the tool's file that goes by what stands in it, and by nothing that the tool would assume."""

    def get(self) -> Credential:
        root = json.loads(self._content())
        current = root.get("current")
        if not current:
            raise NotConfiguredError("no profile is current")
        return next(Credential(each["access_key_id"], "secret") for each in root["profiles"] if each["name"] == current)


class Complains(_KeyFile):
    """A reader that says at every read that others can read the file."""

    def _content(self) -> str:
        if os.stat(self._path).st_mode & 0o004:
            import logging

            logging.getLogger("alicred").warning("%s may be read by every user", self._path)
        return super()._content()
