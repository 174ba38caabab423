"""What the histories of `test_model` are made of.

All spans are multiples of an eighth of a second, and shares of a quarter, which floats add and multiply without error: so a step may
end exactly where a phase does.
"""

from __future__ import annotations

import math
from datetime import timedelta

from hypothesis import strategies as st

from alicred import (
    Backoff,
    ConfigurationError,
    DeniedError,
    FixedWindow,
    FractionWindow,
    NotConfiguredError,
    OnDenied,
    RefreshMode,
    RefreshPolicy,
    TieredWindow,
    TransientError,
)
from tests.support import HOUR, SECOND

TICK = 0.125
When = float | tuple[str, float]

draws = st.sampled_from([0.0, 0.25, 0.5, 0.75])
quarters = st.sampled_from([0.0, 0.5, 1.0])


def seconds(*numbers: float) -> st.SearchStrategy[timedelta]:
    return st.sampled_from([timedelta(seconds=number) for number in numbers])


backoffs = st.builds(
    lambda initial, more, factor, jitter: Backoff(initial=initial, maximum=initial + more, factor=factor, jitter=jitter),
    seconds(1, 1, 5, 60, 0), seconds(60, 600, 7, 0), st.sampled_from([2, 2, 3, 1]), quarters,
)  # fmt: skip
windows = st.sampled_from(
    [
        FractionWindow(), FractionWindow(0.5), FractionWindow(1.0, HOUR), FractionWindow(0), TieredWindow(),
        FixedWindow(300 * SECOND), FixedWindow(60 * SECOND), FixedWindow(60 * SECOND), FixedWindow(HOUR),
    ]
)  # fmt: skip


def policies(mode: RefreshMode) -> st.SearchStrategy[RefreshPolicy]:
    return st.builds(
        RefreshPolicy,
        ahead=windows,
        jitter=quarters,
        margin=seconds(60, 60, 600, 600, 5, 0),
        mode=st.just(mode),
        failure_backoff=backoffs,
        on_denied=st.sampled_from(OnDenied),
        grace=seconds(0, 0, 60, 1800),
        max_wait=seconds(30, 5, 300, 0),
        max_age=st.sampled_from([None, None, None, 20 * SECOND, 600 * SECOND]),
        recheck=st.sampled_from([300 * SECOND, 300 * SECOND, 60 * SECOND, 20 * SECOND, None]),
    )


# What a source brings: a lifetime, one of three words, an error, a value of another worker's, or nothing new yet.
# Lists with repetitions, which weigh as `st.one_of` does not.
LIFETIMES = (900.0, 3600.0, 40.0, 10.0, 7200.0, math.inf)
ERRORS = (TransientError, TransientError, DeniedError, NotConfiguredError, ConfigurationError, RuntimeError, KeyboardInterrupt)
SHARED = (
    ("adopted", 3600.0, 0.0, 0.0), ("adopted", 3600.0, 600.0, 0.0), ("adopted", 900.0, 850.0, 0.0), ("adopted", 3600.0, 600.0, -900.0),
    ("adopted", 900.0, 300.0, 3600.0), ("adopted", 900.0, 900.0, 0.0), ("deferred", 1.0), ("deferred", 60.0), ("deferred", 0.0),
)  # fmt: skip
answers = st.sampled_from([*LIFETIMES * 3, *SHARED, *ERRORS, 0.0, -3600.0, *["the same", "by true time"] * 3, "an old one"])
troubles = st.sampled_from([("deferred", 5.0), TransientError, TransientError, DeniedError, "by true time", "by true time", 3600.0, 900.0])

# When a step happens: at once, after a while, or at (or next to) a moment at which something changes.
EDGES = (
    "due", "due", "aging", "aging", "urgent", "urgent", "urging", "urging", "ends", "dead", "not before", "not before", "no longer before",
    "no longer before", "look", "flight", "patience", "young",
)  # fmt: skip
WHILES = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, TICK, 0.5, 1.0, 2.0, 5.0, 7.0, 30.0, 60.0, 300.0)
whens = st.sampled_from([*WHILES, *((edge, off) for edge in EDGES for off in (-TICK, 0.0, 0.0, TICK))])
UPSETS = (
    ("pause", 1800.0), ("pause", 18000.0), ("step", -7200.0), ("step", 600.0), ("step", 7200.0), ("step", 7200.0), ("set right", 0.0),
    ("step to the end", 0.0), ("step to the end", TICK), ("step to the end", -TICK),
    ("step", 5.0), ("step", 5.0 + TICK), ("step", -5.0 - TICK),
)  # fmt: skip
BYS = (*["invalidate", "fork", "nothing"] * 4, "close")
LIVES = ("a life", "a life", "a little more than a life", "a little more than a life")
SPANS = (*[None] * 6, 1.0, 60.0, "what is left", "a little more", *LIVES, "a new one")
spans = st.sampled_from(SPANS)
