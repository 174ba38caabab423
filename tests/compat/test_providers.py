"""Every provider class, asked by threads and by tasks, against a cloud that verifies; next to it the official one where that works."""

from __future__ import annotations

from pathlib import Path

import pytest

from alicred import Credential
from alicred.testing import FakeCloud
from tests.compat.provider_cases import CASES, Case, ram_role_arn
from tests.compat.support import OURS, PACKAGES, WAYS, Package, whole

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of how the official package asks for the time


@pytest.fixture(autouse=True)
def key_in_the_environment(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", cloud.access_key.access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", cloud.access_key.access_key_secret)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("case", "package"),
    [pytest.param(case, name, id=f"{case}-{name}") for case in CASES for name in PACKAGES if name == OURS or not case.official],
)
def test_a_provider_hands_out_a_key_that_the_service_takes_and_keeps_it(
    case: Case, package: str, way: str, instance: FakeCloud, tmp_path: Path
) -> None:
    provider = case.make(Package(package), instance, tmp_path)
    before = instance.count()
    found = WAYS[way](provider, "get_credentials")
    asked = instance.count() - before
    again = WAYS[way](provider, "get_credentials")
    assert whole(again) == whole(found)
    assert provider.get_provider_name() == case.name
    assert found.get_provider_name() == case.value_name
    assert (found.get_expiration() is not None) == case.ends
    if case.ends:
        known = {each.access_key_id: each.ends_at for each in instance.sessions}
        assert found.get_expiration() == int(known[found.get_access_key_id()].timestamp())
    assert instance.count() - before == asked, "the second answer came from memory"
    if package == OURS:
        assert asked == case.requests
        assert instance.rejected == ()
    key = Credential(found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token())
    assert instance.sts_client().get_caller_identity(key).account_id


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_client_over_a_provider_has_all_parts_of_one_fetch(case: Case, instance: FakeCloud, tmp_path: Path, ours: Package) -> None:
    provider = case.make(ours, instance, tmp_path)
    client = ours.of("client").Client(provider=provider)
    held = provider.get_credentials()
    for way in WAYS.values():
        model = way(client, "get_credential")
        for part in ("access_key_id", "access_key_secret", "security_token", "provider_name"):
            assert getattr(model, part) == getattr(held, f"get_{part}")() == getattr(model, f"get_{part}")()
        assert model.get_type() == model.type == client.get_type() == case.name
        assert model.bearer_token is client.get_bearer_token() is None


def test_every_provider_class_is_tried(instance: FakeCloud, tmp_path: Path, ours: Package) -> None:
    tried = {type(case.make(ours, instance, tmp_path)).__name__ for case in CASES}
    assert tried == set(ours.provider.__all__)


def test_a_role_session_has_the_parameters_that_were_given(instance: FakeCloud, tmp_path: Path, ours: Package) -> None:
    ram_role_arn(ours, instance, tmp_path).get_credentials()
    sent = instance.raw[-1].body.decode()
    for part in ("RoleSessionName=a-test", "DurationSeconds=1800", "ExternalId=proof"):
        assert part in sent
    assert "Policy" not in sent
