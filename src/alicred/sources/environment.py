"""A credential in environment variables."""

from __future__ import annotations

from collections.abc import Mapping

from alicred._internal.environ import key_variable
from alicred._internal.public import public
from alicred.credential import Credential
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources._source import Source, errors_of

ACCESS_KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
ACCESS_KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
SECURITY_TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"

VARIABLES = f"{ACCESS_KEY_ID} and {ACCESS_KEY_SECRET}"


def variables_text(token: str | None) -> str:
    """Where a key comes from that has *token*, for a text."""
    return f"{ACCESS_KEY_ID}, {ACCESS_KEY_SECRET} and {SECURITY_TOKEN}" if token else VARIABLES


@public("alicred")
class EnvironmentProvider(Source):
    """The access key in ``ALIBABA_CLOUD_ACCESS_KEY_ID``, ``_ACCESS_KEY_SECRET`` and, for a temporary one, ``_SECURITY_TOKEN``.

    The variables are read at every `get`. White space and byte order marks around a value are dropped, and an empty one counts as
    unset. When the key ends is not known, so ``expires_at`` is ``None``. Thread-, task- and fork-safe, picklable; `get` never blocks.

    Args:
        environ: Where to look the variables up; ``None`` means ``os.environ`` at the time of the call.
        name: What this source is called; ``None`` means ``env``.

    Raises:
        ConfigurationError: *environ* is no mapping, or *name* is no name.
    """

    _asks_each_time = False

    def __init__(self, environ: Mapping[str, str] | None = None, *, name: str | None = None) -> None:
        super().__init__("EnvironmentProvider", "env", name, environ)

    def get(self) -> Credential:
        """The access key as the variables have it now.

        Raises:
            NotConfiguredError: Neither of the two key variables is set.
            ConfigurationError: One of the two is missing, or a value cannot be a key; the text names the variable.
        """
        environ = self._variables
        with errors_of(self.name, VARIABLES):
            key_id, secret = key_variable(environ, ACCESS_KEY_ID), key_variable(environ, ACCESS_KEY_SECRET)
            if key_id is None and secret is None:
                raise NotConfiguredError(f"{VARIABLES} are not set")
            if key_id is None or secret is None:
                there, missing = (ACCESS_KEY_SECRET, ACCESS_KEY_ID) if key_id is None else (ACCESS_KEY_ID, ACCESS_KEY_SECRET)
                raise ConfigurationError(f"{there} is set, but {missing} is not. Set both or neither")
            token = key_variable(environ, SECURITY_TOKEN)
            return Credential(key_id, secret, token, provider_name=self.name, origin=variables_text(token))
