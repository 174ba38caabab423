"""A site that a person has logged in at."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

import alicred._internal.checks as check
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.errors import DeniedError
from alicred.wire import answers
from alicred.wire.http import HttpClient
from alicred.wire.operation import Kind, Operation
from alicred.wire.response import HttpResponse, learn_time
from alicred.wire.service_errors import own_words, safe_code, safe_request_id, service_error
from alicred.wire.url import safe_target

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_TOKEN = 10**9  # seconds; whatever claims to last longer does not say when it ends
_MOST_DIGITS = 10
_OVER = "the login is over"
# Codes of OAuth.
_SPENT_OR_REVOKED = "invalid_grant"
_WRONG_APPLICATION = "invalid_client"


class LoginSite:
    """What the clients of both kinds of login share. Immutable; thread-, task- and fork-safe, picklable.

    Args:
        owner: The class that *sign_in_url* and *http* were given to, for errors.
        sign_in_url: Any URL of the site, of which scheme, host and port count. ``https``, or ``http`` to loopback, link-local and private
            addresses.
        http: What sends the requests; ``None`` means an `HttpClient` with its defaults, which goes through no proxy to an ``http`` URL.
        mode: The mode of profiles for this kind of login, with which the command line tool logs in again.
        clock: Learns the time from answers that came over TLS.

    Raises:
        ConfigurationError: *sign_in_url* or *http* is wrong; the text names it.
    """

    def __init__(self, owner: str, sign_in_url: str, http: HttpClient | None, mode: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._endpoint = safe_target(f"{owner}.sign_in_url", sign_in_url).endpoint
        check.client(f"{owner}.http", http, "request")
        self._http = HttpClient(trust_environment=self._endpoint.scheme == "https") if http is None else http
        self._mode = mode
        self._clock = clock

    @property
    def endpoint(self) -> str:
        """``scheme://host[:port]`` of the site."""
        return str(self._endpoint)

    @property
    def log_in_again(self) -> str:
        """What to do if the login is over: an instruction without the full stop."""
        return f"Log in again with `alicred login --profile NAME` or `aliyun configure --mode {self._mode}`"

    def _operation(self, to: str) -> Operation:
        """What is being done. *to* says what for: "to renew the access token"."""
        return Operation(f"the request {to}", kind=Kind.LOGIN, endpoint=str(self._endpoint))

    def _post(
        self, path: str, headers: Mapping[str, str], body: bytes, *, operation: Operation, secrets: tuple[str, ...], over: str = _OVER
    ) -> Mapping[str, object]:
        """The answer to a POST.

        Args:
            path: Where on the site.
            headers: Headers of the request, besides ``accept``.
            body: Its body.
            operation: What is being done, for the error.
            secrets: What of all this must show in no text.
            over: What it means if the site does not take what was sent any more.

        Raises:
            DeniedError: The site said no; if the login is over, the text says what to do about it.
            ProviderError: No answer came, or none that is a success.
        """
        response, found = self._send("POST", path, headers, body)
        return self._success(response, found, operation=operation, secrets=secrets, over=over)

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[HttpResponse, Mapping[str, object]]:
        """The answer, whatever its status, and the JSON object in it; an empty one if there is none.

        Raises:
            ProviderError: No answer came.
        """
        began = self._clock.monotonic()
        response = self._http.request(method, f"{self._endpoint}{path}", headers={"accept": "application/json", **headers}, body=body)
        learn_time(self._clock, response, self._clock.monotonic() - began)
        return response, answers.parse_object(response.body) or {}

    def _success(
        self, response: HttpResponse, found: Mapping[str, object], *, operation: Operation, secrets: tuple[str, ...], over: str = _OVER
    ) -> Mapping[str, object]:
        """*found*, if the answer that it stands in is a success.

        Raises:
            DeniedError: The site said no; if the login is over, the text says what to do about it.
            ProviderError: It is no success.
        """
        code = safe_code(found)
        if code == _SPENT_OR_REVOKED or (response.status == 401 and code != _WRONG_APPLICATION):
            request_id = safe_request_id(response, found)
            text = operation.failed(over, self.log_in_again) + own_words(found, secrets)
            raise DeniedError(text, code=code, request_id=request_id, status=response.status)
        is_good = 200 <= response.status < 300  # both sites' own tools take any of these
        found = answers.successful(attrs.evolve(response, status=200) if is_good else response, operation=operation, secrets=secrets)
        if code is not None and code != "Success":
            raise service_error(response, found, operation=operation, secrets=secrets)
        return found


def seconds(value: object) -> timedelta | None:
    """How long a token lasts: a number of seconds, or the digits of one; ``None`` if *value* is no span."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _LONGEST_TOKEN:
        return None
    return timedelta(seconds=value)
