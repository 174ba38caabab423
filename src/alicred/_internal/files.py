"""Small files that sources read: where they are, and how reading them fails."""

from __future__ import annotations

import errno
import stat
import string
import time
from collections.abc import Mapping

import alicred._internal.checks as check
from alicred._internal.environ import variable
from alicred._internal.late import os
from alicred._internal.log import WARNING, log
from alicred._internal.shortage import TEMPORARY, shortage
from alicred._internal.text import is_like_secret
from alicred.errors import ConfigurationError, TransientError

_LONGEST_NAME = 255  # no common file system has longer ones
_SHORTEST_KEY = 12  # characters: the head of a key that was cut off is shown no more than the whole
_BASE64 = frozenset(string.ascii_letters + string.digits + "+/= \n\r\t")
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"))
# Seconds before each look for a file. Putting another one in its place takes a moment, or longer where the processor is wanted elsewhere.
_PAUSES = (0.0, 0.02, 0.1)
_warned: dict[str, object] = {}  # paths, so that each file is complained of once


def home(environ: Mapping[str, str]) -> str | None:
    """The home directory: HOME, else what the platform says; ``None`` if there is none, or if it is no whole path."""
    found = variable(environ, "HOME")
    if found is None and (os.environ.get("HOME") != "" or os.name == "nt"):  # where it is empty, the platform would say: the root
        found = os.path.expanduser("~")
    return found if found is not None and (os.path.isabs(found) or os.name == "nt") else None


def expand(path: str | os.PathLike[str], environ: Mapping[str, str]) -> str:
    """*path* with a leading ``~`` replaced by `home`.

    Raises:
        ConfigurationError: There is no home directory; the text names the path.
    """
    path = os.fspath(path)
    if path != "~" and not path.startswith(("~/", "~" + os.sep)):
        return os.path.expanduser(path)
    found = home(environ)
    if found is None:
        if variable(environ, "HOME") is not None:
            tilde = shown(path)
            raise ConfigurationError(f"HOME is no absolute path, and {tilde} begins with it. Let HOME begin with /, or give the whole path")
        raise ConfigurationError(f"there is no home directory, which {shown(path)} begins with. Set HOME, or give the whole path")
    return found if path == "~" else found.rstrip("/") + path[1:]


def shown(path: str) -> str:
    """*path* for an error text; only its length if it is no path but, as it seems, the secret that should stand in the file."""
    parts = path.replace("\\", "/").split("/")
    is_token = any(part.startswith("eyJ") and part.count(".") == 2 for part in parts)
    unshowable = check.has_control_characters(path) or check.has_surrogates(path)
    is_secret = "/" not in path and is_like_secret(path, is_name=True)
    if is_token or is_secret or _is_key(path) or unshowable or any(len(part) > _LONGEST_NAME for part in parts):
        return f"(a text of {len(path)} characters; is it what should stand in the file?)"
    return path


def _is_key(path: str) -> bool:
    """Whether *path* looks like a private key, with its PEM lines or without: base64 of DER, which begins with ``MI``."""
    return "PRIVATE KEY" in path or (path.startswith("MI") and len(path) > _SHORTEST_KEY and set(path.strip()) <= _BASE64)


def read_file(path: str, *, what: str, limit: int, private: bool = False) -> bytes:
    """The whole file, at most *limit* bytes of it. It must be a regular one; the null device counts as an empty one.

    Args:
        path: Where it is.
        what: What it is, for errors.
        limit: Bytes.
        private: Whether to log a warning, once, if every user of the machine may read it.

    Raises:
        ConfigurationError: The file is missing, cannot be read, is no file, or is too large; the text names *what* it is and the path.
        TransientError: The system cannot read it now.
    """
    content = read_if_there(path, what=what, limit=limit, private=private)
    if content is None:
        raise ConfigurationError(f"{what} {shown(path)} does not exist. Create it, or correct the path")
    return content


def read_if_there(path: str, *, what: str, limit: int, private: bool = False, is_asked_for: bool = True) -> bytes | None:
    """As `read_file`, but ``None`` for a file that does not exist.

    A file may be missing for the moment in which another one takes its place, so it is looked for three times: with pauses in between if it
    *is_asked_for*, if its name is a symbolic link, or if its folder has just changed. One that is not asked for and whose folder may not be
    looked into, such as the home of another user, counts as missing.
    """
    name = f"{what} {shown(path)}"
    short = None
    try:
        for pause in _PAUSES:
            if pause and (is_asked_for or os.path.lexists(path) or _has_changed(os.path.dirname(path))):
                time.sleep(pause)
            try:
                content, mode = _read(path, limit, is_asked_for)
            except (FileNotFoundError, NotADirectoryError):
                continue
            if private and mode & stat.S_IROTH and os.name == "posix":
                _warn(name, mode)
            if len(content) <= limit:
                return content
            reason = f"it is larger than {limit} bytes; is it the right file?"
            break
        else:
            return None
    except (OSError, MemoryError) as error:
        short = shortage(error)
        reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    except _NoFileError as error:
        reason = str(error)
    except ValueError:
        reason = "no path can hold a NUL byte or half a character (a lone surrogate)"
    # Raised out here: those errors quote the path, and a path may be a secret that took the wrong turn.
    if short is not None:
        raise TransientError(f"{name} cannot be read now: {short}", code=TEMPORARY)
    raise ConfigurationError(f"{name} cannot be read: {reason}")


def _has_changed(folder: str) -> bool:
    """Whether something was put into *folder*, or taken out of it, within the last second; if it is missing itself, of the one above it."""
    while not os.path.isdir(folder):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return False
    try:
        return abs(time.time() - os.stat(folder).st_mtime) < 1
    except (OSError, ValueError):
        return False


def is_there(path: str) -> bool:
    """Whether there is something at *path*. What cannot be looked at for the moment counts: reading it says why."""
    try:
        os.stat(path)
    except (OSError, ValueError) as error:
        return shortage(error) is not None
    return True


class _NoFileError(Exception):
    """What stands there is no file that can be read. The text says what it is."""


def _read(path: str, limit: int, is_asked_for: bool) -> tuple[bytes, int]:
    """What the file holds, a byte more than *limit* at most, and its mode."""
    if check.has_surrogates(path):
        raise ValueError
    try:
        seen = os.stat(path)
    except PermissionError:
        if is_asked_for:
            raise
        raise FileNotFoundError from None
    _must_be_file(seen)  # before it is opened too, for opening a device may do something
    descriptor = os.open(path, _FLAGS)
    try:
        seen = os.fstat(descriptor)
        _must_be_file(seen)
        content = bytearray()
        while chunk := os.read(descriptor, limit + 1 - len(content)):
            content += chunk
        return bytes(content), 0 if stat.S_ISCHR(seen.st_mode) else seen.st_mode
    finally:
        os.close(descriptor)


def _must_be_file(seen: os.stat_result) -> None:
    """Refuse what may block, never ends, or is gone once it has been read."""
    kind = stat.S_IFMT(seen.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if kind in (stat.S_IFIFO, stat.S_IFSOCK):
        raise _NoFileError("it is a pipe or a socket, and it is to be read again and again. Give a file")
    if kind != stat.S_IFREG and not (kind == stat.S_IFCHR and seen.st_rdev == os.stat(os.devnull).st_rdev):
        raise _NoFileError("it is a terminal or another device. Give a file")


def _warn(name: str, mode: int) -> None:
    mine = object()
    if _warned.setdefault(name, mine) is mine:
        log(WARNING, "%s may be read by every user of this machine (mode %04o). Take that away, with chmod 600", name, stat.S_IMODE(mode))


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
