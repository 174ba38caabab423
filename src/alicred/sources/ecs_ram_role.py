"""The RAM role of the ECS instance that the program runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import alicred._internal.checks as check
from alicred._internal.environ import is_true, variable
from alicred._internal.public import public
from alicred.credential import Credential, named
from alicred.errors import NotConfiguredError, TransientError
from alicred.sources._clients import ImdsChoice
from alicred.sources._source import Given, Source, errors_of
from alicred.wire.imds import UNREACHABLE, ImdsClient, check_role_name

_OWNER = "EcsRamRoleProvider"
DISABLED = "ALIBABA_CLOUD_ECS_METADATA_DISABLED"
ROLE_NAME = "ALIBABA_CLOUD_ECS_METADATA"
V1_DISABLED = "ALIBABA_CLOUD_IMDSV1_DISABLED"


@public("alicred")
class EcsRamRoleProvider(Source):
    """Temporary keys of the RAM role that is attached to the ECS instance. `get` asks the metadata service each time.

    Thread-, task- and fork-safe, picklable. `get` blocks for at most one connect time-out of the client (1 s) on a machine that
    is no instance.

    Args:
        role_name: The role; ``None`` means the one that the service names, which takes one more request.
        allow_imds_v1: Whether to ask without a token if asking with one brings nothing usable.
        imds: The client to ask; ``None`` means an `ImdsClient` with its defaults.
        name: What this source is called; ``None`` means ``ecs_ram_role``.

    Raises:
        ConfigurationError: A parameter is empty or of the wrong type; the text names it.
    """

    def __init__(
        self, role_name: str | None = None, *, allow_imds_v1: bool = True, imds: ImdsClient | None = None, name: str | None = None
    ) -> None:
        checked = None if role_name is None else check_role_name(f"{_OWNER}.role_name", role_name)
        self._fill(Given((checked, check.flag(f"{_OWNER}.allow_imds_v1", allow_imds_v1))), imds, name)
        self._shown = f"({role_name!r})"

    def _fill(
        self,
        settings: Callable[[Mapping[str, str]], tuple[str | None, bool]],
        imds: ImdsClient | None,
        name: str | None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(_OWNER, "ecs_ram_role", name, environ)
        self._settings = settings
        self._imds = ImdsChoice(_OWNER, imds).client()

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, *, imds: ImdsClient | None = None, name: str | None = None
    ) -> EcsRamRoleProvider:
        """A provider for what the variables say at each `get`.

        Those are ``ALIBABA_CLOUD_ECS_METADATA`` (the role's name), ``ALIBABA_CLOUD_IMDSV1_DISABLED`` and
        ``ALIBABA_CLOUD_ECS_METADATA_DISABLED`` (do not ask at all).

        Args:
            environ: Where to look variables up; ``None`` means ``os.environ`` at the time of the call.
            imds: As in the constructor.
            name: As in the constructor.

        Raises:
            ConfigurationError: An argument is of the wrong type.
        """
        self = cls.__new__(cls)
        self._fill(_from_environment, imds, name, environ)
        self._shown = ".from_environment()"
        return self

    def get(self) -> Credential:
        """The keys of the role as the service has them now.

        Raises:
            NotConfiguredError: No role is attached and none is named; or the service cannot be connected, no role is named and none has
                ever been found; or a variable forbids to ask.
            DeniedError: The named role is not attached to this instance, or the service wants a token and gives none.
            TransientError: The service did not answer, or not in time; or this machine is short of something for the moment.
            MalformedResponseError: The answer is not what the metadata service promises.
        """
        with errors_of(self.name, "the metadata service of the ECS instance") as origin:
            role_name, allow_v1 = self._settings(self._variables)
            try:
                found = role_name or self._imds.role_name(allow_v1=allow_v1)
                origin.text = f"the RAM role {found!r} of the ECS instance"
                fetched = self._imds.role_credential(found, allow_v1=allow_v1)
            except TransientError as error:
                if error.code != UNREACHABLE or role_name is not None or self._imds.has_found_role:
                    raise
                raise NotConfiguredError(
                    f"no metadata service: this is no ECS instance, or it is cut off from it ({error.message})"
                ) from None
        return named(fetched, self.name, origin=origin.text)

    def __repr__(self) -> str:
        return f"{_OWNER}{self._shown}"


def _from_environment(environ: Mapping[str, str]) -> tuple[str | None, bool]:
    """The role's name, if a variable has one, and whether v1 is allowed."""
    if is_true(environ, DISABLED):
        raise NotConfiguredError(f"{DISABLED} is true: the metadata service is not asked")
    role_name = variable(environ, ROLE_NAME)
    return None if role_name is None else check_role_name(ROLE_NAME, role_name), not is_true(environ, V1_DISABLED)
