from __future__ import annotations

import asyncio
import contextvars
import http.server
import pickle
import threading
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from email.message import Message
from types import SimpleNamespace
from typing import Any

import pytest

from alicred import CachingProvider, ChainPolicy, ChainProvider, EnvironmentProvider, RefreshPolicy
from alicred.credential import Credential
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources.function_compute import FunctionComputeProvider
from tests.forked import in_child
from tests.support import in_threads, wait_until

ID, SECRET, TOKEN = NAMES = ("x-fc-access-key-id", "x-fc-access-key-secret", "x-fc-security-token")
VARIABLES = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")


def headers(number: object = 1) -> dict[str, str]:
    return {"host": "example.com", ID: f"STS.id-{number}", SECRET: f"secret-{number}", TOKEN: f"token-{number}"}


def key(number: object = 1) -> Credential:
    return Credential(f"STS.id-{number}", f"secret-{number}", f"token-{number}")


def context(**parts: object) -> SimpleNamespace:
    return SimpleNamespace(request_id="r", credentials=SimpleNamespace(**parts))


FULL = {"access_key_id": "STS.id-1", "access_key_secret": "secret-1", "security_token": "token-1"}


def environ(number: object = "env") -> dict[str, str]:
    return dict(zip(VARIABLES, (f"STS.id-{number}", f"secret-{number}", f"token-{number}"), strict=True))


# --- headers ------------------------------------------------------------------------------------------------------------------------


def test_the_newest_request_counts() -> None:
    made = FunctionComputeProvider()
    for number in (1, 2, 3):
        assert made.update(headers(number)) == key(number)
        found = made.get()
        assert (found, found.expires_at, found.provider_name) == (key(number), None, "function_compute")
    assert made.name == "function_compute"


def test_before_the_first_request_it_is_not_configured() -> None:
    made = FunctionComputeProvider()
    for _ in range(2):
        with pytest.raises(
            NotConfiguredError, match=r"^function_compute: no request has brought keys yet\. Call update\(request\.headers\)"
        ):
            made.get()
        assert made.update({"host": "example.com"}) is None


def test_a_request_without_keys_changes_nothing() -> None:
    made = FunctionComputeProvider()
    made.update(headers())
    for without in ({}, {"host": "x"}, {ID: "", SECRET: " ", TOKEN: ""}):
        assert made.update(without) is None
        assert made.get() == key()


def test_capital_letters_and_white_space_do_not_matter() -> None:
    made = FunctionComputeProvider()
    given = {"X-Fc-Access-Key-Id": " STS.id-1 ", "X-FC-ACCESS-KEY-SECRET": "secret-1\t", "x-fc-Security-Token": "token-1"}
    assert made.update(given) == key()


class Pairs:
    """Headers as some frameworks have them: no mapping, a name may come twice."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = pairs

    def items(self) -> tuple[tuple[str, str], ...]:
        return self.pairs


def test_headers_need_not_be_a_mapping() -> None:
    message = Message()
    for name, value in headers().items():
        message[name] = value
    assert FunctionComputeProvider().update(message) == key()
    assert FunctionComputeProvider().update(Pairs(*headers().items())) == key()


def test_a_header_that_comes_twice_must_say_the_same() -> None:
    made = FunctionComputeProvider()
    assert made.update(Pairs(*headers().items(), (ID.upper(), "STS.id-1"))) == key()
    with pytest.raises(ConfigurationError, match=f"two different headers {SECRET}") as caught:
        made.update(Pairs(*headers(2).items(), (SECRET.title(), "planted")))
    assert "planted" not in str(caught.value)
    assert made.get() == key()


@pytest.mark.parametrize("missing", [(ID,), (SECRET,), (TOKEN,), (ID, SECRET), (SECRET, TOKEN)])
@pytest.mark.parametrize("instead", [None, "", " "])
def test_part_of_a_key_is_refused_and_names_what_is_missing(missing: tuple[str, ...], instead: str | None) -> None:
    made = FunctionComputeProvider()
    made.update(headers())
    given = {**headers("planted"), **dict.fromkeys(missing, instead or "")}
    if instead is None:
        given = {name: value for name, value in given.items() if name not in missing}
    with pytest.raises(ConfigurationError) as caught:
        made.update(given)
    verb = "is" if len(missing) == 1 else "are"
    assert f"the request's header {' and '.join(missing)} {verb} missing" in str(caught.value)
    assert caught.value.provider == "function_compute"
    assert "planted" not in str(caught.value)
    assert made.get() == key()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["plan\nted", "planted\x7fx", b"planted", 7])
def test_a_value_that_is_no_key_is_refused_and_named(name: str, value: Any) -> None:
    made = FunctionComputeProvider()
    with pytest.raises(ConfigurationError, match=f"the request's header {name} ") as caught:
        made.update({**headers(), name: value})
    assert "planted" not in str(caught.value)
    with pytest.raises(NotConfiguredError):
        made.get()


@pytest.mark.parametrize("given", [None, "planted", [("x-fc-access-key-id", "planted")], 7])
def test_what_are_no_headers_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"FunctionComputeProvider\.update: headers must be a mapping") as caught:
        FunctionComputeProvider().update(given)
    assert "planted" not in str(caught.value)


def test_other_names_of_any_kind_are_passed_over() -> None:
    given: Mapping[Any, Any] = {7: "planted", b"x-fc-access-key-id": b"planted", **headers()}
    assert FunctionComputeProvider().update(given) == key()


# --- context ------------------------------------------------------------------------------------------------------------------------


def test_the_context_of_a_handler_counts_too() -> None:
    made = FunctionComputeProvider()
    assert made.update_from_context(context(**FULL)) == key()
    assert made.get() == key()
    made.update(headers(2))
    assert made.get() == key(2)


@pytest.mark.parametrize(
    "given",
    [
        SimpleNamespace(credentials=None),
        context(),
        context(access_key_id="", access_key_secret="", security_token=""),
        context(access_key_id=None, access_key_secret=None, security_token=None),
    ],
)
def test_a_function_without_a_role_has_no_keys(given: object) -> None:
    made = FunctionComputeProvider()
    made.update(headers())
    assert made.update_from_context(given) is None
    assert made.get() == key()


@pytest.mark.parametrize("missing", list(FULL))
def test_part_of_a_contexts_key_is_refused(missing: str) -> None:
    with pytest.raises(ConfigurationError, match=f"context.credentials: {missing} is missing"):
        FunctionComputeProvider().update_from_context(context(**{**FULL, missing: ""}))
    with pytest.raises(ConfigurationError, match=f"context.credentials: {missing} must be a string, not int"):
        FunctionComputeProvider().update_from_context(context(**{**FULL, missing: 7}))


def test_what_is_no_context_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="context must have credentials; dict has none"):
        FunctionComputeProvider().update_from_context({"credentials": FULL})


# --- the environment ----------------------------------------------------------------------------------------------------------------


def test_the_functions_environment_is_the_environment_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ().items():
        monkeypatch.setenv(name, value)
    assert EnvironmentProvider().get() == key("env")


def test_on_request_the_environment_answers_before_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    made = FunctionComputeProvider.from_environment()
    with pytest.raises(NotConfiguredError, match=r"^function_compute/env: ALIBABA_CLOUD_ACCESS_KEY_ID and"):
        made.get()
    for number in (1, 2):
        for name, value in environ(number).items():
            monkeypatch.setenv(name, value)
        found = made.get()
        assert (found, found.provider_name) == (key(number), "function_compute/env")
    made.update(headers(3))
    assert (made.get(), made.get().provider_name) == (key(3), "function_compute")


def test_without_a_request_for_it_the_environment_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NotConfiguredError):
        FunctionComputeProvider().get()


def test_its_own_environment_is_the_one_that_was_given() -> None:
    assert FunctionComputeProvider.from_environment(environ()).get() == key("env")
    with pytest.raises(ConfigurationError, match=r"FunctionComputeProvider\.environ must be a Mapping or None"):
        FunctionComputeProvider.from_environment("planted")  # type: ignore[arg-type]  # the test is about that
    broken = {**environ("planted"), VARIABLES[1]: ""}
    with pytest.raises(ConfigurationError, match=r"^function_compute/env: .* is set, but") as caught:
        FunctionComputeProvider.from_environment(broken).get()
    assert "planted" not in str(caught.value)


# --- sharing ------------------------------------------------------------------------------------------------------------------------


def test_many_threads_never_see_parts_of_two_keys() -> None:
    made = FunctionComputeProvider()
    made.update(headers("start"))
    counter = iter(range(100_000))

    def work() -> None:
        for _ in range(500):
            number = next(counter)
            assert made.update(headers(number)) == key(number)
            found = made.get()
            assert found == key(found.access_key_id.removeprefix("STS.id-"))

    assert in_threads(8, work) == [None] * 8


def test_tasks_share_it_and_each_knows_its_own_requests_key() -> None:
    made = FunctionComputeProvider()
    own: contextvars.ContextVar[Credential | None] = contextvars.ContextVar("own")

    async def handle(number: int) -> bool:
        own.set(made.update(headers(number)))
        await asyncio.sleep(0)
        return own.get() == key(number) and made.get() == key(99)

    async def main() -> list[bool]:
        return await asyncio.gather(*(handle(number) for number in range(100)))

    assert asyncio.run(main()) == [True] * 100


def test_a_forked_worker_starts_with_what_was_held_and_goes_by_its_own_requests() -> None:
    made = FunctionComputeProvider()
    made.update(headers(1))

    def child() -> tuple[Credential, Credential]:
        first = made.get()
        made.update(headers(2))
        return first, made.get()

    assert in_child(child) == (key(1), key(2))
    assert made.get() == key(1)


def test_a_pickle_holds_no_key() -> None:
    made = FunctionComputeProvider.from_environment(environ())
    made.update(headers("planted"))
    pickled = pickle.dumps(made)
    assert b"planted" not in pickled
    assert pickle.loads(pickled).get() == key("env")
    assert made.get() == key("planted")
    assert repr(made) == "<FunctionComputeProvider: from the environment before the first request>"
    assert repr(FunctionComputeProvider()) == "<FunctionComputeProvider>"


def test_a_chain_that_is_not_sticky_goes_over_to_the_requests() -> None:
    made = FunctionComputeProvider()
    chain = ChainProvider(made, EnvironmentProvider(environ()), chain=ChainPolicy(sticky=False))
    assert chain.get() == key("env")
    made.update(headers())
    assert chain.get() == key()


def test_a_cache_around_it_needs_telling_or_a_max_age() -> None:
    made = FunctionComputeProvider()
    made.update(headers(1))
    with CachingProvider(made) as cache:
        assert cache.get() == key(1)
        made.update(headers(2))
        assert cache.get() == key(1), "which is why no cache belongs around it"
        cache.invalidate()
        assert cache.get() == key(2)

    with CachingProvider(made, refresh=RefreshPolicy(max_age=timedelta(microseconds=1))) as cache:
        cache.get()
        made.update(headers(3))
        wait_until(lambda: cache.get() == key(3))


def test_a_server_hands_every_requests_headers_over() -> None:
    made = FunctionComputeProvider()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = made.update(self.headers)
            body = found.access_key_id.encode() if found else b"none"
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/"
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            for given, expected in ((headers(1), "STS.id-1"), ({}, "none"), (headers(2), "STS.id-2")):
                with opener.open(urllib.request.Request(url, headers=given), timeout=5) as answer:
                    assert answer.read().decode() == expected
        finally:
            server.shutdown()
            thread.join()
    assert made.get() == key(2)
