"""The modes of profiles in the command line tool's file, and the source that each describes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

from alicred._internal.environ import is_true
from alicred._internal.text import name_text
from alicred.clock import Clock
from alicred.credential import Credential
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.provider import Provider
from alicred.sources._source import parameters_called
from alicred.sources.profiles.builders import Tools, instance_role, key_pair, oidc_role, role
from alicred.sources.profiles.cli.config import Chosen, CliConfig
from alicred.sources.profiles.cli.profile import CliProfile
from alicred.sources.static import StaticProvider

if TYPE_CHECKING:
    from alicred.events import Listener
    from alicred.sources._clients import HttpChoice
    from alicred.sources.profiles.cli.oauth_login import Logins
    from alicred.wire.http import HttpClient

_DEEPEST_CHAIN = 16  # roles; each is a request of its own

# What a profile may hold that is, or leads to, a credential: one without any of it was never filled in.
_SUBSTANCE = (
    "access_key_id", "access_key_secret", "sts_token", "ram_role_name", "ram_role_arn", "source_profile", "private_key", "key_pair_name",
    "process_command", "credentials_uri", "oidc_provider_arn", "oidc_token_file", "cloud_sso_sign_in_url", "access_token",
    "oauth_access_token", "oauth_refresh_token", "bearer_token",
)  # fmt: skip


class LateLogins:
    """The `Logins` of a provider, made when a profile has an OAuth login. Thread-safe; it can be pickled.

    Args:
        write_back: As for `Logins`.
        listener: As for `Logins`.
    """

    def __init__(self, *, write_back: bool, listener: Listener | None = None) -> None:
        self._write_back = write_back
        self._listener = listener
        self._made: dict[None, Logins] = {}  # a dictionary, since its setdefault is one step

    def get(self) -> Logins:
        """Them."""
        from alicred.sources.profiles.cli.oauth_login import Logins

        return self._made.get(None) or self._made.setdefault(None, Logins(write_back=self._write_back, listener=self._listener))


@attrs.frozen(kw_only=True)
class CliTools(Tools):
    """`Tools`, and what only the profiles of this file need.

    Args:
        config: The file.
        http: What sends the requests to other services.
        clock: What logins and stored sessions go by.
        logins: What OAuth logins need.
    """

    config: CliConfig
    http: HttpChoice
    clock: Clock
    logins: LateLogins

    def http_for(self, key: str, url: str) -> HttpClient:
        """The client for requests to *url*, which stands at *key*, or in the variable of that name."""
        from alicred.wire.url import safe_target

        return self.http.client(safe_target(key, url).endpoint)


@attrs.frozen
class _Stored:
    """Keys that the file holds."""

    name: str
    _credential: Credential = attrs.field(repr=False)

    def get(self) -> Credential:
        return self._credential


@attrs.frozen
class _OfProfile:
    """The source that another profile of the file describes."""

    _profile: CliProfile = attrs.field(repr=False)
    _source: Provider[Credential]

    @property
    def name(self) -> str:
        return self._source.name

    def get(self) -> Credential:
        return self._profile.fetch(self._source)


@attrs.frozen
class _Renewed:
    """New keys of a login, or those that the file holds, to their end."""

    _profile: CliProfile = attrs.field(repr=False)
    _source: Provider[Credential]
    _clock: Clock = attrs.field(repr=False)

    @property
    def name(self) -> str:
        return self._source.name

    def get(self) -> Credential:
        from alicred.sources.profiles.cli.oauth_login import renewed_or_stored

        return renewed_or_stored(self._profile, self._source.get, self._clock)


def source_of(chosen: Chosen, tools: CliTools) -> Provider[Credential]:
    """The source that the chosen profile describes. Nothing is asked yet.

    Raises:
        NotConfiguredError: The file calls a profile current that was never filled in.
        ConfigurationError: The mode is unknown, or a key is missing or wrong. The text names the profile and the key.
    """
    profile = chosen.profile
    with profile.explained():
        if not chosen.asked and is_blank(profile):
            raise NotConfiguredError(f"{profile.where} is empty: `aliyun configure` fills it in")
    return _source(profile, tools, (profile.name,))


def mode_of(profile: CliProfile) -> str:
    """The profile's mode: its own, else the one that the command line tool would guess from its keys.

    Raises:
        ConfigurationError: The mode is unknown, or missing and not to be guessed.
    """
    mode = profile.text("mode") or guess(profile)
    if mode is None:
        raise ConfigurationError(f"mode is missing, and the keys do not tell which it is. Give one of {', '.join(_MODES)}")
    if mode not in _MODES:
        from alicred.wire.service_message import shown_name

        same = next((known for known in _MODES if known.lower() == mode.lower()), None)
        hint = f" (capital and small letters differ: {same}?)" if same else ""
        raise ConfigurationError(f"mode{shown_name(mode)} is unknown. Give one of {', '.join(_MODES)}{hint}.")
    return mode


def guess(profile: CliProfile) -> str | None:
    """The mode that the command line tool takes a profile without one to have; ``None`` if it would not know either.

    Raises:
        ConfigurationError: Half an access key is there; the text names the other half.
    """
    if profile.has_key():
        return "StsToken" if profile.access_key(token=True).security_token else "RamRoleArn" if profile.text("ram_role_arn") else _AK
    return next((mode for mode, keys in _TELLTALES if all(profile.text(key) for key in keys)), None)


def is_blank(profile: CliProfile) -> bool:
    """Whether it is what the command line tool writes before it is configured, and the environment adds nothing."""
    if profile.text("mode") not in (None, _AK) or any(profile.values.get(key) for key in _SUBSTANCE):
        return False
    return guess(profile) is None


def _source(profile: CliProfile, tools: CliTools, path: tuple[str, ...]) -> Provider[Credential]:
    """The source of *profile*, to which the profiles of the names *path* have led; its own is the last one."""
    with profile.explained():
        mode = mode_of(profile)
        inner = _source_profile(profile, tools.config, path) if mode == _CHAINED else None
    source = None if inner is None else _OfProfile(inner, _source(inner, tools, (*path, inner.name)))
    with profile.explained(), parameters_called(_names(profile)):
        return BUILDERS[mode](profile, tools) if source is None else role(source, profile, tools)


def _names(profile: CliProfile) -> dict[str, str]:
    """What the user of *profile* calls the parameters of the sources."""
    keys = {
        "role_arn": "ram_role_arn",
        "role_session_name": "ram_session_name" if profile.text("ram_session_name") else "role_session_name",
        "role_name": "ram_role_name",
        "external_id": "external_id",
        "session_policy": "policy",
        "oidc_provider_arn": "oidc_provider_arn",
        "oidc_token_file": "oidc_token_file",
        "public_key_id": "key_pair_name",
        "sign_in_url": "cloud_sso_sign_in_url",
        "account_id": "cloud_sso_account_id",
        "access_configuration_id": "cloud_sso_access_config",
        "command": "process_command",
        "uri": "credentials_uri",
    }
    return {name: profile.key_of(key) for name, key in keys.items()}


def _source_profile(profile: CliProfile, config: CliConfig, path: tuple[str, ...]) -> CliProfile:
    name, _ = profile.needed("source_profile", "ram_role_arn")
    found = config.profile(name)  # the environment fills the gaps of the chosen profile only: a role is not assumed twice
    if found is None:
        raise ConfigurationError(f"source_profile is {name_text(name)!r}, and there is no such profile: {config.names}")
    if name in path:
        circle = " -> ".join(repr(each) for each in (*path[path.index(name) :], name))
        raise ConfigurationError(f"source_profile leads in a circle: {circle}")
    if len(path) >= _DEEPEST_CHAIN:
        raise ConfigurationError(f"source_profile leads through more than {_DEEPEST_CHAIN} profiles")
    return found


def _access_key(profile: CliProfile, _: CliTools) -> Provider[Credential]:
    return StaticProvider(profile.access_key(token=False))


def _sts_token(profile: CliProfile, _: CliTools) -> Provider[Credential]:
    key = profile.access_key(token=True)
    if key.security_token is None:
        profile.needed("sts_token")
    return StaticProvider(key)


def _ram_role_arn(profile: CliProfile, tools: CliTools) -> Provider[Credential]:
    profile.needed("ram_role_arn")
    return role(StaticProvider(profile.access_key(token=True)), profile, tools)


def _ecs_ram_role(profile: CliProfile, tools: CliTools) -> Provider[Credential]:
    return instance_role(profile, tools, asked=f"mode is {mode_of(profile)}")


def _role_of_instance_role(profile: CliProfile, tools: CliTools) -> Provider[Credential]:
    return role(_ecs_ram_role(profile, tools), profile, tools)


def _cloud_sso(profile: CliProfile, tools: CliTools) -> Provider[Credential]:
    from alicred.sources.cloud_sso import CloudSsoProvider
    from alicred.sources.profiles.cli.oauth_login import log_in, stored_session

    stored = stored_session(profile, tools.clock)
    if stored is not None:
        return _Stored("cloud_sso", stored)
    names = ("cloud_sso_sign_in_url", "cloud_sso_account_id", "cloud_sso_access_config", "access_token")
    sign_in_url, account_id, access_configuration_id, access_token = profile.needed(*names)
    ends_at = profile.moment("cloud_sso_access_token_expire")
    if ends_at is None:
        raise ConfigurationError(f"cloud_sso_access_token_expire is missing. {log_in(profile, 'CloudSSO')}")
    source = CloudSsoProvider(
        sign_in_url=sign_in_url,
        account_id=account_id,
        access_configuration_id=access_configuration_id,
        access_token=access_token,
        access_token_expires_at=ends_at,
        http=tools.http_for(names[0], sign_in_url),
        clock=tools.clock,
    )
    return source if stored_session(profile, tools.clock, longer_than=timedelta(0)) is None else _Renewed(profile, source, tools.clock)


def _oauth(profile: CliProfile, tools: CliTools) -> Provider[Credential]:
    from alicred.sources.profiles.cli.oauth_login import OAuthLoginSource, site_of

    site = site_of(profile)
    http = tools.http_for("oauth_site_type", site.sign_in_url)
    return OAuthLoginSource(tools.config, profile, tools.logins.get(), http, tools.clock)


def _external(profile: CliProfile, tools: CliTools) -> Provider[Credential]:
    from alicred.sources.external_process import ExternalProcessProvider

    _forbid_if_disabled(tools)
    (command,) = profile.needed("process_command")
    return ExternalProcessProvider(command, environ=tools.environ)


def _credentials_uri(profile: CliProfile, tools: CliTools) -> Provider[Credential]:
    from alicred.sources.credentials_uri import CredentialsUriProvider

    _forbid_if_disabled(tools)
    (uri,) = profile.needed("credentials_uri")
    return CredentialsUriProvider(uri, http=tools.http_for(profile.key_of("credentials_uri"), uri))


def _forbid_if_disabled(tools: CliTools) -> None:
    from alicred.sources.external_process import DISABLED

    if is_true(tools.environ, DISABLED):
        raise ConfigurationError(f"{DISABLED} forbids what its mode asks for. Change one of the two")


def _bearer(_: CliProfile, __: CliTools) -> Provider[Credential]:
    raise ConfigurationError("it holds a bearer token, which is no access key. Use BearerProfileProvider for it")


def _anonymous(_: CliProfile, __: CliTools) -> Provider[Credential]:
    raise ConfigurationError("its mode is Anonymous, so it has no credential. Choose another profile")


BEARER = "BearerToken"
"""The mode of profiles that `BearerProfileProvider` reads."""

_AK = "AK"
_CHAINED = "ChainableRamRoleArn"

BUILDERS: dict[str, Callable[[CliProfile, CliTools], Provider[Credential]]] = {
    _AK: _access_key,
    "StsToken": _sts_token,
    "RamRoleArn": _ram_role_arn,
    "EcsRamRole": _ecs_ram_role,
    "RamRoleArnWithRoleName": _role_of_instance_role,
    "RamRoleArnWithEcs": _role_of_instance_role,  # the same, as the tool's code calls it
    "OIDC": oidc_role,
    "RsaKeyPair": key_pair,
    "CloudSSO": _cloud_sso,
    "OAuth": _oauth,
    "External": _external,
    "CredentialsURI": _credentials_uri,
    BEARER: _bearer,
    "Anonymous": _anonymous,
}
_MODES = (*BUILDERS, _CHAINED)

# What the tool goes by where there is no access key, in its order.
_TELLTALES = (
    ("RsaKeyPair", ("private_key", "key_pair_name")),
    ("EcsRamRole", ("ram_role_name",)),
    ("External", ("process_command",)),
    ("OIDC", ("oidc_provider_arn", "oidc_token_file", "ram_role_arn")),
    ("CloudSSO", ("cloud_sso_sign_in_url",)),
    (BEARER, ("bearer_token",)),
)
