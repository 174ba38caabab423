"""The default chain: where a program's credential comes from unless it says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.chain import ChainProvider
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.policy.chain import ChainPolicy
from alicred.policy.refresh import RefreshPolicy
from alicred.policy.retry import RetryPolicy
from alicred.provider import Provider
from alicred.retrying import RetryingProvider
from alicred.sources._late import LateSource
from alicred.sources._source import parameters_called
from alicred.sources.environment import EnvironmentProvider

if TYPE_CHECKING:
    from alicred.events import Listener
    from alicred.refresh.cache import CachingProvider
    from alicred.sources.profiles.ini.provider import ProfileFileProvider
    from alicred.wire.http import HttpClient
    from alicred.wire.imds import ImdsClient
    from alicred.wire.sts import StsClient

    _Later = tuple[str, Callable[["_Settings"], Provider[Credential]]]  # a source's name, and what makes it

_NAME = "default"


@public("alicred")
def default_provider(
    *,
    role_arn: str | None = None,
    refresh: RefreshPolicy = RefreshPolicy(),  # noqa: B008  (an immutable value)
    environ: Mapping[str, str] | None = None,
    profile: str | None = None,
    chain: ChainPolicy = ChainPolicy(),  # noqa: B008  (an immutable value)
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008  (an immutable value)
    sts: StsClient | None = None,
    imds: ImdsClient | None = None,
    http: HttpClient | None = None,
    clock: Clock = SYSTEM_CLOCK,
    listener: Listener | None = None,
    require_enable: bool = False,
) -> CachingProvider[Credential]:
    """What most programs want: a `CachingProvider` over `default_chain`. Make one and share it between threads and tasks.

    Args:
        role_arn: A RAM role, ``acs:ram::<account>:role/<name>``: then the provider holds keys of that role, which is assumed with what
            the chain finds. For a session's name, duration or policy, put a `RamRoleArnProvider` together yourself.
        refresh: When to refresh, and which callers wait.
        environ: As in `default_chain`, and all that follow.
        profile: The profile, in both files.
        chain: How to go from one source to the next.
        retry: How the sources that go over the network are tried again.
        sts: The client to ask for keys of a role.
        imds: The client to ask for an instance's keys.
        http: What sends all other requests.
        clock: Where the time comes from.
        listener: Gets every event of the caches, the chain and the retries, beside the logger ``alicred``.
        require_enable: As in `ProfileFileProvider`.

    Raises:
        ConfigurationError: An argument is of the wrong type; the text names it.
    """
    from alicred.refresh.cache import CachingProvider

    with parameters_called({}, "default_provider."):
        sources = default_sources(
            environ=environ, profile=profile, retry=retry, sts=sts, imds=imds, http=http, clock=clock, listener=listener,
            require_enable=require_enable,
        )  # fmt: skip
        found: Provider[Credential] = ChainProvider(*sources, name=_NAME, chain=chain, listener=listener)
        if role_arn is not None:
            from alicred.sources._clients import StsChoice
            from alicred.sources.ram_role_arn import RamRoleOfOwner

            chosen = StsChoice("Default", sts, "assume_role", http=http, clock=clock)
            held = CachingProvider(found, refresh=refresh, clock=clock, listener=listener)
            role = RamRoleOfOwner(held, role_arn=role_arn).resolving(chosen, environ)
            found = RetryingProvider(role, retry=retry, clock=clock, listener=listener)
        return CachingProvider(found, refresh=refresh, clock=clock, listener=listener)


@public("alicred")
def default_chain(
    *,
    environ: Mapping[str, str] | None = None,
    profile: str | None = None,
    chain: ChainPolicy = ChainPolicy(),  # noqa: B008  (an immutable value)
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008  (an immutable value)
    sts: StsClient | None = None,
    imds: ImdsClient | None = None,
    http: HttpClient | None = None,
    clock: Clock = SYSTEM_CLOCK,
    listener: Listener | None = None,
    require_enable: bool = False,
) -> ChainProvider[Credential]:
    """Environment variables, an OIDC token, the CLI's profile, the profile file, the RAM role of the instance, a credentials URI.

    In this order. Nothing is read or sent before the first ``get()``, and each ``get()`` fetches: see `default_provider` for the
    one that keeps what was fetched. Thread-, task- and fork-safe, picklable.

    Args:
        environ: Where to look variables up; ``None`` means ``os.environ`` at the time of each call.
        profile: The profile, in the CLI's file or in the profile file, whatever the variables say. Only the two files are asked then: if
            neither has it, that is a `ConfigurationError`, and no other identity takes its place.
        chain: How to go from one source to the next.
        retry: How the sources that go over the network are tried again.
        sts: The client to ask for keys of a role; ``None`` means one for the host that a profile, else *environ* names.
        imds: The client to ask for an instance's keys; ``None`` means one for the metadata service.
        http: What sends all other requests, and those of the STS client if *sts* is ``None``.
        clock: Where the time comes from, for everything below that is not given.
        listener: Gets every event of the chain and the retries, beside the logger ``alicred``.
        require_enable: As in `ProfileFileProvider`.

    Raises:
        ConfigurationError: An argument is of the wrong type; the text names it.
    """
    with parameters_called({}, "default_chain."):
        sources = default_sources(
            environ=environ, profile=profile, retry=retry, sts=sts, imds=imds, http=http, clock=clock, listener=listener,
            require_enable=require_enable,
        )  # fmt: skip
        return ChainProvider(*sources, name=_NAME, chain=chain, listener=listener)


def default_sources(
    *,
    environ: Mapping[str, str] | None = None,
    profile: str | None = None,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008  (an immutable value)
    sts: StsClient | None = None,
    imds: ImdsClient | None = None,
    http: HttpClient | None = None,
    clock: Clock = SYSTEM_CLOCK,
    listener: Listener | None = None,
    require_enable: bool = False,
    profile_file: type[ProfileFileProvider] | None = None,
) -> tuple[Provider[Credential], ...]:
    """The sources of `default_chain`, in their order, for a chain of one's own. The modules of each are loaded when it is first asked.

    The arguments are those of `default_chain`, and *profile_file*: what reads the profile file.
    """
    settings = _Settings(environ, profile, sts, imds, http, clock, listener, require_enable, profile_file)
    of_files: tuple[_Later, ...] = (("cli_profile", _cli_profile), ("profile", _profile_file))
    around: tuple[_Later, ...] = (("ecs_ram_role", _ecs_ram_role), ("credentials_uri", _credentials_uri))

    def late(*sources: _Later) -> Iterator[Provider[Credential]]:
        for name, make in sources:
            yield RetryingProvider(LateSource(name, partial(make, settings)), retry=retry, clock=clock, listener=listener)

    if profile is not None:  # the user has said which identity is meant: neither variables nor the machine have another one
        return tuple(late(*of_files))
    return EnvironmentProvider(environ), *late(("oidc_role_arn", _oidc_role_arn), *of_files, *around)


class _NamedProfile:
    """The profile file, where a profile was asked for by name: if it is not to be had there either, no other source takes its place."""

    def __init__(self, source: Provider[Credential], profile: str) -> None:
        self._source = source
        self._profile = profile

    @property
    def name(self) -> str:
        return self._source.name

    def get(self) -> Credential:
        try:
            return self._source.get()
        except NotConfiguredError as error:
            problem = f"the profile {self._profile!r} was asked for, and no file has it: {error.message}"
            wrong = ConfigurationError(problem, provider=self.name)
            wrong.origin = error.origin
            raise wrong from None


class _Settings:
    """What the sources are made with, checked before any of them is made. It can be pickled if its parts can."""

    def __init__(
        self,
        environ: Mapping[str, str] | None,
        profile: str | None,
        sts: StsClient | None,
        imds: ImdsClient | None,
        http: HttpClient | None,
        clock: Clock,
        listener: Listener | None,
        require_enable: bool,
        profile_file: type[ProfileFileProvider] | None,
    ) -> None:
        self.environ = check.environment("Default.environ", environ)
        self.profile = check.optional_text("Default.profile", profile)
        for method in ("assume_role", "assume_role_with_oidc"):
            check.client("Default.sts", sts, method)
        check.client("Default.http", http, "request")
        if imds is not None:
            from alicred.wire.imds import ImdsClient

            check.optional("Default.imds", imds, ImdsClient)
        self.sts = sts
        self.http = http
        self.clock = clock
        self.listener = listener
        self.require_enable = check.flag("Default.require_enable", require_enable)
        self.profile_file = profile_file
        self.imds = imds  # else each source makes its own, if it ever asks the metadata service


# One function for each source that a program may never ask.


def _oidc_role_arn(settings: _Settings) -> Provider[Credential]:
    from alicred.sources.oidc_role_arn import OidcRoleArnProvider

    return OidcRoleArnProvider.from_environment(settings.environ, sts=settings.sts, http=settings.http, clock=settings.clock)


def _cli_profile(settings: _Settings) -> Provider[Credential]:
    from alicred.sources.profiles.cli.provider import CliProfileOfBothFiles

    return CliProfileOfBothFiles(
        profile=settings.profile,
        environ=settings.environ,
        sts=settings.sts,
        imds=settings.imds,
        http=settings.http,
        clock=settings.clock,
        listener=settings.listener,
    )


def _profile_file(settings: _Settings) -> Provider[Credential]:
    from alicred.sources.profiles.ini.provider import ProfileFileProvider

    source = (settings.profile_file or ProfileFileProvider)(
        profile=settings.profile,
        require_enable=settings.require_enable,
        environ=settings.environ,
        sts=settings.sts,
        imds=settings.imds,
        http=settings.http,
        clock=settings.clock,
    )
    return source if settings.profile is None else _NamedProfile(source, settings.profile)


def _ecs_ram_role(settings: _Settings) -> Provider[Credential]:
    from alicred.sources.ecs_ram_role import EcsRamRoleProvider
    from alicred.wire.imds import ImdsClient

    return EcsRamRoleProvider.from_environment(settings.environ, imds=settings.imds or ImdsClient(clock=settings.clock))


def _credentials_uri(settings: _Settings) -> Provider[Credential]:
    from alicred.sources.credentials_uri import CredentialsUriProvider

    return CredentialsUriProvider.from_environment(settings.environ, http=settings.http)
