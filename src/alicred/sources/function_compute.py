"""The keys that Function Compute gives to a function, request by request."""

from __future__ import annotations

from collections.abc import Mapping

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.credential import Credential, named
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources._source import Source, errors_of
from alicred.sources.environment import EnvironmentProvider
from alicred.wire.response import Headers

ACCESS_KEY_ID = "x-fc-access-key-id"
ACCESS_KEY_SECRET = "x-fc-access-key-secret"
SECURITY_TOKEN = "x-fc-security-token"

_OWNER = "FunctionComputeProvider"
_HEADERS = (ACCESS_KEY_ID, ACCESS_KEY_SECRET, SECURITY_TOKEN)
_ATTRIBUTES = ("access_key_id", "access_key_secret", "security_token")


@public("alicred")
class FunctionComputeProvider(Source):
    """The keys of the function's role, as the newest request brought them along.

    An instance of a function may live for longer than the keys in its environment, and each request brings valid ones: hand its
    headers to `update`, or its context to `update_from_context`, before the request is worked on. There is nothing to fetch and
    so nothing to cache: use this provider as it is.

    Thread-, task- and fork-safe: the three parts of a key are replaced together, by one assignment, and nothing ever blocks. A
    forked worker starts with what was held and then goes by its own requests. A pickle holds no key.

    When the keys end is not said, so ``expires_at`` is ``None``; they are valid for longer than any request may take.

    Args:
        name: What this source is called; ``None`` means ``function_compute``.

    Raises:
        ConfigurationError: *name* is no name.
    """

    _asks_each_time = False

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(_OWNER, "function_compute", name)
        self._held: Credential | None = None
        self._environment: EnvironmentProvider | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, *, name: str | None = None) -> FunctionComputeProvider:
        """A provider that, before the first request, answers with the environment's keys, as `EnvironmentProvider` does.

        Args:
            environ: Where to look the variables up; ``None`` means ``os.environ`` at the time of the call.
            name: As in the constructor.

        Raises:
            ConfigurationError: *environ* is no mapping, or *name* is no name.
        """
        self = cls(name=name)
        self._environment = EnvironmentProvider(check.environment(f"{_OWNER}.environ", environ))
        return self

    def update(self, headers: Headers) -> Credential | None:
        """Take the keys from a request's headers: ``x-fc-access-key-id``, ``x-fc-access-key-secret`` and ``x-fc-security-token``.

        Only for requests that Function Compute has passed on: any other sender could choose the keys.

        Args:
            headers: The headers; capital and small letters are the same, white space around a value is dropped.

        Returns:
            The keys of this very request; ``None`` if it brought none, and then what is held stays.

        Raises:
            ConfigurationError: Some of the three are missing, or one is there twice or cannot be part of a key; the text names it.
                What is held stays.
        """
        found: dict[str, str] = {}
        with errors_of(self.name):
            if not callable(getattr(headers, "items", None)):
                raise ConfigurationError(f"{_OWNER}.update: headers must be a mapping, not {type(headers).__name__}")
            for name, value in headers.items():
                known = _known(name)
                if known is None:
                    continue
                if found.setdefault(known, value) != value:
                    raise ConfigurationError(f"the request has two different headers {known}: does it come from Function Compute?")
            return self._take([found.get(name) for name in _HEADERS], _HEADERS, "the request's header")

    def update_from_context(self, context: object) -> Credential | None:
        """Take the keys from the ``context`` of a handler: its ``credentials``, with ``access_key_id`` and so on.

        Args:
            context: What Function Compute's Python runtime calls a handler with, beside the event.

        Returns:
            The keys of this very call; ``None`` if there are none, as for a function without a role, and then what is held stays.

        Raises:
            ConfigurationError: There is no ``credentials``, or a part is missing or cannot be part of a key; the text names it.
                What is held stays.
        """
        with errors_of(self.name):
            if not hasattr(context, "credentials"):
                raise ConfigurationError(f"{_OWNER}.update_from_context: context must have credentials; {type(context).__name__} has none")
            credentials: object = getattr(context, "credentials", None)
            parts: list[object] = [getattr(credentials, name, None) for name in _ATTRIBUTES]
            return self._take(parts, _ATTRIBUTES, "context.credentials:")

    def get(self) -> Credential:
        """The keys that came last.

        Raises:
            NotConfiguredError: None have come yet.
            ConfigurationError: Made by `from_environment`, and a variable is wrong; the text names it.
        """
        held = self._held
        if held is not None:
            return held
        if self._environment is None:
            raise NotConfiguredError(
                f"no request has brought keys yet. Call update(request.headers) or update_from_context(context) of the {_OWNER} first, "
                "and give the function a role",
                provider=self.name,
            )
        with errors_of(self.name):
            found = self._environment.get()
        return named(found, self.name, found.provider_name)

    def _take(self, parts: list[object] | list[str | None], names: tuple[str, ...], where: str) -> Credential | None:
        values = [_text(f"{where} {name}", part) for name, part in zip(names, parts, strict=True)]
        key_id, secret, token = values
        if key_id is None or secret is None or token is None:
            missing = [name for name, value in zip(names, values, strict=True) if value is None]
            if len(missing) == len(names):
                return None
            verb = "is" if len(missing) == 1 else "are"
            raise ConfigurationError(f"{where} {' and '.join(missing)} {verb} missing, while the rest of the key is there")
        self._held = taken = Credential(key_id, secret, token, provider_name=self.name, origin="a request to the function")
        return taken

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_held": None}

    def __repr__(self) -> str:
        return f"<{_OWNER}{'' if self._environment is None else ': from the environment before the first request'}>"


def _known(name: object) -> str | None:
    """Which of the three headers *name* is; ``None`` for any other."""
    lower = name.lower() if isinstance(name, str) else ""
    return lower if lower in _HEADERS else None


def _text(name: str, value: object) -> str | None:
    """*value* without the white space around it; ``None`` if there is nothing."""
    found = check.bare(value) if isinstance(value, str) else value
    return None if found is None or found == "" else check.key_text(name, found)
