"""How values are written in texts for people."""

from __future__ import annotations

from datetime import datetime, timezone


def utc(moment: datetime) -> str:
    """*moment* for a text, in UTC."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
