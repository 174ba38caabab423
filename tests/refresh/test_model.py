"""The whole `CachingProvider` against the reference model of its rules.

After every step the two must agree: on what each caller gets or whether it waits and for how long, on the phase, on the number of
calls upstream, on the failures, on the moment before which the source is left alone, and on what is announced.

``MODEL_EXAMPLES=20000 make test ARGS="-k test_model"`` tries more of the histories that are drawn.
"""

from __future__ import annotations

import itertools
import os

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from alicred import Backoff, DeniedError, NotConfiguredError, OnDenied, RefreshMode, RefreshPolicy, TransientError
from tests.refresh.histories import EDGES, LIFETIMES, TICK, draws, policies
from tests.refresh.machine import CacheAgainstModel
from tests.support import SECOND, examples

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", examples(40)))


class Inline(CacheAgainstModel):
    @initialize(policy=policies(RefreshMode.INLINE), first=st.sampled_from(LIFETIMES), u=draws)
    def begin_inline(self, policy: RefreshPolicy, first: float, u: float) -> None:
        self.begin(policy, first, u)


class Background(CacheAgainstModel):
    @initialize(policy=policies(RefreshMode.BACKGROUND), first=st.sampled_from(LIFETIMES), u=draws)
    def begin_in_the_background(self, policy: RefreshPolicy, first: float, u: float) -> None:
        self.begin(policy, first, u)


TestInline, TestBackground = Inline.TestCase, Background.TestCase
TestInline.settings = TestBackground.settings = settings(max_examples=EXAMPLES, stateful_step_count=25)
TestInline.pytestmark = TestBackground.pytestmark = [pytest.mark.timeout(240 + EXAMPLES)]


# Histories that are drawn come by every corner, but not every day. So these are gone through one by one: both sides of every moment at
# which something changes, after each of these beginnings.

DUE, NOW, LONG, ANEW = ("due", 0.0), 0.0, "a little more than a life", "a new one"
REJECTED = [("invalidate", NOW, "the last"), ("get", NOW, None, 900.0, 1)]
BEGINNINGS: dict[str, list[tuple[object, ...]]] = {
    "fresh": [],
    "failing": [("get_by_and_by", [(DUE, None, TransientError)] * 2)],
    "failing to the end": [("get_by_and_by", [(("ends", -TICK), None, TransientError), (("ends", 0.0), None, NotConfiguredError)])],
    "denied": [("get_by_and_by", [(DUE, None, DeniedError), (("not before", 0.0), None, TransientError)])],
    "asked for too long": [("get_by_and_by", [(NOW, LONG, 900.0), (("no longer before", 0.0), LONG, 900.0)])],
    "asked for too long, then replaced": [("get_by_and_by", [(NOW, LONG, 40.0), (DUE, None, 900.0)])],
    "asked for too long, then under way": [("get_by_and_by", [(NOW, LONG, 10.0)]), ("get_and_hang", [(DUE, None)])],
    "asked for too long, then rejected": [("get", NOW, LONG, 900.0, 1), *REJECTED],
    "in doubt": [("upset", ("pause", 18000.0), 0.0, TransientError)],
    "in doubt, and right": [("upset", ("step", 7200.0), 0.0, "by true time")],
    "in doubt, and right, and in doubt": [
        ("upset", ("step", 7200.0), 0.0, "by true time"),
        ("upset", ("step to the end", 10.0), 0.0, TransientError),
    ],
    "soon in doubt": [("step_the_wall_clock", 7200.0), ("get", NOW, LONG, "by true time", 1)],
    "in doubt no more": [("upset", ("step", 7200.0), 0.0, TransientError), ("upset", ("set right", 0.0), 0.0, TransientError)],
    "deferred": [("get_by_and_by", [(DUE, None, ("deferred", 60.0))])],
    "failed, then deferred": [("get_by_and_by", [(DUE, None, TransientError), (("not before", 0.0), None, ("deferred", 5.0))])],
    "adopted": [("get_by_and_by", [(DUE, None, ("adopted", 900.0, 300.0, 0.0))])],
    "adopted, and the wall clock says less": [("get_by_and_by", [(DUE, None, ("adopted", 900.0, 60.0, -120.0))])],
    "the same again": [("get_by_and_by", [(DUE, None, "the same")] * 2)],
    "rejected": [("invalidate", NOW, "the last")],
    "rejected thrice": [*REJECTED, *REJECTED, *REJECTED],
    "rejected when it was old": [
        *REJECTED, *REJECTED, ("invalidate", ("young", 0.0), "the last"), *REJECTED[1:], *REJECTED, ("invalidate", NOW, "the last"),
    ],
    "under way": [("get_and_hang", [(DUE, None)])],
    "overtaken": [("overtake", DUE, "invalidate", None, 900.0)],
    "overtaken, and failed": [("overtake", DUE, "invalidate", None, TransientError)],
    "closed": [("get_and_hang", [(DUE, None)]), ("close",), ("end_late", NOW, TransientError, 0)],
    "forked": [("fork",)],
    "forked under way": [("overtake", DUE, "fork", None, TransientError)],
}  # fmt: skip
COMMON = {"jitter": 0.5, "failure_backoff": Backoff(initial=5 * SECOND, maximum=60 * SECOND, jitter=0.5)}
POLICIES = {
    "plain": {"max_wait": 300 * SECOND},
    "graceful": {"grace": 60 * SECOND, "max_age": 600 * SECOND, "on_denied": OnDenied.RAISE, "max_wait": 5 * SECOND},
    "narrow": {"ahead": 60 * SECOND, "margin": 60 * SECOND, "grace": 5 * SECOND},
}


@pytest.mark.parametrize("mode", [RefreshMode.INLINE, pytest.param(RefreshMode.BACKGROUND, marks=pytest.mark.slow)])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_both_sides_of_every_moment(beginning: str, policy: str, mode: RefreshMode) -> None:
    given = RefreshPolicy(mode=mode, **{**COMMON, **POLICIES[policy]})  # type: ignore[arg-type]  # see above what is in it
    asked = [(False, None), (False, "a life"), (False, LONG), (False, ANEW), (True, None), (True, LONG), (True, ANEW)]
    for edge, (hangs, span) in itertools.product(sorted({*EDGES} - {"aging", "urging"}), asked):
        history = CacheAgainstModel()
        try:
            history.begin(given, 900.0, 0.5)
            for step, *arguments in BEGINNINGS[beginning]:
                getattr(history, str(step))(*arguments, u=0.25)
                history.agrees()
            history.get_on_either_side(edge, span, TransientError, hangs, u=0.5)
            history.agrees()
        except AssertionError as error:
            raise AssertionError(f"both sides of {edge!r}, asked for {span}, {'hanging' if hangs else 'failing'}: {error}") from error
        finally:
            history.teardown()
