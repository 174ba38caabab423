"""The real OCR client of the present generation takes the façade's client as its ``credential``."""

from __future__ import annotations

import asyncio
import copy
import warnings
from pathlib import Path
from typing import Any

import pytest

from alicred.compat.client import Client as Credentials
from alicred.compat.exceptions import CredentialException
from alicred.compat.models import Config as CredentialConfig
from alicred.compat.provider import DefaultCredentialsProvider, RamRoleArnCredentialsProvider
from alicred.testing import FakeCloud
from tests.compat.support import host_of, keys, session
from tests.support import in_threads

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client's packages do at their import
    from alibabacloud_ocr20191230.client import Client
    from alibabacloud_ocr20191230.models import GetAsyncJobResultRequest
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the client's, on 3.12 and newer


def ocr(cloud: FakeCloud, credential: Credentials) -> Any:
    scheme, _, host = cloud.http_endpoint.partition("://")
    return Client(Config(credential=credential, endpoint=host, protocol=scheme, region_id="cn-shanghai"))


def call(client: Any) -> object:
    return client.get_async_job_result_with_options(GetAsyncJobResultRequest(job_id="j"), RuntimeOptions()).status_code


async def call_async(client: Any) -> object:
    return (await client.get_async_job_result_with_options_async(GetAsyncJobResultRequest(job_id="j"), RuntimeOptions())).status_code


def configured(kind: str, cloud: FakeCloud, home: Path) -> Credentials:
    if kind == "sts":
        return Credentials(CredentialConfig(type=kind, **session(cloud)))
    if kind == "bearer":
        return Credentials(CredentialConfig(type=kind, bearer_token=cloud.add_bearer_token().token))
    if kind == "credentials_uri":
        return Credentials(CredentialConfig(type=kind, credentials_uri=f"{cloud.http_endpoint}/credentials"))
    if kind == "ecs_ram_role":
        return Credentials(CredentialConfig(type=kind, host=cloud.imds_endpoint))
    if kind == "rsa_key_pair":
        public_key_id, pem = cloud.add_rsa_key()
        (home / "key.pem").write_text(pem)
        given = {"public_key_id": public_key_id, "private_key_file": str(home / "key.pem")}
        return Credentials(CredentialConfig(type=kind, **given, sts_endpoint=host_of(cloud)))
    if kind == "oidc_role_arn":
        (home / "token").write_text(cloud.add_oidc_token())
        given = {"role_arn": cloud.role_arn, "oidc_provider_arn": cloud.oidc_provider_arn, "oidc_token_file_path": str(home / "token")}
        return Credentials(CredentialConfig(type=kind, **given, sts_endpoint=host_of(cloud)))
    if kind == "ram_role_arn":
        return Credentials(CredentialConfig(type=kind, **keys(cloud), role_arn=cloud.role_arn, sts_endpoint=host_of(cloud)))
    return Credentials(CredentialConfig(type="access_key", **keys(cloud)))


TYPES = ["access_key", "sts", "bearer", "ecs_ram_role", "ram_role_arn", "rsa_key_pair", "oidc_role_arn", "credentials_uri"]


@pytest.mark.parametrize("kind", TYPES)
def test_a_client_of_each_type_signs_what_the_service_accepts(kind: str, cloud: FakeCloud, tmp_path: Path) -> None:
    credential = configured(kind, cloud, tmp_path)
    client = ocr(cloud, credential)
    assert credential.get_type() == kind
    assert [call(client), asyncio.run(call_async(client)), call(client)] == [200] * 3
    assert cloud.rejected == ()


def test_threads_and_tasks_share_one_client(cloud: FakeCloud, tmp_path: Path) -> None:
    client = ocr(cloud, copy.deepcopy(configured("ram_role_arn", cloud, tmp_path)))
    assert in_threads(8, lambda: call(client)) == [200] * 8

    async def main() -> list[object]:
        return await asyncio.gather(*(call_async(client) for _ in range(10)))

    assert asyncio.run(main()) == [200] * 10
    assert cloud.rejected == ()
    assert cloud.count("AssumeRole") == 1


def test_the_default_chain_serves_the_client(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    client = ocr(cloud, Credentials())
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", cloud.access_key.access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", cloud.access_key.access_key_secret)
    assert call(client) == 200
    sent = cloud.calls[-1].headers
    assert sent["x-acs-credentials-provider"] == "default/env"


def test_a_role_over_the_default_chain_serves_the_client(instance: FakeCloud) -> None:
    role = RamRoleArnCredentialsProvider(
        credentials_provider=DefaultCredentialsProvider(), role_arn=instance.role_arn, sts_endpoint=host_of(instance)
    )
    assert call(ocr(instance, Credentials(provider=role))) == 200
    assert instance.calls[-1].headers["x-acs-credentials-provider"] == "ram_role_arn/default/ecs_ram_role"


def test_the_exception_arrives_inside_the_clients(cloud: FakeCloud) -> None:
    wrong = {"access_key_id": "unknown", "access_key_secret": "x"}
    credential = Credentials(CredentialConfig(type="ram_role_arn", **wrong, role_arn=cloud.role_arn, sts_endpoint=host_of(cloud)))
    with pytest.raises(Exception) as caught:  # noqa: PT011  (the client's own type differs between its releases)
        call(ocr(cloud, credential))
    assert isinstance(getattr(caught.value, "inner_exception", None), CredentialException)
    assert cloud.count("GetAsyncJobResult") == 0


class Getters:
    """A client of an older generation: it asks for the parts one by one, and signs by itself."""

    def __init__(self, credential: Credentials) -> None:
        self.credential = credential

    def sign(self) -> tuple[str | None, ...]:
        each = self.credential
        assert each.get_type() == "ram_role_arn"
        return each.get_access_key_id(), each.get_access_key_secret(), each.get_security_token()


def test_a_client_of_an_older_generation_gets_parts_of_one_fetch(cloud: FakeCloud, tmp_path: Path) -> None:
    from alicred import Credential

    key_id, secret, token = Getters(configured("ram_role_arn", cloud, tmp_path)).sign()
    assert key_id
    assert secret
    assert cloud.sts_client().get_caller_identity(Credential(key_id, secret, token)).role_id
