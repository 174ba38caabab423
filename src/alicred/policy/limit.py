"""How many refreshes may be under way at once, and how many may begin in a second."""

from __future__ import annotations

from functools import partial

import attrs

from alicred._internal.public import public
from alicred._internal.text import reads_like_code
from alicred._internal.validators import count, optional_count, optional_rate


@public("alicred.policy")
@attrs.frozen(kw_only=True, eq=False, field_transformer=reads_like_code)
class Limit:
    """How often and how often at once the providers that share it may ask their sources. They share it by having the same object.

    It counts in one process: a forked child starts with nothing taken, and so does what a pickle brings. Two limits of the same numbers
    are two limits.

    Args:
        per_second: How many times a second; above zero. ``None``: as often as they like.
        burst: How many of these may come at one moment, after a quiet time; 1 or more.
        concurrent: How many may be at it at once; 1 or more. ``None``: any number.

    Raises:
        ConfigurationError: A parameter is outside its range; the text names it.
    """

    per_second: float | None = attrs.field(default=None, validator=optional_rate)
    burst: int = attrs.field(default=1, validator=count)
    concurrent: int | None = attrs.field(default=None, validator=optional_count)
    # Who waits and whose turn it is, in this process: see `alicred.limiting`. A dictionary, since its setdefault is one step.
    _line: dict[None, object] = attrs.field(factory=dict, init=False, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), per_second=self.per_second, burst=self.burst, concurrent=self.concurrent), ()
