"""What the services of the field tests answer."""

from __future__ import annotations

import itertools
import json

from alicred.testing import FakeClock
from tests.strategies import credential
from tests.support import HOUR, Script


def service(clock: FakeClock) -> Script:
    """Sessions of an hour, by true time: the service's clock is right, whatever the machine's shows."""
    numbers = itertools.count(1)
    return Script(lambda: credential(next(numbers), HOUR, clock.true_time()), clock=clock)


def key(name: str, token: str = "token") -> bytes:
    return json.dumps({"AccessKeyId": name, "AccessKeySecret": "secret", "SecurityToken": token}).encode()
