"""``aliyun-mns-sdk``: the ``Account`` and its queues and topics under `mns`."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from alicred import CachingProvider, Credential, DeniedError, Provider, RefreshPolicy
from alicred.adapters import mns
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.sessions import Early, for_a_while
from tests.clients.signatures import mns as signatures
from tests.clients.support import Driver, Keys, Loopback, refusal, run_example
from tests.support import Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    from mns.account import Account
    from mns.auth import Credentials, StaticCredentialsProvider
    from mns.mns_client import MNSClient
    from mns.mns_common import RequestInfo
    from mns.mns_exception import MNSClientNetworkException, MNSServerException
    from mns.queue import Message, QueueMeta
    from mns.topic import TopicMessage, TopicMeta

PACKAGE = "aliyun-mns-sdk"
BODY = "a message, with <ü>"
MESSAGE = (
    "<MessageId>1</MessageId><MessageBodyMD5>0</MessageBodyMD5><ReceiptHandle>1-ABC+/=</ReceiptHandle><Priority>8</Priority>"
    "<EnqueueTime>1</EnqueueTime><FirstDequeueTime>1</FirstDequeueTime><NextVisibleTime>1</NextVisibleTime><DequeueCount>1</DequeueCount>"
    f"<MessageBody>{b64encode(BODY.encode()).decode()}</MessageBody>"
)


def xml(text: str, status: int = 200) -> Answer:
    return Answer(status=status, body=f'<?xml version="1.0"?>{text}'.encode(), headers=(("Content-Type", "text/xml;charset=utf-8"),))


def error(status: int, code: str, message: str) -> Answer:
    return xml(f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>1</RequestId><HostId>h</HostId></Error>", status)


def answer(request: Request) -> Answer:
    """As much of the service as the client needs to see."""
    if request.method == "PUT":
        return Answer(status=201, headers=(("Location", f"http://127.0.0.1{request.path}"),))
    if request.method == "DELETE":
        return Answer(status=204)
    if "numOfMessages" in request.query:
        return xml(f"<Messages><Message>{MESSAGE}</Message></Messages>")
    return xml(f"<Message>{MESSAGE}</Message>", 201 if request.method == "POST" else 200)


class MnsLoopback(Loopback):
    """A `Loopback` that refuses in the words of the service."""

    def _serve(self, request: Request) -> Answer | None:
        given = super()._serve(request)
        return given if given is None or given.status != 403 else error(403, "AccessDenied", given.body.decode())


@pytest.fixture(params=[True, False], ids=["sts", "ak"])
def keys(request: pytest.FixtureRequest) -> Keys:
    return Keys(tokens=request.param)


@pytest.fixture
def service(keys: Keys) -> Iterator[MnsLoopback]:
    with MnsLoopback(keys, signatures.verify, answer) as running:
        yield running


def everything(account: Account) -> Callable[[str], None]:
    """What people do with queues and topics; the mark stands in each request."""

    def do(mark: str) -> None:
        queue, topic, info = account.get_queue(mark), account.get_topic(mark), RequestInfo(mark)
        assert queue.create(QueueMeta(vis_timeout=100), info).endswith(f"/queues/{mark}")
        assert queue.send_message(Message(BODY), info).message_id == "1"
        received = queue.receive_message_with_str_body(wait_seconds=3)
        assert received.message_body == BODY
        assert [each.message_body for each in queue.batch_receive_message_with_str_body(16, 3)] == [BODY]
        queue.delete_message(received.receipt_handle, info)
        topic.create(TopicMeta(), info)
        assert topic.publish_message(TopicMessage(BODY)).message_id == "1"
        topic.delete()

    return do


def account_of(service: Loopback, provider: Provider[Credential]) -> Account:
    return Account(service.url, credentials_provider=mns(provider))


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: MnsLoopback) -> None:
    Driver(service).one_after_the_other(everything(account_of(service, service.keys)))
    assert len(service.seen) == 5 * 8
    assert len({each.credential for each in service.seen}) == 5 * 8


@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_threads_have_an_account_each_and_share_a_provider(service: MnsLoopback) -> None:
    adapter, own = mns(service.keys), threading.local()

    def do(mark: str) -> None:
        if not hasattr(own, "account"):
            own.account = Account(service.url, credentials_provider=adapter)
        everything(own.account)(mark)

    Driver(service).in_threads(do)
    assert len({each.credential for each in service.seen}) == len(service.seen) == 8 * 5 * 8


def test_threads_cannot_share_an_account() -> None:
    """It has one connection. The page warns of it; should a release mend it, the page is to be mended too."""
    arrived, go_on = threading.Event(), threading.Event()

    def hold(request: Request) -> Answer:
        arrived.set()
        go_on.wait(10)
        return answer(request)

    with MnsLoopback(Keys(), signatures.verify, hold) as service:
        account = account_of(service, service.keys)

        def send_one() -> None:
            with contextlib.suppress(MNSClientNetworkException):  # the other one closes the connection
                account.get_queue("one").send_message(Message(BODY))

        thread = threading.Thread(target=send_one)
        thread.start()
        assert arrived.wait(10)
        with pytest.raises(MNSClientNetworkException):
            account.get_queue("other").send_message(Message(BODY))
        go_on.set()
        thread.join()


def test_keys_without_a_token_have_none_on_the_wire(service: MnsLoopback) -> None:
    account_of(service, service.keys).get_queue("mark").send_message(Message(BODY))
    seen = service.seen[0]
    assert seen.credential is not None
    assert seen.request.headers.get("security-token") == seen.credential.security_token


def test_none_for_no_token_would_not_be_sent_at_all() -> None:
    """Why the adapter has a string for it."""
    with MnsLoopback(Keys(tokens=False), signatures.verify, answer) as service:
        one = service.keys.get()
        provider = StaticCredentialsProvider(one.access_key_id, one.access_key_secret, None)
        with pytest.raises(MNSClientNetworkException, match="NoneType"):
            Account(service.url, credentials_provider=provider).get_queue("mark").send_message(Message(BODY))
        assert service.seen == ()


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_what_is_sent_again_over_a_new_connection_is_the_same_whole_request(keys: Keys) -> None:
    """The client's only attempt to try again: when the service has closed the connection without an answer."""
    answers = iter([None])
    with MnsLoopback(keys, signatures.verify, lambda request: next(answers, answer(request))) as service:
        everything(account_of(service, keys))("mark")
        assert service.refusals == []
        assert service.serials("mark") == [1, 1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_the_callers_own_retry_is_signed_with_a_credential_of_its_own(keys: Keys) -> None:
    troubles = iter([error(503, "InternalServerError", "busy"), error(500, "InternalServerError", "busy")])
    with MnsLoopback(keys, signatures.verify, lambda request: next(troubles, answer(request))) as service:
        queue = account_of(service, keys).get_queue("mark")
        for _ in range(2):
            with pytest.raises(MNSServerException, match="busy"):
                queue.send_message(Message(BODY))
        queue.send_message(Message(BODY))
        assert service.refusals == []
        assert service.serials("mark") == [1, 2, 3]


def test_what_the_provider_raises_arrives_as_it_is(service: MnsLoopback) -> None:
    denied = DeniedError("no", provider="vault", code="NoPermission")
    with pytest.raises(DeniedError) as caught:
        account_of(service, Script(denied)).get_queue("mark").send_message(Message(BODY))
    assert caught.value is denied
    assert service.seen == ()


def test_an_account_can_be_given_another_endpoint(service: MnsLoopback) -> None:
    account = account_of(service, service.keys)
    account.set_client(service.url, "", "", "", credentials_provider=mns(service.keys))
    assert isinstance(account.get_client(), MNSClient)
    Driver(service).one_after_the_other(everything(account), calls=1)
    with pytest.raises(AttributeError, match="access_id"):  # the page says so
        account.set_client(service.url, credentials_provider=mns(service.keys))


# The service notices


class Live:
    """What happens without the adapter: each part is asked for on its own."""

    def __init__(self, provider: Provider[Credential]) -> None:
        self._provider = provider

    def get_credentials(self) -> Live:
        return self

    def get_access_key_id(self) -> str:
        return self._provider.get().access_key_id

    def get_access_key_secret(self) -> str:
        return self._provider.get().access_key_secret

    def get_security_token(self) -> str:
        return self._provider.get().security_token or ""


def send(service: Loopback, provider: Any) -> Callable[[], object]:
    return lambda: Account(service.url, credentials_provider=provider).get_queue("mark").send_message(Message(BODY))


def test_a_credential_that_is_read_live_is_torn(service: MnsLoopback) -> None:
    with pytest.raises(MNSServerException, match="not its own" if service.keys.get().security_token else "signature is not the one"):
        send(service, Live(service.keys))()


def test_parts_of_another_credential_are_noticed(service: MnsLoopback) -> None:
    one, other = service.keys.get(), service.keys.get()
    torn = StaticCredentialsProvider(one.access_key_id, other.access_key_secret, one.security_token or "")
    assert "the signature is not the one" in refusal(service, send(service, torn))
    foreign = StaticCredentialsProvider(one.access_key_id, one.access_key_secret, "token-of-nobody")
    assert "not its own" in refusal(service, send(service, foreign))
    assert len(service.refusals) == 2


def test_an_old_request_is_noticed(service: MnsLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    gmtime = time.gmtime
    monkeypatch.setattr(time, "gmtime", lambda *given: gmtime(*given) if given else gmtime(time.time() - 20 * 60))
    assert "more than 0:15:00 off" in refusal(service, send(service, mns(service.keys)))


def test_a_body_of_another_request_is_noticed(service: MnsLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = MNSClient.build_header

    def tamper(client: Any, request: Any, internal: Any) -> None:
        sign(client, request, internal)
        internal.data = internal.data.replace(b"Priority", b"priority") + b" "

    monkeypatch.setattr(MNSClient, "build_header", tamper)
    assert "not the digest of the body" in refusal(service, send(service, mns(service.keys)))


def test_another_queue_is_noticed(service: MnsLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = MNSClient.build_header

    def tamper(client: Any, request: Any, internal: Any) -> None:
        sign(client, request, internal)
        internal.uri = internal.uri.replace("mark", "other")

    monkeypatch.setattr(MNSClient, "build_header", tamper)
    assert "the signature is not the one" in refusal(service, send(service, mns(service.keys)))


def test_strings_go_stale() -> None:
    """What happens without a provider."""
    with MnsLoopback(Keys(lasts=timedelta(milliseconds=1)), signatures.verify, answer) as service:
        one = service.keys.get()
        time.sleep(0.01)
        account = Account(service.url, one.access_key_id, one.access_key_secret, one.security_token)
        with pytest.raises(MNSServerException, match="has expired"):
            account.get_queue("mark").send_message(Message(BODY))


def test_a_provider_that_is_false_would_be_passed_over(service: MnsLoopback) -> None:
    """Why no adapter has a length."""

    class Empty(list[Credentials]):
        def get_credentials(self) -> Credentials:
            raise AssertionError("is not asked")

    assert "nobody has the id ''" in refusal(service, send(service, Empty()))


# The page


def test_the_program_of_the_page_runs(service: MnsLoopback) -> None:
    said = run_example("mns_queue", service.keys, {"MNS_ENDPOINT": service.url})
    assert service.refusals == []
    assert [each.request.method for each in service.seen] == ["POST", "GET", "DELETE"]
    assert said == f"{BODY}\n"


def test_a_logger_at_debug_is_the_one_place_where_a_token_shows(caplog: pytest.LogCaptureFixture) -> None:
    """The page warns of it; should a release mend it, the page is to be mended too."""
    with MnsLoopback(Keys(), signatures.verify, answer) as service:
        logger = logging.getLogger("tests.mns")
        with caplog.at_level(logging.DEBUG, "tests.mns"):
            account = Account(service.url, credentials_provider=mns(service.keys), logger=logger)
            account.get_queue("mark").send_message(Message(BODY))
        assert service.seen[0].request.headers["security-token"] in caplog.text
        caplog.clear()
        with caplog.at_level(logging.INFO, "tests.mns"):
            account.get_queue("mark").send_message(Message(BODY))
        assert caplog.text
        assert service.seen[1].request.headers["security-token"] not in caplog.text


# Over many sessions


@pytest.mark.slow
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_a_pool_of_workers_outlives_many_short_sessions() -> None:
    """The service refuses a session after three seconds; `Early` says two."""
    with MnsLoopback(Keys(lasts=timedelta(seconds=3)), signatures.verify, answer) as service:
        cache = CachingProvider(Early(service.keys), refresh=RefreshPolicy(ahead=timedelta(seconds=1)))
        own = threading.local()

        def work(mark: str) -> None:
            if not hasattr(own, "account"):
                own.account = account_of(service, cache)
            own.account.get_queue(mark).send_message(Message(BODY))

        counts = for_a_while(8, work)
        cache.close()
        assert service.refusals == []
        assert min(counts) > 1, counts
        assert sum(counts) == len(service.seen)
        assert 4 <= len({each.credential for each in service.seen}) <= 16
