"""What can go wrong on the way to a cloud and back, as values for `FakeCloud.inject`.

Every fault is immutable and can be injected any number of times. `Latency` and `Hang` delay an answer; all others replace or spoil
it. A request gets at most one of either kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs

from alicred._internal.validators import instance_of, not_negative
from alicred.testing.cloud.exchange import Answer, Json, Refused, text_answer

_OVERSIZED = (1 << 20) + (1 << 16)
_Change = Callable[[str, Json], Json]


class Fault:
    """Base of all faults. For one of your own, override one of the two methods; both are called on several threads at once."""

    def instead(self) -> Answer | Refused | None:
        """What to answer without looking at the request; ``None`` handles the request as usual."""
        return None

    def spoil(self, answer: Answer, now: datetime) -> Answer:
        """What becomes of the answer to a request that was handled as usual, at the cloud's time *now*."""
        return answer


class Delay(Fault):
    """Base of the faults that only hold an answer back."""


@attrs.frozen
class Latency(Delay):
    """The answer is sent late. It is made at once: what it hands out is older by *span* when it arrives.

    Args:
        span: How late, in real time; not negative.
    """

    span: timedelta = attrs.field(validator=not_negative)


@attrs.frozen
class Hang(Delay):
    """The answer is held back until `FakeCloud.release`, or for *span*; if the cloud is stopped first, it is never sent.

    Args:
        span: The longest wait, in real time; ``None`` is no limit.
    """

    span: timedelta | None = attrs.field(default=None, validator=attrs.validators.optional(not_negative))


@attrs.frozen
class Denied(Fault):
    """The service says no.

    Args:
        code: The error code.
        status: The HTTP status.
    """

    code: str = attrs.field(default="NoPermission", validator=instance_of(str))
    status: int = attrs.field(default=403, validator=instance_of(int))

    def instead(self) -> Refused:
        return Refused(self.status, self.code, "You are not authorized to do this action. You should be authorized by RAM.")


@attrs.frozen
class Throttling(Fault):
    """The service asks for patience: 400 ``Throttling.User``.

    Args:
        retry_after: Goes into ``x-acs-retry-after``, in milliseconds; ``None`` leaves the header out.
    """

    retry_after: timedelta | None = attrs.field(default=None, validator=attrs.validators.optional(not_negative))

    def instead(self) -> Refused:
        headers = () if self.retry_after is None else (("x-acs-retry-after", str(self.retry_after // timedelta(milliseconds=1))),)
        return Refused(400, "Throttling.User", "Request was denied due to user flow control.", headers=headers)


@attrs.frozen
class ServerError(Fault):
    """The service is broken.

    Args:
        status: The HTTP status; 503 comes with the code ``ServiceUnavailable``, every other one with ``InternalError``.
    """

    status: int = attrs.field(default=503, validator=instance_of(int))

    def instead(self) -> Refused:
        code = "ServiceUnavailable" if self.status == 503 else "InternalError"
        return Refused(self.status, code, "The request has failed due to a temporary failure of the server.")


@attrs.frozen
class Redirect(Fault):
    """A 302 to somewhere else.

    Args:
        location: Where to; relative to the cloud, or a whole URL.
    """

    location: str = attrs.field(default="/redirected", validator=instance_of(str))

    def instead(self) -> Answer:
        return Answer(status=302, headers=(("Location", self.location),))


@attrs.frozen
class WrongContent(Fault):
    """A page of HTML with status 200, as a captive portal or a proxy sends it."""

    def instead(self) -> Answer:
        return text_answer("<!DOCTYPE html><html><body>Please log in</body></html>", kind="text/html")


@attrs.frozen
class Reset(Fault):
    """The connection is reset (TCP RST) instead of an answer. The request was handled: what it asked for has happened."""

    def spoil(self, answer: Answer, now: datetime) -> Answer:
        return attrs.evolve(answer, reset=True)


@attrs.frozen
class Truncated(Fault):
    """The connection is closed in the middle of the body."""

    def spoil(self, answer: Answer, now: datetime) -> Answer:
        return attrs.evolve(answer, cut_at=len(answer.body) // 2)


@attrs.frozen
class Oversized(Fault):
    """The right answer, followed by so many blanks that the body is longer than 1 MiB."""

    def spoil(self, answer: Answer, now: datetime) -> Answer:
        return attrs.evolve(answer, body=answer.body.ljust(_OVERSIZED))


@attrs.frozen
class Malformed(Fault):
    """The right answer without its last bytes, with a length that fits: the body is no JSON, and the secrets in it are real."""

    def spoil(self, answer: Answer, now: datetime) -> Answer:
        return attrs.evolve(answer, body=answer.body[: max(0, len(answer.body) - 4)])


@attrs.frozen
class Expired(Fault):
    """The answer says that what it hands out ended an hour ago."""

    def spoil(self, answer: Answer, now: datetime) -> Answer:
        ended = f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"

        def change(name: str, value: Json) -> Json:
            return ended if name in ("Expiration", "expiration") else value

        return _edited(answer, change)


@attrs.frozen
class MissingField(Fault):
    """A field is missing from the answer, wherever it stood.

    Args:
        name: Name of the field, such as ``"SecurityToken"``; the case matters.
    """

    name: str = attrs.field(validator=instance_of(str))

    def spoil(self, answer: Answer, now: datetime) -> Answer:
        return _edited(answer, lambda name, value: _GONE if name == self.name else value)


class _Gone(str):
    """Marks a value to be left out."""


_GONE = _Gone()


def _edited(answer: Answer, change: _Change) -> Answer:
    """*answer* with every named value of its JSON body put through *change*; as it is if the body is no JSON."""
    try:
        payload: Json = json.loads(answer.body)
    except ValueError:
        return answer
    return attrs.evolve(answer, body=json.dumps(_walk(payload, change), separators=(",", ":")).encode())


def _walk(value: Json, change: _Change) -> Json:
    if isinstance(value, dict):
        changed = {name: change(name, _walk(inner, change)) for name, inner in value.items()}
        return {name: inner for name, inner in changed.items() if inner is not _GONE}
    if isinstance(value, list):
        return [_walk(inner, change) for inner in value]
    return value
