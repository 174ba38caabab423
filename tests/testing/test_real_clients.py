"""What the real clients send is accepted: these sign with code of their own."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from alicred import Credential
from alicred.testing import FakeCloud, faults
from tests.testing.caller import assume

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import is not ours to judge
    from alibabacloud_ocr20191230 import models as ocr_models
    from alibabacloud_ocr20191230.client import Client as OcrClient
    from alibabacloud_tea_openapi import models as openapi_models
    from alibabacloud_tea_util.models import RuntimeOptions

    try:
        from darabonba.exceptions import DaraException as ClientError
    except ImportError:  # the exception of the generation before
        from Tea.exceptions import TeaException as ClientError

# the client asks for the time in a way that Python 3.12 and later warn of
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

ODD_URL = "http://127.0.0.1/a b+c*~/é中😀.png?x=1&y=%20"


def ocr(cloud: FakeCloud, credential: Credential, *, over_tls: bool = False) -> OcrClient:
    endpoint = cloud.endpoint if over_tls else cloud.http_endpoint
    protocol, _, host = endpoint.partition("://")
    return OcrClient(
        openapi_models.Config(
            access_key_id=credential.access_key_id,
            access_key_secret=credential.access_key_secret,
            security_token=credential.security_token,
            type="sts" if credential.security_token else "access_key",
            endpoint=host,
            protocol=protocol,
            region_id="cn-shanghai",
            ca=cloud.ca_file if over_tls else None,
        )
    )


def recognise(client: OcrClient) -> Any:
    return client.recognize_character_with_options(ocr_models.RecognizeCharacterRequest(image_url=ODD_URL, min_height=3), RuntimeOptions())


async def recognise_async(client: OcrClient) -> Any:
    request = ocr_models.RecognizeCharacterRequest(image_url=ODD_URL, min_height=3)
    return await client.recognize_character_with_options_async(request, RuntimeOptions())


CALLS: dict[str, Callable[[OcrClient], Any]] = {
    "sync": recognise,
    "async": lambda client: asyncio.run(recognise_async(client)),
}


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_ocr_client_is_served(alicred_cloud: FakeCloud, call: Callable[[OcrClient], Any], over_tls: bool) -> None:
    alicred_cloud.answer("RecognizeCharacter", {"Data": {"Results": [{"Text": "seven", "Probability": 0.9}]}})
    for credential in (alicred_cloud.access_key, assume(alicred_cloud)):
        answer = call(ocr(alicred_cloud, credential, over_tls=over_tls))
        assert answer.status_code == 200
        assert answer.body.data.results[0].text == "seven"
    calls = [each for each in alicred_cloud.calls if each.operation == "RecognizeCharacter"]
    assert [(each.accepted, each.over_tls) for each in calls] == [(True, over_tls), (True, over_tls)]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_ocr_client_with_a_wrong_secret_is_not(alicred_cloud: FakeCloud, call: Callable[[OcrClient], Any]) -> None:
    client = ocr(alicred_cloud, Credential(alicred_cloud.access_key.access_key_id, "another"))
    with pytest.raises(ClientError) as caught:
        call(client)
    assert caught.value.code == "SignatureDoesNotMatch"


def test_the_ocr_client_sees_the_faults(alicred_cloud: FakeCloud) -> None:
    client = ocr(alicred_cloud, alicred_cloud.access_key)
    alicred_cloud.inject(faults.Denied())
    with pytest.raises(ClientError) as caught:
        recognise(client)
    assert caught.value.code == "NoPermission"
    assert recognise(client).status_code == 200


def test_the_ocr_client_is_served_with_a_bearer_token(alicred_cloud: FakeCloud) -> None:
    token = alicred_cloud.add_bearer_token().token
    host = alicred_cloud.http_endpoint.partition("://")[2]
    config = openapi_models.Config(bearer_token=token, type="bearer", endpoint=host, protocol="http", region_id="cn-shanghai")
    assert recognise(OcrClient(config)).status_code == 200
    assert alicred_cloud.calls[0].accepted
