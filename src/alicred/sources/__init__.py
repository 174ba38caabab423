"""The sources: each fetches a credential from one origin, once per ``get()``, and keeps nothing.

A class is loaded when it is first asked for, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._internal.lazy import lazily

if TYPE_CHECKING:
    from alicred.sources.cloud_sso import CloudSsoProvider
    from alicred.sources.credentials_uri import CredentialsUriProvider
    from alicred.sources.ecs_ram_role import EcsRamRoleProvider
    from alicred.sources.environment import EnvironmentProvider
    from alicred.sources.external_process import ExternalProcessProvider
    from alicred.sources.function_compute import FunctionComputeProvider
    from alicred.sources.oauth import OAuthProvider, OAuthTokens
    from alicred.sources.oidc_role_arn import OidcRoleArnProvider
    from alicred.sources.profiles.bearer import BearerProfileProvider
    from alicred.sources.profiles.cli.provider import CliProfileProvider
    from alicred.sources.profiles.ini.provider import ProfileFileProvider
    from alicred.sources.ram_role_arn import RamRoleArnProvider
    from alicred.sources.rsa_key_pair import RsaKeyPairProvider
    from alicred.sources.saml_role_arn import SamlRoleArnProvider
    from alicred.sources.static import StaticProvider

__all__ = [
    "BearerProfileProvider",
    "CliProfileProvider",
    "CloudSsoProvider",
    "CredentialsUriProvider",
    "EcsRamRoleProvider",
    "EnvironmentProvider",
    "ExternalProcessProvider",
    "FunctionComputeProvider",
    "OAuthProvider",
    "OAuthTokens",
    "OidcRoleArnProvider",
    "ProfileFileProvider",
    "RamRoleArnProvider",
    "RsaKeyPairProvider",
    "SamlRoleArnProvider",
    "StaticProvider",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "BearerProfileProvider": "alicred.sources.profiles.bearer",
            "CliProfileProvider": "alicred.sources.profiles.cli.provider",
            "CloudSsoProvider": "alicred.sources.cloud_sso",
            "CredentialsUriProvider": "alicred.sources.credentials_uri",
            "EcsRamRoleProvider": "alicred.sources.ecs_ram_role",
            "EnvironmentProvider": "alicred.sources.environment",
            "ExternalProcessProvider": "alicred.sources.external_process",
            "FunctionComputeProvider": "alicred.sources.function_compute",
            "OAuthProvider": "alicred.sources.oauth",
            "OAuthTokens": "alicred.sources.oauth",
            "OidcRoleArnProvider": "alicred.sources.oidc_role_arn",
            "ProfileFileProvider": "alicred.sources.profiles.ini.provider",
            "RamRoleArnProvider": "alicred.sources.ram_role_arn",
            "RsaKeyPairProvider": "alicred.sources.rsa_key_pair",
            "SamlRoleArnProvider": "alicred.sources.saml_role_arn",
            "StaticProvider": "alicred.sources.static",
        },
    )
