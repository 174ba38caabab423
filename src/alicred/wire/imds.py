"""The metadata service of an ECS instance, which hands out the key of the instance's RAM role."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred._internal.shortage import TEMPORARY
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, DeniedError, NotConfiguredError, ProviderError
from alicred.wire import answers, signing
from alicred.wire.http import HttpClient
from alicred.wire.operation import Kind, Operation
from alicred.wire.response import HttpResponse
from alicred.wire.service_errors import service_error
from alicred.wire.url import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

UNREACHABLE = "Unreachable"  # the code of a TransientError whose connection could not be made
_NO_CONNECTION = (UNREACHABLE, TEMPORARY)

_ONE_SECOND = timedelta(seconds=1)
_LONGEST_TTL = timedelta(hours=6)
_TOKEN_PATH = "/latest/api/token"
_ROLES_PATH = "/latest/meta-data/ram/security-credentials/"
_TTL_HEADER = "x-aliyun-ecs-metadata-token-ttl-seconds"
_TOKEN_HEADER = "x-aliyun-ecs-metadata-token"
_ROLE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_NO_NAMES = (".", "..")  # which mean another path
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)


def check_role_name(name: str, value: object) -> str:
    """*value*, if it can be the name of a role: a string with something in it that stays where it is put in a path."""
    role_name = check.text(name, value).strip()
    if role_name in _NO_NAMES:
        raise ConfigurationError(f"{name} must be the name of a RAM role, not {role_name!r}")
    return role_name


@public("alicred")
class ImdsClient:
    """Asks the metadata service. Thread-, task- and fork-safe, and picklable: what it was told travels, what it learned does not.

    With a token (v2), which is kept for its lifetime and fetched again once if the service refuses it. Without one (v1), if that is allowed
    and the way with a token brings nothing usable: no token, an error, 404, or an answer that is no name of a role or no key. A method
    blocks for at most one *connect_timeout* if the service cannot be connected: nothing is tried a second time then. Else it sends up to
    five requests of at most *read_timeout* each. Never through a proxy.

    Args:
        endpoint: ``http(s)://host[:port]``.
        connect_timeout: For a connection; above zero.
        read_timeout: For a whole answer; above zero.
        token_ttl: How long a token is to live: 1 s to 6 h.
        clock: Counts the life of a token.

    Raises:
        ConfigurationError: A parameter is of the wrong type or outside its range; the text names it.
    """

    def __init__(
        self,
        endpoint: str = "http://100.100.100.200",
        *,
        connect_timeout: timedelta = _ONE_SECOND,
        read_timeout: timedelta = _ONE_SECOND,
        token_ttl: timedelta = _LONGEST_TTL,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._endpoint = Endpoint.parse(endpoint, name="ImdsClient.endpoint")
        self._http = HttpClient(
            connect_timeout=check.span("ImdsClient.connect_timeout", connect_timeout),
            read_timeout=check.span("ImdsClient.read_timeout", read_timeout),
            trust_environment=False,
        )
        if not _ONE_SECOND <= check.span("ImdsClient.token_ttl", token_ttl) <= _LONGEST_TTL:
            raise ConfigurationError(f"ImdsClient.token_ttl must be a datetime.timedelta of 1 s to 21600 s, not {token_ttl!r}")
        check.clock("ImdsClient.clock", clock)
        self._token_ttl = token_ttl
        self._clock = clock
        # A token and when it ends, on the monotonic clock. Replaced as a whole; that two threads may each get one does no harm.
        self._token: tuple[str, float] | None = None
        self._has_found_role = False

    @property
    def endpoint(self) -> str:
        """``scheme://host[:port]`` of the service."""
        return str(self._endpoint)

    @property
    def has_found_role(self) -> bool:
        """Whether the service has ever named a role or handed out a key to this client, in this process or one that it was forked from."""
        return self._has_found_role

    def role_name(self, *, allow_v1: bool = True) -> str:
        """The name of the role that is attached to the instance.

        Raises:
            NotConfiguredError: None is attached.
            ProviderError: No answer came; ``code`` is ``"Unreachable"`` if the service cannot be connected.
        """
        operation = self._operation("the request for the name of the instance's role")

        def read(response: HttpResponse) -> str:
            if response.status == 404:
                problem = "no RAM role is attached to this instance. Attach one in the ECS console, or use another source."
                raise NotConfiguredError(problem, answered=True)
            name = response.body.decode("latin-1").strip()
            if not _ROLE_NAME.fullmatch(name) or name in _NO_NAMES:
                raise operation.malformed("the answer is not the name of a role", status=response.status)
            return name

        return self._ask(_ROLES_PATH, read, operation=operation, allow_v1=allow_v1)

    def role_credential(self, role_name: str, *, allow_v1: bool = True) -> Credential:
        """The key of the role *role_name* as it is now; its ``provider_name`` is empty.

        Raises:
            ConfigurationError: *role_name* is empty, ``.`` or ``..``, or holds control characters.
            DeniedError: That role is not attached to the instance.
            ProviderError: No key came; ``code`` is ``"Unreachable"`` if the service cannot be connected.
        """
        path = _ROLES_PATH + signing.percent_encode(check_role_name("role_name", role_name))
        operation = self._operation(f"the request for the key of the role {role_name}")

        def read(response: HttpResponse) -> Credential:
            if response.status == 404:
                cause = "no role of that name is attached to this instance"
                raise DeniedError(operation.failed(cause, "Check the role's name, or attach the role in the ECS console"), status=404)
            return answers.credential(answers.successful(response, operation=operation), operation=operation, status=response.status)

        return self._ask(path, read, operation=operation, allow_v1=allow_v1)

    def _operation(self, name: str) -> Operation:
        return Operation(name, kind=Kind.METADATA, endpoint=f"the metadata service {self._endpoint}")

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_token": None, "_has_found_role": False}

    def __repr__(self) -> str:
        return f"ImdsClient('{self._endpoint}')"

    def _ask(self, path: str, read: Callable[[HttpResponse], T], *, operation: Operation, allow_v1: bool) -> T:
        """What *read* makes of an answer of status 200 or 404: of one with a token if that is usable, else of one without."""
        with_token: AlicredError
        try:
            found = read(self._get_with_token(path, operation))
        except (ProviderError, NotConfiguredError) as error:
            if not allow_v1 or (isinstance(error, ProviderError) and (error.code in _NO_CONNECTION or error.status == 429)):
                raise
            with_token = error
        else:
            self._has_found_role = True
            return found
        found = self._ask_without_token(path, read, operation, with_token)
        self._has_found_role = True
        return found

    def _ask_without_token(self, path: str, read: Callable[[HttpResponse], T], operation: Operation, with_token: AlicredError) -> T:
        try:
            return read(self._send("GET", path, {}, operation))
        except (ProviderError, NotConfiguredError) as error:
            is_refused = isinstance(error, ProviderError) and error.status in (401, 403)
            is_unknown = isinstance(error, NotConfiguredError) or error.status == 404
            # A service that is out of order with a token, and knows nothing without one, has not said that there is no role.
            if not is_refused and not (is_unknown and isinstance(with_token, ProviderError) and with_token.retryable):
                raise
        raise with_token  # the service wants a token, so what matters is what came of asking with one

    def _get_with_token(self, path: str, operation: Operation) -> HttpResponse:
        kept = self._token
        token = kept[0] if kept is not None and self._clock.monotonic() < kept[1] else self._new_token()
        try:
            return self._send("GET", path, {_TOKEN_HEADER: token}, operation)
        except ProviderError as error:
            if error.status not in (401, 403):
                raise
        self._token = None
        return self._send("GET", path, {_TOKEN_HEADER: self._new_token()}, operation)

    def _new_token(self) -> str:
        operation = self._operation("the request for a token")
        seconds = int(self._token_ttl.total_seconds())
        ends = self._clock.monotonic() + seconds
        response = self._send("PUT", _TOKEN_PATH, {_TTL_HEADER: str(seconds)}, operation)
        token = response.body.decode("latin-1").strip()
        if response.status == 404:
            text = operation.failed("the service knows no tokens", "Switch on IMDSv2 for the instance, or check the endpoint")
            raise ProviderError(text, status=404)
        if not _TOKEN.fullmatch(token):
            raise operation.malformed("the answer is no token", status=response.status)
        self._token = (token, ends)
        return token

    def _send(self, method: str, path: str, headers: Mapping[str, str], operation: Operation) -> HttpResponse:
        response = self._http.request(method, f"{self._endpoint}{path}", headers=headers)
        if response.status not in (200, 404):
            raise service_error(response, {}, operation=operation)
        return response
