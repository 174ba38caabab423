"""A cloud on this machine's loopback interface that checks signatures as the real one does, and fails on demand."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import uuid
import weakref
from collections.abc import Generator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from alicred._internal.public import public
from alicred._internal.validators import refuse
from alicred.clock import Clock, SystemClock
from alicred.errors import ConfigurationError
from alicred.testing.clock import FakeClock
from alicred.testing.cloud.calls import Call, Journal, RawRequest, without_secrets
from alicred.testing.cloud.cloud_account import CloudAccount
from alicred.testing.cloud.exchange import Answer, Exchange, Refused, Request
from alicred.testing.cloud.injection import Gate, Injected, Injections
from alicred.testing.cloud.service import NOWHERE, Service
from alicred.testing.faults import Fault, Hang

if TYPE_CHECKING:
    from alicred.testing.cloud.server import Server
    from alicred.wire.http import HttpClient
    from alicred.wire.imds import ImdsClient
    from alicred.wire.sts import StsClient

_UNHURRIED = timedelta(seconds=5)


def _port(instance: object, field: attrs.Attribute[int], value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65535:
        raise refuse(instance, field, "be a whole number from 0 to 65535", value)


@public("alicred.testing")
@attrs.define(kw_only=True, eq=False, repr=False, slots=False)
class FakeCloud(CloudAccount):
    """STS, the metadata service, OAuth, CloudSSO, a credentials URI and any other signed API, on 127.0.0.1.

    It verifies what the real services verify: that the key is known and still valid, that the security token belongs to it, the
    signature, that ``host`` and every ``x-acs-*`` header is signed, that the time stamp is within 15 minutes of its own clock, and that
    no nonce comes twice. Each session that it hands out is a new one. It listens on two ports from `start` to `stop`, or inside a
    ``with`` block, and may be started again; keys, sessions and records stay.

    Thread-safe: any number of threads may use and reconfigure it. `start` takes some milliseconds; `stop` ends every connection, the
    hanging ones included. It belongs to the process that started it: a forked child can send requests to it, and no more.

    Args:
        session: How long sessions last, whatever duration was asked for; at least one second. Their end is cut to whole seconds.
        clock: Its clock, a `FakeClock` for example, whose true time it then shows; the machine's own if not given.
        skew: How far it is ahead of that clock.
        honour_duration: Whether STS sessions last as long as was asked for instead.
        imds_v1: Whether the metadata service answers requests without a token.
        imds_v2: Whether the metadata service hands out tokens.
        port: Where `http_endpoint` is; 0, the default, is any free port. It counts at the next `start`.

    All but *clock* may be assigned at any time.

    Raises:
        ConfigurationError: A parameter is outside its range; the text names it.
    """

    port: int = attrs.field(default=0, validator=_port)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._journal = Journal()
        self._injections = Injections()
        self._gate = Gate()
        self._origin = self.clock.monotonic()
        self._lifecycle = threading.RLock()
        self._server: Server | None = None
        self._owner = 0

    def __repr__(self) -> str:
        where = f"on 127.0.0.1:{self._server.https_port}" if self._server is not None else "not running"
        return f"<FakeCloud {where}, {len(self._journal.calls())} calls>"

    # --- running ------------------------------------------------------------------------------------------------------------------

    def start(self) -> FakeCloud:
        """Listen; nothing happens if it does so already. Returns the cloud itself.

        Raises:
            ConfigurationError: Another program listens on `port`.
        """
        from alicred.testing.cloud.server import Server  # imported at the start: http.server, ssl and cryptography are heavy
        from alicred.testing.cloud.tls import server_context

        with self._lifecycle:
            if self._server is None:
                self._owner = os.getpid()
                self._directory = Path(tempfile.mkdtemp(prefix="alicred-fake-cloud-"))
                self._remove_directory = weakref.finalize(self, _remove, self._directory, self._owner)
                self._gate.close(closed=False)
                try:
                    self._server = Server(self._serve, server_context(self._directory, self._directory / "ca.pem"), self.port)
                except OSError as error:
                    self._remove_directory()
                    problem = f"FakeCloud.port: 127.0.0.1:{self.port} cannot be had ({error.strerror}). Choose another one, or 0 for any"
                    raise ConfigurationError(problem) from None
        return self

    def stop(self) -> None:
        """End every connection and remove the certificate; nothing happens if it is not running, or runs in the parent process."""
        with self._lifecycle:
            server = self._server
            if server is None or self._owner != os.getpid():
                return
            self._gate.close()
            server.stop()
            self._server = None
            self._remove_directory()

    def __enter__(self) -> FakeCloud:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _running(self) -> Server:
        if self._server is None:
            raise ConfigurationError("this FakeCloud is not running: use `with FakeCloud() as cloud:`, or call start() first")
        return self._server

    @property
    def endpoint(self) -> str:
        """``https://127.0.0.1:<port>``, for every service; trust `ca_file` there."""
        return f"https://127.0.0.1:{self._running().https_port}"

    @property
    def http_endpoint(self) -> str:
        """``http://127.0.0.1:<port>``, for every service."""
        return f"http://127.0.0.1:{self._running().http_port}"

    @property
    def imds_endpoint(self) -> str:
        """Where the metadata service is: the same as `http_endpoint`."""
        return self.http_endpoint

    @property
    def ca_file(self) -> str:
        """Path of the certificate (PEM) to trust for `endpoint`, until `stop`."""
        self._running()
        return str(self._directory / "ca.pem")

    # --- clients that talk to it --------------------------------------------------------------------------------------------------

    def http_client(self) -> HttpClient:
        """A client that trusts `endpoint`, and goes through no proxy."""
        from alicred.wire.http import HttpClient

        return HttpClient(ca_file=self.ca_file, trust_environment=False)

    def sts_client(self, *, clock: Clock | None = None) -> StsClient:
        """An STS client for `endpoint`, to be given to a source as ``sts``.

        Args:
            clock: The client's clock; if not given, the cloud's own `FakeClock`, or else a new one of the machine's, so that nothing
                that the client learns about the time outlives it.
        """
        from alicred.wire.sts import StsClient

        own = self.clock if isinstance(self.clock, FakeClock) else SystemClock()
        return StsClient(self.endpoint, http=self.http_client(), clock=own if clock is None else clock)

    def imds_client(self) -> ImdsClient:
        """A client for the metadata service at `imds_endpoint`, to be given to a source as ``imds``.

        Its time-outs are five seconds instead of one: on a busy machine a test must not fail because the cloud was slow.
        """
        from alicred.wire.imds import ImdsClient

        return ImdsClient(self.imds_endpoint, connect_timeout=_UNHURRIED, read_timeout=_UNHURRIED)

    # --- what came in -------------------------------------------------------------------------------------------------------------

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request so far, in the order in which the cloud decided about them; a hanging one is there already."""
        return self._journal.calls()

    @property
    def rejected(self) -> tuple[Call, ...]:
        """The calls that were not accepted, for a reason of their own or because of a fault."""
        return tuple(call for call in self._journal.calls() if not call.accepted)

    @property
    def raw(self) -> tuple[RawRequest, ...]:
        """Every request byte for byte, secrets included, in the order of arrival."""
        return self._journal.raw()

    def count(self, operation: str | None = None) -> int:
        """How many calls of *operation*, or in all, have come in, accepted or not."""
        return sum(operation in (None, call.operation) for call in self._journal.calls())

    def wait_for(self, operation: str | None = None, *, count: int = 1, within: timedelta = timedelta(seconds=5)) -> bool:
        """Block until so many calls of *operation*, or in all, have come in, at most *within*; whether they have."""
        return self._journal.wait_for(lambda calls: sum(operation in (None, call.operation) for call in calls) >= count, within)

    # --- faults -------------------------------------------------------------------------------------------------------------------

    def inject(self, fault: Fault, *, operation: str | None = None, times: int | None = 1) -> None:
        """Let the next requests fail as *fault* says; see `alicred.testing.faults`.

        Args:
            fault: What goes wrong.
            operation: Only for this operation, by its name in `Call`; ``None`` is any request.
            times: For so many requests; ``None`` is until `clear`. Faults that wait for the same request come one after another.

        Raises:
            ConfigurationError: *fault* is no `Fault`, or *times* is below 1.
        """
        self._inject(fault, operation, times)

    def _inject(self, fault: object, operation: str | None, times: int | None) -> Injected:
        if not isinstance(fault, Fault):
            raise ConfigurationError("FakeCloud.inject: fault must be one of alicred.testing.faults, such as faults.ServerError()")
        if times is not None and times < 1:
            raise ConfigurationError("FakeCloud.inject: times must be 1 or more, or None")
        return self._injections.add(fault, operation, times)

    @contextlib.contextmanager
    def faulty(self, fault: Fault, *, operation: str | None = None, times: int | None = None) -> Generator[None]:
        """`inject` for the length of a ``with`` block; at its end, what the block left hanging goes on as well."""
        injected = self._inject(fault, operation, times)
        try:
            yield
        finally:
            self._injections.remove(injected)
            if isinstance(fault, Hang):
                self.release()

    def clear(self) -> None:
        """Forget every pending fault."""
        self._injections.clear()

    def release(self) -> None:
        """Answer what hangs now."""
        self._gate.release()

    # --- serving ------------------------------------------------------------------------------------------------------------------

    def _serve(self, request: Request) -> Answer | None:
        self._journal.arrived(RawRequest(line=f"{request.method} {request.target} HTTP/1.1", headers=request.headers, body=request.body))
        at = self.clock.monotonic() - self._origin
        service, operation = self._route(request)
        exchange = Exchange(request=request, operation=operation, request_id=str(uuid.uuid4()).upper())
        delay, fault = self._injections.draw(operation)
        outcome = self._outcome(service, exchange, fault)
        if isinstance(outcome, Refused):
            code, answer = outcome.code, service.error_answer(outcome, exchange.request_id)
        else:
            code, answer = "", outcome
        self._journal.decided(
            Call(
                operation=operation,
                at=at,
                access_key_id=exchange.access_key_id,
                accepted=200 <= answer.status < 300 and not isinstance(outcome, Refused),
                code=code,
                status=answer.status,
                method=request.method,
                path=request.path,
                over_tls=request.over_tls,
                fault="+".join(type(each).__name__ for each in (delay, fault) if each is not None),
                headers=without_secrets(request.headers),
            )
        )
        if delay is not None and not self._gate.passes(delay):
            return None
        now = self.now()
        if fault is not None and not isinstance(outcome, Refused):
            answer = fault.spoil(answer, now)
        return attrs.evolve(answer, headers=(("Date", format_datetime(now, usegmt=True)), *answer.headers))

    def _outcome(self, service: Service, exchange: Exchange, fault: Fault | None) -> Answer | Refused:
        instead = fault.instead() if fault is not None else None
        if instead is not None:
            return instead
        try:
            return service.handle(exchange)
        except Refused as refused:
            return refused

    def _route(self, request: Request) -> tuple[Service, str]:
        for service in self._services:
            operation = service.operation(request)
            if operation is not None:
                return service, operation
        return NOWHERE, ""


def _remove(directory: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child that exits must leave its parent's certificate alone
        shutil.rmtree(directory, ignore_errors=True)
