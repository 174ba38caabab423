"""Alibaba Cloud credentials: a `Credential` comes from a source, is kept by decorators under policies, and goes to a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._internal.lazy import lazily
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import BearerToken, Credential, Expiring
from alicred.errors import (
    AlicredError,
    ChainError,
    ClosedError,
    ConfigurationError,
    DeniedError,
    MalformedResponseError,
    NotConfiguredError,
    ProviderError,
    RefreshTimeoutError,
    SourceReport,
    TransientError,
    is_transient,
)
from alicred.provider import Provider

if TYPE_CHECKING:
    __version__: str

    from alicred.chain import ChainProvider
    from alicred.default import default_chain, default_provider
    from alicred.policy.backoff import Backoff
    from alicred.policy.chain import ChainPolicy, OnError
    from alicred.policy.refresh import OnDenied, RefreshMode, RefreshPolicy
    from alicred.policy.retry import RetryPolicy
    from alicred.policy.window import FixedWindow, FractionWindow, TieredWindow
    from alicred.refresh.cache import CachingProvider
    from alicred.refresh.snapshot import Phase
    from alicred.refresh.state import CacheState
    from alicred.retrying import RetryingProvider
    from alicred.sources.cloud_sso import CloudSsoProvider
    from alicred.sources.credentials_uri import CredentialsUriProvider
    from alicred.sources.ecs_ram_role import EcsRamRoleProvider
    from alicred.sources.environment import EnvironmentProvider
    from alicred.sources.external_process import ExternalProcessProvider
    from alicred.sources.function_compute import FunctionComputeProvider
    from alicred.sources.oauth import OAuthProvider
    from alicred.sources.oidc_role_arn import OidcRoleArnProvider
    from alicred.sources.profiles.bearer import BearerProfileProvider
    from alicred.sources.profiles.cli.provider import CliProfileProvider
    from alicred.sources.profiles.ini.provider import ProfileFileProvider
    from alicred.sources.ram_role_arn import RamRoleArnProvider
    from alicred.sources.rsa_key_pair import RsaKeyPairProvider
    from alicred.sources.saml_role_arn import SamlRoleArnProvider
    from alicred.sources.static import StaticProvider
    from alicred.wire.http import HttpClient
    from alicred.wire.imds import ImdsClient
    from alicred.wire.sts import CallerIdentity, StsClient
else:
    # Loaded when it is first used, so that an import costs what is used and no more.
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Backoff": "alicred.policy.backoff",
            "BearerProfileProvider": "alicred.sources.profiles.bearer",
            "CacheState": "alicred.refresh.state",
            "CachingProvider": "alicred.refresh.cache",
            "CallerIdentity": "alicred.wire.sts",
            "ChainPolicy": "alicred.policy.chain",
            "ChainProvider": "alicred.chain",
            "CliProfileProvider": "alicred.sources.profiles.cli.provider",
            "CloudSsoProvider": "alicred.sources.cloud_sso",
            "CredentialsUriProvider": "alicred.sources.credentials_uri",
            "EcsRamRoleProvider": "alicred.sources.ecs_ram_role",
            "EnvironmentProvider": "alicred.sources.environment",
            "ExternalProcessProvider": "alicred.sources.external_process",
            "FixedWindow": "alicred.policy.window",
            "FractionWindow": "alicred.policy.window",
            "FunctionComputeProvider": "alicred.sources.function_compute",
            "HttpClient": "alicred.wire.http",
            "ImdsClient": "alicred.wire.imds",
            "OAuthProvider": "alicred.sources.oauth",
            "OidcRoleArnProvider": "alicred.sources.oidc_role_arn",
            "OnDenied": "alicred.policy.refresh",
            "OnError": "alicred.policy.chain",
            "Phase": "alicred.refresh.snapshot",
            "ProfileFileProvider": "alicred.sources.profiles.ini.provider",
            "RamRoleArnProvider": "alicred.sources.ram_role_arn",
            "RefreshMode": "alicred.policy.refresh",
            "RefreshPolicy": "alicred.policy.refresh",
            "RetryPolicy": "alicred.policy.retry",
            "RetryingProvider": "alicred.retrying",
            "RsaKeyPairProvider": "alicred.sources.rsa_key_pair",
            "SamlRoleArnProvider": "alicred.sources.saml_role_arn",
            "StaticProvider": "alicred.sources.static",
            "StsClient": "alicred.wire.sts",
            "TieredWindow": "alicred.policy.window",
            "__version__": "alicred._internal.version",
            "default_chain": "alicred.default",
            "default_provider": "alicred.default",
        },
    )

__all__ = [
    "AlicredError",
    "Backoff",
    "BearerProfileProvider",
    "BearerToken",
    "CacheState",
    "CachingProvider",
    "CallerIdentity",
    "ChainError",
    "ChainPolicy",
    "ChainProvider",
    "CliProfileProvider",
    "Clock",
    "ClosedError",
    "CloudSsoProvider",
    "ConfigurationError",
    "Credential",
    "CredentialsUriProvider",
    "DeniedError",
    "EcsRamRoleProvider",
    "EnvironmentProvider",
    "Expiring",
    "ExternalProcessProvider",
    "FixedWindow",
    "FractionWindow",
    "FunctionComputeProvider",
    "HttpClient",
    "ImdsClient",
    "MalformedResponseError",
    "NotConfiguredError",
    "OAuthProvider",
    "OidcRoleArnProvider",
    "OnDenied",
    "OnError",
    "Phase",
    "ProfileFileProvider",
    "Provider",
    "ProviderError",
    "RamRoleArnProvider",
    "RefreshMode",
    "RefreshPolicy",
    "RefreshTimeoutError",
    "RetryPolicy",
    "RetryingProvider",
    "RsaKeyPairProvider",
    "SYSTEM_CLOCK",
    "SamlRoleArnProvider",
    "SourceReport",
    "StaticProvider",
    "StsClient",
    "TieredWindow",
    "TransientError",
    "__version__",
    "default_chain",
    "default_provider",
    "is_transient",
]
