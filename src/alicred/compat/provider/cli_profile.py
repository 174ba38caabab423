"""A profile of the command line tool."""

from __future__ import annotations

from alicred.compat.bridge import OfficialProvider
from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import checking
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources.profiles.cli.provider import CliProfileProvider


class CLIProfileCredentialsProvider(OfficialProvider):
    """What a profile in ``~/.aliyun/config.json`` describes, kept and refreshed ahead. Thread-, task- and fork-safe, picklable.

    Args:
        profile_name: Default ``ALIBABA_CLOUD_PROFILE``, else the one that the file calls ``current``.
        profile_file: Default ``ALIBABA_CLOUD_CONFIG_FILE``, else ``~/.aliyun/config.json``.
        allow_config_force_rewrite: Without effect, as in the official package: the tokens of an OAuth login, which renew each other,
            are always written back, and nothing else ever is.

    Raises:
        CredentialValueError: A parameter is of the wrong type.
    """

    def __init__(
        self, *, profile_name: str | None = None, profile_file: str | None = None, allow_config_force_rewrite: bool = False
    ) -> None:
        with checking():
            source = CliProfileProvider(profile_file or None, profile_name or None, environ=ENVIRON)
        super().__init__(CachingProvider(RetryingProvider(source)))


__all__ = ["CLIProfileCredentialsProvider"]
