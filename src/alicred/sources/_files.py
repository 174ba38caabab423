"""Small files that sources read: where they are, and how reading them fails."""

from __future__ import annotations

import stat
import string
from collections.abc import Mapping

import alicred._arguments as check
from alicred._environ import variable
from alicred._late import os
from alicred.errors import ConfigurationError

_LONGEST_NAME = 255  # no common file system has longer ones
_SHORTEST_KEY = 12  # characters: the head of a key that was cut off is shown no more than the whole
_BASE64 = frozenset(string.ascii_letters + string.digits + "+/= \n\r\t")


def expand(path: str | os.PathLike[str], environ: Mapping[str, str]) -> str:
    """*path* with a leading ``~`` replaced: by HOME, then the platform's own way."""
    path = os.fspath(path)
    home = variable(environ, "HOME")
    if home and (path == "~" or path.startswith(("~/", "~" + os.sep))):
        return home + path[1:]
    return os.path.expanduser(path)  # which leaves the path as it is where there is no home


def shown(path: str) -> str:
    """*path* for an error text; only its length if it is no path but, as it seems, the secret that should stand in the file."""
    parts = path.replace("\\", "/").split("/")
    is_token = any(part.startswith("eyJ") and part.count(".") == 2 for part in parts)
    if is_token or _is_key(path) or check.has_control_characters(path) or any(len(part) > _LONGEST_NAME for part in parts):
        return f"(a text of {len(path)} characters; is it what should stand in the file?)"
    return path


def _is_key(path: str) -> bool:
    """Whether *path* looks like a private key, with its PEM lines or without: base64 of DER, which begins with ``MI``."""
    return "PRIVATE KEY" in path or (path.startswith("MI") and len(path) > _SHORTEST_KEY and set(path.strip()) <= _BASE64)


def read_file(path: str, *, what: str, limit: int) -> bytes:
    """The whole file, at most *limit* bytes of it.

    Raises:
        ConfigurationError: The file is missing, cannot be read, or is too large; the text names *what* it is and the path.
    """
    content = read_if_there(path, what=what, limit=limit)
    if content is None:
        raise ConfigurationError(f"{what} {shown(path)} does not exist: create it, or correct the path")
    return content


def read_if_there(path: str, *, what: str, limit: int, hidden_is_absent: bool = False) -> bytes | None:
    """As `read_file`, but ``None`` for a file that does not exist.

    With *hidden_is_absent* also for one whose folder may not be looked into, such as the home of another user.
    """
    try:
        kind = stat.S_IFMT(_look(path, hidden_is_absent).st_mode)
        if kind in (stat.S_IFIFO, stat.S_IFSOCK):
            reason = "it is a pipe or a socket, and it is to be read again and again: give a file"
        else:
            with open(path, "rb") as file:
                content = file.read(limit + 1)
            if len(content) <= limit:
                return content
            reason = f"it is larger than {limit} bytes; is it the right file?"
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "the path holds a NUL byte"
    # Raised out here: those errors quote the path, and a path may be a secret that took the wrong turn.
    raise ConfigurationError(f"{what} {shown(path)} cannot be read: {reason}")


def _look(path: str, hidden_is_absent: bool) -> os.stat_result:
    try:
        return os.stat(path)
    except PermissionError:
        if hidden_is_absent:
            raise FileNotFoundError from None
        raise


def as_text(content: bytes, path: str, *, what: str) -> str:
    """*content* as UTF-8, without a byte order mark.

    Raises:
        ConfigurationError: It is not UTF-8, or holds a NUL byte; the text names *what* it is and the path.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"  # that error holds the whole content, so it must not become the context of ours
    if "\0" in text:
        raise ConfigurationError(f"{what} {shown(path)} is not UTF-8 text: save it as UTF-8")
    return text
