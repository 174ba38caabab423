"""The unsigned services of the fake cloud: metadata, credentials URI, OAuth, CloudSSO."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from alicred.testing import FakeClock, FakeCloud, OAuthLogin
from alicred.wire import signing
from tests.testing.caller import Response, acs3, as_credential, send

TOKEN = "/latest/api/token"
ROLE = "/latest/meta-data/ram/security-credentials/"
TTL = "X-aliyun-ecs-metadata-token-ttl-seconds"
HELD = "X-aliyun-ecs-metadata-token"


def new_token(cloud: FakeCloud, ttl: str = "21600") -> Response:
    return send("PUT", cloud.imds_endpoint + TOKEN, headers={TTL: ttl})


def get(cloud: FakeCloud, path: str, token: str | None = None) -> Response:
    return send("GET", cloud.imds_endpoint + path, headers={} if token is None else {HELD: token})


def test_metadata_v2_hands_out_a_session_of_the_instances_role(alicred_cloud: FakeCloud) -> None:
    token = new_token(alicred_cloud).body.decode()
    name = get(alicred_cloud, ROLE, token).body.decode()
    answer = get(alicred_cloud, ROLE + name, token)
    assert answer.payload["Code"] == "Success"
    assert set(answer.payload) == {"AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration", "LastUpdated", "Code"}
    assert acs3(alicred_cloud, as_credential(answer.payload)).status == 200
    assert [call.operation for call in alicred_cloud.calls[:3]] == ["MetadataToken", "MetadataRole", "MetadataCredential"]
    assert alicred_cloud.count("MetadataToken") == 1


def test_metadata_v1_needs_no_token(alicred_cloud: FakeCloud) -> None:
    assert get(alicred_cloud, ROLE).body == b"test-role"
    assert get(alicred_cloud, ROLE + "test-role").status == 200


def test_a_metadata_token_ends(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        token = new_token(cloud, "60").body.decode()
        alicred_clock.advance(timedelta(seconds=59))
        assert get(cloud, ROLE, token).status == 200
        alicred_clock.advance(timedelta(seconds=1))
        assert get(cloud, ROLE, token).status == 403


def test_a_wrong_metadata_token_is_rejected_though_none_is_needed(alicred_cloud: FakeCloud) -> None:
    assert get(alicred_cloud, ROLE, "made-up").status == 403


@pytest.mark.parametrize("ttl", ["0", "21601", "", "x"])
def test_a_ttl_out_of_range_is_rejected(alicred_cloud: FakeCloud, ttl: str) -> None:
    assert new_token(alicred_cloud, ttl).status == 400


def test_each_version_can_be_switched_off(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.imds_v1 = False
    assert get(alicred_cloud, ROLE).status == 403
    assert get(alicred_cloud, ROLE, new_token(alicred_cloud).body.decode()).status == 200
    alicred_cloud.imds_v1, alicred_cloud.imds_v2 = True, False
    assert new_token(alicred_cloud).status == 404
    assert get(alicred_cloud, ROLE).status == 200


def test_the_instance_may_have_another_role_or_none(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.add_role("worker")
    alicred_cloud.attach_instance_role("worker")
    assert get(alicred_cloud, ROLE).body == b"worker"
    assert get(alicred_cloud, ROLE + "test-role").status == 404
    alicred_cloud.attach_instance_role(None)
    assert get(alicred_cloud, ROLE).status == 404


def test_methods_are_checked(alicred_cloud: FakeCloud) -> None:
    for method, path in (("POST", ROLE), ("GET", TOKEN), ("POST", "/credentials"), ("GET", "/v1/token"), ("GET", "/cloud-credentials")):
        assert send(method, alicred_cloud.http_endpoint + path).status == 405, (method, path)


def test_the_credentials_uri_hands_out_a_session(alicred_cloud: FakeCloud) -> None:
    answer = send("GET", alicred_cloud.http_endpoint + "/credentials?user=a%20b")
    assert acs3(alicred_cloud, as_credential(answer.payload)).status == 200
    assert alicred_cloud.count("CredentialsUri") == 1
    assert alicred_cloud.raw[0].line == "GET /credentials?user=a%20b HTTP/1.1"
    assert alicred_cloud.calls[0].path == "/credentials"


def test_what_is_nowhere_is_not_found(alicred_cloud: FakeCloud) -> None:
    assert send("GET", alicred_cloud.http_endpoint + "/nothing").status == 404
    assert alicred_cloud.calls[0].operation == ""


# --- OAuth --------------------------------------------------------------------------------------------------------------------------


def rotate(cloud: FakeCloud, refresh_token: str, client_id: str = "test-client", grant: str = "refresh_token") -> Response:
    form = signing.canonical_query({"grant_type": grant, "refresh_token": refresh_token, "client_id": client_id})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return send("POST", cloud.http_endpoint + "/v1/token", body=form.encode(), headers=headers)


def exchange(cloud: FakeCloud, access_token: str) -> Response:
    return send("POST", cloud.http_endpoint + "/v1/exchange", headers={"Authorization": f"Bearer {access_token}"})


def test_an_access_token_is_exchanged_for_a_session(alicred_cloud: FakeCloud) -> None:
    session = exchange(alicred_cloud, alicred_cloud.add_oauth_login().access_token).payload
    assert set(session) == {"requestId", "accessKeyId", "accessKeySecret", "securityToken", "expiration"}
    fields = {name[0].upper() + name[1:]: value for name, value in session.items()}
    assert acs3(alicred_cloud, as_credential(fields)).status == 200


def test_a_refresh_token_rotates(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        login = cloud.add_oauth_login(lasts=timedelta(minutes=30))
        alicred_clock.advance(timedelta(minutes=30))
        refused = exchange(cloud, login.access_token)
        assert (refused.status, refused.payload["error"]) == (401, "invalid_token")
        new = rotate(cloud, login.refresh_token).payload
        assert (new["expires_in"], new["token_type"]) == (1800, "Bearer")
        assert exchange(cloud, new["access_token"]).status == 200
        assert rotate(cloud, new["refresh_token"]).status == 200


def test_a_refresh_token_used_twice_ends_the_login(alicred_cloud: FakeCloud) -> None:
    login: OAuthLogin = alicred_cloud.add_oauth_login()
    second = rotate(alicred_cloud, login.refresh_token).payload
    third = rotate(alicred_cloud, second["refresh_token"]).payload
    again = rotate(alicred_cloud, login.refresh_token)
    assert (again.status, again.payload["error"]) == (400, "invalid_grant")
    assert rotate(alicred_cloud, third["refresh_token"]).status == 400
    assert exchange(alicred_cloud, third["access_token"]).status == 401


def test_a_refresh_token_belongs_to_its_client(alicred_cloud: FakeCloud) -> None:
    login = alicred_cloud.add_oauth_login(client_id="mine")
    assert rotate(alicred_cloud, login.refresh_token, "theirs").status == 400
    assert rotate(alicred_cloud, login.refresh_token, "mine", grant="password").status == 400
    assert rotate(alicred_cloud, login.refresh_token, "mine").status == 200


# --- CloudSSO -----------------------------------------------------------------------------------------------------------------------


def test_a_cloud_sso_login_gets_a_session(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        login = cloud.add_cloud_sso_login()

        def ask(token: str = login.access_token, account: str = login.account_id) -> Response:
            body = json.dumps({"AccountId": account, "AccessConfigurationId": login.access_configuration_id}).encode()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            return send("POST", cloud.http_endpoint + "/cloud-credentials", body=body, headers=headers)

        assert acs3(cloud, as_credential(ask().payload["CloudCredential"])).status == 200
        assert ask(token="other").payload["ErrorCode"] == "InvalidAccessToken"
        assert ask(account="other").payload["ErrorCode"] == "NoPermission"
        headers = {"Authorization": f"Bearer {login.access_token}"}
        assert send("POST", cloud.http_endpoint + "/cloud-credentials", body=b"{", headers=headers).status == 403
        alicred_clock.advance(timedelta(hours=1))
        assert ask().status == 401
