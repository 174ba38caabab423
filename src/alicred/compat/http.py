"""How requests are sent."""

from __future__ import annotations

import attrs


@attrs.define(kw_only=True, eq=False, slots=False)
class HttpOptions:
    """A proxy and two time-outs. Read when a provider is made of it; changing it later changes nothing.

    Args:
        proxy: ``http(s)://[user:password@]host[:port]``; ``None`` means what the environment says. Not in ``repr``.
        connect_timeout: For a connection, in milliseconds.
        read_timeout: For a whole answer, in milliseconds.
    """

    proxy: str | None = attrs.field(default=None, repr=False)
    connect_timeout: float | None = None
    read_timeout: float | None = None


__all__ = ["HttpOptions"]
