"""What both kinds of files have in common: a profile that names its faults, and the sources that it may describe.

Each file has one table of its own, of what a profile may be and the function that builds its source: ``BUILDERS`` in ``cli/modes.py``
(modes of the command line tool) and in ``ini/types.py`` (types of the profile file). To add one, write its function there and enter it.
The functions here are for sources that both files can describe; what the keys are called is the profile's matter.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import attrs

import alicred._internal.checks as check
from alicred._internal.environ import is_true, variable
from alicred._internal.files import expand
from alicred.credential import named
from alicred.errors import ConfigurationError, NotConfiguredError, ProviderError
from alicred.sources._source import errors_from
from alicred.wire.role_session import LONGEST_KEY_PAIR_SESSION, LONGEST_SESSION

if TYPE_CHECKING:
    from alicred.credential import Credential
    from alicred.provider import Provider
    from alicred.sources._clients import ImdsChoice, StsChoice
    from alicred.sources._role_session import SessionName
    from alicred.wire.sts import StsClient


@attrs.frozen(kw_only=True)
class Keys:
    """What a file calls the parameters of the sources.

    Args:
        role_arn: The role to assume.
        role_name: The role of an instance.
        token_file: The file with an OIDC token.
        key_id: The id of a public key.
        key_file: The file with the private one.
        session_names: The name of a role session; the first of these that has a value counts.
    """

    role_arn: str
    role_name: str
    token_file: str
    key_id: str
    key_file: str
    session_names: tuple[str, ...]


class AnyProfile:
    """One profile of a file. The errors of its methods name the key; the caller adds `where`."""

    KEYS: ClassVar[Keys]

    @property
    def where(self) -> str:
        """How an error text calls the profile."""
        raise NotImplementedError

    @property
    def origin(self) -> str:
        """Where a credential of this profile comes from: its name, its mode or type, and its file."""
        raise NotImplementedError

    def text(self, key: str) -> str | None:
        """The value of *key*; ``None`` if it is missing or empty."""
        raise NotImplementedError

    def lasts(self, *, pair: bool = False) -> timedelta:
        """How long temporary keys are to live; with *pair*, those of a key pair."""
        raise NotImplementedError

    def sts(self, choice: StsChoice, environ: Mapping[str, str]) -> StsClient:
        """The client for the host that the profile names, else for the environment's."""
        raise NotImplementedError

    def instead(self, key: str) -> str | None:
        """The variable that may stand in for *key*."""
        return None

    @contextmanager
    def explained(self) -> Generator[None]:
        """Put `where` in front of every `ConfigurationError`."""
        try:
            yield
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.where}: {error.message}", provider=error.provider) from None

    def needed(self, *keys: str) -> tuple[str, ...]:
        """The values of *keys*.

        Raises:
            ConfigurationError: Some are missing; the text names all of these, and the variables that could stand in for them.
        """
        values = {key: self.text(key) for key in keys}
        missing = [key for key, value in values.items() if value is None]
        if missing:
            raise ConfigurationError(missing_text(missing, [name for key in missing if (name := self.instead(key))]))
        return tuple(value for value in values.values() if value is not None)

    def fetch(self, source: Provider[Credential]) -> Credential:
        """What *source*, which this profile describes, has now, said to come from this profile.

        Raises:
            ProviderError: It is not set up. The profile is, and chosen: a chain must not slide onto another identity.
        """
        try:
            with errors_from(self.origin):
                fetched = source.get()
        except NotConfiguredError as error:
            raise ProviderError(f"{self.where} asks for {source.name}, but: {error.message}", provider=error.provider) from error
        return named(fetched, fetched.provider_name or source.name, origin=self.origin)


def missing_text(keys: list[str], variables: list[str]) -> str:
    """The words for *keys* that are missing, and *variables* that could stand in for them."""
    instead = f" (or set {' and '.join(variables)})" if variables else ""
    return f"{' and '.join(keys)} {'is' if len(keys) == 1 else 'are'} missing{instead}"


@attrs.frozen(kw_only=True)
class Tools:
    """What the sources of a file's profiles share.

    Args:
        environ: Where to look variables up.
        sts: Which STS client to ask.
        imds: The client for the metadata service.
        session: What a role session is called that the profile has no name for.
    """

    environ: Mapping[str, str]
    sts: StsChoice
    imds: ImdsChoice
    session: SessionName

    def session_name(self, profile: AnyProfile) -> str:
        """The profile's own name for role sessions, else the environment's, else the provider's."""
        own = next(filter(None, map(profile.text, profile.KEYS.session_names)), None)
        return own or self.session.resolve(self.environ)


def role(source: Provider[Credential], profile: AnyProfile, tools: Tools) -> Provider[Credential]:
    """The role of *profile*, assumed with the credential of *source*."""
    from alicred.sources.ram_role_arn import RamRoleAsWritten

    (role_arn,) = profile.needed(profile.KEYS.role_arn)
    return RamRoleAsWritten(
        source,
        role_arn=role_arn,
        role_session_name=tools.session_name(profile),
        duration=profile.lasts(),
        session_policy=profile.text("policy"),
        external_id=profile.text("external_id"),
        sts=profile.sts(tools.sts, tools.environ),
    )


def oidc_role(profile: AnyProfile, tools: Tools) -> Provider[Credential]:
    """The role of *profile*, assumed with an OIDC token."""
    from alicred.sources.oidc_role_arn import OidcRoleAsWritten

    role_arn, provider_arn, token_file = profile.needed(profile.KEYS.role_arn, "oidc_provider_arn", profile.KEYS.token_file)
    return OidcRoleAsWritten(
        role_arn=role_arn,
        oidc_provider_arn=provider_arn,
        oidc_token_file=expand(token_file, tools.environ),
        role_session_name=tools.session_name(profile),
        duration=profile.lasts(),
        session_policy=profile.text("policy"),
        sts=profile.sts(tools.sts, tools.environ),
    )


def key_pair(profile: AnyProfile, tools: Tools) -> Provider[Credential]:
    """The holder of a private key."""
    from pathlib import Path

    from alicred.sources.rsa_key_pair import RsaKeyPairProvider

    key_id, key_file = profile.needed(profile.KEYS.key_id, profile.KEYS.key_file)
    return RsaKeyPairProvider(
        public_key_id=key_id,
        private_key=Path(expand(key_file, tools.environ)),
        duration=profile.lasts(pair=True),
        sts=profile.sts(tools.sts, tools.environ),
    )


def instance_role(profile: AnyProfile, tools: Tools, *, asked: str) -> Provider[Credential]:
    """The role of the instance; *asked* is how the profile asks for it, for the error.

    Raises:
        ConfigurationError: A variable forbids to ask the metadata service.
    """
    from alicred.sources.ecs_ram_role import DISABLED, ROLE_NAME, V1_DISABLED, EcsRamRoleProvider

    if is_true(tools.environ, DISABLED):
        raise ConfigurationError(f"{asked}, but {DISABLED} forbids it. Change one of the two")
    name = profile.text(profile.KEYS.role_name) or check.optional_text(ROLE_NAME, variable(tools.environ, ROLE_NAME))
    return EcsRamRoleProvider(name, allow_imds_v1=not is_true(tools.environ, V1_DISABLED), imds=tools.imds.client())


def longest(*, pair: bool) -> timedelta:
    """How long temporary keys may live at most; with *pair*, those of a key pair."""
    return LONGEST_KEY_PAIR_SESSION if pair else LONGEST_SESSION
