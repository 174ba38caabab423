"""The parameters of the official package, as alicred's own clients and sources take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.environ import variable
from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import CredentialValueError
from alicred.compat.http import HttpOptions
from alicred.sources._clients import StsChoice
from alicred.wire.http import HttpClient
from alicred.wire.sts import CENTRAL

if TYPE_CHECKING:
    from alicred.wire.sts import StsClient

SESSION_SECONDS = 3600
KEY_PAIR_HOST = "https://sts.ap-northeast-1.aliyuncs.com"  # key pairs are of the Japan site
CONNECT_MILLISECONDS, READ_MILLISECONDS = 5000, 10000
# How an error names the parameters, of which a configuration has its own names.
DURATION = "{}.duration_seconds (Config.role_session_expiration)"
CONNECT, READ = "{}: http_options.connect_timeout (Config.connect_timeout)", "{}: http_options.read_timeout (Config.timeout)"
_SHORTEST, _LONGEST = 0.001, 86_400_000  # milliseconds: what a timedelta can say, and a day


def milliseconds(name: str, value: object, default: int) -> timedelta:
    """*value* milliseconds; *default* for ``None``.

    Raises:
        CredentialValueError: It is no number above zero, or more than a day.
    """
    given = default if value is None else value
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not _SHORTEST <= given <= _LONGEST:
        raise CredentialValueError(f"{name} must be a number of milliseconds above zero, at most a day")
    return timedelta(milliseconds=given)


def seconds(name: str, value: object, default: int | None = None, *, whole: bool = True) -> timedelta:
    """*value* seconds; *default* for ``None``. Of which range, those say that take it.

    Raises:
        CredentialValueError: It is no number, or no *whole* one.
    """
    given = default if value is None else value
    if isinstance(given, bool) or not isinstance(given, int if whole else (int, float)) or not abs(given) <= 10**9:
        raise CredentialValueError(f"{name} must be a {'whole ' if whole else ''}number of seconds")
    return timedelta(seconds=given)


def session_span(name: str, value: object, at_most: int = 43200) -> timedelta:
    """*value* seconds as the life of temporary keys; an hour for ``None``.

    Raises:
        CredentialValueError: The service does not take it.
    """
    span = seconds(name, value, SESSION_SECONDS)
    if not timedelta(seconds=900) <= span <= timedelta(seconds=at_most):
        raise CredentialValueError(f"{name} must be 900 to {at_most} seconds, and no more than the role allows")
    return span


def moment(name: str, value: object) -> datetime | None:
    """*value* seconds since 1970; ``None`` for ``None``, 0 and less, which mean: not known.

    Raises:
        CredentialValueError: It is no number, or beyond what a datetime can say.
    """
    if value is None:
        return None
    if not isinstance(value, bool) and isinstance(value, (int, float)):
        try:
            return datetime.fromtimestamp(value, timezone.utc) if value > 0 else None
        except (OverflowError, ValueError, OSError):
            pass
    raise CredentialValueError(f"{name} must be seconds since 1970")


def http_client(owner: str, options: HttpOptions | None, *, url: str) -> HttpClient:
    """A client for requests to *url*, with the time-outs and the proxy of *options*.

    To a URL of plain ``http`` requests go through no proxy that the environment names: it is a place nearby.

    Raises:
        ConfigurationError: An option is wrong; the text names it as one of *owner*.
    """
    return _http_clients(owner, options)(trust_environment=not url.lower().startswith("http://"))


def _http_clients(owner: str, options: HttpOptions | None) -> Callable[..., HttpClient]:
    """Makes clients with the time-outs and the proxy of *options*."""
    given = HttpOptions() if options is None else options
    return partial(
        HttpClient,
        connect_timeout=milliseconds(CONNECT.format(owner), given.connect_timeout, CONNECT_MILLISECONDS),
        read_timeout=milliseconds(READ.format(owner), given.read_timeout, READ_MILLISECONDS),
        proxy=given.proxy or None,
    )


def given_or(value: str | None, name: str, variable_name: str) -> str:
    """*value*, else what the variable holds now.

    Raises:
        ConfigurationError: There is neither, or it is no text; the error names which of the two it is.
    """
    if value:
        return check.text(name, value)
    found = check.optional_text(variable_name, variable(ENVIRON, variable_name))
    if found is None:
        raise CredentialValueError(f"{name} is empty, and the variable {variable_name} is not set. Give one of the two")
    return found


class StsHost:
    """Which STS host a provider asks, chosen at each fetch: what it was given, else what the environment says. Immutable.

    Args:
        owner: The provider's class, for errors.
        endpoint: A host, or a URL with a scheme; goes first.
        region: A region.
        vpc: Whether a region means its host inside VPCs; ``None`` means what the environment says.
        options: How requests are sent.
        default: The URL of the host to ask where neither the parameters nor the environment name one.

    Raises:
        ConfigurationError: A parameter is wrong; the text names it.
    """

    def __init__(
        self,
        owner: str,
        *,
        endpoint: str | None,
        region: str | None,
        vpc: bool | None,
        options: HttpOptions | None,
        default: str = CENTRAL,
    ) -> None:
        self._endpoint = endpoint or None
        self._region = region or None
        self._vpc = vpc
        self._names = f"{owner}.sts_endpoint", f"{owner}.sts_region_id"
        self._default = default
        self._choice = StsChoice(owner, None, "assume_role", make=_http_clients(owner, options))
        self.client({})  # refuses a parameter that is wrong

    def client(self, environ: Mapping[str, str]) -> StsClient:
        """The client to ask now."""
        return self._choice.client(
            environ, endpoint=self._endpoint, region=self._region, vpc=self._vpc, names=self._names, default=self._default
        )
