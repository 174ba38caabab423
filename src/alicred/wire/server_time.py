"""What an answer teaches about the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alicred.clock import Clock
    from alicred.wire.http import HttpResponse


def learn_time(clock: Clock, response: HttpResponse) -> None:
    """Have *clock* observe the ``Date`` of *response*, if that came over TLS and is a date."""
    if not response.secure:
        return
    from datetime import timezone
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except (TypeError, ValueError):
        return
    clock.observe(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))
