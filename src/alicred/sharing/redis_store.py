"""A store for workers on many machines: Redis, or a server that speaks as it does (Valkey, Tair)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from typing import Any, Protocol

import attrs

import alicred._internal.checks as check
from alicred._internal.late import os
from alicred._internal.public import public
from alicred._internal.validators import ZERO
from alicred.clock import SYSTEM_CLOCK
from alicred.errors import AlicredError, ConfigurationError, DeniedError, MalformedResponseError, TransientError
from alicred.sharing.redis_scripts import CLAIM, END, PAUSE, SAVE, Script
from alicred.sharing.redis_server import RedisServer
from alicred.sharing.store import Busy, Lease, Record, Stored, refuse_nonsense

_OWNER = "RedisStore"
_TIMEOUT = timedelta(milliseconds=250)
_MILLISECOND = timedelta(milliseconds=1)
_PREFIX = "alicred:"
_FAILURES_ARE_KEPT = timedelta(hours=1)  # beyond the pause
_RIGHTS = "can't run this command"  # what the server says when a script may not do something


@public("alicred.sharing")
class RedisClient(Protocol):
    """What `RedisStore` needs of a client: `redis.Redis` and `redis.RedisCluster` are such."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command and wait for the answer."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


@public("alicred.sharing")
class RedisStore:
    """A store in Redis 6 or later, or in a server that speaks as it does. It needs the package ``redis``: ``alicred[redis]``.

    Each look at it is a connection of its own, so that a fleet of any size fits one server; nothing is opened, and ``redis`` is not
    imported, before the first. The user needs the rights ``+eval +evalsha +hmget +hset +set +get +pttl +del +pexpire +time ~alicred:*``.
    Thread- and fork-safe. A pickle holds the URL, with its password if there is one.

    Args:
        url: ``redis://[user[:password]@]host[:port][/number]``, ``rediss://…`` (TLS, which verifies the host) or
            ``unix://[user[:password]@]/path/of/socket``.
        timeout: How long to wait for a connection, and for an answer. Nothing is tried twice.
        prefix: What the names of the keys begin with; no braces.
        password_file: Where the password is, if not in the URL. Read whenever it connects, so that it may change.
        ca_file: The certificates (PEM) that may have signed the server's; without it, the system's.

    Raises:
        ConfigurationError: An argument is wrong, or ``redis`` is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: timedelta = _TIMEOUT,
        prefix: str = _PREFIX,
        password_file: str | os.PathLike[str] | None = None,
        ca_file: str | os.PathLike[str] | None = None,
    ) -> None:
        server = RedisServer.of(
            url,
            timeout=check.span(f"{_OWNER}.timeout", timeout),
            password_file=None if password_file is None else check.path(f"{_OWNER}.password_file", password_file),
            ca_file=None if ca_file is None else check.path(f"{_OWNER}.ca_file", ca_file),
        )
        if find_spec("redis") is None:
            raise ConfigurationError(f"{_OWNER} needs the package redis, which is not installed: pip install 'alicred[redis]'")
        self._begin(server, server.shown, timeout, prefix)

    @classmethod
    def connected_by(
        cls, connect: Callable[[], RedisClient], *, prefix: str = _PREFIX, timeout: timedelta = _TIMEOUT, name: str = "Redis"
    ) -> RedisStore:
        """The store behind a client of one's own: by Sentinel, in a Cluster, with a certificate.

        Args:
            connect: Makes a new client, which is closed after each use. Give it short time-outs and no retries: how it connects, and how
                often it tries, is its own.
            prefix: As for `RedisStore`.
            timeout: How long the client waits for an answer. What the server begins later does nothing.
            name: What the store is called in events and errors.

        Raises:
            ConfigurationError: An argument is wrong.
        """
        self = cls.__new__(cls)
        check.function(f"{_OWNER}.connect", connect)
        check.span(f"{_OWNER}.timeout", timeout)
        self._begin(connect, check.text(f"{_OWNER}.name", name), timeout, prefix)
        return self

    def _begin(self, connect: Callable[[], RedisClient], name: str, timeout: timedelta, prefix: str) -> None:
        check.text(f"{_OWNER}.prefix", prefix)
        if "{" in prefix or "}" in prefix:
            raise ConfigurationError(f"{_OWNER}.prefix must have no braces: they decide where a Cluster keeps a key. Remove them")
        self._connect = connect
        self._name = name
        self._timeout = timeout
        self._prefix = prefix
        self._seen: tuple[int, float] | None = None  # the server's time (ms) in the last answer, and when that came (monotonic)

    @property
    def name(self) -> str:
        """The server's address, without user and password."""
        return self._name

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        """See `CredentialStore`.

        Raises:
            AlicredError: The server cannot be reached in time, or refuses.
        """
        token = secrets.token_hex(16)
        arguments = (newer_than, token, _milliseconds(lease))
        with self._connected() as client:
            answer = self._run(client, CLAIM, entry, *arguments, self._deadline())
            if answer[0] == b"late":  # its clock has been set, or it is another server now; this answer was in time, so ask once more
                answer = self._run(client, CLAIM, entry, *arguments, self._deadline())
        found = _understood(answer, self._name, token, partial(self._ask, entry))
        if found is None:
            raise TransientError("the server answers too late. Give it more time, by `timeout`, or less to do", provider=self._name)
        return found

    def _deadline(self) -> int | str:
        """When, on the server's clock, this claim's caller has given up at the earliest. Unknown before the first answer."""
        if self._seen is None:
            return ""
        time, at = self._seen
        return time + int((SYSTEM_CLOCK.monotonic() - at) * 1000) + _milliseconds(self._timeout)

    def _ask(self, entry: str, script: Script, *arguments: object) -> list[object]:
        """What *script* answers, without the time."""
        with self._connected() as client:
            return self._run(client, script, entry, *arguments)

    @contextmanager
    def _connected(self) -> Generator[RedisClient, None, None]:
        try:
            client = self._connect()
        except Exception as error:  # noqa: BLE001  (the package may raise anything)
            told = _told(error, self._name)
        else:
            try:
                yield client
            finally:
                with suppress(Exception):
                    client.close()
            return
        raise told  # out here: what led to it may quote anything

    def _run(self, client: RedisClient, script: Script, entry: str, *arguments: object) -> list[object]:
        from redis.client import NEVER_DECODE
        from redis.exceptions import NoScriptError

        key = f"{self._prefix}{{{entry}}}"
        what = (2, key, f"{key}:lease", *arguments)
        raw = {NEVER_DECODE: True}  # a client of the user's own may decode answers, and a sealed record is no text
        try:
            try:
                answer = client.execute_command("EVALSHA", script.digest, *what, **raw)
            except NoScriptError:
                answer = client.execute_command("EVAL", script.text, *what, **raw)
        except Exception as error:  # noqa: BLE001  (as above)
            told = _told(error, self._name)
        else:
            match answer:
                case [int(time), *rest] if rest:
                    self._seen = (time, SYSTEM_CLOCK.monotonic())
                    return rest
                case _:
                    told = _not_understood(self._name)
        raise told

    def __repr__(self) -> str:
        return f"<RedisStore {self._name}>"

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(type(self).connected_by, prefix=self._prefix, timeout=self._timeout, name=self._name)
        return make, (self._connect,)


@attrs.frozen
class _RedisLease:
    """The lease of an entry; it holds no connection. In a forked child it is none."""

    over: int
    failures: int
    _token: str = attrs.field(repr=False)
    _ask: Callable[..., list[object]] = attrs.field(repr=False)  # of a script
    _process: int = attrs.field(factory=lambda: os.getpid(), repr=False)

    def save(self, record: Record) -> bool:
        refuse_nonsense(record, self.over)
        if self._process != os.getpid():
            return False
        answer = self._ask(SAVE, self.over, self._token, record.generation, record.sealed, _milliseconds(record.keep))
        return answer[0] == b"saved"

    def end(self, *, pause: timedelta = ZERO, reason: str = "") -> None:
        if self._process == os.getpid():
            self._ask(END, self._token, _milliseconds(pause), PAUSE + reason.encode(), _milliseconds(pause + _FAILURES_ARE_KEPT))


def _understood(answer: list[object], name: str, token: str, ask: Callable[..., list[object]]) -> Stored | Lease | Busy | None:
    """What a claim was answered; ``None`` if it came too late."""
    match answer:
        case [b"stored", bytes(generation), bytes(sealed), int(age), int(keep)] if generation.isdigit():
            return Stored(Record(generation=int(generation), sealed=sealed, keep=keep * _MILLISECOND), age * _MILLISECOND)
        case [b"busy", int(left), bytes(mark)]:
            pausing = mark.removeprefix(PAUSE) if mark.startswith(PAUSE) else None
            return Busy(max(0, left) * _MILLISECOND, None if pausing is None else _printable(pausing))
        case [b"lease", bytes(over), bytes(failures)] if over.isdigit() and failures.isdigit():
            return _RedisLease(int(over), int(failures), token, ask)
        case [b"late"]:
            return None
        case _:
            raise _not_understood(name)


def _not_understood(name: str) -> AlicredError:
    return MalformedResponseError("the server's answer is not understood. Is it Redis 6 or later?", provider=name)


def _printable(reason: bytes) -> str:
    return "".join(each for each in reason.decode("ascii", "ignore") if each.isprintable())


def _told(error: Exception, name: str) -> AlicredError:
    """What an error of the client, or in connecting, is to the user."""
    from redis import exceptions

    if isinstance(error, AlicredError):
        return error
    kind = type(error).__name__
    if isinstance(error, (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError)):
        return DeniedError(f"the server refuses this user ({kind}). Check user, password and rights", provider=name, code=kind)
    if isinstance(error, exceptions.ResponseError) and _RIGHTS in str(error):
        return DeniedError("the user lacks a right that the scripts need. Give it those of the documentation", provider=name, code=kind)
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__context__
    why = f"{kind}: {cause.strerror}" if isinstance(cause, OSError) and cause.strerror else kind
    return TransientError(f"the server cannot be used ({why}). Check that it runs, and its address", provider=name, code=kind)


def _milliseconds(span: timedelta) -> int:
    """Rounded up, so that what is above zero stays so."""
    return -(-span // _MILLISECOND)
