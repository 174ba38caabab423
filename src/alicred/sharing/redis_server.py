"""The server that a `RedisStore` is given by its URL, and how to connect to it."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any

import attrs

import alicred._internal.checks as check
from alicred._internal.files import as_text, read_file
from alicred.errors import ConfigurationError

if TYPE_CHECKING:
    import redis

_OWNER = "RedisStore"
_PORT = 6379
_PASSWORD_FILE = "the password file"
_LARGEST_FILE = 4096  # bytes
_SCHEMES = ("redis", "rediss", "unix")


@attrs.frozen
class RedisServer:
    """A server. Picklable, with the password that its URL holds; `repr` shows none.

    Args:
        shown: The address, for people.
        address: The same for the package.
        is_tls: Whether to speak TLS, and to verify the host.
        user: Whose password it is, if not the default user's.
        password: The password.
        password_file: Where it is instead; read at each connection.
        ca_file: The certificates that may have signed the server's; ``None``: the system's.
        timeout: How long to wait for a connection, and for an answer.
    """

    shown: str
    address: Mapping[str, object] = attrs.field(repr=False)
    is_tls: bool
    user: str | None = attrs.field(repr=False)
    password: str | None = attrs.field(repr=False)
    password_file: str | None
    ca_file: str | None
    timeout: timedelta

    @classmethod
    def of(cls, url: str, *, timeout: timedelta, password_file: str | None, ca_file: str | None) -> RedisServer:
        """The server of *url*, which may hold a password, so that no error quotes it.

        Raises:
            ConfigurationError: It is no such URL, or what is given beside it does not go with it.
        """
        parts, port = _split(check.text(f"{_OWNER}.url", url))
        if parts is None or parts.scheme not in _SCHEMES:
            raise ConfigurationError(f"{_OWNER}.url must be redis://host:port, rediss://host:port (TLS) or unix:///path")
        if parts.query or parts.fragment:
            raise ConfigurationError(f"{_OWNER}.url must end with the path. Use the parameters, or connected_by with a client of your own")
        if parts.password and password_file is not None:
            raise ConfigurationError(f"{_OWNER} has a password in its URL and a password_file. Leave one out")
        is_tls = parts.scheme == "rediss"
        if ca_file is not None and not is_tls:
            raise ConfigurationError(f"{_OWNER}.ca_file is for TLS, and the URL is not. Write rediss://")
        path, host = urllib.parse.unquote(parts.path), parts.hostname
        address: Mapping[str, object]
        if parts.scheme == "unix":
            if not path or host:
                raise ConfigurationError(f"{_OWNER}.url needs the path of a socket: unix:///run/redis/redis.sock")
            shown, address = f"unix://{path}", {"path": path}
        else:
            number = path.strip("/") or "0"
            if not host or not (number.isascii() and number.isdigit() and len(number) < 10):
                raise ConfigurationError(f"{_OWNER}.url needs a host, and after it a number or nothing: redis://host:6379/0")
            at = f"[{host}]" if ":" in host else host
            shown, address = f"{parts.scheme}://{at}:{port}/{number}", {"host": host, "port": port, "db": int(number)}
        user, password = (urllib.parse.unquote(part) if part else None for part in (parts.username, parts.password))
        return cls(shown, address, is_tls, user, password, password_file, ca_file, timeout)

    def __call__(self) -> redis.Redis:
        """A client that is connected; nothing is tried twice.

        Raises:
            Exception: What the package has to say.
            ConfigurationError: The password file cannot be read.
        """
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        from alicred.sharing.redis_connection import PARSER, Tcp, Tls, Unix

        kind: Any = Tls if self.is_tls else Unix if "path" in self.address else Tcp
        seconds = self.timeout.total_seconds()
        options: dict[str, Any] = {
            **self.address,
            "username": self.user,
            "password": self.password if self.password_file is None else _read(self.password_file),
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "parser_class": PARSER,
        }
        if self.is_tls:
            options.update(ssl_ca_certs=self.ca_file)
        # The server is not told which library connects: that would cost two answers, and another right.
        options.update(dict.fromkeys(_telling()))
        pool = redis.ConnectionPool(connection_class=kind, **options)
        client = redis.Redis(connection_pool=pool, single_connection_client=True)  # which connects
        client.auto_close_connection_pool = True
        return client


@cache
def _telling() -> tuple[str, ...]:
    """The options that say which library connects; they differ between versions of the package."""
    from redis.connection import AbstractConnection

    return ("driver_info",) if "driver_info" in signature(AbstractConnection).parameters else ("lib_name", "lib_version")


def _split(url: str) -> tuple[urllib.parse.SplitResult | None, int]:
    """The parts of *url* and the port, if it has such."""
    try:
        parts = urllib.parse.urlsplit(url)
        return parts, parts.port or _PORT
    except ValueError:
        return None, _PORT


def _read(path: str) -> str:
    content = read_file(path, what=_PASSWORD_FILE, limit=_LARGEST_FILE, private=True)
    return check.text(_PASSWORD_FILE, check.bare(as_text(content, path, what=_PASSWORD_FILE)))
