"""When a held value is refreshed, how long it may be served, and what happens when the refresh fails."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from alicred._internal.public import public
from alicred._internal.text import reads_like_code
from alicred._internal.validators import ZERO, instance_of, member_of, not_negative, positive, refuse, share, unit_draw
from alicred.errors import ConfigurationError
from alicred.policy.backoff import Backoff, asked
from alicred.policy.window import FixedWindow, FractionWindow, Window

if TYPE_CHECKING:
    Field = attrs.Attribute[Any]

_LARGEST_WINDOW = 0.9  # of the lifetime: a value is used for a while, whatever the window says
_LARGEST_MARGIN = 0.1  # of the lifetime


_USUAL_RECHECK: timedelta | None = timedelta(minutes=5)
USUAL_BACKOFF = Backoff(initial=timedelta(seconds=1), maximum=timedelta(seconds=60))


@public("alicred")
class RefreshMode(Enum):
    """Where a refresh runs."""

    BACKGROUND = "background"
    """On a thread of its own, started for the refresh and gone after it."""
    INLINE = "inline"
    """On the thread of the caller that asks for it; for a task, on a thread of its own."""


@public("alicred")
class OnDenied(Enum):
    """What a caller gets when the service has denied a refresh while a usable value is still held."""

    SERVE = "serve"
    """The held value."""
    RAISE = "raise"
    """The last error, from the denial until a refresh succeeds."""


@public("alicred.policy")
@attrs.frozen(kw_only=True, field_transformer=reads_like_code)
class Schedule:
    """The moments in the life of one fetched value, as spans since it was fetched; ``None`` means never.

    ``refresh_after <= urgent_after <= expires_after <= dead_after``.

    Args:
        window: How long before its end the refresh of the value may begin.
        refresh_after: From here on the value is served and refreshed ahead.
        urgent_after: From here on callers wait for the refresh, and get the held value if it fails.
        expires_after: The end of the value.
        dead_after: From here on the value is not served, whatever happens.
    """

    window: timedelta | None
    refresh_after: timedelta | None
    urgent_after: timedelta | None
    expires_after: timedelta | None
    dead_after: timedelta | None


_MUST = "be a datetime.timedelta of zero or more, or a function from a lifetime to one"


def _window(value: Window | timedelta) -> Window:
    if not isinstance(value, timedelta):
        return value
    if value < ZERO:
        raise ConfigurationError(f"RefreshPolicy.ahead must {_MUST}, not {value!r}")
    return FixedWindow(value)


def _answers(instance: object, field: Field, value: object) -> None:
    """A function from a lifetime to a timedelta: tried once, for an hour."""
    if not callable(value) or isinstance(value, type):
        raise refuse(instance, field, _MUST, value)
    try:
        window: object = value(timedelta(hours=1))
    except Exception as error:
        raise ConfigurationError(f"RefreshPolicy.ahead must {_MUST}; for an hour it raised {type(error).__name__}") from error
    if not isinstance(window, timedelta):
        raise ConfigurationError(f"RefreshPolicy.ahead must {_MUST}; for an hour it answered {window!r}")


@public("alicred")
@attrs.frozen(kw_only=True, field_transformer=reads_like_code)
class RefreshPolicy:
    """When a `CachingProvider` refreshes its value, and which callers wait. A value: share it freely.

    Args:
        ahead: The refresh-ahead window: a function from lifetime to span, or a span. At most 90 % of a lifetime count, and
            less than zero counts as zero. A function is tried once, for an hour, when the policy is made.
        jitter: Share of the window, 0 to 1, by which the refresh is delayed at random, so that a fleet that started
            together spreads out.
        margin: How long before the end callers begin to wait for the refresh; not negative. At most 10 % of a lifetime,
            and never more than the window, count.
        mode: Where a refresh runs.
        failure_backoff: Pause after failed refreshes, counted over consecutive failures.
        on_denied: What callers get when the service denies a refresh while a usable value is held.
        grace: How long past its end a value may be served when it cannot be refreshed; not negative. Zero, the default,
            means never.
        max_wait: Longest time that one caller waits for a refresh on another thread; not negative.
        max_age: Refresh a value that is older than this, whatever its end; above zero. It is served meanwhile.
        recheck: Ask again for a value that has no end once it is this old; above zero, ``None`` for never. It is served meanwhile, and
            kept if that fails. The draw of *jitter* makes it sooner.

    Raises:
        ConfigurationError: A parameter is outside its range; the text names it.
    """

    ahead: Window = attrs.field(factory=FractionWindow, converter=_window, validator=_answers)
    jitter: float = attrs.field(default=0.2, validator=share)
    margin: timedelta = attrs.field(default=timedelta(seconds=60), validator=not_negative)
    mode: RefreshMode = attrs.field(default=RefreshMode.BACKGROUND, validator=member_of(RefreshMode))
    failure_backoff: Backoff = attrs.field(default=USUAL_BACKOFF, validator=instance_of(Backoff))
    on_denied: OnDenied = attrs.field(default=OnDenied.SERVE, validator=member_of(OnDenied))
    grace: timedelta = attrs.field(default=ZERO, validator=not_negative)
    max_wait: timedelta = attrs.field(default=timedelta(seconds=30), validator=not_negative)
    max_age: timedelta | None = attrs.field(default=None, validator=attrs.validators.optional(positive))
    recheck: timedelta | None = attrs.field(default=_USUAL_RECHECK, validator=attrs.validators.optional(positive))

    def schedule(self, lifetime: timedelta | None, u: float) -> Schedule:
        """The moments of a value that has *lifetime* left when it arrives, with *u* in [0, 1) as the random draw.

        ``refresh_after`` is ``lifetime - window * (1 - jitter * u)``, and no later than *max_age*: the draw delays within
        the window, never past it. Without a lifetime it is ``recheck * (1 - jitter * u)``, and no later than *max_age*; the value has no
        other moment.

        Raises:
            ConfigurationError: *u* is outside [0, 1).
        """
        unit_draw(u)
        if lifetime is None:
            looks = [span for span in (self.recheck and self.recheck * (1 - self.jitter * u), self.max_age) if span is not None]
            return Schedule(window=None, refresh_after=min(looks, default=None), urgent_after=None, expires_after=None, dead_after=None)
        lifetime = max(lifetime, ZERO)
        window = max(ZERO, min(self.ahead(lifetime), lifetime * _LARGEST_WINDOW))
        margin = min(self.margin, lifetime * _LARGEST_MARGIN, window)
        refresh_after = lifetime - window * (1 - self.jitter * u)
        # Where the window is hardly longer than the margin, the draw wins: a fleet must not become urgent in step.
        urgent_after = max(lifetime - margin, refresh_after)
        if self.max_age is not None:
            refresh_after = min(refresh_after, self.max_age)
        return Schedule(
            window=window,
            refresh_after=refresh_after,
            urgent_after=urgent_after,
            expires_after=lifetime,
            dead_after=lifetime + min(self.grace, timedelta.max - lifetime),
        )


class Pause(NamedTuple):
    """How long the source is not asked.

    Args:
        span: That long.
        problem: Why it is not the user's own `Backoff` that says so; empty if it is.
    """

    span: timedelta
    problem: str = ""


def pause_after(policy: RefreshPolicy, failures: int, u: float) -> Pause:
    """The pause that ``policy.failure_backoff`` gives; what the default gives where a user's own `Backoff` cannot be asked.

    Such a class may raise, or answer what is no span. That never lets a source be asked without a pause.
    """
    backoff = policy.failure_backoff
    if type(backoff) is Backoff:
        return Pause(backoff.delay(failures, u))
    span, problem = asked(lambda: backoff.delay(failures, u))
    if span is not None:
        return Pause(span)
    return Pause(
        USUAL_BACKOFF.delay(failures, u),
        f"RefreshPolicy.failure_backoff {problem or 'returned None'}. Have {type(backoff).__name__}.delay() return a timedelta of zero or"
        " more (the default back-off was used instead)",
    )
