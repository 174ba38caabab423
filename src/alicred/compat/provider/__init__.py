"""The providers of the official package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._internal.lazy import lazily

if TYPE_CHECKING:
    from alicred.compat.provider.cli_profile import CLIProfileCredentialsProvider
    from alicred.compat.provider.cloud_sso import CloudSSOCredentialsProvider
    from alicred.compat.provider.default import DefaultCredentialsProvider
    from alicred.compat.provider.ecs_ram_role import EcsRamRoleCredentialsProvider
    from alicred.compat.provider.env import EnvironmentVariableCredentialsProvider
    from alicred.compat.provider.external import ExternalCredentialsProvider
    from alicred.compat.provider.oauth import OAuthCredentialsProvider
    from alicred.compat.provider.oidc import OIDCRoleArnCredentialsProvider
    from alicred.compat.provider.profile import ProfileCredentialsProvider
    from alicred.compat.provider.ram_role_arn import RamRoleArnCredentialsProvider
    from alicred.compat.provider.rsa_key_pair import RsaKeyPairCredentialsProvider
    from alicred.compat.provider.static_ak import StaticAKCredentialsProvider
    from alicred.compat.provider.static_sts import StaticSTSCredentialsProvider
    from alicred.compat.provider.uri import URLCredentialsProvider
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "CLIProfileCredentialsProvider": f"{__name__}.cli_profile",
            "CloudSSOCredentialsProvider": f"{__name__}.cloud_sso",
            "DefaultCredentialsProvider": f"{__name__}.default",
            "EcsRamRoleCredentialsProvider": f"{__name__}.ecs_ram_role",
            "EnvironmentVariableCredentialsProvider": f"{__name__}.env",
            "ExternalCredentialsProvider": f"{__name__}.external",
            "OAuthCredentialsProvider": f"{__name__}.oauth",
            "OIDCRoleArnCredentialsProvider": f"{__name__}.oidc",
            "ProfileCredentialsProvider": f"{__name__}.profile",
            "RamRoleArnCredentialsProvider": f"{__name__}.ram_role_arn",
            "RsaKeyPairCredentialsProvider": f"{__name__}.rsa_key_pair",
            "StaticAKCredentialsProvider": f"{__name__}.static_ak",
            "StaticSTSCredentialsProvider": f"{__name__}.static_sts",
            "URLCredentialsProvider": f"{__name__}.uri",
            # Modules: a program that imports the package may use them, as with the official one.
            **{
                name: f"{__name__}.{name}"
                for name in (
                    "cli_profile", "cloud_sso", "default", "ecs_ram_role", "env", "external", "oauth", "oidc", "profile", "ram_role_arn",
                    "refreshable", "rsa_key_pair", "static_ak", "static_sts", "uri",
                )
            },
        },
    )  # fmt: skip

__all__ = [
    "CLIProfileCredentialsProvider",
    "CloudSSOCredentialsProvider",
    "DefaultCredentialsProvider",
    "EcsRamRoleCredentialsProvider",
    "EnvironmentVariableCredentialsProvider",
    "ExternalCredentialsProvider",
    "OAuthCredentialsProvider",
    "OIDCRoleArnCredentialsProvider",
    "ProfileCredentialsProvider",
    "RamRoleArnCredentialsProvider",
    "RsaKeyPairCredentialsProvider",
    "StaticAKCredentialsProvider",
    "StaticSTSCredentialsProvider",
    "URLCredentialsProvider",
]
