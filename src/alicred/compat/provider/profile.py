"""A section of the profile file."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

import alicred._internal.checks as check
from alicred._internal.environ import variable
from alicred.compat.bridge import OfficialProvider
from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import checking
from alicred.compat.settings import KEY_PAIR_HOST
from alicred.errors import NotConfiguredError
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources._clients import STS_ENDPOINT, STS_REGION
from alicred.sources.environment import EnvironmentProvider
from alicred.sources.oidc_role_arn import OIDC_PROVIDER_ARN, OIDC_TOKEN_FILE, ROLE_ARN
from alicred.sources.profiles.ini.profile import Profile
from alicred.sources.profiles.ini.provider import ProfileFileProvider

_KEY = ("access_key_id", "access_key_secret", "security_token")
_HOST = ("sts_endpoint", "sts_region", "region_id")
_ROLE = {"role_arn": ROLE_ARN}
_OIDC = {**_ROLE, "oidc_provider_arn": OIDC_PROVIDER_ARN, "oidc_token_file_path": OIDC_TOKEN_FILE}
_HAS_KEY = ("access_key", "sts", "ram_role_arn")
# The variables that stand in for keys of a section, by its type. Others, such as the name of a role session, stand in for a key anyway.
_GAPS: Mapping[str, Mapping[str, str]] = {"ram_role_arn": _ROLE, "oidc_role_arn": _OIDC}


class ProfileCredentialsProvider(OfficialProvider):
    """What a section of the profile file describes, kept and refreshed ahead. Thread-, task- and fork-safe, picklable.

    A section without ``enable`` counts as switched on; one with ``enable = false`` does not. Variables fill what a section leaves out.

    Args:
        profile_file: Default ``ALIBABA_CLOUD_CREDENTIALS_FILE``, else the first of ``~/.alibabacloud/credentials`` and
            ``~/.alibabacloud/credentials.ini`` that exists.
        profile_name: Default ``ALIBABA_CLOUD_PROFILE``, else ``default``.

    Raises:
        CredentialValueError: A parameter is of the wrong type.
    """

    def __init__(self, *, profile_file: str | None = None, profile_name: str | None = None) -> None:
        with checking():
            source = FilledProfileFile(profile_file or None, profile_name or None, require_enable=False, environ=ENVIRON)
        super().__init__(CachingProvider(RetryingProvider(source)))


class FilledProfileFile(ProfileFileProvider):
    """`ProfileFileProvider`, with variables in place of what a section leaves out, as in the official package."""

    def _section(self) -> Profile:
        found = super()._section()
        return attrs.evolve(found, values={**found.values, **_gaps(found, self._lookup.environ)})


def _gaps(section: Profile, environ: Mapping[str, str]) -> dict[str, str]:
    """What variables say in place of keys that *section* lacks.

    Raises:
        ConfigurationError: A variable holds half a key, or what can be no value; the text names it.
    """
    there = {key for key, value in section.values.items() if value.strip()}
    kind = section.values.get("type", "").strip().lower()
    found = {key: check.optional_text(name, variable(environ, name)) for key, name in _GAPS.get(kind, {}).items() if key not in there}
    if kind in _HAS_KEY and not there.intersection(_KEY):  # never a half from here and a half from there
        try:
            key = EnvironmentProvider(environ).get()
        except NotConfiguredError:
            pass
        else:
            found |= zip(_KEY, (key.access_key_id, key.access_key_secret, key.security_token), strict=True)
    if kind == "rsa_key_pair" and not there.intersection(_HOST) and not any(variable(environ, name) for name in (STS_ENDPOINT, STS_REGION)):
        found["sts_endpoint"] = KEY_PAIR_HOST
    return {key: value for key, value in found.items() if value is not None}


__all__ = ["ProfileCredentialsProvider"]
