"""The default chain: where a program's credential comes from when nobody says anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from alicred.chain import ChainProvider
from alicred.credential import Credential
from alicred.policy.refresh import RefreshPolicy
from alicred.policy.retry import RetryPolicy
from alicred.provider import Provider
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources._source import parameters_called
from alicred.sources.credentials_uri import CredentialsUriProvider
from alicred.sources.ecs_ram_role import EcsRamRoleProvider
from alicred.sources.environment import EnvironmentProvider
from alicred.sources.oidc_role_arn import OidcRoleArnProvider
from alicred.sources.profiles.cli.provider import CliProfileProvider
from alicred.sources.profiles.ini.provider import ProfileFileProvider
from alicred.wire.http import HttpClient
from alicred.wire.imds import ImdsClient

if TYPE_CHECKING:
    from alicred.events import Listener
    from alicred.wire.sts import StsClient

_NAME = "default"


def default_provider(
    *,
    environ: Mapping[str, str] | None = None,
    refresh: RefreshPolicy = RefreshPolicy(),  # noqa: B008  (an immutable value)
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008  (an immutable value)
    sts: StsClient | None = None,
    imds: ImdsClient | None = None,
    http: HttpClient | None = None,
    listener: Listener | None = None,
    require_enable: bool = False,
) -> CachingProvider[Credential]:
    """What most programs want: a `CachingProvider` over `default_chain`. Make one and share it between threads and tasks.

    Args:
        environ: As in `default_chain`.
        refresh: When to refresh and whom to let wait.
        retry: As in `default_chain`.
        sts: As in `default_chain`.
        imds: As in `default_chain`.
        http: As in `default_chain`.
        listener: Told of every event of the cache, the chain and the retries; ``None`` writes to the logger ``alicred``.
        require_enable: As in `ProfileFileProvider`.

    Raises:
        ConfigurationError: An argument is of the wrong type; the text names it.
    """
    with parameters_called({}, "default_provider."):
        sources = default_sources(
            environ=environ, sts=sts, imds=imds, http=http, retry=retry, listener=listener, require_enable=require_enable
        )
        return CachingProvider(ChainProvider(*sources, listener=listener, name=_NAME), refresh=refresh, listener=listener)


def default_chain(
    *,
    environ: Mapping[str, str] | None = None,
    sts: StsClient | None = None,
    imds: ImdsClient | None = None,
    http: HttpClient | None = None,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008  (an immutable value)
    require_enable: bool = False,
) -> ChainProvider[Credential]:
    """Environment variables, an OIDC token, the CLI's profile, the profile file, the RAM role of the instance, a credentials URI.

    In this order. Nothing is read or sent before the first ``get()``, and each ``get()`` fetches: see `default_provider` for the
    one that keeps what was fetched. Thread-, task- and fork-safe, picklable.

    Args:
        environ: Where to look variables up; ``None`` means ``os.environ`` at the time of each call.
        sts: The client to ask for keys of a role; ``None`` means one for the host that a profile, else *environ* names.
        imds: The client to ask for an instance's keys; ``None`` means one for the metadata service.
        http: What sends all other requests, and those of the STS client if *sts* is ``None``.
        retry: How the sources that go over the network are tried again.
        require_enable: As in `ProfileFileProvider`.

    Raises:
        ConfigurationError: An argument is of the wrong type; the text names it.
    """
    with parameters_called({}, "default_chain."):
        sources = default_sources(environ=environ, sts=sts, imds=imds, http=http, retry=retry, require_enable=require_enable)
        return ChainProvider(*sources, name=_NAME)


def default_sources(
    *,
    environ: Mapping[str, str] | None = None,
    sts: StsClient | None = None,
    imds: ImdsClient | None = None,
    http: HttpClient | None = None,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008  (an immutable value)
    listener: Listener | None = None,
    require_enable: bool = False,
    profile_file: type[ProfileFileProvider] = ProfileFileProvider,
) -> tuple[Provider[Credential], ...]:
    """The sources of `default_chain`, in their order, for a chain of one's own.

    The arguments are those of `default_provider`, and *profile_file*: what reads the profile file.
    """
    imds = ImdsClient() if imds is None else imds  # one for all sources: it keeps the token of the metadata service

    def retrying(source: Provider[Credential]) -> RetryingProvider[Credential]:
        return RetryingProvider(source, retry=retry, listener=listener)

    return (
        EnvironmentProvider(environ),
        retrying(OidcRoleArnProvider.from_environment(environ, sts=sts, http=http)),
        retrying(CliProfileProvider(environ=environ, sts=sts, imds=imds, http=http, listener=listener)),
        retrying(profile_file(require_enable=require_enable, environ=environ, sts=sts, imds=imds, http=http)),
        retrying(EcsRamRoleProvider.from_environment(environ, imds=imds)),
        retrying(CredentialsUriProvider.from_environment(environ, http=http)),
    )
