"""An access key in the environment."""

from __future__ import annotations

from alicred.compat.bridge import OfficialProviderBase
from alicred.compat.environ import ENVIRON
from alicred.credential import Credential
from alicred.sources.environment import EnvironmentProvider


class EnvironmentVariableCredentialsProvider(OfficialProviderBase):
    """The key in ``ALIBABA_CLOUD_ACCESS_KEY_ID``, ``_ACCESS_KEY_SECRET`` and ``_SECURITY_TOKEN``, as they are at each call."""

    def _get(self) -> Credential:
        return EnvironmentProvider(ENVIRON).get()

    def get_provider_name(self) -> str:
        """``env``."""
        return "env"


__all__ = ["EnvironmentVariableCredentialsProvider"]
