"""A site that a person has logged in at, for the sources that go on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred.clock import SYSTEM_CLOCK
from alicred.errors import DeniedError
from alicred.sources._urls import HttpChoice, safe_target
from alicred.wire import answers
from alicred.wire.operation import Kind, Operation
from alicred.wire.response import learn_time
from alicred.wire.service_errors import own_words, refusal, safe_code, safe_request_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alicred.wire.http import HttpClient

# Codes of OAuth.
_SPENT_OR_REVOKED = "invalid_grant"
_WRONG_APPLICATION = "invalid_client"


class LoginSite:
    """The site of a login. Immutable; thread-, task- and fork-safe, picklable.

    Args:
        owner: Class of the source, for errors.
        sign_in_url: Any URL of the site: scheme, host and port count.
        http: What sends the requests.
        mode: What logs in again: ``aliyun configure --mode <mode>``.

    Raises:
        ConfigurationError: *sign_in_url* or *http* is wrong; the text names it.
    """

    __slots__ = ("_http", "_mode", "_target")

    def __init__(self, owner: str, sign_in_url: str, http: HttpClient | None, mode: str) -> None:
        self._target = safe_target(f"{owner}.sign_in_url", sign_in_url)
        self._http = HttpChoice(owner, http)
        self._mode = mode

    @property
    def log_in_again(self) -> str:
        """What the user should do if the login is over."""
        return f"log in again with `aliyun configure --mode {self._mode}`"

    def post(
        self, path: str, headers: Mapping[str, str], body: bytes, *, to: str, secrets: tuple[str, ...]
    ) -> tuple[Mapping[str, object], Operation]:
        """The answer to a POST, and what was being done.

        Args:
            path: Where on the site.
            headers: Headers of the request, besides ``accept``.
            body: Its body.
            to: What it is for: "to refresh the access token".
            secrets: What of all this must show in no text.

        Raises:
            DeniedError: The site said no; if the login is over, the text says what to do about it.
            ProviderError: No answer came, or none that is a success.
        """
        endpoint = self._target.endpoint
        operation = Operation(f"the request {to}", kind=Kind.LOGIN, endpoint=str(endpoint))
        url = f"{endpoint}{path}"
        began = SYSTEM_CLOCK.monotonic()
        response = self._http.client(endpoint).request("POST", url, headers={"accept": "application/json", **headers}, body=body)
        learn_time(SYSTEM_CLOCK, response, SYSTEM_CLOCK.monotonic() - began)
        found = answers.parse_object(response.body) or {}
        code = safe_code(found)
        if code == _SPENT_OR_REVOKED or (response.status == 401 and code != _WRONG_APPLICATION):
            request_id = safe_request_id(response, found)
            instruction = self.log_in_again[0].upper() + self.log_in_again[1:]
            text = operation.failed("the login is over", instruction) + own_words(found, secrets)
            raise DeniedError(text, code=code, request_id=request_id, status=response.status)
        found = answers.successful(response, operation=operation, secrets=secrets)
        if code is not None and code != "Success":
            raise refusal(response, found, operation=operation, secrets=secrets)
        return found, operation
