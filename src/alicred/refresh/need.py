"""What a cache says to a source that shares its values with others, and what such a source answers beyond a value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Generic, cast

import attrs

from alicred._internal.validators import ZERO
from alicred.credential import C
from alicred.errors import AlicredError, ProviderError
from alicred.provider import Provider, as_alicred_error, ask, validate_value


@attrs.frozen(kw_only=True)
class Need:
    """What the value is for. The default is that of a caller who holds nothing.

    Args:
        span: How long the value has to last.
        usable: Whether a value is held that callers can be served meanwhile.
        until_urgent: How long until callers begin to wait for a new value; zero if they do.
    """

    span: timedelta = ZERO
    usable: bool = False
    until_urgent: timedelta = ZERO


@attrs.frozen(kw_only=True)
class Answer(Generic[C]):
    """A value, and what is known of the time since it was issued.

    Args:
        value: The value.
        lifetime: How long it lasts in all; ``None`` means: from now on to its end, by this machine's clock.
        age: How long ago that began.
    """

    value: C
    lifetime: timedelta | None = None
    age: timedelta = ZERO


class Deferred(ProviderError):
    """There is nothing new yet, and nothing has failed: another worker is at it, or the source is to be left alone for a while.

    A cache that holds a usable value goes on with it; without one its callers get this error. It counts as no failure.

    Args:
        message: Why, and what happens next. It must hold no secret.
        until: After how long to ask again; not negative.
        provider: Name of the provider.
        reason: Why, in a word.
    """

    _retryable = True

    def __init__(self, message: str, *, until: timedelta = ZERO, provider: str = "", reason: str = "") -> None:
        super().__init__(message, provider=provider, code="Deferred")
        self.until = until
        self.reason = reason


def ask_for(provider: Provider[C], need: Need) -> Answer[C]:
    """The answer of *provider* for *need*: of its ``_get_for()`` if it has one, else of its ``get()``.

    Raises:
        AlicredError: What the provider raised; anything else that it raised is the cause of a `ProviderError`.
    """
    get_for: object = getattr(provider, "_get_for", None)
    if not callable(get_for):
        return Answer(value=ask(provider))
    try:
        answer = cast("Callable[[Need], Answer[C]]", get_for)(need)  # a decorator's own
        validate_value(answer.value, provider.name)
    except AlicredError:
        raise
    except Exception as raised:
        raise as_alicred_error(raised, provider=provider.name) from raised
    return answer
