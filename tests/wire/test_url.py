from __future__ import annotations

import pytest

from alicred.errors import ConfigurationError
from alicred.wire.url import Endpoint, Target


@pytest.mark.parametrize(
    ("text", "scheme", "authority"),
    [
        ("https://sts.aliyuncs.com", "https", "sts.aliyuncs.com"),
        ("HTTPS://STS.Aliyuncs.com", "https", "sts.aliyuncs.com"),
        ("https://sts.aliyuncs.com:443", "https", "sts.aliyuncs.com"),
        ("http://h:80", "http", "h"),
        ("http://h:443", "http", "h:443"),
        ("http://127.0.0.1:8080", "http", "127.0.0.1:8080"),
        ("http://[::1]:8080", "http", "[::1]:8080"),
        ("http://my_service", "http", "my_service"),
    ],
)
def test_an_endpoint_is_scheme_host_and_port(text: str, scheme: str, authority: str) -> None:
    endpoint = Endpoint.parse(text)
    assert (endpoint.scheme, endpoint.authority, str(endpoint)) == (scheme, authority, f"{scheme}://{authority}")


@pytest.mark.parametrize(
    ("host", "loopback", "near"),
    [
        ("localhost", True, True),
        ("127.0.0.1", True, True),
        ("127.9.9.9", True, True),
        ("[::1]", True, True),
        ("[::ffff:127.0.0.1]", True, True),
        ("10.0.0.1", False, True),
        ("172.31.0.1", False, True),
        ("192.168.0.1", False, True),
        ("169.254.1.1", False, True),
        ("100.100.100.200", False, True),
        ("[fe80::1]", False, True),
        ("[fd00::1]", False, True),
        ("[::ffff:10.0.0.1]", False, True),
        ("172.32.0.1", False, False),
        ("192.0.2.1", False, False),
        ("[2001:db8::1]", False, False),
        ("[::ffff:192.0.2.1]", False, False),
        ("127.1", False, False),
        ("2130706433", False, False),
        ("sts.aliyuncs.com", False, False),
        ("localhost.example.com", False, False),
        ("my.localhost", False, False),
    ],
)
def test_what_is_on_this_machine_and_what_is_near_is_told_without_looking_a_name_up(host: str, loopback: bool, near: bool) -> None:
    endpoint = Endpoint.parse(f"http://{host}:8080")
    assert (endpoint.is_loopback, endpoint.is_near) == (loopback, near)


@pytest.mark.parametrize(
    "text",
    [
        "", "sts.aliyuncs.com", "ftp://h", "https://", "https:///path", "https://h/", "https://h/path", "https://h?q=planted", "https://h#f",
        "https://planted:planted@h", "https://h:", "https://h:0", "https://h:65536", "https://h:port", "https://h h", " https://h", "https://h\n",
        "https://bücher.example", "https://-h", "https://[::1", "https://[v1.x]", None, 3, b"https://h",
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_not_quoted(text: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^the host must be") as caught:
        Endpoint.parse(text, name="the host")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown", "origin", "user_info"),
    [
        ("http://h", "http://h/", "/", None),
        ("http://h?q=planted", "http://h/", "/?q=planted", None),
        ("https://u:planted@h:9/a%20b/../c?x=y%20z&x=2#frag", "https://h:9/a%20b/../c", "/a%20b/../c?x=y%20z&x=2", "u:planted"),
    ],
)
def test_a_url_is_sent_as_it_is_and_shown_without_what_may_be_secret(url: str, shown: str, origin: str, user_info: str | None) -> None:
    target = Target.parse(url)
    assert (str(target), target.origin_form, target.user_info) == (shown, origin, user_info)
    assert "planted" not in repr(target)


@pytest.mark.parametrize(
    "url", ["", "h/path", "ftp://h/", "http://", "http://h/ planted", "http://h/\nplanted", "http://h/ü", "http://a@b@h/"]
)
def test_what_is_no_url_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL") as caught:
        Target.parse(url)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"), [("x", "planted\r\ny: 1"), ("x", "plantedü"), ("x", "\0planted"), ("x y", "planted"), ("", "planted")]
)
def test_a_header_that_cannot_be_sent_is_refused_and_not_quoted(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match="header") as caught:
        Target.parse("http://h").headers({name: value})
    assert "planted" not in str(caught.value)


def test_user_info_goes_as_a_header_unless_there_is_one() -> None:
    target = Target.parse("http://us%40er:p%3Aw@h:9/")
    assert target.headers({"User-Agent": "x"}) == {"user-agent": "x", "host": "h:9", "authorization": "Basic dXNAZXI6cDp3"}
    assert target.headers({"Authorization": "Bearer x"})["authorization"] == "Bearer x"
