"""A section of the profile file."""

from __future__ import annotations

from alicred.compat.bridge import Face
from alicred.compat.exceptions import checking
from alicred.profiles.profile_file import ProfileFileProvider
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider


class ProfileCredentialsProvider(Face):
    """What a section of the profile file describes, kept and refreshed ahead. Thread-, task- and fork-safe, picklable.

    A section without ``enable`` counts as switched on; one with ``enable = false`` does not.

    Args:
        profile_file: Default ``ALIBABA_CLOUD_CREDENTIALS_FILE``, else the first of ``~/.alibabacloud/credentials`` and
            ``~/.alibabacloud/credentials.ini`` that exists.
        profile_name: Default ``ALIBABA_CLOUD_PROFILE``, else ``default``.

    Raises:
        CredentialValueError: A parameter is of the wrong type.
    """

    def __init__(self, *, profile_file: str | None = None, profile_name: str | None = None) -> None:
        with checking():
            source = ProfileFileProvider(profile_file or None, profile_name or None, require_enable=False)
        super().__init__(CachingProvider(RetryingProvider(source)))


__all__ = ["ProfileCredentialsProvider"]
