from __future__ import annotations

import pytest

from alicred.errors import ConfigurationError
from alicred.wire.proxies import Proxy, environment_proxy, is_exempt
from alicred.wire.url import Endpoint


@pytest.mark.parametrize(
    ("no_proxy", "exempt", "others"),
    [
        ("", [], ["http://h", "http://10.0.0.1"]),
        ("*", ["http://h", "http://10.0.0.1", "http://[::1]"], []),
        ("a.example, b.example", ["https://a.example", "http://b.example:8"], ["http://c.example"]),
        ("a.example b.example", ["https://a.example", "http://b.example:8"], ["http://c.example"]),
        (
            "example.com",
            ["https://example.com", "https://sts.example.com", "https://EXAMPLE.com"],
            ["https://badexample.com", "https://example.com.cn"],
        ),
        (".example.com", ["https://sts.example.com", "https://example.com"], ["https://badexample.com"]),
        ("*.example.com", ["https://sts.example.com"], ["https://badexample.com"]),
        ("example.com.", ["https://example.com"], ["https://com"]),
        ("example.com:8080", ["http://example.com:8080"], ["http://example.com", "https://example.com"]),
        ("example.com:443", ["https://example.com"], ["http://example.com"]),
        ("100.100.100.200", ["http://100.100.100.200"], ["http://100.100.100.201"]),
        ("100.100.100.200:80", ["http://100.100.100.200"], ["http://100.100.100.200:81"]),
        ("100.100.0.0/16", ["http://100.100.100.200"], ["http://100.101.0.1"]),
        ("10.1.2.3/8", ["http://10.9.9.9"], ["http://11.0.0.1", "http://10.example"]),
        ("::1", ["http://[::1]:80"], ["http://[::2]"]),
        ("[::1]", ["http://[::1]"], ["http://[::2]"]),
        ("[::1]:81", ["http://[::1]:81"], ["http://[::1]"]),
        ("fd00::/8", ["http://[fd00::1]"], ["http://[fe80::1]", "http://10.0.0.1"]),
        ("0:0:0:0:0:0:0:1", ["http://[::1]"], []),
        ("localhost", ["http://localhost:8"], ["http://127.0.0.1"]),
        ("0.0.1,1", [], ["http://10.0.0.1"]),
        (",, ,*,", ["http://h"], []),
        (".", [], ["http://h"]),
    ],
)
def test_no_proxy_table(no_proxy: str, exempt: list[str], others: list[str]) -> None:
    found = {url: is_exempt(no_proxy, Endpoint.parse(url)) for url in [*exempt, *others]}
    assert found == {**dict.fromkeys(exempt, True), **dict.fromkeys(others, False)}


HTTP, HTTPS = Endpoint.parse("http://h"), Endpoint.parse("https://h")


@pytest.mark.parametrize(
    ("environ", "target", "proxy"),
    [
        ({}, HTTP, None),
        ({"http_proxy": "http://p:1"}, HTTP, "http://p:1"),
        ({"http_proxy": "http://p:1"}, HTTPS, None),
        ({"HTTPS_PROXY": "http://p:1"}, HTTPS, "http://p:1"),
        ({"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, HTTPS, "http://p:1"),
        ({"https_proxy": " ", "HTTPS_PROXY": "http://q:1"}, HTTPS, "http://q:1"),
        ({"all_proxy": "http://p:1"}, HTTPS, "http://p:1"),
        ({"ALL_PROXY": "https://p:1"}, HTTP, "https://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTP_PROXY": "http://q:1"}, HTTP, "http://q:1"),
        ({"http_proxy": "p:3128"}, HTTP, "http://p:3128"),
        ({"http_proxy": "http://p:3128/"}, HTTP, "http://p:3128"),
        ({"http_proxy": "http://p:1", "NO_PROXY": "h"}, HTTP, None),
        ({"http_proxy": "http://p:1", "no_proxy": "x", "NO_PROXY": "h"}, HTTP, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, HTTP, None),
        ({"http_proxy": "http://p:1", "REQUEST_METHOD": "GET"}, HTTP, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "ALL_PROXY": "http://q:1", "REQUEST_METHOD": "GET"}, HTTP, "http://q:1"),
    ],
)
def test_environment_table(environ: dict[str, str], target: Endpoint, proxy: str | None) -> None:
    found = environment_proxy(environ, target)
    assert (None if found is None else str(found.endpoint)) == proxy


def test_the_user_info_becomes_a_header_and_is_not_shown() -> None:
    proxy = Proxy.parse("http://us%40er:plan%2Fted@p:1", name="proxy")
    assert proxy.authorization == "Basic dXNAZXI6cGxhbi90ZWQ="
    assert "Basic" not in repr(proxy)


@pytest.mark.parametrize(
    "value", ["socks5://u:planted@p:1", "http://u:planted@", "http://u:planted@p/path", "planted planted", "http://p:99999"]
)
def test_a_proxy_that_cannot_be_used_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^ALL_PROXY must be") as caught:
        environment_proxy({"ALL_PROXY": value}, HTTP)
    assert "planted" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize("value", ["http://user:pl\udcffanted@p:1", "http://pl\udcffanted@p:1"])
def test_a_password_that_is_no_text_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^HTTP_PROXY holds .* no UTF-8 text\. Write such bytes as %XX") as caught:
        environment_proxy({"HTTP_PROXY": value}, HTTP)
    assert caught.value.__context__ is None
