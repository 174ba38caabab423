from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.wire import signing
from tests.forked import in_child
from tests.wire.vectors import cases

RPC = cases("rpc_v1_hmac_sha1")
ACS3 = cases("acs3_hmac_sha256")
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=timezone.utc)


def name_of(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.mark.parametrize("case", RPC, ids=name_of)
def test_rpc_signatures_are_those_of_the_official_implementations(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    string_to_sign = signing.rpc_string_to_sign(given["method"], given["params"])
    signature = signing.rpc_hmac_sha1(given["access_key_secret"], string_to_sign)
    assert {
        "canonical_query": signing.canonical_query(given["params"]),
        "string_to_sign": string_to_sign,
        "signature": signature,
        "signature_url_encoded": signing.percent_encode(signature),
    } == expected


def test_an_rpc_signature_does_not_cover_itself() -> None:
    params = RPC[0]["input"]["params"]
    assert signing.rpc_string_to_sign("GET", {**params, "Signature": "x"}) == RPC[0]["expected"]["string_to_sign"]


@pytest.mark.parametrize("case", ACS3, ids=name_of)
def test_acs3_signatures_are_those_of_the_official_implementations(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    signed = expected["signed_headers"].split(";")
    payload_hash = signing.sha256_hex(given["body"].encode())
    # neither the case nor the order of the headers matters, nor the blanks around a value
    headers = {name.title(): f" {value} " for name, value in reversed(given["headers"].items())}
    canonical = signing.acs3_canonical_request(given["method"], given["path"], given["query"], headers, signed[::-1], payload_hash)
    assert payload_hash == expected["hashed_payload"]
    assert canonical == expected["canonical_request"]
    assert f"\n{expected['canonical_headers']}\n{expected['signed_headers']}\n" in canonical
    assert canonical.split("\n")[2] == expected["canonical_query"]
    assert signing.sha256_hex(canonical.encode()) == expected["hashed_canonical_request"]
    assert signing.acs3_string_to_sign(canonical) == expected["string_to_sign"]
    assert signing.acs3_signature(given["access_key_secret"], canonical) == expected["signature"]
    assert signing.parse_acs3_authorization(expected["authorization"]) == (given["access_key_id"], tuple(signed), expected["signature"])


@pytest.mark.parametrize("case", [c for c in ACS3 if not c["name"].endswith("as_sent_all_headers")], ids=name_of)
def test_acs3_headers_sign_what_the_documentation_asks_for(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    sent = dict(given["headers"])
    token = sent.get("x-acs-security-token")
    extra = {name: sent[name] for name in sent if name in ("content-type", "x-acs-credentials-provider")}
    headers = signing.acs3_headers(
        Credential(given["access_key_id"], given["access_key_secret"], token),
        method=given["method"],
        host=sent["host"],
        path=given["path"],
        query=given["query"],
        headers={**extra, "User-Agent": "not signed"},
        body=given["body"].encode(),
        action=sent["x-acs-action"],
        version=sent["x-acs-version"],
        now=datetime.strptime(sent["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc),
        nonce=sent["x-acs-signature-nonce"],
    )
    assert headers == {**sent, "user-agent": "not signed", "Authorization": expected["authorization"]}


def test_a_signed_header_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        signing.acs3_canonical_request("GET", "/", {}, {"host": "h"}, ["x-acs-date", "host", "x-acs-action"], "")
    assert str(caught.value) == "a header that is to be signed is missing: x-acs-action, x-acs-date"


def test_without_a_path_and_a_query_the_root_is_signed() -> None:
    def headers(**where: Any) -> dict[str, str]:
        key = Credential("id", "secret")
        rest: dict[str, Any] = {"headers": {}, "body": b"", "action": "A", "version": "1", "now": NOW, "nonce": "n"}
        return signing.acs3_headers(key, method="GET", host="h", **rest, **where)

    assert headers() == headers(path="/", query={})
    assert headers() != headers(path="/x")


def test_an_authorization_may_hold_blanks_and_equals_signs() -> None:
    text = "ACS3-HMAC-SHA256 Credential=a=b, SignedHeaders=host;x-acs-date, Signature=c="
    assert signing.parse_acs3_authorization(text) == ("a=b", ("host", "x-acs-date"), "c=")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SHA256 Credential=secret",
        "ACS3-HMAC-SHA256 Credential=secret,SignedHeaders=host,Signature=",
        "ACS3-HMAC-SHA256 Credential=secret,SignedHeaders=host,Signature=1,Signature=2",
        "ACS3-HMAC-SHA256 Credential=secret,SignedHeaders=host,Else=2",
        "ACS4 Credential=secret,SignedHeaders=host,Signature=1",
        "Bearer secret",
    ],
)
def test_a_malformed_authorization_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(ValueError, match="Authorization") as caught:
        signing.parse_acs3_authorization(value)
    assert "secret" not in str(caught.value)


@given(TEXT)
def test_percent_encoding_leaves_only_unreserved_characters_and_can_be_undone(text: str) -> None:
    encoded = signing.percent_encode(text)
    assert set(encoded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%")
    assert unquote(encoded, errors="strict") == text


@given(st.dictionaries(TEXT, TEXT))
def test_a_canonical_query_is_a_form_that_any_server_can_read(params: dict[str, str]) -> None:
    found = parse_qsl(signing.canonical_query(params), keep_blank_values=True, strict_parsing=bool(params))
    assert dict(found) == params
    assert [name for name, _ in found] == sorted(params)


@pytest.mark.parametrize(
    "sign",
    [
        lambda text: signing.percent_encode(text),
        lambda text: signing.rpc_hmac_sha1(text, "x"),
        lambda text: signing.acs3_signature(text, "x"),
    ],
)
def test_text_that_is_not_utf8_is_refused_and_left_out_of_every_cause(sign: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sign("planted\udc80")
    assert str(caught.value) == (
        "a value to be signed holds characters that UTF-8 does not have: a variable or file that it came from is not UTF-8 text"
    )
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_time_stamp_is_utc_without_fractions() -> None:
    assert signing.timestamp(NOW) == "2026-01-02T03:04:05Z"
    assert signing.timestamp(NOW.astimezone(timezone(timedelta(hours=8)))) == "2026-01-02T03:04:05Z"


class Nowhere(tzinfo):
    """A time zone that does not know its offset: a datetime with it is naive."""

    def utcoffset(self, moment: datetime | None, /) -> None:
        return None


@pytest.mark.parametrize("zone", [None, Nowhere()])
def test_a_time_stamp_needs_a_zone(zone: tzinfo | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        signing.timestamp(datetime(2026, 1, 1, tzinfo=zone))
    assert str(caught.value) == "the time of a request has no time zone. Give an aware datetime"


def test_a_time_stamp_is_utc_where_the_machine_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-5:30")
    time.tzset()
    try:
        assert signing.timestamp(NOW) == "2026-01-02T03:04:05Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_stamp_has_four_digits_for_the_year() -> None:
    assert signing.timestamp(NOW.replace(year=987)) == "0987-01-02T03:04:05Z"


def test_nonces_are_unique_in_threads_and_forked_children() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.extend(signing.nonce() for _ in range(200))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(3):
        found.append(in_child(signing.nonce))
    assert len(set(found)) == 803
    assert all(len(nonce) == 32 for nonce in found)
