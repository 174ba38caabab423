"""The fake cloud bites: whatever is wrong with a signed request, it says no, with the code that the real services have for it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest

from alicred import ConfigurationError, Credential
from alicred.testing import FakeClock, FakeCloud
from alicred.wire import signing
from tests.testing.caller import acs3, as_credential, assume, role_params, rpc, send

HOUR = timedelta(hours=1)


def with_secret(credential: Credential, secret: str) -> Credential:
    return Credential(credential.access_key_id, secret, credential.security_token)


def with_token(credential: Credential, token: str | None) -> Credential:
    return Credential(credential.access_key_id, credential.access_key_secret, token)


def test_a_right_call_is_accepted_and_recorded(alicred_cloud: FakeCloud) -> None:
    answer = acs3(alicred_cloud, alicred_cloud.access_key, over_tls=True)
    assert answer.status == 200
    assert answer.payload["IdentityType"] == "RAMUser"
    (call,) = alicred_cloud.calls
    assert (call.operation, call.accepted, call.status, call.code) == ("GetCallerIdentity", True, 200, "")
    assert (call.access_key_id, call.over_tls, call.method, call.path) == (alicred_cloud.access_key.access_key_id, True, "POST", "/")
    assert alicred_cloud.rejected == ()


def test_a_session_can_be_used_and_assumes_a_role_in_its_turn(alicred_cloud: FakeCloud) -> None:
    second = alicred_cloud.add_role("second", trusts=[alicred_cloud.role_arn])
    first = assume(alicred_cloud)
    identity = acs3(alicred_cloud, first).payload
    assert identity["IdentityType"] == "AssumedRoleUser"
    assert identity["Arn"].endswith(":assumed-role/test-role/tester")
    chained = acs3(alicred_cloud, first, "AssumeRole", role_params(alicred_cloud) | {"RoleArn": second})
    assert chained.payload["AssumedRoleUser"]["Arn"].endswith(":assumed-role/second/tester")
    assert [session.access_key_id for session in alicred_cloud.sessions] == [
        first.access_key_id,
        chained.payload["Credentials"]["AccessKeyId"],
    ]


@pytest.mark.parametrize("in_query", [False, True], ids=["form", "query"])
@pytest.mark.parametrize("policy", ['{"Version":"1"}', '{ "a": "b+c*~ /é中😀" }'])
def test_parameters_are_taken_from_query_and_form(alicred_cloud: FakeCloud, in_query: bool, policy: str) -> None:
    params = role_params(alicred_cloud, Policy=policy)
    assert acs3(alicred_cloud, alicred_cloud.access_key, "AssumeRole", params, in_query=in_query).status == 200


def test_rpc_parameters_are_signed_wherever_they_are(alicred_cloud: FakeCloud) -> None:
    params = role_params(alicred_cloud, Policy='{ "a": "b+c*~ /é中😀" }')
    session = as_credential(rpc(alicred_cloud, alicred_cloud.access_key, "AssumeRole", form=params).payload["Credentials"])
    assert rpc(alicred_cloud, session).status == 200
    assert rpc(alicred_cloud, alicred_cloud.access_key, "AssumeRole", params, method="GET").status == 200
    assert rpc(alicred_cloud, alicred_cloud.access_key, common={"SignatureType": ""}).status == 200


def bad_signature(cloud: FakeCloud, key: Credential) -> object:
    return acs3(cloud, with_secret(key, "another-secret"))


def reused_nonce(cloud: FakeCloud, key: Credential) -> object:
    assert acs3(cloud, key, nonce="n1").status == 200
    return acs3(cloud, key, nonce="n1")


def unsigned_header(name: str) -> Callable[[FakeCloud, Credential], object]:
    return lambda cloud, key: acs3(cloud, key, alter=lambda headers: headers.update({name: "added"}))


def without_header(name: str) -> Callable[[FakeCloud, Credential], object]:
    return lambda cloud, key: acs3(cloud, key, alter=lambda headers: headers.pop(name) and None)


def with_header(name: str, value: str) -> Callable[[FakeCloud, Credential], object]:
    return lambda cloud, key: acs3(cloud, key, alter=lambda headers: headers.update({name: value}))


def unsign_host(headers: dict[str, str]) -> None:
    headers["Authorization"] = headers["Authorization"].replace("host;", "")


def off_by(span: timedelta) -> Callable[[FakeCloud, Credential], object]:
    return lambda cloud, key: acs3(cloud, key, off=span)


def session_then(change: Callable[[FakeCloud, Credential], Credential]) -> Callable[[FakeCloud, Credential], object]:
    return lambda cloud, key: acs3(cloud, change(cloud, assume(cloud)))


def revoked(cloud: FakeCloud, key: Credential) -> object:
    cloud.revoke(key.access_key_id)
    return acs3(cloud, key)


def revoked_session(cloud: FakeCloud, key: Credential) -> object:
    session = assume(cloud)
    cloud.revoke(session.access_key_id)
    return acs3(cloud, session)


def assuming(**params: str) -> Callable[[FakeCloud, Credential], object]:
    return lambda cloud, key: acs3(cloud, key, "AssumeRole", {k: v for k, v in (role_params(cloud) | params).items() if v != "-"})


def distrusted(cloud: FakeCloud, key: Credential) -> object:
    arn = cloud.add_role("closed", trusts=["somebody-else"])
    return acs3(cloud, key, "AssumeRole", role_params(cloud) | {"RoleArn": arn})


def without_external_id(cloud: FakeCloud, key: Credential) -> object:
    arn = cloud.add_role("shared", external_id="tenant-7")
    good = acs3(cloud, key, "AssumeRole", role_params(cloud, ExternalId="tenant-7") | {"RoleArn": arn})
    assert good.status == 200
    return acs3(cloud, key, "AssumeRole", role_params(cloud) | {"RoleArn": arn})


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        pytest.param(lambda c, k: acs3(c, Credential("AK.none", "s")), 404, "InvalidAccessKeyId.NotFound", id="unknown key"),
        pytest.param(revoked, 400, "InvalidAccessKeyId.Inactive", id="revoked key"),
        pytest.param(revoked_session, 400, "InvalidAccessKeyId.Inactive", id="revoked session"),
        pytest.param(bad_signature, 400, "SignatureDoesNotMatch", id="wrong secret"),
        pytest.param(lambda c, k: acs3(c, k, body=b"Other=1"), 400, "SignatureDoesNotMatch", id="another body"),
        pytest.param(with_header("x-acs-action", "AssumeRole"), 400, "SignatureDoesNotMatch", id="a signed header changed"),
        pytest.param(with_header("x-acs-content-sha256", "0" * 64), 400, "SignatureDoesNotMatch", id="another digest"),
        pytest.param(reused_nonce, 400, "SignatureNonceUsed", id="nonce twice"),
        pytest.param(off_by(-timedelta(minutes=16)), 400, "InvalidTimeStamp.Expired", id="time stamp too old"),
        pytest.param(off_by(timedelta(minutes=16)), 400, "InvalidTimeStamp.Expired", id="time stamp too new"),
        pytest.param(with_header("x-acs-date", "20260101T000000Z"), 400, "InvalidTimeStamp.Format", id="time stamp malformed"),
        pytest.param(with_header("x-acs-date", "2026-13-01T00:00:00Z"), 400, "InvalidTimeStamp.Format", id="time stamp of no month"),
        pytest.param(unsigned_header("x-acs-extra"), 400, "IncompleteSignature", id="an x-acs header not signed"),
        pytest.param(lambda c, k: acs3(c, k, alter=unsign_host), 400, "IncompleteSignature", id="host not signed"),
        pytest.param(without_header("x-acs-signature-nonce"), 400, "IncompleteSignature", id="a signed header not sent"),
        pytest.param(with_header("Authorization", "ACS3-HMAC-SHA256 what"), 400, "IncompleteSignature", id="malformed header"),
        pytest.param(
            lambda c, k: acs3(c, k, extra={"x-acs-accesskey-id": "AK.other"}), 400, "InvalidAccessKeyId", id="another key in a header"
        ),
        pytest.param(without_header("Authorization"), 400, "MissingAccessKeyId", id="no signature"),
        pytest.param(session_then(lambda c, s: with_token(s, None)), 400, "MissingSecurityToken", id="no token"),
        pytest.param(
            session_then(lambda c, s: with_token(s, assume(c).security_token)),
            400,
            "InvalidSecurityToken.MismatchWithAccessKey",
            id="token of another session",
        ),
        pytest.param(session_then(lambda c, s: with_token(s, "made-up")), 400, "InvalidSecurityToken.Malformed", id="made-up token"),
        pytest.param(
            lambda c, k: acs3(c, with_token(k, assume(c).security_token)),
            400,
            "InvalidSecurityToken.MismatchWithAccessKey",
            id="token with a user's key",
        ),
        pytest.param(assuming(RoleArn="acs:ram::1:role/nobody"), 404, "EntityNotExist.Role", id="unknown role"),
        pytest.param(assuming(RoleArn="nobody"), 400, "InvalidParameter.RoleArn", id="malformed role"),
        pytest.param(assuming(RoleArn="-"), 400, "MissingParameter.RoleArn", id="no role"),
        pytest.param(distrusted, 403, "NoPermission", id="role that trusts others"),
        pytest.param(without_external_id, 403, "NoPermission", id="external id missing"),
        pytest.param(assuming(RoleSessionName="-"), 400, "MissingParameter.RoleSessionName", id="no session name"),
        pytest.param(assuming(RoleSessionName="a"), 400, "InvalidParameter.RoleSessionName", id="session name too short"),
        pytest.param(assuming(RoleSessionName="a b"), 400, "InvalidParameter.RoleSessionName", id="session name with a blank"),
        pytest.param(assuming(DurationSeconds="899"), 400, "InvalidParameter.DurationSeconds", id="duration too short"),
        pytest.param(assuming(DurationSeconds="43201"), 400, "InvalidParameter.DurationSeconds", id="duration too long"),
        pytest.param(assuming(Policy="{"), 400, "InvalidParameter.PolicyGrammar", id="policy is no JSON"),
        pytest.param(assuming(Policy='{"a":"' + 2048 * "b" + '"}'), 400, "InvalidParameter.PolicySize", id="policy too long"),
        pytest.param(lambda c, k: acs3(c, k, version="2014-01-01"), 400, "InvalidVersion", id="wrong version"),
        pytest.param(without_header("x-acs-version"), 400, "MissingVersion", id="no version"),
        pytest.param(lambda c, k: rpc(c, with_secret(k, "another")), 400, "SignatureDoesNotMatch", id="RPC: wrong secret"),
        pytest.param(lambda c, k: rpc(c, with_token(assume(c), None)), 400, "MissingSecurityToken", id="RPC: no token"),
        pytest.param(
            lambda c, k: rpc(c, with_token(assume(c), assume(c).security_token)),
            400,
            "InvalidSecurityToken.MismatchWithAccessKey",
            id="RPC: token of another session",
        ),
        pytest.param(lambda c, k: rpc(c, k, common={"SignatureNonce": ""}), 400, "IncompleteSignature", id="RPC: no nonce"),
        pytest.param(
            lambda c, k: rpc(c, k, common={"Timestamp": "2020-01-01T00:00:00Z"}), 400, "InvalidTimeStamp.Expired", id="RPC: too old"
        ),
        pytest.param(lambda c, k: rpc(c, k, common={"SignatureMethod": "HMAC-MD5"}), 400, "IncompleteSignature", id="RPC: unknown method"),
        pytest.param(lambda c, k: rpc(c, k, "GenerateSessionAccessKey"), 403, "NoPermission", id="session key without a key pair"),
        pytest.param(
            lambda c, k: acs3(c, k, "RecognizeCharacter", version="2019-12-30", body=b"x"), 400, "SignatureDoesNotMatch", id="a product"
        ),
    ],
)
def test_a_wrong_call_is_rejected(
    alicred_cloud: FakeCloud, call: Callable[[FakeCloud, Credential], object], status: int, code: str
) -> None:
    key = alicred_cloud.add_access_key()
    answer = call(alicred_cloud, key)
    assert (answer.status, answer.code) == (status, code)  # type: ignore[attr-defined]  # every row returns a Response
    last = alicred_cloud.calls[-1]
    assert (last.accepted, last.status, last.code) == (False, status, code)
    assert alicred_cloud.rejected == (last,)


def test_an_error_has_the_fields_of_the_real_ones(alicred_cloud: FakeCloud) -> None:
    answer = acs3(alicred_cloud, Credential("AK.none", "s"))
    assert set(answer.payload) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert answer.headers["x-acs-request-id"] == answer.payload["RequestId"]


def test_a_mismatch_comes_with_the_string_to_sign(alicred_cloud: FakeCloud) -> None:
    message = rpc(alicred_cloud, with_secret(alicred_cloud.access_key, "another")).payload["Message"]
    assert "server string to sign is:POST&%2F&AccessKeyId%3D" in message


def test_a_rejected_call_uses_up_no_nonce(alicred_cloud: FakeCloud) -> None:
    acs3(alicred_cloud, with_secret(alicred_cloud.access_key, "another"), nonce="n1")
    assert acs3(alicred_cloud, alicred_cloud.access_key, nonce="n1").status == 200


# --- time ---------------------------------------------------------------------------------------------------------------------------


def test_a_session_ends_on_the_clouds_clock(alicred_clock: FakeClock) -> None:
    with FakeCloud(session=timedelta(minutes=20), clock=alicred_clock) as cloud:
        session = assume(cloud, DurationSeconds="3600")
        assert session.expires_at == alicred_clock.utcnow() + timedelta(minutes=20)
        alicred_clock.advance(timedelta(minutes=20) - timedelta(microseconds=1))
        assert acs3(cloud, session).status == 200
        alicred_clock.advance(timedelta(microseconds=1))
        assert acs3(cloud, session).code == "InvalidSecurityToken.Expired"
        assert cloud.calls[-1].at == pytest.approx(20 * 60)


def test_expirations_are_cut_to_whole_seconds(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        alicred_clock.advance(timedelta(milliseconds=900))
        assert assume(cloud).expires_at == alicred_clock.utcnow() - timedelta(milliseconds=900) + HOUR
        assert cloud.sessions[0].ends_at == assume(cloud).expires_at


def test_durations_are_honoured_on_request_and_roles_may_have_their_own(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock, honour_duration=True) as cloud:
        assert assume(cloud, DurationSeconds="7200").expires_at == alicred_clock.utcnow() + 2 * HOUR
        cloud.honour_duration = False
        cloud.session = 3 * HOUR
        assert assume(cloud).expires_at == alicred_clock.utcnow() + 3 * HOUR
        arn = cloud.add_role("short", session=timedelta(minutes=5))
        answer = acs3(cloud, cloud.access_key, "AssumeRole", role_params(cloud) | {"RoleArn": arn})
        assert as_credential(answer.payload["Credentials"]).expires_at == alicred_clock.utcnow() + timedelta(minutes=5)


def test_the_clouds_clock_can_be_wrong(alicred_cloud: FakeCloud) -> None:
    right = alicred_cloud.now()
    alicred_cloud.skew = HOUR
    answer = acs3(alicred_cloud, alicred_cloud.access_key, now=right)
    assert answer.code == "InvalidTimeStamp.Expired"
    assert f"{alicred_cloud.now():%a, %d %b %Y %H:}" in answer.headers["Date"]
    assert acs3(alicred_cloud, alicred_cloud.access_key).status == 200


def test_a_wrong_wall_clock_of_the_client_does_not_move_the_cloud(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        alicred_clock.step_wall(-HOUR)
        assert acs3(cloud, cloud.access_key, now=alicred_clock.utcnow()).code == "InvalidTimeStamp.Expired"
        alicred_clock.observe(cloud.now())
        assert acs3(cloud, cloud.access_key, now=alicred_clock.utcnow()).status == 200


# --- key pairs, identity providers, bearer tokens -----------------------------------------------------------------------------------


def signed_with(pem: str) -> Callable[[str], str]:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return lambda string: base64.b64encode(key.sign(string.encode(), PKCS1v15(), SHA256())).decode()


RSA = {"SignatureMethod": "SHA256withRSA", "SignatureType": "PRIVATEKEY"}


def test_a_key_pair_gets_a_session_without_a_token(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        public_key_id, pem = cloud.add_rsa_key()
        _, other_pem = cloud.add_rsa_key()
        owner = Credential(public_key_id, "not used")

        def generate(pem: str = pem, action: str = "GenerateSessionAccessKey", **params: str) -> tuple[str, dict[str, dict[str, str]]]:
            answer = rpc(cloud, owner, action, params, sign=signed_with(pem), common=RSA)
            return answer.code, answer.payload

        assert generate(other_pem)[0] == "SignatureDoesNotMatch"
        assert generate(DurationSeconds="3601")[0] == "InvalidParameter.DurationSeconds"
        assert generate(action="AssumeRole")[0] == "NoPermission"
        code = rpc(cloud, owner, "GenerateSessionAccessKey", common=RSA).code
        assert code == "SignatureDoesNotMatch", "HMAC is no RSA signature"
        code = rpc(cloud, owner, "GenerateSessionAccessKey", sign=signed_with(pem), common=RSA | {"SignatureType": ""}).code
        assert code == "IncompleteSignature"
        code = rpc(cloud, cloud.access_key, "GenerateSessionAccessKey", sign=signed_with(pem), common=RSA).code
        assert code == "InvalidAccessKeyId.NotFound"

        session = generate()[1]["SessionAccessKey"]
        key = Credential(session["SessionAccessKeyId"], session["SessionAccessKeySecret"])
        assert acs3(cloud, key).status == 200
        alicred_clock.advance(HOUR)
        assert acs3(cloud, key).code == "InvalidAccessKeyId.NotFound"
        cloud.revoke(public_key_id)
        assert generate()[0] == "InvalidAccessKeyId.Inactive"


def unsigned(cloud: FakeCloud, action: str, **params: str) -> tuple[int, str]:
    form = signing.canonical_query({"Action": action, "Version": "2015-04-01", "Format": "JSON", **role_params(cloud), **params})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = send("POST", cloud.http_endpoint + "/", body=form.encode(), headers=headers)
    return answer.status, answer.code


def test_an_oidc_token_counts_until_it_expires_and_only_as_it_was_issued(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        token, provider = cloud.add_oidc_token(), cloud.oidc_provider_arn

        def assume_with(token: str, provider: str = provider, **more: str) -> tuple[int, str]:
            return unsigned(cloud, "AssumeRoleWithOIDC", OIDCToken=token, OIDCProviderArn=provider, **more)

        assert assume_with(token) == (200, "")
        assert assume_with(token + "\n")[1] == "AuthenticationFail.OIDCToken.Invalid"
        assert assume_with(token, "acs:ram::1:oidc-provider/other")[1] == "AuthenticationFail.NoPermission"
        assert assume_with("")[1] == "MissingParameter.OIDCToken"
        trusting = cloud.add_role("pods", trusts=[provider])
        closed = cloud.add_role("closed", trusts=["somebody-else"])
        assert assume_with(token, RoleArn=trusting) == (200, "")
        assert assume_with(token, RoleArn=closed) == (403, "NoPermission")
        assert assume_with(token, RoleArn="acs:ram::1:role/nobody") == (404, "EntityNotExist.Role")
        alicred_clock.advance(HOUR)
        assert assume_with(token)[1] == "AuthenticationFail.OIDCToken.Expired"


def test_a_saml_assertion_counts_until_it_expires(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        assertion, provider = cloud.add_saml_assertion(), cloud.saml_provider_arn

        def assume_with(assertion: str, provider: str = provider, **more: str) -> tuple[int, str]:
            return unsigned(cloud, "AssumeRoleWithSAML", SAMLAssertion=assertion, SAMLProviderArn=provider, **more)

        assert assume_with(assertion) == (200, "")
        assert assume_with(assertion, "acs:ram::1:saml-provider/x") == (404, "EntityNotExist.SAMLProvider")
        assert assume_with("xyzw") == (401, "AuthenticationFail.SAMLAssertion.Invalid")
        assert assume_with(assertion, RoleArn="acs:ram::1:role/nobody") == (404, "EntityNotExist.RoleArn")
        alicred_clock.advance(HOUR)
        assert assume_with(assertion) == (401, "AuthenticationFail.SAMLAssertion.Expired")


def test_a_bearer_token_counts_until_it_expires(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        token = cloud.add_bearer_token().token

        def call(token: str) -> int:
            headers = {"x-acs-action": "ListCalls", "x-acs-version": "2020-07-01", "x-acs-bearer-token": token}
            return send("POST", cloud.http_endpoint + "/?SignatureType=BEARERTOKEN", headers=headers).status

        assert (call(token), call("other")) == (200, 401)
        query = signing.canonical_query({"Action": "ListCalls", "Version": "2020-07-01", "BearerToken": token})
        assert send("GET", f"{cloud.http_endpoint}/?{query}").status == 200
        alicred_clock.advance(HOUR)
        assert call(token) == 401


# --- products, records, configuration -----------------------------------------------------------------------------------------------


def test_a_product_answers_what_the_test_has_set(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.answer("DescribeThing", {"Thing": {"Name": "seven"}})
    answer = acs3(alicred_cloud, assume(alicred_cloud), "DescribeThing", version="2020-01-01", method="GET", path="/things/%E4%B8%AD")
    assert answer.payload["Thing"] == {"Name": "seven"}
    assert answer.payload["RequestId"]
    assert acs3(alicred_cloud, alicred_cloud.access_key, "Other", version="2020-01-01").payload["Data"] == {}


def test_records_hold_everything_and_show_nothing_secret(alicred_cloud: FakeCloud) -> None:
    key = alicred_cloud.access_key
    session = assume(alicred_cloud, Policy='{"marker":"x"}')
    acs3(alicred_cloud, session)
    assert b"marker" in alicred_cloud.raw[0].body
    assert alicred_cloud.raw[0].line == "POST / HTTP/1.1"
    assert alicred_cloud.raw[1].headers["x-acs-security-token"] == session.security_token
    shown = repr((alicred_cloud, alicred_cloud.calls, alicred_cloud.raw, alicred_cloud.sessions, alicred_cloud.add_oauth_login()))
    shown += repr([call.headers for call in alicred_cloud.calls])
    for secret in (key.access_key_secret, session.access_key_secret, session.security_token, "marker", "Signature="):
        assert secret is not None
        assert secret not in shown
    assert alicred_cloud.calls[1].headers["x-acs-action"] == "GetCallerIdentity"


def test_sessions_are_never_the_same(alicred_cloud: FakeCloud) -> None:
    held = [assume(alicred_cloud) for _ in range(20)]
    for part in ("access_key_id", "access_key_secret", "security_token"):
        assert len({getattr(each, part) for each in held}) == 20
    assert all(each.access_key_id.startswith("STS.") for each in held)


@pytest.mark.parametrize(
    "act",
    [
        lambda cloud: FakeCloud(session=timedelta(0)),
        lambda cloud: FakeCloud(session=timedelta(milliseconds=900)),
        lambda cloud: FakeCloud(skew=3),
        lambda cloud: setattr(cloud, "session", 3600),
        lambda cloud: setattr(cloud, "imds_v1", "yes"),
        lambda cloud: cloud.add_role("a/b"),
        lambda cloud: cloud.attach_instance_role("nobody"),
        lambda cloud: cloud.revoke("nobody"),
        lambda cloud: cloud.endpoint,
        lambda cloud: cloud.ca_file,
        lambda cloud: cloud.inject(3),
    ],
)
def test_what_makes_no_sense_is_refused(act: Callable[[FakeCloud], object]) -> None:
    with pytest.raises(ConfigurationError):
        act(FakeCloud())
