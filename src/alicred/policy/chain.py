"""How a chain goes from one source to the next."""

from __future__ import annotations

from enum import Enum

import attrs

from alicred._internal.public import public
from alicred._internal.text import reads_like_code
from alicred._internal.validators import flag, member_of


@public("alicred")
class OnError(Enum):
    """What a chain does when a source that is set up fails."""

    STOP = "stop"
    """Raise the source's error: never slide silently onto another identity."""
    CONTINUE = "continue"
    """Ask the next source."""


@public("alicred")
@attrs.frozen(kw_only=True, field_transformer=reads_like_code)
class ChainPolicy:
    """How a `ChainProvider` goes from one source to the next. A value: share it freely.

    A source that raises `NotConfiguredError` is always skipped; *on_error* is about every other failure.

    Args:
        sticky: Once a source has had a credential, ask only that one from then on.
        on_error: What a failing source does to the chain.

    Raises:
        ConfigurationError: A parameter is outside its range; the text names it.
    """

    sticky: bool = attrs.field(default=True, validator=flag)
    on_error: OnError = attrs.field(default=OnError.STOP, validator=member_of(OnError))
