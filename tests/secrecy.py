"""A secret that is planted, whatever listens for it, and the ways in which a service may plant it in an answer."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import pickle
import traceback
import urllib.parse
from collections.abc import Iterator
from datetime import datetime

import attrs
from hypothesis import strategies as st

from alicred.errors import AlicredError, ChainError
from alicred.testing import faults
from alicred.testing.cloud.exchange import Answer, Json, json_answer

SECRET = "Pl4nt3dK3y0fTh3L1br4ry"
# Also in part, and in the dress that a URL, a header or a log may put on it.
SHAPES = (SECRET[:12], SECRET[6:18], SECRET[-12:], base64.b64encode(SECRET.encode()).decode("ascii")[:-4], SECRET.encode().hex())
NOISE = ("{}\n", "{}\nx", "\x07{}", "{}#;%", "'{}", "{}\x00", " {} ", "{}\ud800")


# --- what is said -------------------------------------------------------------------------------------------------------------------


class Said(logging.Handler):
    """Everything that was emitted, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []
        self.errors: dict[int, BaseException] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [record.getMessage(), repr(record.args), repr(vars(record)), logging.Formatter().format(record)]

    def event(self, event: object) -> None:
        self.value(event)
        self.error(getattr(event, "error", None))

    def value(self, value: object) -> None:
        self.texts += [repr(value), str(value), f"{value}"]

    def error(self, error: BaseException | None) -> None:
        """Take in *error*, and whatever it came from, suppressed or not."""
        if error is None or id(error) in self.errors:
            return
        self.errors[id(error)] = error
        details = "".join(traceback.format_exception(error))
        self.texts += [str(error), repr(error), details, repr(error.args), repr(vars(error)), repr(getattr(error, "__notes__", ""))]
        if isinstance(error, AlicredError):
            pickled = pickle.dumps(error)
            self.texts += [pickled.decode("latin-1"), str(pickle.loads(pickled)), repr(error.provider)]
        if isinstance(error, ChainError):
            for report in error.reports:
                self.value(report)
                self.error(report.error)
        self.error(error.__cause__)
        self.error(error.__context__)

    def search(self, secrets: set[str]) -> None:
        said = "\n".join(self.texts)
        for secret in secrets:
            found = said.find(secret)
            assert found < 0, f"a secret is shown: {said[max(0, found - 500) : found + 200]}"


@contextlib.contextmanager
def listening() -> Iterator[Said]:
    """All that goes to the log and to standard output and error meanwhile."""
    said, root, out = Said(), logging.getLogger(), io.StringIO()
    level = root.level
    root.addHandler(said)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            yield said
    finally:
        root.setLevel(level)
        root.removeHandler(said)
        said.texts.append(out.getvalue())


# --- what disturbs ------------------------------------------------------------------------------------------------------------------

SECRET_MEMBERS = ("AccessKeySecret", "SecurityToken", "SessionAccessKeySecret", "access_token", "refresh_token")
ANY_MEMBERS = (*SECRET_MEMBERS, "Expiration", "Code", "Message", "RequestId", "Credentials", "CloudCredential", "expires_in", "error")


@attrs.frozen(kw_only=True)
class Planting(faults.Fault):
    """The right answer with `SECRET` in place of every secret in it, and then spoilt."""

    how: str
    status: int
    member: str

    def instead(self) -> Answer | None:
        names = ("x-acs-request-id", "x-acs-retry-after", "Retry-After", "Location", "Set-Cookie", "Server")
        headers = tuple((name, SECRET) for name in names)
        everything: dict[str, Json] = dict.fromkeys((*ANY_MEMBERS, "ErrorCode", "ErrorMessage", "error_description"), SECRET)
        if self.how == "refuse":
            return json_answer({**everything, "Code": "NoPermission", "error": "invalid_grant"}, self.status, headers)
        if self.how == "quote":
            quoted = (SECRET, urllib.parse.quote(SECRET + "/+="), base64.b64encode(SECRET.encode()).decode("ascii"), SECRET.encode().hex())
            message = " ".join(f"The request was not good because of the value '{each}', which is no value to send." for each in quoted)
            words = dict.fromkeys(("Message", "ErrorMessage", "error_description"), message)
            return json_answer({**everything, **words, "Code": "NoPermission", "error": "invalid_grant"}, self.status, headers)
        if self.how == "everything":
            return json_answer(everything, self.status, headers)
        if self.how == "text":
            return Answer(status=self.status, body=f"<html>{SECRET}</html>".encode(), headers=headers)
        if self.how == "list":
            return Answer(status=self.status, body=json.dumps([SECRET, {SECRET: SECRET}]).encode())
        if self.how == "no http":
            return Answer(status=200, headers=(("Transfer-Encoding", SECRET), ("Content-Encoding", SECRET)), body=SECRET.encode())
        return None

    def spoil(self, answer: Answer, now: datetime) -> Answer:
        try:
            found: Json = json.loads(answer.body)
        except ValueError:
            return answer  # a token or a name of the metadata service
        body = json.dumps(self._walk(found)).encode()
        answer = attrs.evolve(answer, body=body)
        if self.how == "cut":
            return attrs.evolve(answer, body=body[: -(1 + self.status % 40)])
        if self.how == "break off":
            return attrs.evolve(answer, cut_at=len(body) - 5)
        if self.how == "reset":
            return attrs.evolve(answer, reset=True)
        if self.how == "oversize":
            return attrs.evolve(answer, body=body + SECRET.encode() * 60_000)
        return attrs.evolve(answer, status=self.status) if self.how == "status" else answer

    def _walk(self, value: Json) -> Json:
        if not isinstance(value, dict):
            return value
        changed = {name: self._walk(inner) for name, inner in value.items()}
        for name in changed:
            if name[0].upper() + name[1:] in SECRET_MEMBERS or name in SECRET_MEMBERS:
                changed[name] = SECRET
            if name.lower() == self.member.lower():
                changed[name] = {"replace": SECRET, "control": SECRET + "\n", "nest": [SECRET], "empty": ""}.get(self.how, changed[name])
        return changed


HOWS = (
    "nothing", "refuse", "everything", "text", "list", "no http", "cut", "break off", "reset", "oversize", "status", "replace", "control",
    "nest", "empty", "quote", "quote",
)  # fmt: skip
PLANTINGS = st.builds(
    Planting,
    how=st.sampled_from(HOWS),
    status=st.sampled_from([200, 200, 201, 302, 400, 401, 403, 404, 408, 429, 500, 503]),
    member=st.sampled_from(ANY_MEMBERS),
)
