"""A URL that hands out keys, as some hosting environments have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.environ import is_true, variable
from alicred._internal.public import public
from alicred.credential import Credential, named
from alicred.errors import NotConfiguredError
from alicred.sources._clients import HttpChoice
from alicred.sources._source import Given, Source, errors_of
from alicred.wire import answers
from alicred.wire.operation import Operation
from alicred.wire.url import safe_target, secrets_of

if TYPE_CHECKING:
    from alicred.wire.http import HttpClient
    from alicred.wire.url import Target

CREDENTIALS_URI = "ALIBABA_CLOUD_CREDENTIALS_URI"
DISABLED = "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"

_OWNER = "CredentialsUriProvider"


@public("alicred")
class CredentialsUriProvider(Source):
    """Temporary keys from a URL that hands them out to any caller, as in PAI DSW and DataWorks.

    Thread-, task- and fork-safe, picklable; a pickle holds the whole URL. `get` sends one GET request and blocks for at most the
    time-outs of the HTTP client.

    An answer without an ``Expiration`` becomes a credential without ``expires_at``. A `CachingProvider` asks again for one of
    those when its policy's ``recheck`` says so, every five minutes as a rule.

    Args:
        uri: ``http(s)://[user:password@]host[:port][/path][?query]``, percent-encoded, and sent as it is: user and password as an
            ``Authorization`` header. ``https``, or ``http`` to loopback, link-local and private addresses. Errors and ``repr`` show
            scheme, host, port and path only.
        http: What sends the request; ``None`` means an `HttpClient` with its defaults, which goes through no proxy to an ``http`` URL.
        allow_http: Whether ``http`` may go anywhere. Everyone on the way can then read the keys.
        name: What this source is called; ``None`` means ``credentials_uri``.

    Raises:
        ConfigurationError: A parameter is empty, of the wrong type or form; the text names it.
    """

    def __init__(self, uri: str, *, http: HttpClient | None = None, allow_http: bool = False, name: str | None = None) -> None:
        allow_http = check.flag(f"{_OWNER}.allow_http", allow_http)
        target = safe_target(f"{_OWNER}.uri", uri, allow_http=allow_http)
        self._fill(Given((uri, target)), http, name)
        self._shown = f"('{target}')"
        self._where = "a credentials URI"

    def _fill(
        self,
        settings: Callable[[Mapping[str, str]], tuple[str, Target]],
        http: HttpClient | None,
        name: str | None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(_OWNER, "credentials_uri", name, environ)
        self._settings = settings
        self._http = HttpChoice(_OWNER, http)

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, *, http: HttpClient | None = None, name: str | None = None
    ) -> CredentialsUriProvider:
        """A provider for the URL that ``ALIBABA_CLOUD_CREDENTIALS_URI`` holds at each `get`.

        Where ``ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS`` is true, it is not asked: the command line tool, which that variable comes
        from, counts credentials URIs among what it forbids.

        Args:
            environ: Where to look variables up; ``None`` means ``os.environ`` at the time of the call.
            http: As in the constructor.
            name: As in the constructor.

        Raises:
            ConfigurationError: An argument is of the wrong type.
        """
        self = cls.__new__(cls)
        self._fill(_from_environment, http, name, environ)
        self._shown = ".from_environment()"
        self._where = CREDENTIALS_URI
        return self

    def get(self) -> Credential:
        """The keys that the URL hands out now.

        Raises:
            NotConfiguredError: Made by `from_environment`, and the variable is not set, or another one forbids to ask.
            ConfigurationError: The variable holds no URL that may be asked.
            DeniedError: The server of the URL said no.
            TransientError: The URL could not be reached, or who serves it is too busy.
            MalformedResponseError: The answer holds no keys.
        """
        with errors_of(self.name, self._where) as origin:
            uri, target = self._settings(self._variables)
            origin.text = f"{self._where} ({target})"
            operation = Operation(f"the request to the credentials URI {target}")
            response = self._http.client(target.endpoint).request("GET", uri, headers={"accept": "application/json"})
            found = answers.successful(response, operation=operation, secrets=secrets_of(uri))
            fetched = answers.credential(found, operation=operation, status=response.status, must_end=False)
        return named(fetched, self.name, origin=origin.text)

    def __repr__(self) -> str:
        return f"{_OWNER}{self._shown}"


def _from_environment(environ: Mapping[str, str]) -> tuple[str, Target]:
    uri = variable(environ, CREDENTIALS_URI)
    if uri is None:
        raise NotConfiguredError(f"{CREDENTIALS_URI} is not set")
    if is_true(environ, DISABLED):
        raise NotConfiguredError(f"{DISABLED} is true: {CREDENTIALS_URI} is not asked")
    return uri, safe_target(CREDENTIALS_URI, uri)
