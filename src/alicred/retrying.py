"""Tries a source again, under a policy."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Generic

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred._internal.random import draw
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import C, prefixed
from alicred.errors import AlicredError, SourceReport, copy_for_caller, is_transient
from alicred.events import Listener, RetryScheduled, emit
from alicred.policy.backoff import Backoff, asked
from alicred.policy.retry import RetryPolicy
from alicred.provider import Provider, ask, asks_each_time, explain


@public("alicred")
class RetryingProvider(Generic[C]):
    """Tries a source again after a failure that may pass. Holds nothing: thread- and fork-safe, and it can be pickled.

    Args:
        source: What is asked.
        name: What it is called; ``None`` means the source's name.
        retry: How often, how long and after which errors.
        clock: Measures and sleeps.
        listener: Gets every `RetryScheduled`, beside the logger ``alicred``.

    Raises:
        ConfigurationError: An argument is of the wrong type.
    """

    def __init__(
        self,
        source: Provider[C],
        *,
        name: str | None = None,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008  (an immutable value)
        clock: Clock = SYSTEM_CLOCK,
        listener: Listener | None = None,
    ) -> None:
        check.provider("RetryingProvider.source", source)
        check.optional_text("RetryingProvider.name", name)
        check.required("RetryingProvider.retry", retry, RetryPolicy)
        check.clock("RetryingProvider.clock", clock)
        check.listener("RetryingProvider.listener", listener)
        self._source = source
        self._name = name
        self._retry = retry
        self._clock = clock
        self._listener = listener

    @property
    def name(self) -> str:
        """As given, else the source's name."""
        return self._name or self._source.name

    @property
    def _asks_each_time(self) -> bool:
        return asks_each_time(self._source)

    def get(self) -> C:
        """One value of the source. Blocks for as long as the source does, and for the pauses of the policy.

        Raises:
            AlicredError: What the last attempt raised.
        """
        began = self._clock.monotonic()
        failures, problem = 0, ""
        while True:
            try:
                return prefixed(ask(self._source), self._name)
            except AlicredError as error:
                failures += 1
                delay, this_problem = self._pause(failures, began, error)
                problem = problem or this_problem
                if delay is None:
                    if problem:
                        raise copy_for_caller(error, f". {problem}") from error
                    raise
            self._clock.sleep(delay)

    def explain(self) -> tuple[SourceReport, ...]:
        """What the source answers when it is asked now, once. Raises nothing."""
        return explain(self._source)

    def _pause(self, failures: int, began: float, error: AlicredError) -> tuple[timedelta | None, str]:
        """The pause before the next attempt, of which the listener is told; ``None`` to give up, and what is wrong with the policy."""
        elapsed, u = timedelta(seconds=self._clock.monotonic() - began), draw()
        if _is_plain(self._retry):  # no code of the user's own is asked
            delay, problem = self._retry.next_delay(failures, elapsed, error, u), ""
        else:
            delay, problem = asked(lambda: self._retry.next_delay(failures, elapsed, error, u))
        if problem:
            problem = (
                f"RetryPolicy.next_delay() {problem}. Correct what it asks, retryable and backoff (the default policy was used instead)"
            )
            delay = RetryPolicy().next_delay(failures, elapsed, error, u)
        if delay is not None:
            event = RetryScheduled(provider_name=self.name, error=error, failures=failures, delay=delay)
            emit(self._listener, event)
        return delay, problem

    def __repr__(self) -> str:
        return f"<RetryingProvider of {self.name}>"

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), name=self._name, retry=self._retry, clock=self._clock, listener=self._listener), (self._source,)


def _is_plain(policy: RetryPolicy) -> bool:
    """Whether *policy* is made of alicred's own parts alone."""
    return type(policy) is RetryPolicy and policy.retryable is is_transient and type(policy.backoff) is Backoff
