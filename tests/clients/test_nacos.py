"""``nacos-sdk-python``: the services for configurations, for naming and for prompts under `nacos`."""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred import CachingProvider, Credential, DeniedError, Provider, RefreshPolicy
from alicred.adapters import nacos
from tests.clients.sessions import Early, Slow, in_tasks_for_a_while
from tests.clients.support import Driver, Keys, refusal, run_example
from tests.support import Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    import grpc
    from v2.nacos import NacosException, RegisterInstanceParam
    from v2.nacos.common.auth import Credentials, CredentialsProvider, StaticCredentialsProvider
    from v2.nacos.transport.rpc_client import RpcClient

    from tests.clients.nacos_clients import (
        GROUP,
        NAMESPACE,
        REQUESTS,
        builder_of,
        configurations,
        everything,
        naming,
        one_thing,
        prompts,
        prompts_over_http,
    )
    from tests.clients.nacos_service import NacosLoopback

PACKAGE = "nacos-sdk-python"
KINDS = pytest.mark.parametrize("kind", [configurations, naming, prompts, prompts_over_http])
OVER_GRPC = pytest.mark.parametrize("kind", [configurations, naming, prompts])


@pytest.fixture(autouse=True)
def loopback_channels_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """gRPC has sockets of its own, which the guard of these tests does not see, and a variable for a proxy of its own."""
    for name in ("grpc_proxy", "GRPC_PROXY"):
        monkeypatch.delenv(name, raising=False)
    real, elsewhere = grpc.aio.insecure_channel, []

    def guarded(target: str, **options: Any) -> Any:
        if not target.startswith("127.0.0.1:"):
            elsewhere.append(target)
            raise AssertionError(f"tests may talk to loopback only, not to {target}")
        return real(target, **options)

    monkeypatch.setattr(grpc.aio, "insecure_channel", guarded)
    yield
    assert elsewhere == []


@pytest.fixture(autouse=True)
def closed_logs() -> Iterator[None]:
    """Each service that is made adds a file to the loggers of the client."""
    yield
    for name in ("config", "naming"):
        for handler in logging.getLogger(name).handlers[:]:
            logging.getLogger(name).removeHandler(handler)
            handler.close()


@pytest.fixture(params=[True, False], ids=["sts", "ak"])
def keys(request: pytest.FixtureRequest) -> Keys:
    return Keys(tokens=request.param)


@pytest.fixture
def service(keys: Keys) -> Iterator[NacosLoopback]:
    with NacosLoopback(keys) as running:
        yield running


def once(service: NacosLoopback, kind: Any, credentials_provider: Any) -> Callable[[], None]:
    async def main() -> None:
        async with kind(service, credentials_provider) as client:
            await everything(client)("mark")

    return lambda: asyncio.run(main())


@KINDS
@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: NacosLoopback, kind: Any) -> None:
    async def main() -> None:
        driver = Driver(service)
        async with kind(service, nacos(service.keys)) as client:
            for _ in range(5):
                await driver.in_tasks(everything(client), tasks=1)

    asyncio.run(main())
    assert len(service.seen) == 5 * REQUESTS[kind]
    assert len({each.credential for each in service.seen}) == 5 * REQUESTS[kind]


@KINDS
@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_tasks_share_a_client(service: NacosLoopback, kind: Any) -> None:
    async def main() -> None:
        async with kind(service, nacos(service.keys)) as client:
            await Driver(service).in_tasks(everything(client))

    asyncio.run(main())
    assert len({each.credential for each in service.seen}) == len(service.seen) == 20 * REQUESTS[kind]


@KINDS
def test_keys_without_a_token_have_none_on_the_wire(service: NacosLoopback, kind: Any) -> None:
    once(service, kind, nacos(service.keys))()
    for seen in service.seen:
        assert seen.credential is not None
        assert seen.request.headers.get("spas-securitytoken") == seen.credential.security_token


@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_what_the_client_asks_in_the_background_is_signed_with_a_current_credential(service: NacosLoopback) -> None:
    """A configuration that is listened to: what it looks up when the server says that something has changed."""

    async def main() -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()

        async def listener(namespace: str, group: str, name: str, content: str) -> None:
            heard.put_nowait(content)

        async with configurations(service, nacos(service.keys)) as client:
            await client.add_listener("mark", GROUP, listener)
            for content in ("one", "two"):
                service.contents[NAMESPACE, GROUP, "mark"] = content
                service.push("ConfigChangeNotifyRequest", {"dataId": "mark", "group": GROUP, "tenant": NAMESPACE})
                assert await asyncio.wait_for(heard.get(), 20) == content

    asyncio.run(main())
    assert service.refusals == []
    assert {each.request.path for each in service.seen} == {"ConfigBatchListenRequest", "ConfigQueryRequest"}
    assert len({each.credential for each in service.seen}) == len(service.seen) >= 4


@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_what_is_registered_again_after_a_break_is_signed_with_a_current_credential(service: NacosLoopback) -> None:
    async def main() -> None:
        async with naming(service, nacos(service.keys)) as client:
            redo = client.grpc_client_proxy.redo_service
            param = RegisterInstanceParam(service_name="mark", group_name=GROUP, ip="127.0.0.1", port=80)
            assert await client.register_instance(param)
            service.hosts.clear()
            service.break_off()
            until = time.monotonic() + 20
            while not service.hosts and time.monotonic() < until:
                await redo.start_redo_task()  # it would look by itself, every thirty seconds
                await asyncio.sleep(0.1)
            assert service.hosts

    asyncio.run(main())
    assert service.connections >= 2
    assert service.refusals == []
    serials = service.serials("mark")
    assert serials == sorted(set(serials))
    assert len(serials) >= 2


@OVER_GRPC
@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_the_attempts_of_one_request_share_one_whole_credential(service: NacosLoopback, kind: Any) -> None:
    service.faults += ["busy", "busy"]
    once(service, kind, nacos(service.keys))()
    assert service.refusals == []
    assert service.serials("mark") == [1, 1, *range(1, REQUESTS[kind] + 1)]


@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_over_http_each_attempt_is_signed_with_a_credential_of_its_own(service: NacosLoopback) -> None:
    service.faults += ["busy", "busy"]
    once(service, prompts_over_http, nacos(service.keys))()
    assert service.refusals == []
    assert service.serials("mark") == [1, 2, 3, 4]


@OVER_GRPC
def test_what_the_provider_raises_is_the_context_of_what_arrives(service: NacosLoopback, kind: Any) -> None:
    denied = DeniedError("no", provider="vault", code="NoPermission")
    with pytest.raises(NacosException, match=r"server failed: .*no") as caught:
        once(service, kind, nacos(Script(denied)))()
    assert caught.value.error_code == 500
    assert caught.value.__context__ is denied
    assert service.seen == ()


def test_over_http_what_the_provider_raises_arrives_as_it_is(service: NacosLoopback) -> None:
    denied = DeniedError("no", provider="vault", code="NoPermission")
    with pytest.raises(DeniedError) as caught:
        once(service, prompts_over_http, nacos(Script(denied)))()
    assert caught.value is denied
    assert service.seen == ()


# The service notices


class Live(CredentialsProvider):
    """What happens without the adapter: each part is asked for on its own."""

    def __init__(self, provider: Provider[Credential]) -> None:
        self._provider = provider

    def get_credentials(self) -> Any:
        return self

    def get_access_key_id(self) -> str:
        return self._provider.get().access_key_id

    def get_access_key_secret(self) -> str:
        return self._provider.get().access_key_secret

    def get_security_token(self) -> str | None:
        return self._provider.get().security_token


class Fixed(CredentialsProvider):
    def __init__(self, *parts: str | None) -> None:
        self._parts = parts

    def get_credentials(self) -> Any:
        return Credentials(*self._parts)


@KINDS
def test_a_credential_that_is_read_live_is_torn(service: NacosLoopback, kind: Any) -> None:
    assert "its own" in refusal(service, once(service, kind, Live(service.keys))) or "signature" in service.refusals[-1]


@KINDS
def test_parts_of_another_credential_are_noticed(service: NacosLoopback, kind: Any) -> None:
    one, other = service.keys.get(), service.keys.get()
    torn = Fixed(one.access_key_id, other.access_key_secret, one.security_token)
    assert "the signature is not the one" in refusal(service, once(service, kind, torn))
    foreign = Fixed(one.access_key_id, one.access_key_secret, "token-of-nobody")
    assert "not its own" in refusal(service, once(service, kind, foreign))


@OVER_GRPC
def test_a_rejection_arrives_as_the_clients_own_exception(service: NacosLoopback, kind: Any) -> None:
    with pytest.raises(NacosException, match="nobody has the id 'nobody'") as caught:
        once(service, kind, Fixed("nobody", "nothing", None))()
    assert caught.value.error_code == 403
    assert len(service.seen) == 1


@KINDS
def test_an_old_request_is_noticed(service: NacosLoopback, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("config.remote.config_grpc", "naming.remote.naming_grpc", "ai.remote.ai_grpc", "ai.remote.ai_http"):
        monkeypatch.setattr(f"v2.nacos.{module}_client_proxy.get_current_time_millis", lambda: int((time.time() - 20 * 60) * 1000))
    assert "more than 0:15:00 off" in refusal(service, once(service, kind, nacos(service.keys)))


@pytest.mark.parametrize(
    ("kind", "part", "reason"),
    [
        (configurations, "group", "the signature is not the one"),
        (configurations, "tenant", "the signature is not the one"),
        (naming, "serviceName", "is not what the request is about"),
        (naming, "groupName", "is not what the request is about"),
        (prompts, "namespaceId", "the signature is not the one"),
    ],
)
def test_a_request_about_something_else_is_noticed(kind: Any, part: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    send = RpcClient.request

    async def tamper(client: Any, request: Any, *rest: Any) -> Any:
        setattr(request, part, "something-else")
        return await send(client, request, *rest)

    monkeypatch.setattr(RpcClient, "request", tamper)
    with NacosLoopback(Keys()) as service:
        assert reason in refusal(service, once(service, kind, nacos(service.keys)))


@OVER_GRPC
def test_strings_go_stale(kind: Any) -> None:
    """What happens without a provider."""
    with NacosLoopback(Keys(lasts=timedelta(milliseconds=1))) as service:
        one = service.keys.get()
        time.sleep(0.01)
        fixed = StaticCredentialsProvider(one.access_key_id, one.access_key_secret, one.security_token)
        with pytest.raises(NacosException, match="has expired"):
            once(service, kind, fixed)()


def test_keys_are_not_to_be_named_beside_the_provider(service: NacosLoopback) -> None:
    """The page says so."""
    builder = builder_of(service, nacos(service.keys))
    with pytest.raises(AttributeError, match="set_access_key_id"):
        builder.access_key("the-id")


# Over many sessions, and on an event loop


@pytest.mark.slow
@KINDS
@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_a_loop_whose_tasks_await_the_provider_first_never_stands_still(kind: Any) -> None:
    """The service refuses a session after six seconds; `Early` says five."""
    with NacosLoopback(Keys(lasts=timedelta(seconds=6))) as service:
        slow = Slow(Early(service.keys))
        cache = CachingProvider(slow, refresh=RefreshPolicy(ahead=timedelta(seconds=3)))

        async def main() -> None:
            async with kind(service, nacos(cache)) as client:

                async def call(mark: str) -> None:
                    await cache.aget()
                    await one_thing(client)(mark)

                with slow.watching():
                    await in_tasks_for_a_while(8, call)

        asyncio.run(main())
        cache.close()
        assert service.refusals == []
        assert slow.in_vain == 0
        assert slow.calls >= 2


@KINDS
def test_a_loop_whose_tasks_do_not_stands_still_while_the_provider_fetches(service: NacosLoopback, kind: Any) -> None:
    """Why the page says so."""
    slow = Slow(service.keys, patience=1)
    cache = CachingProvider(slow)

    async def main() -> None:
        async with kind(service, nacos(cache)) as client:
            with slow.watching():
                await asyncio.sleep(0)
                await everything(client)("mark")

    asyncio.run(main())
    cache.close()
    assert slow.in_vain == 1


@pytest.mark.slow
@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_one_task_that_awaits_the_provider_now_and_then_is_enough() -> None:
    """What the page has for requests that the client makes by itself."""
    with NacosLoopback(Keys(lasts=timedelta(seconds=6))) as service:
        slow = Slow(Early(service.keys))
        cache = CachingProvider(slow, refresh=RefreshPolicy(ahead=timedelta(seconds=3)))

        async def keep() -> None:
            while True:
                await asyncio.sleep(0.2)
                await cache.aget()

        async def main() -> None:
            async with configurations(service, nacos(cache)) as client:
                with slow.watching():
                    await cache.aget()
                    keeper = asyncio.create_task(keep())
                    await in_tasks_for_a_while(8, one_thing(client))
                    keeper.cancel()

        asyncio.run(main())
        cache.close()
        assert service.refusals == []
        assert slow.in_vain == 0
        assert slow.calls >= 2


# The page


def test_the_program_of_the_page_runs(service: NacosLoopback) -> None:
    said = run_example("nacos_config", service.keys, {"NACOS_SERVER": service.for_the_usual_offset, "NACOS_NAMESPACE": NAMESPACE})
    assert service.refusals == []
    assert [each.request.path for each in service.seen] == ["ConfigPublishRequest", "ConfigQueryRequest"]
    assert said == "hello\n"


def without_tokens(record: logging.LogRecord) -> bool:
    """As on the page."""
    return "Spas-SecurityToken" not in record.getMessage()


@pytest.mark.parametrize("filtered", [False, True])
def test_the_clients_log_is_the_one_place_where_a_token_shows(filtered: bool) -> None:
    """The page warns of it; should a release mend it, the page is to be mended too."""
    logger = logging.getLogger("config")
    if filtered:
        logger.addFilter(without_tokens)
    with NacosLoopback(Keys()) as service:
        service.faults += ["busy"]
        once(service, configurations, nacos(service.keys))()
    logger.removeFilter(without_tokens)
    logged = "".join(path.read_text("utf-8") for path in Path.home().glob("logs/*.log"))
    assert "publish config" in logged
    tried_twice, *others = dict.fromkeys(each.request.headers["spas-securitytoken"] for each in service.seen)
    assert (tried_twice in logged) != filtered
    assert not any(token in logged for token in others)
