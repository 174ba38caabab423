"""The worker of `alicred.adapters.sls_workers`, which inherits from the client's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aliyun.log import LogClient, LogException
from aliyun.log.consumer import ConsumerWorker, LogHubConfig
from aliyun.log.version import USER_AGENT

import alicred._internal.checks as check
from alicred.adapters.last_fetch import LastFetch
from alicred.adapters.sls_provider import SlsCredential, SlsProvider
from alicred.credential import Credential
from alicred.errors import AlicredError
from alicred.provider import Provider

if TYPE_CHECKING:
    from aliyun.log.consumer import ConsumerProcessorBase
    from aliyun.log.consumer.consumer_client import ConsumerClient

_FAILED = "CredentialsProviderError"
_LAST: LastFetch[Credential] = LastFetch("alicred.sls_consumer")
_REJECTED = ("SecurityToken", "AccessKeyId")  # parts of the codes that are about the credential, and not about what it may do


class WorkerCredentials(SlsProvider):
    """As `SlsProvider`, but what the provider raises becomes the one exception that the worker's threads can cope with."""

    _call = "sls_consumer"

    def get_credentials(self) -> SlsCredential:
        """The current credential."""
        try:
            held = _LAST.remember(self, self._held())
        except AlicredError as error:
            raise LogException(_FAILED, str(error)) from error
        return self._make(held)

    def reject(self) -> None:
        """What this thread used last was rejected: the provider is told."""
        self._reject(_LAST.recall(self))


class WorkerClient(LogClient):
    """The client of a worker: repeats once what was refused because of the credential."""

    def __init__(self, credentials: WorkerCredentials, option: LogHubConfig) -> None:
        super().__init__(option.endpoint, auth_version=option.auth_version, region=option.region, credentials_provider=credentials)
        self.set_user_agent(f"{USER_AGENT}-consumergroup-{option.consumer_group_name}-{option.consumer_name}")
        self._alicred_credentials = credentials

    # Every request goes through this. A release that calls it otherwise does without the repetition, and loses nothing else.
    def _send(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._send(*args, **kwargs)
        except LogException as error:
            code = error.get_error_code()
            if code == _FAILED or not any(part in code for part in _REJECTED):
                raise
        self._alicred_credentials.reject()
        return super()._send(*args, **kwargs)


class SlsWorker(ConsumerWorker):
    """A ``ConsumerWorker`` under a provider."""

    def __init__(
        self,
        provider: Provider[Credential],
        make_processor: Callable[..., ConsumerProcessorBase],
        consumer_option: LogHubConfig,
        args: Sequence[object] | None,
        kwargs: Mapping[str, object] | None,
    ) -> None:
        check.required("sls_consumer.worker.consumer_option", consumer_option, LogHubConfig)
        self._alicred_credentials = WorkerCredentials(provider)
        super().__init__(make_processor, consumer_option, args, None if kwargs is None else dict(kwargs))

    # The base class assigns its client to this and sends the first request right after, still in its constructor.
    @property
    def consumer_client(self) -> ConsumerClient:
        """What the worker, its heart beat and its shards send their requests through."""
        return self._alicred_client

    @consumer_client.setter
    def consumer_client(self, client: ConsumerClient) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]  # an attribute there
        client.mclient = WorkerClient(self._alicred_credentials, self.option)
        self._alicred_client = client
