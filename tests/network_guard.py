"""No test talks to anything but this machine's loopback interface.

`install` replaces, for the whole process, the methods of `socket.socket` that name an address and the functions of `socket` that look a
name up. Forked children inherit the replacements. There is no way to switch them off for one test, and none is needed: a service that
cannot be reached is a loopback port on which nobody listens (the fixture `closed_port`), one that never answers is a loopback listener
that never accepts.

A refused attempt raises `NetworkForbidden`. It is no `Exception`, so that code that copes with broken networks does not cope with it;
and it is written down, in forked children too, so that a test fails at its end even if something did swallow it.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import tempfile
from collections.abc import Callable
from typing import Any, NoReturn


class NetworkForbidden(BaseException):
    """A test tried to reach something other than loopback. Nothing was sent."""


class Attempts:
    """What was refused so far, one line each. Shared with forked children: they write to the same open file."""

    def __init__(self) -> None:
        self._file, path = tempfile.mkstemp()  # open for the whole run
        os.unlink(path)
        self._seen = 0

    def add(self, what: str) -> None:
        os.write(self._file, (what.replace("\n", " ") + "\n").encode())

    def take(self) -> list[str]:
        """The attempts since the last call."""
        new = os.pread(self._file, 1 << 20, self._seen)
        self._seen += len(new)
        return new.decode().splitlines()


ATTEMPTS = Attempts()

_METHODS = ("connect", "connect_ex", "bind", "sendto", "sendmsg")
_LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")


def is_loopback(host: object) -> bool:
    """Whether *host* is ``localhost`` or a literal loopback address."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return False
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _refuse(what: str) -> NoReturn:
    ATTEMPTS.add(what)
    raise NetworkForbidden(f"{what}: tests may talk to loopback only; use a fake on 127.0.0.1, or the fixture `closed_port`")


def _address_of(method: str, args: tuple[Any, ...]) -> object:
    """The address among the arguments of a method of `socket.socket`; None if the call names none."""
    if method == "sendmsg":
        return args[3] if len(args) > 3 else None
    return args[-1] if args else None


def _guard_method(method: str) -> Callable[..., Any]:
    original = getattr(socket.socket, method)

    @functools.wraps(original)
    def guarded(self: socket.socket, *args: Any) -> Any:
        address = _address_of(method, args)
        unix = self.family == getattr(socket, "AF_UNIX", None)
        if address is not None and not unix and not (isinstance(address, tuple) and address and is_loopback(address[0])):
            _refuse(f"socket.{method} to {address!r}")
        return original(self, *args)

    return guarded


def _guard_lookup(function: str) -> Callable[..., Any]:
    original = getattr(socket, function)

    @functools.wraps(original)
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host[0] if function == "getnameinfo" else host
        # getaddrinfo(None, port) names the machine itself and asks nobody
        if not (is_loopback(name) or (function == "getaddrinfo" and name is None)):
            _refuse(f"socket.{function} of {name!r}")
        return original(host, *args, **kwargs)

    return guarded


def install() -> None:
    for method in _METHODS:
        setattr(socket.socket, method, _guard_method(method))
    for function in _LOOKUPS:
        setattr(socket, function, _guard_lookup(function))
