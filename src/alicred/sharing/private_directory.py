"""A directory that no other user can change: where it is, and what is wrong with it."""

from __future__ import annotations

import stat
from contextlib import suppress

from alicred._internal.environ import variable
from alicred._internal.files import expand, shown
from alicred._internal.late import os
from alicred.errors import ConfigurationError

_NAME = "alicred"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def default_directory() -> str:
    """``$XDG_RUNTIME_DIR/alicred``; without that variable, ``~/.cache/alicred``.

    Raises:
        ConfigurationError: There is no home directory.
    """
    runtime = variable(os.environ, "XDG_RUNTIME_DIR")
    if runtime is not None and os.path.isabs(runtime):
        return os.path.join(runtime, _NAME)
    return os.path.join(expand(os.path.join("~", ".cache"), os.environ), _NAME)


def prepare(path: str) -> None:
    """Make the directory *path* if it is not there, for its owner alone, and refuse it if other users could change what is in it.

    Raises:
        ConfigurationError: They could, or *path* is no directory. The text says what to change.
        OSError: It cannot be made, or looked at.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        _refuse_open_ways(os.path.dirname(path), is_made=False)
        _make(path)
        found = os.lstat(path)
    _refuse_open_ways(os.path.dirname(path), is_made=True)
    where = f"the directory {shown(path)}, in which credentials are shared,"
    if stat.S_ISLNK(found.st_mode):
        raise ConfigurationError(f"{where} is a symbolic link. Give the path that it leads to")
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigurationError(f"{where} is no directory. Remove what stands there, or give another path")
    if found.st_uid != os.geteuid():
        raise ConfigurationError(
            f"{where} belongs to another user (number {found.st_uid}; this process runs as {os.geteuid()}). Give each user a directory"
        )
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigurationError(f"{where} is open to other users (mode {mode:04o}). Take that away, with chmod 700")


def _make(path: str) -> None:
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        _make(above)
    with suppress(FileExistsError):  # another worker was first
        os.mkdir(path, 0o700)


def _refuse_open_ways(path: str, *, is_made: bool) -> None:
    """Refuse a way to the directory on which another user could put another one in its place.

    Links on the way are followed, if none but this user and root can change them: ``/var/run`` is one.
    """
    for part in (*_parts(path), *_parts(os.path.realpath(path))):
        try:
            found = os.lstat(part)
        except FileNotFoundError:
            if is_made:
                raise
            return
        is_open = bool(found.st_mode & _OTHERS) and not found.st_mode & stat.S_ISVTX and not stat.S_ISLNK(found.st_mode)
        if is_open:
            mode = stat.S_IMODE(found.st_mode)
            raise ConfigurationError(
                f"{shown(part)}, on the way to the directory in which credentials are shared, can be written by other users "
                f"(mode {mode:04o}). Take that away, with chmod go-w, or give another path"
            )
        if found.st_uid not in (0, os.geteuid()) and not _is_unmapped(found.st_uid):
            raise ConfigurationError(
                f"{shown(part)}, on the way to the directory in which credentials are shared, belongs to another user "
                f"(number {found.st_uid}), who could change it. Give another path"
            )


def _parts(path: str) -> list[str]:
    """``/a/b`` -> ``/``, ``/a``, ``/a/b``."""
    found = [path]
    while (above := os.path.dirname(found[-1])) != found[-1]:
        found.append(above)
    return found[::-1]


def _is_unmapped(user: int) -> bool:
    """Whether the user namespace of this container does not have that *user*: so the host's root shows, and no process in here is it."""
    try:
        with open("/proc/self/uid_map", "rb") as file:
            ranges = [[int(number) for number in line.split()] for line in file]
    except (OSError, ValueError):
        return False
    return not any(first <= user < first + count for first, _, count in ranges)
