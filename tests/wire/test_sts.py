from __future__ import annotations

import base64
import json
import pickle
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from alicred.clock import SYSTEM_CLOCK
from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, DeniedError, MalformedResponseError, TransientError
from alicred.sources import RamRoleArnProvider, StaticProvider
from alicred.testing import FakeCloud
from alicred.wire import signing
from alicred.wire.http import HttpClient
from alicred.wire.sts import CallerIdentity, StsClient
from tests.wire.rsa_keys import KEY, PKCS8
from tests.wire.servers import Reply, Request, answering, make_certificate
from tests.wire.stopped_clock import NOW, StoppedClock

SOURCE = Credential("the-id", "planted-secret", "planted-token/+=")
SESSION = {"AccessKeyId": "STS.id", "AccessKeySecret": "planted-1", "SecurityToken": "planted-2", "Expiration": "2030-01-02T03:04:05Z"}
ENDS = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
PEM = PKCS8.encode()

Call = Callable[[StsClient], object]


def success(body: object = None) -> Reply:
    return Reply(200, json.dumps({"RequestId": "x", "Credentials": SESSION} if body is None else body).encode())


def refuse(status: int, code: str, **headers: str) -> Reply:
    return Reply(status, json.dumps({"Code": code, "Message": "planted"}).encode(), headers)


CALLS: dict[str, Call] = {
    "AssumeRole": lambda sts: sts.assume_role(
        SOURCE,
        role_arn="acs:ram::1:role/r",
        role_session_name="s",
        session_policy={"a b": "é*"},
        external_id="e",
        duration=timedelta(hours=2),
    ),
    "AssumeRoleWithOIDC": lambda sts: sts.assume_role_with_oidc(
        role_arn="acs:ram::1:role/r", oidc_provider_arn="acs:ram::1:oidc-provider/p", oidc_token="planted.oidc",
        role_session_name="s", session_policy="{} ",
    ),
    "AssumeRoleWithSAML": lambda sts: sts.assume_role_with_saml(
        role_arn="acs:ram::1:role/r", saml_provider_arn="acs:ram::1:saml-provider/p", saml_assertion="plantedsaml=="
    ),
    "GenerateSessionAccessKey": lambda sts: sts.generate_session_access_key(public_key_id="KP.id", private_key=PEM),
    "GetCallerIdentity": lambda sts: sts.get_caller_identity(SOURCE),
}  # fmt: skip
ANSWERS: dict[str, object] = {
    "GenerateSessionAccessKey": {
        "SessionAccessKey": {"SessionAccessKeyId": "id", "SessionAccessKeySecret": "planted-1", "Expiration": "2030-01-02T03:04:05Z"}
    },
    "GetCallerIdentity": {
        "AccountId": "1", "Arn": "acs:ram::1:assumed-role/r/s", "IdentityType": "AssumedRoleUser", "PrincipalId": "3:s", "RoleId": "3",
        "UserId": "",
    },
}  # fmt: skip
FORMS: dict[str, dict[str, str]] = {
    "AssumeRole": {
        "RoleArn": "acs:ram::1:role/r", "RoleSessionName": "s", "DurationSeconds": "7200", "Policy": '{"a b":"é*"}', "ExternalId": "e"
    },
    "AssumeRoleWithOIDC": {
        "RoleArn": "acs:ram::1:role/r", "OIDCProviderArn": "acs:ram::1:oidc-provider/p", "OIDCToken": "planted.oidc",
        "RoleSessionName": "s", "DurationSeconds": "3600", "Policy": "{} ", "Format": "JSON",
    },
    "AssumeRoleWithSAML": {
        "RoleArn": "acs:ram::1:role/r", "SAMLProviderArn": "acs:ram::1:saml-provider/p", "SAMLAssertion": "plantedsaml==",
        "DurationSeconds": "3600", "Format": "JSON",
    },
    "GenerateSessionAccessKey": {
        "Action": "GenerateSessionAccessKey", "Version": "2015-04-01", "Format": "JSON", "AccessKeyId": "KP.id", "DurationSeconds": "3600",
        "SignatureMethod": "SHA256withRSA", "SignatureType": "PRIVATEKEY", "SignatureVersion": "1.0", "Timestamp": "2026-01-02T03:04:05Z",
    },
    "GetCallerIdentity": {},
}  # fmt: skip


def call(action: str, reply: Callable[[Request], Reply]) -> tuple[Any, list[Request]]:
    """What the call returned, or the error that it raised; and the requests."""
    with answering(reply) as server:
        http = HttpClient()
        sts = StsClient(server.url, http=http, clock=StoppedClock())
        try:
            return CALLS[action](sts), server.requests
        except AlicredError as error:
            return error, server.requests
        finally:
            http.close()


@pytest.mark.parametrize("action", CALLS)
def test_every_parameter_goes_in_the_form_and_none_in_the_url(action: str) -> None:
    found, (request,) = call(action, lambda _: success(ANSWERS.get(action)))
    assert not isinstance(found, AlicredError)
    assert (request.method, request.target) == ("POST", "/")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert re.fullmatch(r"alicred/\S+ Python/3\.\d+", request.headers["user-agent"])
    form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    changing = {name: form.pop(name) for name in ("Signature", "SignatureNonce") if name in form}
    assert form == FORMS[action]
    assert bool(changing) is (action == "GenerateSessionAccessKey")


@pytest.mark.parametrize("action", ["AssumeRole", "GetCallerIdentity"])
def test_signed_calls_carry_a_signature_that_verifies(action: str) -> None:
    _, (request,) = call(action, lambda _: success(ANSWERS.get(action)))
    key_id, signed, signature = signing.parse_acs3_authorization(request.headers["authorization"])
    canonical = signing.acs3_canonical_request("POST", "/", {}, request.headers, signed, signing.sha256_hex(request.body))
    assert key_id == "the-id"
    assert signature == signing.acs3_signature("planted-secret", canonical)
    assert set(signed) == {"host", "content-type", *(name for name in request.headers if name.startswith("x-acs-"))}
    assert request.headers["x-acs-security-token"] == "planted-token/+="
    assert request.headers["x-acs-action"] == action
    assert request.headers["x-acs-date"] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize("action", ["AssumeRoleWithOIDC", "AssumeRoleWithSAML"])
def test_calls_with_a_token_are_not_signed(action: str) -> None:
    _, (request,) = call(action, lambda _: success())
    assert "authorization" not in request.headers
    assert request.headers["x-acs-action"] == action
    assert request.headers["x-acs-version"] == "2015-04-01"


def test_the_key_pair_signs_the_whole_form() -> None:
    import base64

    _, (request,) = call("GenerateSessionAccessKey", lambda _: success(ANSWERS["GenerateSessionAccessKey"]))
    form = dict(parse_qsl(request.body.decode()))
    string_to_sign = signing.rpc_string_to_sign("POST", form).encode()
    KEY.public_key().verify(base64.b64decode(form["Signature"]), string_to_sign, PKCS1v15(), SHA256())


@pytest.mark.parametrize("action", CALLS)
def test_what_comes_back_is_a_value(action: str) -> None:
    found, _ = call(action, lambda _: success(ANSWERS.get(action)))
    if action == "GetCallerIdentity":
        assert found == CallerIdentity("1", "acs:ram::1:assumed-role/r/s", "AssumedRoleUser", "3:s", None, "3")
    elif action == "GenerateSessionAccessKey":
        assert found == Credential("id", "planted-1", None, ENDS)
    else:
        assert found == Credential("STS.id", "planted-1", "planted-2", ENDS)
        assert found.provider_name == ""


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize("body", [b"planted", b"{}", b'{"Credentials": {}, "SessionAccessKey": {}}', b'{"Credentials": "planted"}'])
def test_an_answer_without_what_is_promised_is_malformed(action: str, body: bytes) -> None:
    error, requests = call(action, lambda _: Reply(body=body))
    assert isinstance(error, MalformedResponseError)
    assert action in str(error)
    assert len(requests) == 1


@pytest.mark.parametrize("action", CALLS)
def test_an_error_of_the_service_names_the_operation_and_the_host_and_no_secret(action: str) -> None:
    error, requests = call(action, lambda _: refuse(403, "NoPermission"))
    assert isinstance(error, DeniedError)
    role = " of acs:ram::1:role/r" if action.startswith("AssumeRole") else ""
    key = {"AssumeRole": " with the access key the-id", "GetCallerIdentity": " with the access key the-id"}.get(action, "")
    key = " with the access key KP.id" if action == "GenerateSessionAccessKey" else key
    assert str(error).startswith(f"{action}{role}{key} at http://127.0.0.1:")
    assert re.search(
        r":\d+ failed: the caller is not allowed to [a-z ]+\. (Grant|Ask) .*\. The service's own message is left out, .*\. \[", str(error)
    )
    assert str(error).endswith(" [NoPermission, HTTP 403]")
    assert "planted" not in f"{error}{error!r}{error.__cause__}{error.__context__}{pickle.dumps(error)!r}"
    assert len(requests) == 1


def test_a_refused_role_names_role_caller_host_and_what_the_service_said() -> None:
    message = "You are not authorized to do this action. You should be authorized by RAM."
    body = json.dumps({"Code": "NoPermission", "Message": message, "RequestId": "6894B13B-6D71-4EF5-88FA-F32781734A7F"}).encode()
    with answering(lambda _: Reply(403, body)) as server:
        provider = RamRoleArnProvider(StaticProvider(SOURCE), role_arn="acs:ram::1:role/r", sts=StsClient(server.url))
        with pytest.raises(DeniedError) as caught:
            provider.get()
    assert str(caught.value) == (
        f"ram_role_arn: AssumeRole of acs:ram::1:role/r with the access key the-id at {server.url} failed: the caller is not allowed to"
        " assume the role. Grant the caller sts:AssumeRole (AliyunSTSAssumeRoleAccess), and check that the role's trust policy names it;"
        f' a root account cannot assume a role. The service said "{message}"'
        " [NoPermission, HTTP 403, request 6894B13B-6D71-4EF5-88FA-F32781734A7F]"
    )


ECHOES: dict[str, Callable[[Request], str]] = {
    "the form": lambda request: request.body.decode(),
    "the decoded form": lambda request: " ".join(f"{name} is {value}" for name, value in parse_qsl(request.body.decode())),
    "the headers": lambda request: " ".join(f"{name}: {value}" for name, value in request.headers.items()),
    "base64": lambda request: base64.b64encode(request.body + repr(dict(request.headers)).encode()).decode(),
    "hex": lambda request: request.body.hex(),
}
WORDS = Credential("the-id", "correct-horse-battery", "staple.of.many.words")
SENT = ("correct", "horse", "battery", "staple", "words", "mallard", "heron", "pelican", "puffin", "plover")


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("action", ["AssumeRole", "AssumeRoleWithOIDC", "AssumeRoleWithSAML", "GenerateSessionAccessKey"])
def test_nothing_that_was_sent_shows_although_the_service_says_it_all(action: str, echo: str) -> None:
    """Secrets that look like words: only who knows what was sent can find them."""
    calls: dict[str, Call] = {
        "AssumeRole": lambda sts: sts.assume_role(
            WORDS, role_arn="acs:ram::1:role/r", role_session_name="s", session_policy='{"Sid": "mallard heron"}', external_id="pelican-one"
        ),
        "AssumeRoleWithOIDC": lambda sts: sts.assume_role_with_oidc(
            role_arn="acs:ram::1:role/r", oidc_provider_arn="acs:ram::1:oidc-provider/p", oidc_token="puffin.and.plover",
            role_session_name="s", session_policy='{"Sid": "mallard heron"}',
        ),
        "AssumeRoleWithSAML": lambda sts: sts.assume_role_with_saml(
            role_arn="acs:ram::1:role/r", saml_provider_arn="acs:ram::1:saml-provider/p", saml_assertion="puffin-and-plover"
        ),
        "GenerateSessionAccessKey": CALLS["GenerateSessionAccessKey"],
    }  # fmt: skip
    signatures: list[str] = []

    def reply(request: Request) -> Reply:
        form = dict(parse_qsl(request.body.decode()))
        signatures.extend(filter(None, [form.get("Signature"), request.headers.get("authorization", "").rpartition("=")[2]]))
        message = f"The request is not good: {ECHOES[echo](request)}"
        return Reply(400, json.dumps({"Code": "InvalidParameter", "Message": message}).encode())

    with answering(reply) as server, pytest.raises(DeniedError) as caught:
        calls[action](StsClient(server.url))
    shown = f"{caught.value}{caught.value!r}{pickle.dumps(caught.value)!r}"
    assert "own message" in shown or "The request is not good" in shown
    assert [word for word in (*SENT, *signatures) if word in shown] == []


@pytest.mark.parametrize("action", CALLS)
def test_a_nonce_that_was_used_is_replaced_once(action: str) -> None:
    replies = [refuse(400, "SignatureNonceUsed"), success(ANSWERS.get(action))]
    found, requests = call(action, lambda _: replies.pop(0))
    assert not isinstance(found, AlicredError)
    nonces = {
        request.headers.get("x-acs-signature-nonce") or dict(parse_qsl(request.body.decode()))["SignatureNonce"] for request in requests
    }
    assert len(nonces) == len(requests) == 2

    error, requests = call(action, lambda _: refuse(400, "SignatureNonceUsed"))
    assert isinstance(error, TransientError)
    assert len(requests) == 2


@pytest.mark.parametrize("secret_is_wrong", [True, False])
def test_a_wrong_secret_is_told_from_a_wrong_signature(secret_is_wrong: bool) -> None:
    def reply(request: Request) -> Reply:
        _, signed, _ = signing.parse_acs3_authorization(request.headers["authorization"])
        canonical = signing.acs3_canonical_request("POST", "/", {}, request.headers, signed, signing.sha256_hex(request.body))
        theirs = signing.acs3_string_to_sign(canonical if secret_is_wrong else canonical + "x")
        message = f"Specified signature is not matched with our calculation. server string to sign is:{theirs}"
        return Reply(400, json.dumps({"Code": "SignatureDoesNotMatch", "Message": message}).encode())

    error, _ = call("AssumeRole", reply)
    assert ("secret is wrong" in str(error), "report" in str(error)) == (secret_is_wrong, not secret_is_wrong)
    assert "ACS3" not in str(error)


# --- time ---------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


def test_a_time_stamp_that_was_refused_is_corrected_once_over_tls(certificate: Path) -> None:
    later = NOW + timedelta(hours=1)

    def reply(request: Request) -> Reply:
        dated = {"Date": format_datetime(later, usegmt=True)}
        good = request.headers["x-acs-date"] == signing.timestamp(later)
        return Reply(200, success().body, dated) if good else refuse(400, "InvalidTimeStamp.Expired", **dated)

    clock = StoppedClock()
    with answering(reply, certificate=certificate) as server:
        http = HttpClient(ca_file=certificate)
        found = CALLS["AssumeRole"](StsClient(server.url, http=http, clock=clock))
        http.close()
    assert isinstance(found, Credential)
    assert clock.observed == [later, later]
    assert len(server.requests) == 2


def test_the_time_of_an_answer_without_tls_is_not_trusted() -> None:
    clock = StoppedClock()
    dated = format_datetime(NOW + timedelta(hours=1), usegmt=True)
    with answering(lambda _: refuse(400, "InvalidTimeStamp.Expired", Date=dated)) as server:
        http = HttpClient()
        with pytest.raises(DeniedError, match="clock"):
            CALLS["AssumeRole"](StsClient(server.url, http=http, clock=clock))
        http.close()
    assert clock.observed == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("date", ["", "planted", "Thu, 32 Jan 2026 03:04:05 GMT"])
def test_a_date_that_is_none_does_not_matter(date: str, certificate: Path) -> None:
    clock = StoppedClock()
    with answering(lambda _: Reply(200, success().body, {"Date": date}), certificate=certificate) as server:
        http = HttpClient(ca_file=certificate)
        assert isinstance(CALLS["AssumeRole"](StsClient(server.url, http=http, clock=clock)), Credential)
        http.close()
    assert clock.observed == []


# --- parameters ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "wrong"),
    [
        ("role_arn", {"role_arn": ""}),
        ("role_arn", {"role_arn": "planted\n"}),
        ("role_session_name", {"role_session_name": None}),
        ("duration", {"duration": timedelta(seconds=899)}),
        ("duration", {"duration": timedelta(seconds=43201)}),
        ("duration", {"duration": 3600}),
        ("session_policy", {"session_policy": ""}),
        ("session_policy", {"session_policy": {"planted": {1, 2}}}),
        ("session_policy", {"session_policy": 3}),
        ("external_id", {"external_id": " "}),
    ],
)
def test_a_wrong_parameter_is_named_and_nothing_is_sent(named: str, wrong: dict[str, Any]) -> None:
    with answering(lambda _: success()) as server:
        given: dict[str, Any] = {"role_arn": "acs:ram::1:role/r", "role_session_name": "s", **wrong}
        with pytest.raises(ConfigurationError, match=f"^{named} ") as caught:
            StsClient(server.url).assume_role(SOURCE, **given)
    assert "planted" not in f"{caught.value}{caught.value.__cause__}{caught.value.__context__}"
    assert server.requests == []


@pytest.mark.parametrize("seconds", [899, 3601])
def test_a_key_pairs_session_lasts_an_hour_at_most(seconds: int) -> None:
    with pytest.raises(ConfigurationError, match=r"duration .* 900 s to 3600 s"):
        StsClient().generate_session_access_key(public_key_id="KP.id", private_key=PEM, duration=timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "sts.aliyuncs.com"},
        {"endpoint": "https://u:planted@h"},
        {"endpoint": "http://sts.aliyuncs.com"},
        {"endpoint": "http://10.0.0.1"},
        {"http": "planted"},
        {"clock": "planted"},
        {"clock": None},
        {"allow_http": "planted"},
    ],
)
def test_a_wrong_argument_of_the_client_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"StsClient\.{next(iter(wrong))}") as caught:
        StsClient(**wrong)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("region", ["", "cn_hangzhou", "CN", "cn-hangzhou.evil", "cn-", "x" * 51, 3])
def test_what_is_no_region_is_refused(region: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"StsClient\.region"):
        StsClient.for_region(region)


def test_plain_http_is_for_this_machine_unless_it_is_allowed() -> None:
    with pytest.raises(ConfigurationError, match=r"plain http is for loopback .*\. Use https, or StsClient\(\.\.\., allow_http=True\)"):
        StsClient("http://sts.internal")
    assert StsClient("http://localhost:8080").endpoint == "http://localhost:8080"
    allowed = StsClient("http://sts.internal", allow_http=True)
    assert allowed.endpoint == pickle.loads(pickle.dumps(allowed)).endpoint == "http://sts.internal"


def test_plain_http_goes_through_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    with FakeCloud() as cloud:
        assert StsClient(cloud.http_endpoint).get_caller_identity(cloud.access_key).account_id
        monkeypatch.setenv("ALIBABA_CLOUD_STS_ENDPOINT", cloud.http_endpoint)
        assert RamRoleArnProvider(StaticProvider(cloud.access_key), role_arn=cloud.role_arn).get()


def test_a_region_names_a_host() -> None:
    assert StsClient().endpoint == "https://sts.aliyuncs.com"
    assert StsClient.for_region("cn-hangzhou").endpoint == "https://sts.cn-hangzhou.aliyuncs.com"
    assert StsClient.for_region("cn-hangzhou", vpc=True).endpoint == "https://sts-vpc.cn-hangzhou.aliyuncs.com"


def test_a_pickled_client_asks_the_same_host() -> None:
    with answering(lambda _: success()) as server:
        http = HttpClient()
        sts = StsClient(server.url, http=http)
        CALLS["AssumeRole"](sts)
        twin = pickle.loads(pickle.dumps(sts))
        assert isinstance(CALLS["AssumeRole"](twin), Credential)
        assert repr(twin) == f"StsClient('{server.url}')"
        http.close()
    assert twin._clock is SYSTEM_CLOCK
