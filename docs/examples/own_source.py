"""A source of your own: an object with a name and a get()."""

import json
from datetime import datetime, timezone
from pathlib import Path

from alicred import CachingProvider, ConfigurationError, Credential, MalformedResponseError, NotConfiguredError


class SecretFileProvider:
    """Reads the JSON file that a sidecar keeps up to date."""

    name = "secret_file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self) -> Credential:
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            raise NotConfiguredError(f"{self._path} does not exist: start the sidecar", provider=self.name) from None
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be read: {error.strerror}", provider=self.name) from None
        try:
            found = json.loads(text)
            return Credential(
                found["id"],
                found["secret"],
                found.get("token"),
                datetime.fromtimestamp(found["until"], timezone.utc),
                provider_name=self.name,
            )
        except (ValueError, KeyError, TypeError):
            # Not `from error`: what a parser quotes may be a secret.
            raise MalformedResponseError(f"{self._path} is not what the sidecar should write", provider=self.name) from None


provider = CachingProvider(SecretFileProvider(Path("/run/secrets/alibaba-cloud.json")))
try:
    print(provider.get())
except NotConfiguredError as error:
    print(error)
