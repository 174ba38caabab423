"""A credential in environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

import alicred._arguments as check
from alicred._environ import variable
from alicred.credential import Credential
from alicred.errors import ConfigurationError, NotConfigured

ACCESS_KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
ACCESS_KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
SECURITY_TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"


class EnvironmentProvider:
    """The access key in ``ALIBABA_CLOUD_ACCESS_KEY_ID``, ``_ACCESS_KEY_SECRET`` and, for a temporary one, ``_SECURITY_TOKEN``.

    The variables are read at every `get`. White space around a value is dropped, and an empty one counts as unset. When the
    key ends is not known, so ``expires_at`` is ``None``. Thread-, task- and fork-safe, picklable; `get` never blocks.

    Args:
        environ: Where to look the variables up; ``None`` means ``os.environ`` at the time of the call.

    Raises:
        ConfigurationError: *environ* is no mapping.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = check.environment("EnvironmentProvider.environ", environ)

    @property
    def name(self) -> str:
        """``env``."""
        return "env"

    def get(self) -> Credential:
        """The access key as the variables have it now.

        Raises:
            NotConfigured: Neither of the two key variables is set.
            ConfigurationError: One of the two is missing, or a value cannot be a key; the text names the variable.
        """
        environ = os.environ if self._environ is None else self._environ
        key_id, secret = variable(environ, ACCESS_KEY_ID), variable(environ, ACCESS_KEY_SECRET)
        token = variable(environ, SECURITY_TOKEN)
        if key_id is None and secret is None:
            raise NotConfigured(f"{ACCESS_KEY_ID} and {ACCESS_KEY_SECRET} are not set", provider=self.name)
        if key_id is None or secret is None:
            there, missing = (ACCESS_KEY_SECRET, ACCESS_KEY_ID) if key_id is None else (ACCESS_KEY_ID, ACCESS_KEY_SECRET)
            raise ConfigurationError(f"{there} is set, but {missing} is not: set both or neither", provider=self.name)
        for name, value in ((ACCESS_KEY_ID, key_id), (ACCESS_KEY_SECRET, secret), (SECURITY_TOKEN, token)):
            if value is not None and check.has_control_characters(value):
                raise ConfigurationError(f"{name} holds a control character, such as a newline: remove it", provider=self.name)
        return Credential(key_id, secret, token, provider_name=self.name)
