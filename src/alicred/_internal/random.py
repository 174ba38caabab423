"""The random draw behind every jitter."""

from __future__ import annotations

import os

_BITS = 53


def draw() -> float:
    """A float in [0, 1). Taken from the system, so that it needs no seed, no global state and no care after a fork."""
    return (int.from_bytes(os.urandom(7), "big") >> (56 - _BITS)) / (1 << _BITS)
