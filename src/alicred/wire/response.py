"""What comes back from a server, and what it teaches about the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

import attrs

from alicred._internal.public import public

if TYPE_CHECKING:
    from alicred.clock import Clock


@public("alicred.wire")
@attrs.frozen
class HttpResponse:
    """An answer. A value; its ``repr`` shows the status only.

    Args:
        status: The HTTP status.
        headers: The headers, names in lower case; repeated ones joined by ``", "``.
        body: The whole body.
        secure: Whether it came over TLS, from a server whose certificate was verified.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    secure: bool = attrs.field(repr=False)


@public("alicred.wire")
class Headers(Protocol):
    """The headers of a request, as every web framework has them: a mapping, or anything else with ``items()``."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Names and values."""
        ...


def learn_time(clock: Clock, response: HttpResponse, took: float) -> None:
    """Have *clock* observe the ``Date`` of *response*, if that came over TLS and is a date.

    The date was written at some moment of the *took* seconds that the exchange lasted. So it is at most that long ago, and a clock that
    agrees with any moment in between is right.
    """
    if not response.secure:
        return
    from datetime import timedelta, timezone
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except (TypeError, ValueError, OverflowError, IndexError):  # what a text that is no date may raise there
        return
    earliest = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    try:
        earliest = earliest.astimezone(timezone.utc)
        latest = earliest + timedelta(seconds=took)
    except OverflowError:
        return  # the first and the last day that there are, are no date of an answer
    clock.observe(min(max(earliest, clock.utcnow()), latest))
