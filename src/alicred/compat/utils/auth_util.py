"""What the environment says, at the time at which a name is looked up here: nothing is read at import.

What a program assigns to a name here counts, for all providers of the façade, in place of the variable. ``os.environ`` stays as it is.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from alicred._internal.environ import variable
from alicred.compat.environ import ENVIRON, assign, forget

_VARIABLES = {
    "client_type": "ALIBABA_CLOUD_PROFILE",
    "environment_ECSMeta_data": "ALIBABA_CLOUD_ECS_METADATA",
    "environment_access_key_id": "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "environment_access_key_secret": "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "environment_cli_profile_disabled": "ALIBABA_CLOUD_CLI_PROFILE_DISABLED",
    "environment_credentials_file": "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "environment_credentials_uri": "ALIBABA_CLOUD_CREDENTIALS_URI",
    "environment_ecs_metadata": "ALIBABA_CLOUD_ECS_METADATA",
    "environment_ecs_metadata_disabled": "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
    "environment_enable_vpc": "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED",
    "environment_imds_v1_disabled": "ALIBABA_CLOUD_IMDSV1_DISABLED",
    "environment_oidc_provider_arn": "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "environment_oidc_token_file": "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "environment_profile_name": "ALIBABA_CLOUD_PROFILE",
    "environment_role_arn": "ALIBABA_CLOUD_ROLE_ARN",
    "environment_role_session_name": "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    "environment_security_token": "ALIBABA_CLOUD_SECURITY_TOKEN",
    "environment_sts_region": "ALIBABA_CLOUD_STS_REGION",
}
_DEFAULTS = {
    "client_type": "default",
    "environment_cli_profile_disabled": "false",
    "environment_ecs_metadata_disabled": "false",
    "environment_enable_vpc": "false",
    "environment_imds_v1_disabled": "false",
}
_OIDC = ("environment_oidc_token_file", "environment_role_arn", "environment_oidc_provider_arn")

private_key: str | None = None


def get_private_key(file_path: str) -> str:
    """The text of a file.

    Raises:
        OSError: It cannot be read.
    """
    with open(file_path, encoding="utf-8") as file:
        return file.read()


def get_home() -> str:
    """The home directory: HOME, then the platform's own way."""
    return variable(os.environ, "HOME") or os.path.expanduser("~")


if TYPE_CHECKING:
    client_type: str
    enable_oidc_credential: bool
    environment_ECSMeta_data: str | None
    environment_access_key_id: str | None
    environment_access_key_secret: str | None
    environment_cli_profile_disabled: str
    environment_credentials_file: str | None
    environment_credentials_uri: str | None
    environment_ecs_metadata: str | None
    environment_ecs_metadata_disabled: str
    environment_enable_vpc: str
    environment_imds_v1_disabled: str
    environment_oidc_provider_arn: str | None
    environment_oidc_token_file: str | None
    environment_profile_name: str | None
    environment_role_arn: str | None
    environment_role_session_name: str | None
    environment_security_token: str | None
    environment_sts_region: str | None
else:

    def __getattr__(name: str) -> object:
        if name == "enable_oidc_credential":
            return all(_look_up(each) for each in _OIDC)
        if name in _VARIABLES:
            return _look_up(name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *_VARIABLES, "enable_oidc_credential"})


def _look_up(name: str) -> str | None:
    return variable(ENVIRON, _VARIABLES[name]) or _DEFAULTS.get(name)


class _AuthUtil(ModuleType):
    """This module, to whose names a program may assign."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "enable_oidc_credential":
            raise AttributeError(f"{name} follows from {', '.join(_OIDC)}: assign to these")
        if name not in _VARIABLES:
            if not name.startswith("_"):
                raise AttributeError(f"nothing asks for auth_util.{name}: assign to {', '.join(_VARIABLES)}, or set HOME")
            super().__setattr__(name, value)
            return
        if not isinstance(value, (str, type(None))):
            raise TypeError(f"auth_util.{name} must be a string or None, as a variable is, not {type(value).__name__}")
        assign(_VARIABLES[name], value or None, _DEFAULTS.get(name))

    def __delattr__(self, name: str) -> None:
        if name in _VARIABLES:
            forget(_VARIABLES[name])
        else:
            super().__delattr__(name)


sys.modules[__name__].__class__ = _AuthUtil
