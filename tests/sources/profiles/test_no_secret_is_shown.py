"""Whatever stands in the files and variables, and however it is broken: an error never shows it."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from alicred.default import default_chain
from alicred.errors import AlicredError, DeniedError, SourceOutcome, TransientError
from tests.recording_sts import RecordingSts
from tests.support import examples

SECRET = "Pl4nt3dS3cr3t"
# The values that are secret, or may be; a section's name, a path and an id may be shown.
SECRET_KEYS = ("access_key_secret", "security_token", "bearer_token", "policy", "external_id", "enable", "type", "role_session_expiration")
OTHER_KEYS = ("access_key_id", "role_arn", "public_key_id", "oidc_provider_arn", "region_id", "role_session_name", "sts_endpoint")
TYPES = ("access_key", "sts", "ram_role_arn", "rsa_key_pair", "oidc_role_arn", "bearer")
VARIABLES = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    "ALIBABA_CLOUD_STS_REGION",
)

_MARKED = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "#", ";", '"', "a = ", "%("]),
    st.just(SECRET),
    st.sampled_from(["", "\x07", " # c", "[", "\\"]),
)
_KEYS = st.one_of(
    st.tuples(st.sampled_from(SECRET_KEYS + OTHER_KEYS), _MARKED),
    st.tuples(st.sampled_from(OTHER_KEYS), st.just("x")),
    st.tuples(st.just("type"), st.sampled_from(TYPES)),
)
_LINES = st.one_of(
    _KEYS.map(lambda pair: f"{pair[0]} = {pair[1]}"),
    _KEYS.map(lambda pair: f"{pair[0]}: {pair[1]}"),
    st.sampled_from([SECRET, f"  {SECRET}", f"= {SECRET}", f"{SECRET} = {SECRET}", f"# {SECRET}", f"[default] {SECRET}"]),
    st.sampled_from([f"[{SECRET}", "\0", "\ud800"]),
)
_FILES = st.tuples(st.sampled_from(["[default]\nenable = true\n", "[default]\n", ""]), st.lists(_LINES, max_size=8)).map(
    lambda parts: parts[0] + "\n".join(parts[1])
)
_REFUSALS = st.sampled_from([DeniedError("denied", code="NoPermission"), TransientError("down", retryable=False)])


@settings(max_examples=examples(50))  # each one writes files
@given(
    text=_FILES,
    token=st.sampled_from([SECRET, f"{SECRET}\n{SECRET}", f"{SECRET}\0", f"{SECRET}\ud800", ""]),
    environ=st.dictionaries(st.sampled_from(VARIABLES), st.sampled_from([SECRET, f"{SECRET}\n{SECRET}", f"{SECRET}/", ""]), max_size=2),
    refusal=_REFUSALS,
)
def test_no_error_shows_what_was_planted(text: str, token: str, environ: dict[str, str], refusal: AlicredError) -> None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / ".alibabacloud").mkdir()
        (home / ".alibabacloud" / "credentials").write_bytes(text.encode(errors="surrogatepass"))
        (home / "token").write_bytes(token.encode(errors="surrogatepass"))
        variables = {
            "HOME": directory,
            "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/a",
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/p",
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        }
        for more in ({}, {"ALIBABA_CLOUD_OIDC_TOKEN_FILE": "~/token"}):
            chain = default_chain(environ={**variables, **more, **environ}, sts=RecordingSts(refusal))
            assert SECRET not in repr(chain)
            try:
                chain.get()
            except AlicredError as error:
                _check(error)
            for report in chain.explain():
                if report.outcome is not SourceOutcome.FOUND:  # what was found shows its id, which is no secret
                    assert SECRET not in str(report)
                if report.error is not None:
                    _check(report.error)


def _check(error: BaseException) -> None:
    """The error, and all that led to it, as a traceback would print it."""
    seen: BaseException | None = error
    while seen is not None:
        assert SECRET not in str(seen)
        assert SECRET not in repr(seen)
        seen = seen.__cause__ or seen.__context__
    assert SECRET not in "".join(traceback.format_exception(error))
