"""The fake cloud as a program: what goes wrong in it, what a program must know to use it, and when it ends."""

from __future__ import annotations

import os
import random
import signal
import stat
import sys
import threading
from typing import Any

import attrs

from alicred.testing import FakeCloud, faults

_ENDED = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))


@attrs.frozen
class Sometimes(faults.Fault):
    """A share of the requests is throttled, another one met with 503; all others are handled as usual.

    Args:
        throttled: The one, 0 to 1.
        broken: The other.
        seed: What the random draws are made from.
    """

    throttled: float
    broken: float
    seed: int
    _draw: random.Random = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_draw", random.Random(self.seed))  # noqa: S311  (no secret)

    def instead(self) -> Any:
        """One of the two errors, or nothing."""
        drawn = self._draw.random()
        if drawn < self.throttled:
            return faults.Throttling().instead()
        return faults.ServerError().instead() if drawn < self.throttled + self.broken else None


def variables(cloud: FakeCloud, role_arn: str) -> dict[str, str]:
    """What a program needs in its environment to use *cloud*, in the names that alicred and the official libraries read."""
    key = cloud.access_key
    return {
        "ALIBABA_CLOUD_STS_ENDPOINT": cloud.http_endpoint,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
        "ALIBABA_CLOUD_ROLE_ARN": role_arn,
    }


class End:
    """When the program ends: as it is interrupted or asked to, from here on, or as the pipe that is its standard input closes."""

    def __init__(self) -> None:
        self._come = threading.Event()
        for number in (signal.SIGINT, *_ENDED):
            signal.signal(number, self._comes)

    def _comes(self, number: int, frame: object) -> None:
        self._come.set()

    def wait(self) -> None:
        """Block until then."""
        if _is_pipe(0):
            threading.Thread(target=_read_to_end, args=(self._come,), name="alicred-cloud-input", daemon=True).start()
        while not self._come.wait(3600):
            pass


def _read_to_end(ended: threading.Event) -> None:
    with open(0, "rb", buffering=0, closefd=False) as source:
        while source.read(4096):
            pass
    ended.set()


def _is_pipe(descriptor: int) -> bool:
    """Whether *descriptor* is a pipe or a socket, whose end means something; a program in the background has the null device."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return sys.stdin is not None and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))
