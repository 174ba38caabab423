"""The sources: each fetches a credential from one origin, once per ``get()``, and keeps nothing.

A class is loaded when it is first asked for, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._lazy import lazily

if TYPE_CHECKING:
    from alicred.profiles.bearer import BearerProfileProvider
    from alicred.profiles.profile_file import ProfileFileProvider
    from alicred.sources.ecs_ram_role import EcsRamRoleProvider
    from alicred.sources.environment import EnvironmentProvider
    from alicred.sources.oidc_role_arn import OidcRoleArnProvider
    from alicred.sources.ram_role_arn import RamRoleArnProvider
    from alicred.sources.rsa_key_pair import RsaKeyPairProvider
    from alicred.sources.static import StaticProvider

__all__ = [
    "BearerProfileProvider",
    "EcsRamRoleProvider",
    "EnvironmentProvider",
    "OidcRoleArnProvider",
    "ProfileFileProvider",
    "RamRoleArnProvider",
    "RsaKeyPairProvider",
    "StaticProvider",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "BearerProfileProvider": "alicred.profiles.bearer",
            "EcsRamRoleProvider": "alicred.sources.ecs_ram_role",
            "EnvironmentProvider": "alicred.sources.environment",
            "OidcRoleArnProvider": "alicred.sources.oidc_role_arn",
            "ProfileFileProvider": "alicred.profiles.profile_file",
            "RamRoleArnProvider": "alicred.sources.ram_role_arn",
            "RsaKeyPairProvider": "alicred.sources.rsa_key_pair",
            "StaticProvider": "alicred.sources.static",
        },
    )
