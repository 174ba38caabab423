"""The listener that a browser comes back to."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from alicred.errors import ConfigurationError, DeniedError, MalformedResponseError, ProviderError, TransientError
from alicred.login import redirect
from alicred.login.page import Page
from alicred.login.redirect import PATH, PORTS, RedirectListener
from tests.support import in_threads, wait_until

NOW = timedelta(milliseconds=50)
SOON = timedelta(seconds=20)


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedirectListener]:
    monkeypatch.setattr(redirect, "PORTS", (0,))
    with RedirectListener("the state", Page()) as listener:
        yield listener


def come(listener: RedirectListener, query: str = "", *, path: str = PATH, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
    try:
        connection.request(method, f"{path}?{query}" if query else path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def query(**values: str) -> str:
    return urlencode({"state": "the state", **values})


def test_it_listens_on_loopback_alone_at_one_of_the_five_ports(login_ports: None) -> None:
    with RedirectListener("s", Page()) as first, RedirectListener("s", Page()) as second:
        assert first.redirect_uri == f"http://127.0.0.1:{first.port}/cli/callback"
        assert {first.port, second.port} <= set(PORTS)
        assert first.port != second.port, "a port that is in use is left to its owner"
        assert first._server.socket.getsockname()[0] == "127.0.0.1"


def test_where_no_port_is_free_the_error_names_them(login_ports: None) -> None:
    taken = []
    try:
        for port in PORTS:
            with contextlib.suppress(OSError):  # another program has it
                taken.append(socket.create_server(("127.0.0.1", port)))
        with pytest.raises(ConfigurationError, match="the ports 12345 to 12349 of this machine are all in use"):
            RedirectListener("s", Page())
    finally:
        for one in taken:
            one.close()


def test_the_code_is_what_the_browser_brings_and_it_sees_a_page(listener: RedirectListener) -> None:
    status, page, headers = come(listener, query(code="the code/+"))
    assert listener.wait(SOON) == "the code/+"
    assert status == 200
    assert "<h1>The login is confirmed</h1>" in page
    assert "You can close this window" in page
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "Python" not in headers["server"]
    assert "the code" not in page
    assert "the state" not in page


@pytest.mark.parametrize("state", ["", "the stat", "the state ", "THE STATE", "ä", "\udcff"])
def test_another_state_changes_nothing_and_the_wait_goes_on(listener: RedirectListener, state: str) -> None:
    wrong = urlencode({"state": state, "code": "theirs"}, errors="surrogateescape")
    for each in (wrong, "code=theirs", "", "state", f"{wrong}&error=access_denied"):
        assert come(listener, each)[0] == 400
    with pytest.raises(TransientError):
        listener.wait(NOW)
    come(listener, query(code="mine"))
    assert listener.wait(SOON) == "mine"


def test_of_two_redirects_the_first_counts_and_the_same_again_sees_the_same_page(listener: RedirectListener) -> None:
    assert come(listener, query(code="first"))[0] == 200
    assert come(listener, query(code="second"))[0] == 400
    assert come(listener, query(code="first"))[0] == 200
    assert listener.wait(SOON) == "first"


def test_of_many_redirects_at_once_one_counts(listener: RedirectListener) -> None:
    numbers = iter(range(100))
    seen = in_threads(10, lambda: come(listener, query(code=f"c{next(numbers)}"))[0])
    assert sorted(str(each) for each in seen) == ["200"] + ["400"] * 9
    assert listener.wait(SOON).startswith("c")


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/cli/callback/", "/CLI/callback", "/cli", "/cli/callback%20"])
def test_other_paths_are_not_found(listener: RedirectListener, path: str) -> None:
    assert come(listener, query(code="c"), path=path)[0] == 404
    with pytest.raises(TransientError):
        listener.wait(NOW)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_not_allowed(listener: RedirectListener, method: str) -> None:
    status, _, headers = come(listener, query(code="c"), method=method)
    assert (status, headers["allow"]) == (405, "GET")
    with pytest.raises(TransientError):
        listener.wait(NOW)


@pytest.mark.parametrize(
    ("error", "description", "words"),
    [
        ("access_denied", "", "failed: it was denied in the browser. Start again, and allow it"),
        ("server_error", "The site is closed today.", 'sent the browser back with an error. Start again, .* The service said "The site is'),
        ("planted-0123456789abcdef", "planted0123456789abcdef", "sent the browser back with an error"),
    ],
)
def test_an_error_in_the_redirect_ends_the_wait(listener: RedirectListener, error: str, description: str, words: str) -> None:
    status, page, _ = come(listener, query(error=error, error_description=description))
    assert status == 200
    assert "You are not logged in" in page
    with pytest.raises(DeniedError, match=words) as caught:
        listener.wait(SOON)
    assert "planted" not in str(caught.value)
    assert caught.value.code in (error, None)


@pytest.mark.parametrize("code", ["", "ä", "a\nb", "x" * 5000])
def test_a_redirect_without_a_code_ends_the_wait(listener: RedirectListener, code: str) -> None:
    assert come(listener, query(code=code))[0] == 400
    with pytest.raises(MalformedResponseError, match="without a code"):
        listener.wait(SOON)


def test_the_wait_ends_in_time_and_says_what_to_do(listener: RedirectListener) -> None:
    with pytest.raises(TransientError, match=r"nothing came back within 0 s\. Start again.* not assigned") as caught:
        listener.wait(NOW)
    assert caught.value.code == "LoginTimedOut"


def test_connections_that_are_opened_and_not_used_hold_nothing_up(listener: RedirectListener) -> None:
    """As browsers do in advance."""
    idle = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(5)]
    try:
        assert come(listener, query(code="c"))[0] == 200
        assert listener.wait(SOON) == "c"
    finally:
        for each in idle:
            each.close()


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00", b"GET", b"GET " + b"x" * 70_000, b"\r\n" * 50, b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_request_changes_nothing(listener: RedirectListener, sent: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(10)
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass
    come(listener, query(code="c"))
    assert listener.wait(SOON) == "c"
    assert capfd.readouterr() == ("", ""), "nothing is printed, for it may hold the code"


def test_it_listens_no_more_once_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redirect, "PORTS", (0,))
    with RedirectListener("s", Page()) as listener:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.port))


# --- what is pasted ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyboard() -> Iterator[tuple[socket.socket, socket.socket]]:
    reader, writer = socket.socketpair()
    with reader, writer:
        yield reader, writer


def test_the_address_at_which_a_browser_elsewhere_has_ended_can_be_pasted(
    listener: RedirectListener, keyboard: tuple[socket.socket, socket.socket]
) -> None:
    wrong: list[None] = []
    uri = listener.redirect_uri
    for line in ("", "  ", "no address", "the code", f"{uri}?{urlencode({'state': 'old', 'code': 'c'})}", f"http://[{uri}"):
        keyboard[1].sendall(line.encode() + b"\n")
    keyboard[1].sendall(f"  {uri}?{query(code='pasted')}\r\n".encode())
    assert listener.wait(SOON, pasted=keyboard[0].fileno(), on_wrong_paste=lambda: wrong.append(None)) == "pasted"
    assert len(wrong) == 4


def test_a_line_may_come_in_pieces_and_without_an_end(listener: RedirectListener, keyboard: tuple[socket.socket, socket.socket]) -> None:
    line = f"{listener.redirect_uri}?{query(code='pasted')}".encode()

    def type_slowly() -> None:
        for part in (line[:10], line[10:30], line[30:]):
            keyboard[1].sendall(part)
            threading.Event().wait(0.02)
        keyboard[1].close()

    thread = threading.Thread(target=type_slowly)
    thread.start()
    assert listener.wait(SOON, pasted=keyboard[0].fileno()) == "pasted"
    thread.join()


def test_the_browser_may_come_while_nothing_is_typed_or_the_input_has_ended(
    listener: RedirectListener, keyboard: tuple[socket.socket, socket.socket]
) -> None:
    keyboard[1].close()
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(listener.wait(SOON, pasted=keyboard[0].fileno())))
    thread.start()
    come(listener, query(code="c"))
    thread.join()
    assert found == ["c"]


def test_a_pasted_error_ends_the_wait(listener: RedirectListener, keyboard: tuple[socket.socket, socket.socket]) -> None:
    keyboard[1].sendall(f"{listener.redirect_uri}?{query(error='access_denied')}\n".encode())
    with pytest.raises(ProviderError):
        listener.wait(SOON, pasted=keyboard[0].fileno())


def test_the_wait_is_woken_at_once(listener: RedirectListener) -> None:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(listener.wait(SOON)))
    thread.start()
    come(listener, query(code="c"))
    wait_until(lambda: found == ["c"], seconds=5)
    thread.join()
