"""A RAM role, assumed with a SAML assertion of a company's identity provider."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.credential import Credential, named
from alicred.errors import AlicredError, ConfigurationError, ProviderError
from alicred.sources._clients import StsChoice
from alicred.sources._source import Source, errors_of
from alicred.wire.role_session import policy_text, role_arn_text, session_span

if TYPE_CHECKING:
    from alicred.wire.sts import StsClient

_OWNER = "SamlRoleArnProvider"
_SHORTEST, _LONGEST = 4, 100_000  # characters of an assertion; the service's own limits


@public("alicred")
class SamlRoleArnProvider(Source):
    """Temporary keys of a RAM role for the holder of a SAML assertion (``AssumeRoleWithSAML``); no access key is needed.

    Thread-, task- and fork-safe as far as *assertion* is, and picklable if that is, as a function of a module is. `get` blocks for
    as long as *assertion* does, plus at most the time-outs of the HTTP client.

    Args:
        role_arn: The role, ``acs:ram::<account>:role/<name>``.
        saml_provider_arn: The identity provider, ``acs:ram::<account>:saml-provider/<name>``.
        assertion: Called at every `get`, on the thread that calls it, for a new assertion: the whole SAML response in base64, at most
            100,000 characters; white space in it does not count. What it raises beside `AlicredError` becomes a `ProviderError`
            that names its type alone.
        duration: As in `RamRoleArnProvider`.
        session_policy: As in `RamRoleArnProvider`.
        sts: The client to ask; ``None`` means one for the host that the environment names at `get`.
        name: What this source is called; ``None`` means ``saml_role_arn``.

    Raises:
        ConfigurationError: A parameter is empty, of the wrong type or outside its range; the text names it.
    """

    def __init__(
        self,
        *,
        role_arn: str,
        saml_provider_arn: str,
        assertion: Callable[[], str],
        duration: timedelta = timedelta(hours=1),
        session_policy: str | Mapping[str, object] | None = None,
        sts: StsClient | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(_OWNER, "saml_role_arn", name)
        self._role_arn = role_arn_text(f"{_OWNER}.role_arn", role_arn)
        self._saml_provider_arn = check.text(f"{_OWNER}.saml_provider_arn", saml_provider_arn)
        self._assertion = check.function(f"{_OWNER}.assertion", assertion)
        self._duration = session_span(f"{_OWNER}.duration", duration)
        self._session_policy = policy_text(f"{_OWNER}.session_policy", session_policy)
        self._sts = StsChoice(_OWNER, sts, "assume_role_with_saml")

    def get(self) -> Credential:
        """New keys of the role.

        Raises:
            AlicredError: What *assertion* raised, unchanged.
            ProviderError: *assertion* raised something else.
            ConfigurationError: What it gave is empty, too long, no text or not base64.
            DeniedError: The service said no; ``code`` says why.
            TransientError: The service could not be reached, or is too busy.
        """
        given = self._ask_for_assertion()
        with errors_of(self.name, f"the role {self._role_arn}, with a SAML assertion") as origin:
            fetched = self._sts.client(os.environ).assume_role_with_saml(
                role_arn=self._role_arn,
                saml_provider_arn=self._saml_provider_arn,
                saml_assertion=_checked(given),
                duration=self._duration,
                session_policy=self._session_policy,
            )
        return named(fetched, self.name, origin=origin.text)

    def _ask_for_assertion(self) -> object:
        try:
            return self._assertion()
        except AlicredError:
            raise
        except Exception as error:  # noqa: BLE001  (a user's function may raise anything)
            kind = type(error).__name__
        # Raised out here: that error may quote the assertion or a password, so it must not become the context of ours.
        raise ProviderError(f"assertion() raised {kind}: no SAML assertion, so nothing was sent", provider=self.name)

    def __repr__(self) -> str:
        return f"{_OWNER}(role_arn={self._role_arn!r})"


def _checked(given: object) -> str:
    if not isinstance(given, str):
        raise ConfigurationError(f"assertion() must return a string, not {type(given).__name__}")
    text = "".join(check.bare(given).split())
    if not _SHORTEST <= len(text) <= _LONGEST:
        problem = f"of {len(text)} characters" if text else "that is empty"
        raise ConfigurationError(f"assertion() returned a text {problem}: it must be {_SHORTEST} to {_LONGEST} characters long")
    if text.startswith("<") or "%" in text:
        raise ConfigurationError("assertion() must return the SAML response in base64, not as XML and not encoded for a URL")
    return check.key_text("what assertion() returned", text)
