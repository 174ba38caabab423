"""The identity that a command is about: the one that a program gets here, as the options of all commands choose it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from alicred.default import default_chain, default_provider
from alicred.policy.refresh import RefreshPolicy

if TYPE_CHECKING:
    from alicred.credential import Credential
    from alicred.refresh.cache import CachingProvider
    from alicred.wire.sts import StsClient


def provider_of(options: argparse.Namespace, refresh: RefreshPolicy = RefreshPolicy()) -> CachingProvider[Credential]:  # noqa: B008
    """The default provider, with ``--profile``, ``--role-arn`` and ``--region``."""
    sts = sts_of(options) if options.region else None
    return default_provider(role_arn=options.role_arn, profile=options.profile, sts=sts, refresh=refresh)


def fetched(options: argparse.Namespace) -> Credential:
    """The credential itself, for a command that needs it once: no cache, so nothing of one is loaded."""
    if options.role_arn is not None:
        return provider_of(options).get()
    return default_chain(profile=options.profile, sts=sts_of(options) if options.region else None).get()


def sts_of(options: argparse.Namespace) -> StsClient:
    """The STS client for ``--region``, else the one that the environment chooses."""
    import os

    from alicred.sources._clients import StsChoice
    from alicred.wire.sts import StsClient

    return (
        StsClient.for_region(options.region) if options.region else StsChoice("StsClient", None, "get_caller_identity").client(os.environ)
    )


def keep_log_quiet(options: argparse.Namespace) -> None:
    """Let the log say nothing without ``--verbose``, for a command that tells everything itself: Python would print its warnings."""
    import logging

    if not options.verbose:
        logging.getLogger("alicred").addHandler(logging.NullHandler())
