from __future__ import annotations

import json
import pickle
import traceback
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred.credential import Credential
from alicred.errors import AlicredError, DeniedError, MalformedResponseError, ProviderError, TransientError
from alicred.wire import answers
from alicred.wire.operation import Operation
from alicred.wire.response import HttpResponse
from alicred.wire.service_errors import service_error
from tests.wire.vectors import cases

KEY = {"AccessKeyId": "STS.id", "AccessKeySecret": "planted-secret", "SecurityToken": "planted-token", "Expiration": "2030-01-02T03:04:05Z"}
ENDS = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
FETCH = Operation("fetch")
REQUEST_ID = "6894B13B-6D71-4EF5-88FA-F32781734A7F"


def answer(body: object, status: int = 200, **headers: str) -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw, True)


def read(response: HttpResponse) -> Credential:
    found = answers.successful(response, operation=FETCH)
    return answers.credential(found, operation=FETCH, status=response.status)


def failure(response: HttpResponse) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read(response)
    return caught.value


# --- good answers -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [{}, {"Code": "Success"}, {"code": "Success"}, {"Code": None}])
@pytest.mark.parametrize("camel", [False, True])
def test_keys_may_be_in_pascal_case_or_camel_case(camel: bool, code: dict[str, object]) -> None:
    body = {(name[0].lower() + name[1:] if camel else name): value for name, value in KEY.items()}
    assert read(answer({**body, **code})) == Credential("STS.id", "planted-secret", "planted-token", ENDS)


def test_a_byte_order_mark_does_not_matter() -> None:
    assert read(answer(b"\xef\xbb\xbf" + json.dumps(KEY).encode())).access_key_id == "STS.id"


# --- expiration ---------------------------------------------------------------------------------------------------------------------------

UNDERSTOOD = {
    "2099-12-31T23:59:59Z": datetime(2099, 12, 31, 23, 59, 59, tzinfo=timezone.utc),
    "2099-12-31T23:59:59.123Z": datetime(2099, 12, 31, 23, 59, 59, 123000, tzinfo=timezone.utc),
    "2016-12-31T23:59:60Z": datetime(2017, 1, 1, tzinfo=timezone.utc),
}


@pytest.mark.parametrize("value", [case["value"] for case in cases("expiration_parse")])
def test_expiration_table(value: str) -> None:
    assert answers.expiration(value) == UNDERSTOOD.get(value)


def test_the_expiration_table_holds_what_is_understood() -> None:
    assert set(UNDERSTOOD) < {case["value"] for case in cases("expiration_parse")}


@pytest.mark.parametrize(
    "value", ["9999-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "2099-12-31T23:59:61Z", "٢٠٩٩-12-31T23:59:59Z", "2099-12-31T23:59:59.Z"]
)
def test_other_odd_expirations_are_refused(value: str) -> None:
    assert answers.expiration(value) is None


EARLIEST = datetime(1000, 1, 1)  # noqa: DTZ001  (the strategy wants it so)


@given(st.datetimes(EARLIEST, timezones=st.just(timezone.utc)), st.integers(0, 6))
def test_every_time_is_understood_with_and_without_a_fraction(moment: datetime, digits: int) -> None:
    cut = moment.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits)
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    assert answers.expiration(f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z") == moment.replace(microsecond=cut)


# --- bad answers --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"planted",
        b"[]",
        b"null",
        b'"planted"',
        b'{"AccessKeyId": "planted"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    error = failure(answer(body))
    assert isinstance(error, MalformedResponseError)
    assert error.status == 200


@pytest.mark.parametrize("missing", [{"AccessKeyId"}, {"AccessKeySecret"}, {"SecurityToken", "Expiration"}, set(KEY)])
@pytest.mark.parametrize("instead", ["nothing", None, "", 3, ["planted"]])
def test_missing_members_are_named(missing: set[str], instead: object) -> None:
    body = {name: instead if name in missing else value for name, value in KEY.items() if instead != "nothing" or name not in missing}
    error = failure(answer(body))
    assert isinstance(error, MalformedResponseError)
    assert {name for name in KEY if name in str(error)} == missing


@pytest.mark.parametrize("name", ["AccessKeyId", "AccessKeySecret", "SecurityToken"])
@pytest.mark.parametrize("odd", ["\ud800", "\u200b", "\uff21", "é"])
def test_a_key_with_a_character_that_no_key_has_is_malformed(name: str, odd: str) -> None:
    error = failure(answer({**KEY, name: f"planted{odd}"}))
    assert isinstance(error, MalformedResponseError)
    assert "planted" not in f"{error}{error.__context__}"


@pytest.mark.parametrize("name", ["AccessKeyId", "AccessKeySecret", "SecurityToken"])
def test_a_key_with_a_control_character_is_malformed(name: str) -> None:
    error = failure(answer({**KEY, name: "planted\nplanted"}))
    assert isinstance(error, MalformedResponseError)
    assert "control character" in str(error)


def test_an_expiration_that_is_no_time_is_malformed() -> None:
    error = failure(answer({**KEY, "Expiration": "planted"}))
    assert isinstance(error, MalformedResponseError)
    assert "Expiration" in str(error)


@pytest.mark.parametrize("status", [201, 202, 204])
def test_a_status_that_is_not_promised_is_malformed(status: int) -> None:
    assert isinstance(failure(answer(KEY, status)), MalformedResponseError)


def test_a_missing_object_is_named() -> None:
    with pytest.raises(MalformedResponseError, match="lacks Credentials"):
        answers.nested({"Credentials": "planted"}, "Credentials", operation=FETCH)


# --- refusals -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "InvalidParameter.RoleArn", DeniedError),
        (400, "InvalidParameter.SomethingNew", DeniedError),
        (403, "NoPermission", DeniedError),
        (404, "EntityNotExist.Role", DeniedError),
        (401, "AuthenticationFail.SAMLAssertion.Expired", DeniedError),
        (400, "AuthenticationFail.OIDCToken.Expired", DeniedError),
        (404, "InvalidAccessKeyId.NotFound", DeniedError),
        (400, "SignatureDoesNotMatch", DeniedError),
        (400, "InvalidTimeStamp.Expired", DeniedError),
        (400, "InvalidSecurityToken.Expired", DeniedError),
        (400, "SignatureNonceUsed", TransientError),
        (400, "Throttling", TransientError),
        (400, "Throttling.User", TransientError),
        (400, "Throttling.Api", TransientError),
        (429, None, TransientError),
        (408, None, TransientError),
        (500, "InternalError", TransientError),
        (500, None, TransientError),
        (502, None, TransientError),
        (503, "ServiceUnavailable", TransientError),
        (400, "ServiceUnavailableTemporary", TransientError),
        (403, "UnknownError", TransientError),
        (200, "InternalFailure", TransientError),
        (200, "NoPermission", DeniedError),
        (200, "Failed", ProviderError),
        (200, "not a code", MalformedResponseError),
        (401, None, DeniedError),
        (403, None, DeniedError),
        (404, None, ProviderError),
        (400, None, ProviderError),
    ],
)
def test_table_of_service_errors_stands(status: int, code: str | None, kind: type[ProviderError]) -> None:
    error = failure(answer({"Code": code, "RequestId": REQUEST_ID, "Message": "planted"}, status))
    assert type(error) is kind
    assert error.code == (None if code == "not a code" else code)
    assert (error.status, error.request_id) == (status, REQUEST_ID)
    assert error.retryable is (kind is TransientError)
    assert "planted" not in str(error)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ErrorCode": "NoPermission"}, "NoPermission"),
        ({"error": "invalid_grant"}, "invalid_grant"),
        ({"Code": "a b"}, None),
        ({"Code": 3}, None),
    ],
)
def test_codes_of_the_other_services_are_found(body: dict[str, object], code: str | None) -> None:
    assert failure(answer(body, 400)).code == code


def test_the_request_id_may_stand_in_a_header() -> None:
    assert failure(answer(b"<html>", 403, x_acs_request_id=REQUEST_ID)).request_id == REQUEST_ID


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x_acs_retry_after": "1500"}, timedelta(seconds=1.5)),
        ({"x_acs_retry_after": "3600000"}, timedelta(seconds=60)),
        ({"retry_after": "7"}, timedelta(seconds=7)),
        ({"x_acs_retry_after": "200", "retry_after": "7"}, timedelta(seconds=0.2)),
        ({"x_acs_retry_after": "-1"}, None),
        ({"x_acs_retry_after": "soon"}, None),
        ({"x_acs_retry_after": "9" * 400}, None),
    ],
)
def test_how_long_the_service_asks_to_be_left_alone(headers: dict[str, str], expected: timedelta | None) -> None:
    assert failure(answer({"Code": "Throttling.User"}, 400, **headers)).retry_after == expected
    assert failure(answer({"Code": "NoPermission"}, 403, **headers)).retry_after is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("server string to sign is:ACS3\nhash", "secret is wrong"),
        ("planted server string to sign is:\nACS3\nhash\nserver CanonicalRequest is: planted", "secret is wrong"),
        ("server string to sign is:ACS3\nother", "report"),
        ("planted ACS3\nhash", "Check the access key secret first"),
        (None, "Check the access key secret first"),
    ],
)
def test_a_wrong_signature_is_diagnosed_without_showing_it(message: str | None, words: str) -> None:
    found = {"Code": "SignatureDoesNotMatch", "Message": message}
    error = service_error(answer(b"", 400), found, operation=FETCH, string_to_sign="ACS3\nhash")
    assert words in str(error)
    assert "hash" not in str(error)
    assert "planted" not in str(error)


SECRET = "pL4nted/S3cret+value="
PARTS = [
    "AccessKeyId",
    "AccessKeySecret",
    "SecurityToken",
    "Expiration",
    "Code",
    "Message",
    "RequestId",
    "HostId",
    "Recommend",
    "Else",
    "error",
]


def everything_shown(error: AlicredError) -> str:
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    details = f"{error}{error!r}{vars(error)}{error.__cause__!r}{error.__context__!r}"
    return lines + details + repr(pickle.dumps(error)) + str(pickle.loads(pickle.dumps(error)))


@given(
    planted=st.sets(st.sampled_from(PARTS), min_size=1),
    status=st.sampled_from([200, 201, 400, 401, 403, 404, 429, 500, 503]),
    code=st.sampled_from(["Success", "Throttling", "NoPermission", "SignatureDoesNotMatch", "New"]),
    cut=st.integers(0, 30),
    header=st.booleans(),
    camel=st.booleans(),
)
def test_no_error_shows_a_secret_from_any_part_of_an_answer(
    planted: set[str], status: int, code: str, cut: int, header: bool, camel: bool
) -> None:
    body: dict[str, Any] = {**KEY, "AccessKeySecret": SECRET, "SecurityToken": SECRET, "Code": code, **dict.fromkeys(planted, SECRET)}
    body["Message"] = f"server string to sign is:{SECRET}"
    if camel:
        body = {name[0].lower() + name[1:]: value for name, value in body.items()}
    raw = json.dumps(body).encode()
    headers = {"x-acs-request-id": SECRET, "x-acs-retry-after": SECRET, "date": SECRET} if header else {}
    response = HttpResponse(status, headers, raw[: len(raw) - cut], True)
    try:
        found = answers.successful(response, operation=FETCH, string_to_sign=SECRET)
        answers.credential(found, operation=FETCH, status=status)
    except AlicredError as error:
        shown = everything_shown(error)
        assert SECRET not in shown
        assert "S3cret" not in shown
