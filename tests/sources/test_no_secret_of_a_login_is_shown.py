"""Whatever a URL, a site, the service or a caller's function answers: no error, log line or ``repr`` shows it, and no URL holds it."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alicred.errors import AlicredError
from alicred.sources.cloud_sso import CloudSsoProvider
from alicred.sources.credentials_uri import CredentialsUriProvider
from alicred.sources.oauth import OAuthProvider, OAuthTokens
from alicred.sources.saml_role_arn import SamlRoleArnProvider
from alicred.testing import FakeCloud, faults
from alicred.testing.cloud.exchange import Answer
from alicred.wire.http import HttpClient
from alicred.wire.sts import StsClient
from tests.support import examples
from tests.wire.servers import Reply, Request, Server, answering

SECRET = "Pl4nt3dS3cr3t"
LATER = datetime(2099, 1, 1, tzinfo=timezone.utc)

# --- what comes back ----------------------------------------------------------------------------------------------------------------

_FIELDS = (
    "AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration", "Code", "Message", "RequestId", "ErrorCode", "ErrorMessage",
    "Credentials", "CloudCredential",
)  # fmt: skip
_NAMES = st.sampled_from(
    [
        *_FIELDS, *(name[0].lower() + name[1:] for name in _FIELDS),
        "access_token", "refresh_token", "expires_in", "error", "error_description", SECRET,
    ]
)  # fmt: skip
_PLANTED = st.sampled_from([SECRET, f"{SECRET}\n", f" {SECRET}", f"{SECRET}é", f"Bearer {SECRET}", f"server string to sign is:{SECRET}"])
_VALUES = st.one_of(
    _PLANTED,
    _PLANTED,
    st.sampled_from([None, True, 0, 3600, 1e400, "", "2099-01-01T00:00:00Z", "Success", "NoPermission", "invalid_grant", [SECRET]]),
)
_OBJECTS = st.recursive(
    st.dictionaries(_NAMES, _VALUES, max_size=8),
    lambda inner: st.dictionaries(_NAMES, st.one_of(_VALUES, inner), max_size=8),
    max_leaves=20,
)
_KEY = dict.fromkeys(("AccessKeyId", "AccessKeySecret", "SecurityToken"), SECRET) | {"Expiration": "2099-01-01T00:00:00Z"}
_ALMOST_GOOD = st.builds(
    lambda name, value: {
        **_KEY,
        "access_token": SECRET,
        "refresh_token": SECRET,
        "CloudCredential": _KEY,
        "Credentials": _KEY,
        name: value,
    },
    _NAMES,
    _VALUES,
)
_BODIES = st.one_of(
    _OBJECTS.map(lambda each: json.dumps(each).encode()),
    _ALMOST_GOOD.map(lambda each: json.dumps(each).encode()),
    _ALMOST_GOOD.map(lambda each: json.dumps(each).encode()[:-2]),
    st.sampled_from([SECRET.encode(), f'"{SECRET}"'.encode(), f"<html>{SECRET}".encode(), b"\xff" + SECRET.encode(), b""]),
)
_HEADERS = st.dictionaries(
    st.sampled_from(["Location", "Date", "Retry-After", "X-Acs-Retry-After", "X-Acs-Request-Id", "Content-Type", "Set-Cookie", SECRET]),
    st.sampled_from([SECRET, f"http://127.0.0.1:1/{SECRET}?{SECRET}"]),
    max_size=3,
)
_REPLIES = st.builds(Reply, st.sampled_from([200, 200, 200, 201, 302, 400, 401, 403, 404, 407, 429, 500, 503]), _BODIES, _HEADERS)

# --- who asks -----------------------------------------------------------------------------------------------------------------------


def raises_it(*_: object) -> str:
    raise RuntimeError(SECRET)


def makers(url: str) -> dict[str, Callable[[], Any]]:
    """A provider of each kind, with the secret in everything secret that it is given."""
    http = HttpClient(read_timeout=timedelta(seconds=2), trust_environment=False)
    sts = StsClient(url, http=http)
    saml: dict[str, Any] = {"role_arn": "acs:ram::1:role/x", "saml_provider_arn": "idp", "session_policy": {"Version": SECRET}, "sts": sts}
    oauth: dict[str, Any] = {"client_id": "c", "sign_in_url": f"{url}/{SECRET}?{SECRET}", "http": http, "on_tokens": raises_it}
    with_secrets = url.replace("//", f"//{SECRET}:{SECRET}@")
    return {
        "credentials_uri": lambda: CredentialsUriProvider(f"{with_secrets}/credentials?{SECRET}#{SECRET}", http=http),
        "credentials_uri from the environment": lambda: CredentialsUriProvider.from_environment(
            {"ALIBABA_CLOUD_CREDENTIALS_URI": f"{with_secrets}/credentials?{SECRET}"}, http=http
        ),
        "cloud_sso": lambda: CloudSsoProvider(
            sign_in_url=f"{with_secrets}/{SECRET}",
            account_id="1",
            access_configuration_id="ac-1",
            access_token=SECRET,
            access_token_expires_at=LATER,
            http=http,
        ),
        "oauth, renewing": lambda: OAuthProvider(tokens=OAuthTokens(SECRET), **oauth),
        "oauth, about to end": lambda: OAuthProvider(
            tokens=OAuthTokens(SECRET, SECRET, datetime.now(timezone.utc) + timedelta(minutes=5)), **oauth
        ),
        "oauth": lambda: OAuthProvider(tokens=OAuthTokens(SECRET, SECRET, LATER), **oauth),
        "saml_role_arn": lambda: SamlRoleArnProvider(assertion=lambda: f"{SECRET}==", **saml),
        "saml_role_arn, raising": lambda: SamlRoleArnProvider(assertion=raises_it, **saml),
        "saml_role_arn, with a wrong text": lambda: SamlRoleArnProvider(assertion=lambda: f"<{SECRET}>", **saml),
    }


@contextmanager
def everything_that_is_logged() -> Iterator[list[str]]:
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record) + repr(record.args))

    root, keeper = logging.getLogger(), Keeper()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(keeper)
        root.setLevel(level)


def emitted(make: Callable[[], Any]) -> list[str]:
    """All that a provider says of itself, in errors with their causes and in the log, while it is used."""
    with everything_that_is_logged() as texts:
        provider = make()
        for _ in range(2):
            try:
                provider.get()
            except AlicredError as error:
                texts += ["".join(traceback.format_exception(error)), repr(vars(error))]
                seen: BaseException | None = error
                while seen is not None:
                    texts += [str(seen), repr(seen)]
                    seen = seen.__cause__ or seen.__context__
            texts.append(repr(provider))
    return texts


@pytest.fixture(scope="module")
def replies() -> Iterator[tuple[Server, list[Reply]]]:
    """A server, and a list whose first element it answers with."""
    held: list[Reply] = []

    def reply(_: Request) -> Reply:
        return held[0]

    with answering(reply) as server:
        yield server, held


@pytest.mark.parametrize("kind", makers("http://127.0.0.1"))
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
@given(answer=_REPLIES)
def test_no_answer_is_shown(kind: str, replies: tuple[Server, list[Reply]], answer: Reply) -> None:
    server, held = replies
    held[:] = [answer]
    del server.requests[:]
    texts = emitted(makers(server.url)[kind])
    assert [text for text in texts if SECRET in text] == []
    if not kind.startswith("credentials_uri"):  # whose query is sent as it is given
        assert [request.target for request in server.requests if SECRET in request.target] == []


def test_the_search_finds_what_is_shown() -> None:
    """A search that could find nothing would prove nothing."""

    class Careless:
        name = "careless"

        def get(self) -> object:
            logging.getLogger("alicred").debug("got %s", f"logged {SECRET}")
            try:
                raise_it = RuntimeError(f"caused by {SECRET}")
                raise raise_it
            except RuntimeError:
                raise AlicredError("harmless") from None

        def __repr__(self) -> str:
            return f"shown {SECRET}"

    found = [text for text in emitted(Careless) if SECRET in text]
    for how in ("logged", "caused by", "shown"):
        assert any(how in text for text in found)


class Echo(faults.Fault):
    """A service that throws the whole request and the whole answer back."""

    def __init__(self, cloud: FakeCloud, status: int) -> None:
        self._cloud = cloud
        self._status = status

    def spoil(self, answer: Answer, now: datetime) -> Answer:
        request = self._cloud.raw[-1]
        text = f"{request.line} {dict(request.headers)} {request.body!r} {answer.body!r}"
        body = json.dumps({"Code": text, "Message": text, "RequestId": text, "error": text, "error_description": text}).encode()
        return Answer(status=self._status, body=body)


FAULTS: dict[str, Callable[[FakeCloud], faults.Fault]] = {
    "echo 200": lambda cloud: Echo(cloud, 200),
    "echo 400": lambda cloud: Echo(cloud, 400),
    "echo 401": lambda cloud: Echo(cloud, 401),
    "echo 500": lambda cloud: Echo(cloud, 500),
    **{
        type(fault).__name__ + getattr(fault, "name", ""): lambda _, fault=fault: fault  # type: ignore[misc]  # a default that binds it now
        for fault in (
            faults.Denied(), faults.Malformed(), faults.Truncated(), faults.Oversized(), faults.Reset(), faults.Expired(),
            faults.MissingField("SecurityToken"), faults.MissingField("securityToken"), faults.MissingField("access_token"),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("over_tls", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_real_token_and_no_key_is_shown_or_stands_in_a_url(fault: str, over_tls: bool) -> None:
    secrets: set[str] = set()
    with FakeCloud() as cloud:
        url, http = cloud.endpoint if over_tls else cloud.http_endpoint, cloud.http_client()
        sso, login, assertion = cloud.add_cloud_sso_login(), cloud.add_oauth_login(), cloud.add_saml_assertion()
        secrets |= {sso.access_token, login.access_token, login.refresh_token, assertion}

        def save(tokens: OAuthTokens) -> None:
            secrets.update(filter(None, (tokens.access_token, tokens.refresh_token)))

        def oauth(tokens: OAuthTokens) -> OAuthProvider:
            return OAuthProvider(client_id=login.client_id, sign_in_url=url, tokens=tokens, on_tokens=save, http=http)

        made: list[Callable[[], Any]] = [
            lambda: CredentialsUriProvider(f"{url}/credentials", http=http),
            lambda: CloudSsoProvider(
                sign_in_url=url,
                account_id=sso.account_id,
                access_configuration_id=sso.access_configuration_id,
                access_token=sso.access_token,
                access_token_expires_at=sso.expires_at,
                http=http,
            ),
            lambda: oauth(OAuthTokens(None, login.access_token)),
            lambda: oauth(OAuthTokens(login.refresh_token)),
            lambda: SamlRoleArnProvider(
                role_arn=cloud.role_arn,
                saml_provider_arn=cloud.saml_provider_arn,
                assertion=lambda: assertion,
                sts=StsClient(url, http=http),
            ),
        ]
        texts: list[str] = []
        for make in made:
            texts += emitted(make)
            with cloud.faulty(FAULTS[fault](cloud)):
                texts += emitted(make)
        secrets |= {key.access_key_secret for key in cloud._account._keys.values()}
        secrets |= {key.security_token for key in cloud._account._keys.values() if key.security_token}
        lines = [request.line for request in cloud.raw]
    assert len(secrets) > 20
    assert len(lines) >= 20
    for secret in secrets:
        assert [text for text in texts + lines if secret in text] == []
