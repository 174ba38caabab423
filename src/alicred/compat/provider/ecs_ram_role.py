"""The RAM role of the ECS instance that the program runs on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from alicred._internal.environ import is_true, variable
from alicred.compat.bridge import OfficialProvider
from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import CredentialValueError, checking
from alicred.compat.http import HttpOptions
from alicred.compat.settings import CONNECT, READ, milliseconds, seconds
from alicred.credential import Credential
from alicred.errors import ProviderError
from alicred.policy.refresh import RefreshMode, RefreshPolicy
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources.ecs_ram_role import DISABLED, ROLE_NAME, V1_DISABLED, EcsRamRoleProvider
from alicred.wire.imds import ImdsClient, check_role_name

_OWNER = "EcsRamRoleCredentialsProvider"
_TOKEN_SECONDS = 21600
_MILLISECONDS = 1000


class EcsRamRoleCredentialsProvider(OfficialProvider):
    """Temporary keys of the instance's RAM role, kept and refreshed ahead. Thread-, task- and fork-safe, picklable.

    Args:
        role_name: Default ``ALIBABA_CLOUD_ECS_METADATA``, else the one that the metadata service names.
        disable_imds_v1: Whether the service may not be asked without a token; default ``ALIBABA_CLOUD_IMDSV1_DISABLED``.
        http_options: Time-outs, a second each by default. The proxy is without effect: the metadata service is asked directly.
        async_update_enabled: Whether refreshes run on threads of their own, started for the refresh and gone after it; else on the
            caller's.

    Raises:
        CredentialValueError: A parameter is wrong, or ``ALIBABA_CLOUD_ECS_METADATA_DISABLED`` forbids to ask.
    """

    DEFAULT_METADATA_TOKEN_DURATION = _TOKEN_SECONDS
    DEFAULT_CONNECT_TIMEOUT = _MILLISECONDS
    DEFAULT_READ_TIMEOUT = _MILLISECONDS

    def __init__(
        self,
        *,
        role_name: str | None = None,
        disable_imds_v1: bool | None = None,
        http_options: HttpOptions | None = None,
        async_update_enabled: bool = True,
    ) -> None:
        if is_true(ENVIRON, DISABLED):
            raise CredentialValueError(f"{DISABLED} is true: the metadata service may not be asked")
        with checking():
            role = _InstanceRole(role_name or None, disable_imds_v1, self._client(http_options))
        mode = RefreshMode.BACKGROUND if async_update_enabled else RefreshMode.INLINE
        super().__init__(CachingProvider(RetryingProvider(role), refresh=RefreshPolicy(mode=mode)))

    def _client(self, options: HttpOptions | None) -> ImdsClient:
        return _metadata_client(options)


class ConfiguredInstanceRole(EcsRamRoleCredentialsProvider):
    """The same, with what only a `Config` can say.

    Args:
        host: Where the metadata service is, as a host or a URL with a scheme, if it is not at its own address.
        metadata_token_duration: How long a token of the service is to live: 1 to 21600 seconds.
        role_name: As before.
        disable_imds_v1: As before.
        http_options: As before.
    """

    def __init__(
        self,
        *,
        host: str | None,
        metadata_token_duration: int | None,
        role_name: str | None,
        disable_imds_v1: bool | None,
        http_options: HttpOptions,
    ) -> None:
        self._address = host, metadata_token_duration
        super().__init__(role_name=role_name, disable_imds_v1=disable_imds_v1, http_options=http_options)

    def _client(self, options: HttpOptions | None) -> ImdsClient:
        return _metadata_client(options, *self._address)


class _InstanceRole(EcsRamRoleProvider):
    """The same, with the environment for what is not given."""

    def __init__(self, role_name: str | None, v1_disabled: bool | None, imds: ImdsClient) -> None:
        super().__init__(imds=imds)
        self._environ = ENVIRON
        self._settings = partial(_settings, role_name, v1_disabled)
        self._settings(ENVIRON)  # refuses what is wrong
        self._v1_disabled = v1_disabled

    def get(self) -> Credential:
        try:
            return super().get()
        except ProviderError as error:
            if type(error) is not ProviderError or error.status != 404 or self._settings(ENVIRON)[1]:
                raise  # what is raised otherwise is of a class of its own: this is the service that knows no tokens
            why = f"{V1_DISABLED} is true" if self._v1_disabled is None else "disable_imds_v1 is true"
            text = f"{error.message}; it is not asked without a token, as {why}: disable_imds_v1=False allows that"
            raise ProviderError(text, provider=error.provider, status=error.status) from None


def _settings(role_name: str | None, v1_disabled: bool | None, environ: Mapping[str, str]) -> tuple[str | None, bool]:
    """The role's name, if there is one, and whether v1 is allowed."""
    name = ROLE_NAME if role_name is None else "EcsRamRoleProvider.role_name"
    given = variable(environ, ROLE_NAME) if role_name is None else role_name
    v1_allowed = not (is_true(environ, V1_DISABLED) if v1_disabled is None else v1_disabled)
    return None if given is None else check_role_name(name, given), v1_allowed


def _metadata_client(options: HttpOptions | None, host: str | None = None, token_seconds: int | None = None) -> ImdsClient:
    given = HttpOptions() if options is None else options
    token_span = seconds("Config.metadata_token_duration", token_seconds, _TOKEN_SECONDS)
    if not timedelta(seconds=1) <= token_span <= timedelta(seconds=_TOKEN_SECONDS):
        raise CredentialValueError(f"Config.metadata_token_duration must be 1 to {_TOKEN_SECONDS} seconds")
    make = partial(
        ImdsClient,
        connect_timeout=milliseconds(CONNECT.format(_OWNER), given.connect_timeout, _MILLISECONDS),
        read_timeout=milliseconds(READ.format(_OWNER), given.read_timeout, _MILLISECONDS),
        token_ttl=token_span,
    )
    return make((host if "://" in host else f"http://{host}").rstrip("/")) if host else make()


__all__ = ["EcsRamRoleCredentialsProvider"]
