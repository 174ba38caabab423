"""A credential that another program prints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import attrs

from alicred.compat.bridge import OfficialProvider
from alicred.compat.callbacks import Callbacks, asked_by_a_task
from alicred.compat.exceptions import CredentialValueError, checking
from alicred.compat.lifetime import DefaultLifetime
from alicred.compat.provider.refreshable import Credentials
from alicred.compat.settings import seconds
from alicred.credential import Credential
from alicred.refresh.cache import CachingProvider
from alicred.sources.external_process import ExternalProcessProvider

_OWNER = "ExternalCredentialsProvider"

ExternalCredentialUpdateCallback = Callable[[str, str, str, int], None]
"""A function of id, secret, token (``""`` for none) and end in seconds since 1970 (0 for not known)."""
ExternalCredentialUpdateCallbackAsync = Callable[[str, str, str, int], Awaitable[None]]
"""The same, but what it returns is awaited."""


class ExternalCredentialsProvider(OfficialProvider):
    """The credential that a program prints, kept and refreshed ahead; for a minute, where the program does not say when it ends.

    Thread-, task- and fork-safe; picklable if the callbacks are.

    Args:
        process_command: The program and its arguments, split as a POSIX shell would; no shell takes part.
        timeout: How long the program may take, in seconds and fractions of one; 60 by default.
        credential_update_callback: Called after each run with what it has given; see `Callbacks` for which of the two is called where.
        credential_update_callback_async: The same, awaited.

    Raises:
        CredentialValueError: A parameter is missing or wrong; the text names it.
    """

    DEFAULT_TIMEOUT = 60

    def __init__(
        self,
        *,
        process_command: str | None = None,
        timeout: float | None = None,
        credential_update_callback: ExternalCredentialUpdateCallback | None = None,
        credential_update_callback_async: ExternalCredentialUpdateCallbackAsync | None = None,
    ) -> None:
        if not process_command:
            raise CredentialValueError(f"{_OWNER}.process_command is empty. Give the program and its arguments")
        # None, 0 and less: the default, as in the official package.
        given = seconds(f"{_OWNER}.timeout", timeout, self.DEFAULT_TIMEOUT, whole=False)
        span = given if given > timedelta(0) else timedelta(seconds=self.DEFAULT_TIMEOUT)
        callbacks = Callbacks("credential_update_callback", credential_update_callback, credential_update_callback_async)
        with checking():
            source = _NotifyingSource(ExternalProcessProvider(process_command, timeout=span), callbacks)
        super().__init__(CachingProvider(DefaultLifetime(source)))

    async def get_credentials_async(self) -> Credentials:
        """As `get_credentials`, for tasks. Never blocks the event loop.

        Raises:
            CredentialException: There is none.
        """
        with asked_by_a_task():
            return await super().get_credentials_async()


@attrs.frozen
class _NotifyingSource:
    """*source*, after each of whose answers a callback is called."""

    source: ExternalProcessProvider
    callbacks: Callbacks[str, str, str, int]

    @property
    def name(self) -> str:
        return self.source.name

    def get(self) -> Credential:
        found = self.source.get()
        ends_at = 0 if found.expires_at is None else int(found.expires_at.timestamp())
        self.callbacks(found.access_key_id, found.access_key_secret, found.security_token or "", ends_at)
        return found


__all__ = ["ExternalCredentialUpdateCallback", "ExternalCredentialUpdateCallbackAsync", "ExternalCredentialsProvider"]
