"""What the tests of OAuthProvider share."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from alicred.credential import Credential
from alicred.errors import AlicredError
from alicred.sources.oauth import OAUTH_SITES, OAuthProvider, OAuthTokens
from alicred.testing import FakeCloud
from alicred.testing.cloud.logins import OAuthLogin
from tests.recording_http import RecordingHttp

LATER = datetime(2099, 1, 1, tzinfo=timezone.utc)
KEY = {"accessKeyId": "STS.O", "accessKeySecret": "SO", "securityToken": "TO", "expiration": "2099-12-31T23:59:59Z", "requestId": "R"}
GOOD = Credential("STS.O", "SO", "TO", datetime(2099, 12, 31, 23, 59, 59, tzinfo=timezone.utc))
NEW_TOKENS = {"access_token": "at2", "refresh_token": "rt2", "expires_in": 3600, "token_type": "Bearer"}
VALID = OAuthTokens("rt", "at", LATER)
STALE = OAuthTokens("rt")
LOG_IN = "Log in again with `alicred login --profile NAME` or `aliyun configure --mode OAuth`"
MINUTE = timedelta(minutes=1)


def provider(*answers: object, tokens: object = VALID, http: object = None, **changes: Any) -> OAuthProvider:
    site = OAUTH_SITES["CN"]
    arguments = {"client_id": site.client_id, "sign_in_url": site.sign_in_url, "tokens": tokens}
    return OAuthProvider(**{**arguments, "http": http or RecordingHttp(*answers), **changes})  # type: ignore[arg-type]  # stand-ins


def of(cloud: FakeCloud, login: OAuthLogin, **changes: Any) -> OAuthProvider:
    tokens = OAuthTokens(login.refresh_token, login.access_token, login.expires_at)
    return provider(
        **{"client_id": login.client_id, "sign_in_url": cloud.endpoint, "http": cloud.http_client(), "tokens": tokens, **changes}
    )


def spent(made: OAuthProvider) -> OAuthTokens:
    """What it would go on with."""
    return made._tokens


def failure(made: OAuthProvider, kind: type[AlicredError] = AlicredError) -> AlicredError:
    with pytest.raises(kind) as caught:
        made.get()
    assert caught.value.provider == "oauth"
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "planted" not in f"{seen}{seen!r}"
        seen = seen.__cause__ or seen.__context__
    return caught.value
