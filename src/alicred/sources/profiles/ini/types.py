"""The types of sections in the profile file, and the source that each describes."""

from __future__ import annotations

from collections.abc import Callable

from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.provider import Provider
from alicred.sources._source import parameters_called
from alicred.sources.profiles.builders import Tools, instance_role, key_pair, oidc_role, role
from alicred.sources.profiles.ini.profile import Profile
from alicred.sources.static import StaticProvider
from alicred.wire.service_message import shown_name


def source_of(profile: Profile, tools: Tools) -> Provider[Credential]:
    """The source that *profile* describes. Nothing is asked yet.

    Raises:
        ConfigurationError: The type is missing or unknown, or a key is missing or wrong. The text names the key, not the section.
    """
    kind = (profile.text("type") or "").lower()
    if kind == BEARER:
        raise ConfigurationError("it holds a bearer token, which is no access key. Use BearerProfileProvider for it")
    build = BUILDERS.get(kind)
    if build is None:
        problem = f"type{shown_name(kind)} is unknown" if kind else "type is missing"
        if kind.strip("\"'") in BUILDERS:
            problem = "type is in quotation marks, which belong to the value here"
        raise ConfigurationError(f"{problem}. Give one of {', '.join([*BUILDERS, BEARER])}.")
    with parameters_called({"oidc_token_file": "oidc_token_file_path", "private_key": "private_key_file", "session_policy": "policy"}):
        return build(profile, tools)


def _access_key(profile: Profile, _: Tools) -> Provider[Credential]:
    return _static(profile, "access_key_id", "access_key_secret")


def _sts(profile: Profile, _: Tools) -> Provider[Credential]:
    return _static(profile, "access_key_id", "access_key_secret", "security_token")


def _static(profile: Profile, *needed: str) -> Provider[Credential]:
    key_id, secret, *_ = profile.needed(*needed)
    return StaticProvider(Credential(key_id, secret, profile.text("security_token"), origin=profile.origin))


def _ram_role_arn(profile: Profile, tools: Tools) -> Provider[Credential]:
    profile.needed("role_arn", "access_key_id", "access_key_secret")
    return role(_access_key(profile, tools), profile, tools)


def _ecs_ram_role(profile: Profile, tools: Tools) -> Provider[Credential]:
    return instance_role(profile, tools, asked="type is ecs_ram_role")


BEARER = "bearer"
"""The type of section that `BearerProfileProvider` reads."""

BUILDERS: dict[str, Callable[[Profile, Tools], Provider[Credential]]] = {
    "access_key": _access_key,
    "sts": _sts,
    "ram_role_arn": _ram_role_arn,
    "ecs_ram_role": _ecs_ram_role,
    "rsa_key_pair": key_pair,
    "oidc_role_arn": oidc_role,
}
