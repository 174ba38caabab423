"""What ``alibabacloud_credentials_api`` has: what a provider and its values look like."""

from __future__ import annotations

from typing import Protocol


class ICredentials(Protocol):
    """One credential, read by methods. To be inherited from, or merely looked like."""

    def get_access_key_id(self) -> str | None:
        """The id of the key."""
        raise NotImplementedError("get_access_key_id() must be overridden")

    def get_access_key_secret(self) -> str | None:
        """The secret of the key."""
        raise NotImplementedError("get_access_key_secret() must be overridden")

    def get_security_token(self) -> str | None:
        """The security token, if the key is a temporary one."""
        raise NotImplementedError("get_security_token() must be overridden")

    def get_provider_name(self) -> str | None:
        """Where the credential came from."""
        raise NotImplementedError("get_provider_name() must be overridden")


class ICredentialsProvider(Protocol):
    """Where credentials come from. To be inherited from, or merely looked like."""

    def get_credentials(self) -> ICredentials:
        """The current credential. May block."""
        raise NotImplementedError("get_credentials() must be overridden")

    async def get_credentials_async(self) -> ICredentials:
        """As `get_credentials`, for tasks."""
        raise NotImplementedError("get_credentials_async() must be overridden")

    def get_provider_name(self) -> str:
        """What the provider is called."""
        raise NotImplementedError("get_provider_name() must be overridden")


__all__ = ["ICredentials", "ICredentialsProvider"]
