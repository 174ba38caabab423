"""alicred's own providers pass the conformance kit."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from alicred import (
    SYSTEM_CLOCK,
    BearerToken,
    CachingProvider,
    Clock,
    Credential,
    EcsRamRoleProvider,
    EnvironmentProvider,
    OidcRoleArnProvider,
    RamRoleArnProvider,
    RetryingProvider,
    StaticProvider,
    StsClient,
)
from alicred.testing import FakeClock, FakeCloud, faults
from alicred.testing.conformance import Check, cache_checks, source_checks
from tests.testing.conformance.support import NAMES, SECRET, check_named


def sts_of(cloud: FakeCloud, name: str, clock: Clock = SYSTEM_CLOCK) -> StsClient:
    """A client for the check *name*. That of forks goes without TLS: OpenSSL's random generator has a lock that a fork may leave held.

    About one forked child in a thousand waits for it for ever, if two threads of the parent do nothing but shake hands meanwhile.
    """
    return StsClient(cloud.http_endpoint, clock=clock) if name == "fork" else cloud.sts_client()


def test_a_source_is_asked_for_everything_that_a_provider_is() -> None:
    assert NAMES == ["name", "value", "errors", "pickle", "threads", "fork", "secrecy", "cached"]


@pytest.mark.parametrize("name", NAMES)
class TestAlicredsOwn:
    def test_static(self, name: str) -> None:
        make = lambda: StaticProvider(Credential("id", SECRET, "the-first-token"))  # noqa: E731
        check_named(name, source_checks(make))()

    def test_bearer(self, name: str) -> None:
        check_named(name, source_checks(lambda: StaticProvider(BearerToken("the-first-token"))))()

    def test_environment(self, name: str) -> None:
        variables = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET}
        half = {**variables, "ALIBABA_CLOUD_ACCESS_KEY_ID": ""}
        failing = [lambda: EnvironmentProvider({}), lambda: EnvironmentProvider(half)]
        check_named(name, source_checks(lambda: EnvironmentProvider(variables), failing=failing, secrets=[SECRET]))()

    def test_role(self, name: str, alicred_cloud: FakeCloud) -> None:
        key = alicred_cloud.access_key
        source = StaticProvider(key)

        def make(role: str) -> RamRoleArnProvider:
            return RamRoleArnProvider(source, role_arn=role, sts=sts_of(alicred_cloud, name))

        def broken() -> RamRoleArnProvider:
            alicred_cloud.inject(faults.Malformed())
            return make(alicred_cloud.role_arn)

        failing = [lambda: make(alicred_cloud.role_arn + "x"), broken]
        check_named(name, source_checks(lambda: make(alicred_cloud.role_arn), failing=failing, secrets=[key.access_key_secret]))()

    def test_role_on_a_fake_clock(self, name: str) -> None:
        clock = FakeClock(datetime(2031, 1, 1, tzinfo=timezone.utc))
        with FakeCloud(clock=clock, session=timedelta(minutes=15)) as cloud:
            source = StaticProvider(cloud.access_key)
            make = lambda: RamRoleArnProvider(source, role_arn=cloud.role_arn, sts=sts_of(cloud, name, clock))  # noqa: E731
            check_named(name, source_checks(make, clock=clock))()

    def test_instance(self, name: str, alicred_cloud: FakeCloud) -> None:
        make = lambda: RetryingProvider(EcsRamRoleProvider(imds=alicred_cloud.imds_client()))  # noqa: E731
        check_named(name, source_checks(make, failing=[lambda: EcsRamRoleProvider("another", imds=alicred_cloud.imds_client())]))()

    def test_oidc(self, name: str, alicred_cloud: FakeCloud, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text(alicred_cloud.add_oidc_token(), "utf-8")

        def make(file: Path) -> OidcRoleArnProvider:
            return OidcRoleArnProvider(
                role_arn=alicred_cloud.role_arn, oidc_provider_arn=alicred_cloud.oidc_provider_arn, oidc_token_file=file,
                sts=sts_of(alicred_cloud, name),
            )  # fmt: skip

        failing = [lambda: make(tmp_path / "none")]
        check_named(name, source_checks(lambda: make(token), failing=failing, secrets=[token.read_text("utf-8")]))()


@pytest.mark.parametrize("check", cache_checks(CachingProvider), ids=str)
def test_the_caching_provider_keeps_every_rule(check: Check) -> None:
    check()
