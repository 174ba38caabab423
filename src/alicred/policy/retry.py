"""How often and how long one fetch is tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import attrs

from alicred._internal.public import public
from alicred._internal.text import reads_like_code
from alicred._internal.validators import ZERO, callable_, count, instance_of, not_negative
from alicred.errors import AlicredError, ProviderError, is_transient
from alicred.policy.backoff import Backoff


@public("alicred")
@attrs.frozen(kw_only=True, field_transformer=reads_like_code)
class RetryPolicy:
    """How often and how long one fetch is tried again. A value: share it freely.

    Args:
        attempts: Attempts in all, the first included; at least 1.
        backoff: Pause between attempts. A longer one that the service asks for is kept.
        budget: Longest time from the first attempt to the start of the last one; not negative.
        retryable: Which errors are worth another attempt.

    Raises:
        ConfigurationError: A parameter is outside its range; the text names it.
    """

    attempts: int = attrs.field(default=3, validator=count)
    backoff: Backoff = attrs.field(factory=Backoff, validator=instance_of(Backoff))
    budget: timedelta = attrs.field(default=timedelta(seconds=20), validator=not_negative)
    retryable: Callable[[AlicredError], bool] = attrs.field(default=is_transient, validator=callable_)

    def next_delay(self, failures: int, elapsed: timedelta, error: AlicredError, u: float) -> timedelta | None:
        """The pause before the next attempt, or ``None`` to give up.

        Args:
            failures: Attempts that have failed so far; at least 1.
            elapsed: Time since the first attempt began.
            error: What the last attempt raised.
            u: The random draw, in [0, 1).

        Raises:
            ConfigurationError: *failures* is below 1, or *u* is outside [0, 1).
        """
        delay = self.backoff.delay(failures, u)
        if failures >= self.attempts or not self.retryable(error):
            return None
        if isinstance(error, ProviderError) and error.retry_after is not None:
            delay = max(delay, error.retry_after)
        return delay if max(elapsed, ZERO) + delay <= self.budget else None
