"""What we send and make of the answers, beside what the official libraries were seen to do in the same cases.

The same: the host, the operation's parameters and their values, and the credential. Different, as decided: POST with everything in the
form body, so that no token or policy stands in a URL, and ACS3-HMAC-SHA256; one metadata token for all steps of a fetch; the OIDC
token and the role name are stripped.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from alicred import (
    AlicredError,
    Credential,
    DeniedError,
    EcsRamRoleProvider,
    ImdsClient,
    MalformedResponseError,
    OidcRoleArnProvider,
    ProviderError,
    RamRoleArnProvider,
    RsaKeyPairProvider,
    StaticProvider,
    StsClient,
    TransientError,
)
from tests.recording_http import RecordingHttp, Sent, reply

CASES: dict[str, Any] = {
    case["name"]: case
    for case in json.loads((Path(__file__).parent.parent / "vectors" / "captured_requests.json").read_text("utf-8"))["cases"]
}
PYTHON, GO = "alibabacloud_credentials 1.0.12", "credentials-go 9ac55b4"
# What stands in the query there and is a header, a part of the signature or of its scheme here.
NOT_OF_THE_OPERATION = {
    "AccessKeyId", "Action", "Format", "SecurityToken", "Signature", "SignatureMethod", "SignatureNonce", "SignatureVersion",
    "SignatureType", "Timestamp", "Version",
}  # fmt: skip


def answers(name: str, *, leave_out: tuple[int, ...] = ()) -> RecordingHttp:
    """What answered there; *leave_out* are answers to requests that are not made here."""
    canned = [each for number, each in enumerate(CASES[name]["canned_responses"]) if number not in leave_out]
    return RecordingHttp(
        *(
            TransientError("connection refused", code="Unreachable") if "error" in each else reply(each["body"].encode(), each["status"])
            for each in canned
        )
    )


def by_python(name: str) -> dict[str, str]:
    """The operation's parameters as the official Python library sent them."""
    [request] = CASES[name]["results"][PYTHON]["requests"]
    return {key: value for key, value in request["query"].items() if key not in NOT_OF_THE_OPERATION}


def form(sent: Sent) -> dict[str, str]:
    return dict(parse_qsl(sent.body.decode(), keep_blank_values=True))


def role(name: str, http: RecordingHttp) -> Credential:
    official = by_python(name)
    token = CASES[name]["results"][PYTHON]["requests"][0]["query"].get("SecurityToken")
    host = CASES[name]["results"][PYTHON]["requests"][0]["host"]
    sts = StsClient.for_region("cn-hangzhou", vpc=True, http=http) if "vpc" in host else StsClient(http=http)  # type: ignore[arg-type]  # a stand-in
    assert sts.endpoint == f"https://{host}"
    return RamRoleArnProvider(
        StaticProvider(Credential("AK1", "SK1", token)),
        role_arn=official["RoleArn"],
        role_session_name=official["RoleSessionName"],
        duration=datetime.fromtimestamp(int(official["DurationSeconds"]), timezone.utc) - datetime.fromtimestamp(0, timezone.utc),
        session_policy=official.get("Policy"),
        external_id=official.get("ExternalId"),
        sts=sts,
    ).get()


@pytest.mark.parametrize("name", ["ram_role_arn/minimal", "ram_role_arn/full"])
def test_a_role_is_assumed_with_the_same_parameters(name: str) -> None:
    http = answers(name)
    found = role(name, http)
    official = CASES[name]["results"][PYTHON]["result"]["ok"]
    assert (found.access_key_id, found.access_key_secret, found.security_token) == (
        official["access_key_id"], official["access_key_secret"], official["security_token"],
    )  # fmt: skip
    assert found.expires_at == datetime.fromtimestamp(official["expiration"], timezone.utc)
    assert found.provider_name == official["provider_name"]
    [sent] = http.sent
    assert (sent.method, urlsplit(sent.url).path, urlsplit(sent.url).query) == ("POST", "/", "")
    assert form(sent) == by_python(name)
    assert sent.headers["x-acs-action"] == "AssumeRole"
    assert sent.headers["x-acs-version"] == "2015-04-01"
    assert sent.headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=AK1,")
    go = CASES[name]["results"][GO]["requests"][0]
    assert set(form(sent)) == set(go["form"]), "the split between what is signed around and what is asked for is Go's"


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("ram_role_arn/http_403", DeniedError, "NoPermission"),
        ("ram_role_arn/empty_credentials", MalformedResponseError, None),
        ("ram_role_arn/network_error", TransientError, "Unreachable"),
    ],
)
def test_where_they_fail_so_do_we_by_type_and_without_the_body(name: str, error: type[ProviderError], code: str | None) -> None:
    for library in (PYTHON, GO):
        assert "error" in CASES[name]["results"][library]["result"]
    with pytest.raises(error) as caught:
        role(name, answers(name))
    assert caught.value.code == code
    body = CASES[name]["canned_responses"][0].get("body", "not there")
    assert body not in str(caught.value)


@pytest.mark.parametrize("name", ["oidc_role_arn/minimal", "oidc_role_arn/token_expired"])
def test_an_oidc_token_goes_into_the_body(name: str, tmp_path: Path) -> None:
    official = by_python(name)
    token = tmp_path / "token"
    token.write_text(official["OIDCToken"] + "\n")
    http = answers(name)
    source = OidcRoleArnProvider(
        role_arn=official["RoleArn"],
        oidc_provider_arn=official["OIDCProviderArn"],
        oidc_token_file=token,
        role_session_name=official["RoleSessionName"],
        sts=StsClient(http=http),  # type: ignore[arg-type]  # a stand-in
    )
    result = CASES[name]["results"][PYTHON]["result"]
    if "ok" in result:
        assert source.get().access_key_id == result["ok"]["access_key_id"]
        assert source.get().provider_name == result["ok"]["provider_name"]
        http.sent.pop()
    else:
        with pytest.raises(DeniedError) as caught:
            source.get()
        assert caught.value.code == "AuthenticationFail.OIDCToken.Expired"
    assert len(http.sent) == 1  # an expired token is read once more, and sent once more if the file holds another one by then
    for sent in http.sent:
        assert (sent.method, urlsplit(sent.url).query) == ("POST", "")
        assert "authorization" not in sent.headers
        stripped = {**official, "OIDCToken": official["OIDCToken"].strip()}
        assert {key: value for key, value in form(sent).items() if key != "Format"} == stripped


def test_a_key_pair_is_signed_with_as_go_does_and_not_by_hmac() -> None:
    name = "rsa_key_pair"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    http = answers(name)
    found = RsaKeyPairProvider(public_key_id="PK1", private_key=pem, sts=StsClient(http=http)).get()  # type: ignore[arg-type]  # a stand-in
    official = CASES[name]["results"][PYTHON]["result"]["ok"]
    assert (found.access_key_id, found.access_key_secret, found.security_token) == (
        official["access_key_id"], official["access_key_secret"], None,
    )  # fmt: skip
    [sent] = http.sent
    asked = form(sent)
    assert {name: value for name, value in asked.items() if name not in NOT_OF_THE_OPERATION} == by_python(name)
    assert (asked["SignatureMethod"], asked["SignatureType"]) == ("SHA256withRSA", "PRIVATEKEY")
    assert urlsplit(sent.url).query == ""


# The answers that are not asked for here: the second token of one fetch.
ECS: dict[str, tuple[tuple[int, ...], bool, bool, type[AlicredError] | None]] = {
    "ecs_ram_role/v2_discover": ((2,), False, True, None),
    "ecs_ram_role/v2_named": ((), True, True, None),
    "ecs_ram_role/token_404_fallback_v1": ((), True, True, None),
    "ecs_ram_role/token_404_v1_disabled": ((), True, False, ProviderError),
    "ecs_ram_role/code_not_success": ((), True, True, ProviderError),
    "ecs_ram_role/role_name_with_newline": ((2,), False, True, None),
    # A refused token is got anew once before v1 is tried; the third answer there is v1's.
    "ecs_ram_role/token_ok_metadata_403_then_v1": ((), True, True, None),
}


@pytest.mark.parametrize("name", ECS)
def test_the_metadata_service_is_asked_for_the_same_paths(name: str) -> None:
    leave_out, named, allow_v1, error = ECS[name]
    http = answers(name, leave_out=leave_out)
    if name.endswith("403_then_v1"):
        token, refused, answer = http.answers
        http.answers = (token, refused, token, refused, answer)
    imds = ImdsClient()
    imds._http = http  # type: ignore[assignment]  # a stand-in, for an address that no test may reach
    source = EcsRamRoleProvider("EcsRole" if named else None, allow_imds_v1=allow_v1, imds=imds)
    if error is not None:
        with pytest.raises(error):
            source.get()
    else:
        found = source.get()
        official = CASES[name]["results"][PYTHON]["result"]["ok"]
        assert (found.access_key_id, found.security_token, found.provider_name) == (
            official["access_key_id"], official["security_token"], "ecs_ram_role",
        )  # fmt: skip
    paths = [(sent.method, urlsplit(sent.url).path) for sent in http.sent]
    theirs = [(each["method"], each["path"].strip()) for each in CASES[name]["results"][PYTHON]["requests"]]
    assert list(dict.fromkeys(paths)) == list(dict.fromkeys(theirs))
    assert all(sent.url.startswith("http://100.100.100.200/") for sent in http.sent)
    assert http.sent[0].headers == {"x-aliyun-ecs-metadata-token-ttl-seconds": "21600"}


def test_every_case_is_tested() -> None:
    tested = {"ram_role_arn/minimal", "ram_role_arn/full", "ram_role_arn/http_403", "ram_role_arn/empty_credentials"}
    tested |= {"ram_role_arn/network_error", "oidc_role_arn/minimal", "oidc_role_arn/token_expired", "rsa_key_pair", *ECS}
    assert tested == set(CASES)
