"""A RAM role, assumed with the OIDC token of a workload, as in a Kubernetes pod (RRSA)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import attrs

import alicred._internal.checks as check
from alicred._internal.environ import variable
from alicred._internal.files import as_text, expand, read_file, shown
from alicred._internal.public import public
from alicred._internal.text import name_text
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential, named
from alicred.errors import ConfigurationError, DeniedError, NotConfiguredError
from alicred.sources._clients import ResolvesLate, StsChoice, StsResolver
from alicred.sources._role_session import SessionName
from alicred.sources._source import Given, Source, errors_of, role_identity
from alicred.wire.role_session import policy_text, role_arn_text, session_span

if TYPE_CHECKING:
    from alicred.wire.http import HttpClient
    from alicred.wire.sts import StsClient

ROLE_ARN = "ALIBABA_CLOUD_ROLE_ARN"
OIDC_PROVIDER_ARN = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
OIDC_TOKEN_FILE = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"

_OWNER = "OidcRoleArnProvider"
_TOKEN_EXPIRED = "AuthenticationFail.OIDCToken.Expired"
_LARGEST_TOKEN = 100_000  # bytes; the service takes 20,000 characters
_WHAT = "the OIDC token file"


@attrs.frozen(kw_only=True)
class _Identity:
    role_arn: str
    oidc_provider_arn: str
    token_file: str
    session: SessionName
    duration: timedelta = timedelta(hours=1)
    session_policy: str | None = None


@public("alicred")
class OidcRoleArnProvider(Source):
    """Temporary keys of a RAM role for the holder of an OIDC token (``AssumeRoleWithOIDC``); no access key is needed.

    The token file is read at every `get`, for the platform replaces the token while the program runs, and once more if the
    service says that the token has expired. Thread-, task- and fork-safe, picklable. `get` blocks for at most the time-outs of
    the HTTP client, twice those if the token had to be read again.

    Args:
        role_arn: The role, ``acs:ram::<account>:role/<name>``.
        oidc_provider_arn: The identity provider, ``acs:ram::<account>:oidc-provider/<name>``.
        oidc_token_file: The file that the token stands in, at most 100,000 bytes; ``~`` is the home directory.
        role_session_name: As in `RamRoleArnProvider`.
        duration: As in `RamRoleArnProvider`.
        session_policy: As in `RamRoleArnProvider`.
        sts: The client to ask; ``None`` means one for the host that the environment names at `get`.
        name: What this source is called; ``None`` means ``oidc_role_arn``.

    Raises:
        ConfigurationError: A parameter is empty, of the wrong type or outside its range; the text names it.
    """

    _any_form = False  # whether role and policy may be of any form

    def __init__(
        self,
        *,
        role_arn: str,
        oidc_provider_arn: str,
        oidc_token_file: str | os.PathLike[str],
        role_session_name: str | None = None,
        duration: timedelta = timedelta(hours=1),
        session_policy: str | Mapping[str, object] | None = None,
        sts: StsClient | None = None,
        name: str | None = None,
    ) -> None:
        identity = _Identity(
            role_arn=role_arn_text(f"{_OWNER}.role_arn", role_arn, any_form=self._any_form),
            oidc_provider_arn=check.text(f"{_OWNER}.oidc_provider_arn", oidc_provider_arn),
            token_file=check.path(f"{_OWNER}.oidc_token_file", oidc_token_file),
            session=SessionName(_OWNER, role_session_name),
            duration=session_span(f"{_OWNER}.duration", duration),
            session_policy=policy_text(f"{_OWNER}.session_policy", session_policy, any_form=self._any_form),
        )
        self._fill(Given(identity), StsChoice(_OWNER, sts, "assume_role_with_oidc"), name)
        self._shown = f"role_arn={role_arn!r}"
        self._where = f"the role {role_arn}"

    def _fill(
        self,
        settings: Callable[[Mapping[str, str]], _Identity],
        sts: StsChoice,
        name: str | None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(_OWNER, "oidc_role_arn", name, environ)
        self._settings = settings
        self._sts: StsResolver = sts

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        sts: StsClient | None = None,
        http: HttpClient | None = None,
        clock: Clock = SYSTEM_CLOCK,
        name: str | None = None,
    ) -> OidcRoleArnProvider:
        """A provider for what ``ALIBABA_CLOUD_ROLE_ARN``, ``_OIDC_PROVIDER_ARN`` and ``_OIDC_TOKEN_FILE`` say at each `get`.

        Args:
            environ: Where to look variables up; ``None`` means ``os.environ`` at the time of the call.
            sts: The client to ask; ``None`` means one for the host that *environ* names at `get`.
            http: What that client sends its requests with.
            clock: Where that client gets the time from.
            name: As in the constructor.

        Raises:
            ConfigurationError: An argument is of the wrong type.
        """
        self = cls.__new__(cls)
        session = SessionName(_OWNER, None)
        choice = StsChoice(_OWNER, sts, "assume_role_with_oidc", http=http, clock=clock)
        self._fill(partial(_from_environment, session), choice, name, environ)
        self._shown = "from the environment"
        self._where = f"{ROLE_ARN}, {OIDC_PROVIDER_ARN} and {OIDC_TOKEN_FILE}"
        return self

    def get(self) -> Credential:
        """New keys of the role.

        Raises:
            NotConfiguredError: Made by `from_environment`, and a variable is missing; the text names it.
            ConfigurationError: The token file is missing, unreadable, empty or too large; the text names its path.
            DeniedError: The service said no; ``code`` says why.
            TransientError: The service could not be reached, or is too busy.
        """
        environ = self._variables
        with errors_of(self.name, self._where) as origin:
            identity = self._settings(environ)
            path = expand(identity.token_file, environ)
            origin.text = f"the role {name_text(identity.role_arn)}, with the OIDC token in {shown(path)}"
            token = _read(path)
            try:
                fetched = self._ask(identity, token, environ)
            except DeniedError as error:
                newer = _read(path) if error.code == _TOKEN_EXPIRED else token
                if newer == token:
                    raise
                fetched = self._ask(identity, newer, environ)
        return named(fetched, self.name, origin=origin.text)

    def identity(self) -> dict[str, object]:
        """What makes its sessions differ from others of its kind, for the name of a shared entry. Not the token: each pod has its own.

        Raises:
            NotConfiguredError: Made by `from_environment`, and a variable is missing.
        """
        found = self._settings(self._variables)
        more = {"provider": found.oidc_provider_arn, "sts": getattr(self._sts, "endpoint", None)}
        return role_identity(found.role_arn, found.session.given, found.duration, found.session_policy, **more)

    def _ask(self, identity: _Identity, token: str, environ: Mapping[str, str]) -> Credential:
        return self._sts.client(environ).assume_role_with_oidc(
            role_arn=identity.role_arn,
            oidc_provider_arn=identity.oidc_provider_arn,
            oidc_token=token,
            role_session_name=identity.session.resolve(environ),
            duration=identity.duration,
            session_policy=identity.session_policy,
        )

    def __repr__(self) -> str:
        return f"<{_OWNER}: {self._shown}>"


class OidcRoleAsWritten(ResolvesLate, OidcRoleArnProvider):
    """The same for what a file says: see `RamRoleAsWritten`."""

    _any_form = True


def _from_environment(session: SessionName, environ: Mapping[str, str]) -> _Identity:
    role_arn, provider_arn = variable(environ, ROLE_ARN), variable(environ, OIDC_PROVIDER_ARN)
    token_file = variable(environ, OIDC_TOKEN_FILE)
    if role_arn is None or provider_arn is None or token_file is None:
        values = ((ROLE_ARN, role_arn), (OIDC_PROVIDER_ARN, provider_arn), (OIDC_TOKEN_FILE, token_file))
        missing = [name for name, value in values if value is None]
        raise NotConfiguredError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set")
    return _Identity(role_arn=role_arn, oidc_provider_arn=provider_arn, token_file=token_file, session=session)


def _read(path: str) -> str:
    token = check.bare(as_text(read_file(path, what=_WHAT, limit=_LARGEST_TOKEN), path, what=_WHAT))
    if not token:
        raise ConfigurationError(f"{_WHAT} {shown(path)} is empty: the platform should have written a token into it")
    if len(token.splitlines()) > 1:
        raise ConfigurationError(f"{_WHAT} {shown(path)} holds more than one line: it should hold the token alone")
    return check.key_text(f"{_WHAT} {shown(path)}", token)
