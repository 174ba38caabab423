"""alicred's own clients, as the cloud sets them up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alicred import DeniedError, TransientError
from alicred.testing import FakeClock, FakeCloud, faults

HOUR = timedelta(hours=1)


def test_the_sts_client_talks_to_it_over_tls(alicred_cloud: FakeCloud) -> None:
    sts = alicred_cloud.sts_client()
    session = sts.assume_role(
        alicred_cloud.access_key,
        role_arn=alicred_cloud.role_arn,
        role_session_name="test",
        duration=HOUR,
        session_policy='{ "a": "b+c*~é中" }',
    )
    assert sts.get_caller_identity(session).arn.endswith(":assumed-role/test-role/test")
    sts.assume_role_with_oidc(
        role_arn=alicred_cloud.role_arn,
        oidc_provider_arn=alicred_cloud.oidc_provider_arn,
        oidc_token=alicred_cloud.add_oidc_token(),
        role_session_name="test",
    )
    sts.assume_role_with_saml(
        role_arn=alicred_cloud.role_arn,
        saml_provider_arn=alicred_cloud.saml_provider_arn,
        saml_assertion=alicred_cloud.add_saml_assertion(),
    )
    public_key_id, private_key = alicred_cloud.add_rsa_key()
    key = sts.generate_session_access_key(public_key_id=public_key_id, private_key=private_key)
    assert key.security_token is None
    assert sts.get_caller_identity(key).identity_type == "RAMUser"
    assert all(call.accepted and call.over_tls for call in alicred_cloud.calls)


def test_the_imds_client_talks_to_it(alicred_cloud: FakeCloud) -> None:
    imds = alicred_cloud.imds_client()
    assert imds.role_credential(imds.role_name()).access_key_id == alicred_cloud.sessions[0].access_key_id


def test_the_sts_client_goes_by_the_fake_clock(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        alicred_clock.step_wall(HOUR)
        cloud.sts_client().get_caller_identity(cloud.access_key)
        assert alicred_clock.skew == -HOUR
        assert [call.accepted for call in cloud.calls] == [False, True]


def test_the_sts_client_sees_the_faults(alicred_cloud: FakeCloud) -> None:
    sts = alicred_cloud.sts_client()
    alicred_cloud.inject(faults.Throttling(timedelta(seconds=2)))
    with pytest.raises(TransientError) as transient:
        sts.get_caller_identity(alicred_cloud.access_key)
    assert transient.value.retry_after == timedelta(seconds=2)
    alicred_cloud.inject(faults.Denied())
    with pytest.raises(DeniedError):
        sts.get_caller_identity(alicred_cloud.access_key)
