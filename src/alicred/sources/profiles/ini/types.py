"""The types of sections in the profile file, and the source that each describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

import alicred._internal.checks as check
from alicred._internal.environ import is_true, variable
from alicred._internal.files import expand
from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.provider import Provider
from alicred.sources._clients import StsChoice
from alicred.sources._role_session import SessionName
from alicred.sources._source import parameters_called
from alicred.sources.ecs_ram_role import DISABLED, ROLE_NAME, V1_DISABLED, EcsRamRoleProvider
from alicred.sources.oidc_role_arn import OidcRoleAsWritten
from alicred.sources.profiles.ini.profile import Profile
from alicred.sources.ram_role_arn import RamRoleAsWritten
from alicred.sources.rsa_key_pair import RsaKeyPairProvider
from alicred.sources.static import StaticProvider
from alicred.wire.imds import ImdsClient
from alicred.wire.role_session import LONGEST_KEY_PAIR_SESSION
from alicred.wire.service_message import shown_name
from alicred.wire.sts import StsClient


@attrs.frozen(kw_only=True)
class Tools:
    """What the sources of a file's sections share.

    Args:
        environ: Where to look variables up.
        sts: Which STS client to ask.
        imds: The client for the metadata service.
        session: What a role session is called that the section has no name for.
    """

    environ: Mapping[str, str]
    sts: StsChoice
    imds: ImdsClient
    session: SessionName

    def sts_for(self, profile: Profile) -> StsClient:
        """The client for the host that the section names, else for the environment's."""
        region_key = "sts_region" if profile.text("sts_region") else "region_id"
        return self.sts.client(
            self.environ, endpoint=profile.text("sts_endpoint"), region=profile.text(region_key), names=("sts_endpoint", region_key)
        )

    def session_name(self, profile: Profile) -> str:
        """The section's own name for role sessions, else the environment's, else the provider's."""
        return profile.text("role_session_name") or self.session.resolve(self.environ)


def source_of(profile: Profile, tools: Tools) -> Provider[Credential]:
    """The source that *profile* describes. Nothing is asked yet.

    Raises:
        ConfigurationError: The type is missing or unknown, or a key is missing or wrong. The text names the key, not the section.
    """
    kind = (profile.text("type") or "").lower()
    if kind == BEARER:
        raise ConfigurationError("it holds a bearer token, which is no access key: use BearerProfileProvider for it")
    build = _BUILDERS.get(kind)
    if build is None:
        problem = f"type{shown_name(kind)} is unknown" if kind else "type is missing"
        if kind.strip("\"'") in _BUILDERS:
            problem = "type is in quotation marks, which belong to the value here"
        raise ConfigurationError(f"{problem}. Give one of {', '.join([*_BUILDERS, BEARER])}.")
    with parameters_called({"oidc_token_file": "oidc_token_file_path", "private_key": "private_key_file", "session_policy": "policy"}):
        return build(profile, tools)


def _access_key(profile: Profile, _: Tools) -> Provider[Credential]:
    return _static(profile, "access_key_id", "access_key_secret")


def _sts(profile: Profile, _: Tools) -> Provider[Credential]:
    return _static(profile, "access_key_id", "access_key_secret", "security_token")


def _static(profile: Profile, *needed: str) -> Provider[Credential]:
    key_id, secret, *_ = profile.needed(*needed)
    return StaticProvider(Credential(key_id, secret, profile.text("security_token")))


def _ram_role_arn(profile: Profile, tools: Tools) -> Provider[Credential]:
    role_arn, *_ = profile.needed("role_arn", "access_key_id", "access_key_secret")
    return RamRoleAsWritten(
        _access_key(profile, tools),
        role_arn=role_arn,
        role_session_name=tools.session_name(profile),
        duration=profile.session_span("role_session_expiration", "session_expiration"),
        session_policy=profile.text("policy"),
        external_id=profile.text("external_id"),
        sts=tools.sts_for(profile),
    )


def _ecs_ram_role(profile: Profile, tools: Tools) -> Provider[Credential]:
    return instance_role(profile.text("role_name"), tools.environ, tools.imds, asked="type is ecs_ram_role")


def instance_role(role_name: str | None, environ: Mapping[str, str], imds: ImdsClient, *, asked: str) -> EcsRamRoleProvider:
    """The source of a profile that asks for the role of the instance.

    Args:
        role_name: The role that the profile names, if it names one.
        environ: Where to look the variables about the metadata service up.
        imds: The client to ask.
        asked: How the profile asks for it, for the error.

    Raises:
        ConfigurationError: A variable forbids to ask the metadata service.
    """
    if is_true(environ, DISABLED):
        raise ConfigurationError(f"{asked}, but {DISABLED} forbids it: change one of the two")
    name = role_name or check.optional_text(ROLE_NAME, variable(environ, ROLE_NAME))
    return EcsRamRoleProvider(name, allow_imds_v1=not is_true(environ, V1_DISABLED), imds=imds)


def _oidc_role_arn(profile: Profile, tools: Tools) -> Provider[Credential]:
    role_arn, provider_arn, token_file = profile.needed("role_arn", "oidc_provider_arn", "oidc_token_file_path")
    return OidcRoleAsWritten(
        role_arn=role_arn,
        oidc_provider_arn=provider_arn,
        oidc_token_file=expand(token_file, tools.environ),
        role_session_name=tools.session_name(profile),
        duration=profile.session_span("role_session_expiration", "session_expiration"),
        session_policy=profile.text("policy"),
        sts=tools.sts_for(profile),
    )


def _rsa_key_pair(profile: Profile, tools: Tools) -> Provider[Credential]:
    public_key_id, private_key_file = profile.needed("public_key_id", "private_key_file")
    return RsaKeyPairProvider(
        public_key_id=public_key_id,
        private_key=Path(expand(private_key_file, tools.environ)),
        duration=profile.session_span("session_expiration", "role_session_expiration", at_most=LONGEST_KEY_PAIR_SESSION),
        sts=tools.sts_for(profile),
    )


BEARER = "bearer"
"""The type of section that `BearerProfileProvider` reads."""

_BUILDERS: dict[str, Callable[[Profile, Tools], Provider[Credential]]] = {
    "access_key": _access_key,
    "sts": _sts,
    "ram_role_arn": _ram_role_arn,
    "ecs_ram_role": _ecs_ram_role,
    "rsa_key_pair": _rsa_key_pair,
    "oidc_role_arn": _oidc_role_arn,
}
