"""For consumer groups of the log service (SLS), whose workers make their client themselves and take no provider."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from alicred._internal.public import public
from alicred.adapters.adapter import Adapter, missing_client
from alicred.credential import Credential
from alicred.provider import Provider

if TYPE_CHECKING:
    from aliyun.log.consumer import ConsumerProcessorBase, ConsumerWorker, LogHubConfig

_APART = 150.0  # seconds; a client leaves 300 between two calls of its refresher, so what comes sooner comes from another client


@public("alicred.adapters")
class SlsConsumer(Adapter[Credential, None]):
    """A provider as the consumers of the log service take it. As thread-, task- and fork-safe as the provider.

    `worker` makes a worker that uses the current credential in every request. Called, it is a ``credentials_refresher``, for workers that
    are made without it.
    """

    _call = "sls_consumer"

    def __init__(self, provider: Provider[Credential]) -> None:
        super().__init__(provider)
        self._given: tuple[Credential, float] | None = None  # what a refresher has given last, and when

    def worker(
        self,
        make_processor: Callable[..., ConsumerProcessorBase],
        consumer_option: LogHubConfig,
        args: Sequence[object] | None = None,
        kwargs: Mapping[str, object] | None = None,
    ) -> ConsumerWorker:
        """A ``ConsumerWorker`` whose client asks the provider in each attempt of each request, from the first one on.

        The first one is sent here: the worker makes sure that the consumer group exists. In the worker's threads, what the provider
        raises becomes a ``LogException`` with the code ``CredentialsProviderError``: they report those, pause and go on; after any other,
        the heart beat would go on without a pause. A request that is refused because of its credential is sent once more, with
        the one that the provider has after it was told (``invalidate``, if it has that).

        Args:
            make_processor: Makes what handles the logs of a shard, as for ``ConsumerWorker``.
            consumer_option: The configuration. Its id, key and token are not used (leave them empty), nor is its refresher.
            args: For *make_processor*.
            kwargs: For *make_processor*.

        Raises:
            ConfigurationError: The package is not installed.
            AlicredError: The provider has no credential.
        """
        try:
            from alicred.adapters._clients.sls_worker import SlsWorker
        except ImportError as error:
            raise missing_client("sls_consumer", "aliyun-log-python-sdk", error) from error
        self._held()  # fails here, with its own error, rather than in the first request
        return SlsWorker(self._provider, make_processor, consumer_option, args, kwargs)

    def __call__(self) -> tuple[str, str, str | None]:
        """Id, secret and token of the current credential, as ``LogHubConfig(credentials_refresher=...)`` needs them.

        A client that has a refresher calls it when a request was rejected, uses the result until the next rejection, and leaves five
        minutes between two calls. So what was given at the last call was rejected since, and the provider is told (``invalidate``, if it
        has that); unless the last call is so short a time ago that it was for another client.

        Raises:
            AlicredError: The provider's error. The client logs it, and tries again after 30 seconds.
        """
        now = time.monotonic()
        if self._given is not None and now - self._given[1] >= _APART:
            self._reject(self._given[0])
        held = self._held()
        self._given = held, now
        return held.access_key_id, held.access_key_secret, held.security_token

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "_given": None}


@public("alicred.adapters")
def sls_consumer(provider: Provider[Credential]) -> SlsConsumer:
    """A provider for consumer groups: ``sls_consumer(provider).worker(Processor, LogHubConfig(endpoint, "", "", ...))``.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all workers.

    Raises:
        ConfigurationError: *provider* is no provider.
    """
    return SlsConsumer(provider)
