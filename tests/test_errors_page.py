"""The texts that docs/errors.md shows are those that are raised."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

import pytest

from alicred import AlicredError, Credential, RamRoleArnProvider, StaticProvider
from alicred.sources.oauth import OAuthProvider, OAuthTokens
from alicred.wire.failures import connect_failure
from alicred.wire.operation import Operation
from alicred.wire.sts import StsClient
from alicred.wire.trust import Trust
from tests.recording_http import RecordingHttp, reply

PAGE = (Path(__file__).parents[1] / "docs" / "errors.md").read_text("utf-8")
REFUSED = {
    "Code": "NoPermission",
    "Message": "You are not authorized to do this action. You should be authorized by RAM.",
    "RequestId": "6894B13B-6D71-4EF5-88FA-F32781734A7F",
}
UNREACHABLE = connect_failure(
    ConnectionRefusedError(errno.ECONNREFUSED, "planted"),
    operation=Operation("POST https://sts.aliyuncs.com/"),
    proxy=None,
    trust=Trust(None),
)


def role(answer: object) -> RamRoleArnProvider:
    http: Any = RecordingHttp(answer)
    sts = StsClient(http=http)
    return RamRoleArnProvider(
        StaticProvider(Credential("LTAIexample", "planted-secret")), role_arn="acs:ram::1000000000000001:role/test-role", sts=sts
    )


def login(answer: object) -> OAuthProvider:
    http: Any = RecordingHttp(answer)
    return OAuthProvider(client_id="app", sign_in_url="https://oauth.aliyun.com", tokens=OAuthTokens("planted-token"), http=http)


@pytest.mark.parametrize(
    "provider",
    [role(reply(REFUSED, 403)), login(reply({"error": "invalid_grant"}, 400)), role(UNREACHABLE)],
    ids=["a refused role", "a login that is over", "a service that cannot be reached"],
)
def test_the_page_shows_the_text_that_is_raised(provider: Any) -> None:
    with pytest.raises(AlicredError) as caught:
        provider.get()
    assert str(caught.value) in " ".join(PAGE.split())
    assert "\n" not in str(caught.value)


def test_the_pages_program_runs() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(block, {})


def test_the_page_shows_what_is_said_for_a_message_that_is_left_out() -> None:
    with pytest.raises(AlicredError) as caught:
        role(reply({**REFUSED, "Message": "planted"}, 403)).get()
    (sentence,) = re.findall(r"`(The service's own message is left out.*?)`", PAGE)
    assert f" {sentence} [" in str(caught.value)
