"""A RAM role, assumed with another credential."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred._internal.text import name_text
from alicred.credential import Credential, Expiring, named
from alicred.errors import ConfigurationError
from alicred.provider import Provider, ask, success_report
from alicred.sources._clients import ResolvesLate, StsChoice, StsResolver
from alicred.sources._role_session import SessionName
from alicred.sources._source import Source, errors_of, role_identity
from alicred.wire.role_session import policy_text, role_arn_text, session_span

if TYPE_CHECKING:
    from alicred.wire.sts import StsClient

_OWNER = "RamRoleArnProvider"


@public("alicred")
class RamRoleArnProvider(Source):
    """Temporary keys of a RAM role, which the credential of another provider assumes (``AssumeRole``).

    `get` asks *source* and then the service, each time: put a `CachingProvider` around this provider to keep the result, and
    one around *source* to keep that. Thread-, task- and fork-safe, picklable. `get` blocks for as long as *source* does, plus
    at most the time-outs of the HTTP client.

    Args:
        source: Whose credential assumes the role. It needs the permission ``sts:AssumeRole``, and the role must trust it.
        role_arn: The role, ``acs:ram::<account>:role/<name>``.
        role_session_name: What the session is called in audit logs: 2 to 64 of ``A-Z a-z 0-9 . @ _ -``. ``None`` means
            ``ALIBABA_CLOUD_ROLE_SESSION_NAME``, read at `get`, and without it ``alicred-<milliseconds>``, made up once.
        duration: Lifetime of the keys: 900 s to 43200 s, whole seconds, no longer than the role's own maximum.
        session_policy: What the session may do at most, a JSON string or a mapping; at most 2048 characters. ``None`` restricts nothing.
        external_id: The second proof that the role may ask for: 2 to 1224 characters.
        sts: The client to ask; ``None`` means one for the host that the environment names at `get`.
        name: What this source is called; ``None`` means ``ram_role_arn``.

    Raises:
        ConfigurationError: A parameter is empty, of the wrong type or outside its range; the text names it.
    """

    _any_form = False  # whether role and policy may be of any form

    def __init__(
        self,
        source: Provider[Credential],
        *,
        role_arn: str,
        role_session_name: str | None = None,
        duration: timedelta = timedelta(hours=1),
        session_policy: str | Mapping[str, object] | None = None,
        external_id: str | None = None,
        sts: StsClient | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(_OWNER, "ram_role_arn", name)
        check.provider(f"{_OWNER}.source", source)
        self._source = source
        self._role_arn = role_arn_text(f"{_OWNER}.role_arn", role_arn, any_form=self._any_form)
        self._session = SessionName(_OWNER, role_session_name)
        self._duration = session_span(f"{_OWNER}.duration", duration)
        self._session_policy = policy_text(f"{_OWNER}.session_policy", session_policy, any_form=self._any_form)
        self._external_id = check.optional_text(f"{_OWNER}.external_id", external_id)
        self._sts: StsResolver = StsChoice(_OWNER, sts, "assume_role")

    def get(self) -> Credential:
        """New keys of the role. Their ``provider_name`` says whose keys assumed it too: ``ram_role_arn/static_ak``.

        Raises:
            AlicredError: What *source* raised, unchanged: if that is not set up, neither is this.
            DeniedError: The service said no; ``code`` says why.
            TransientError: The service could not be reached, or is too busy.
            ConfigurationError: A variable that chooses the host or the session name is wrong.
        """
        source = self._credential()
        with errors_of(self.name, f"the role {name_text(self._role_arn)}") as origin:
            origin.obtained_with = success_report(source.provider_name or self._source.name, source)
            fetched = self._sts.client(self._variables).assume_role(
                source,
                role_arn=self._role_arn,
                role_session_name=self._session.resolve(self._variables),
                duration=self._duration,
                session_policy=self._session_policy,
                external_id=self._external_id,
            )
        obtained = attrs.evolve(fetched, obtained_with=origin.obtained_with)
        return named(obtained, self.name, source.provider_name, origin=origin.text)

    def identity(self) -> dict[str, object]:
        """What makes its sessions differ from others of its kind, for the name of a shared entry."""
        sts = getattr(self._sts, "endpoint", None)
        more = {"external_id": self._external_id, "sts": sts}
        return role_identity(self._role_arn, self._session.given, self._duration, self._session_policy, **more)

    def _credential(self) -> Credential:
        found = _value_of(self._source)
        if not isinstance(found, Credential):
            raise ConfigurationError(f"the source must give a Credential, not {type(found).__name__}", provider=self.name)
        return found

    def __repr__(self) -> str:
        return f"{_OWNER}({self._source!r}, role_arn={self._role_arn!r})"


class RamRoleOfOwner(ResolvesLate, RamRoleArnProvider):
    """The same, with an owner that decides which STS is asked."""


class RamRoleAsWritten(RamRoleOfOwner):
    """The same for what a file says: role and policy go to the service as they are, as the documentation's ``role_arn = role_arn`` does."""

    _any_form = True


def _value_of(source: Provider[Expiring]) -> Expiring:
    """What *source* answers, which may be a user's own class: its type is no promise."""
    return ask(source)
