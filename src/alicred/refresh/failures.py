"""The errors of the cache's own: what is said to a caller who gets no value."""

from __future__ import annotations

from datetime import timedelta

from alicred._internal.text import utc
from alicred.credential import C
from alicred.errors import (
    AlicredError,
    ClosedError,
    ConfigurationError,
    MalformedResponseError,
    ProviderError,
    RefreshTimeoutError,
    copy_for_caller,
)
from alicred.refresh.need import Deferred
from alicred.refresh.snapshot import Held


def closed(provider: str) -> ClosedError:
    """The cache has been closed."""
    return ClosedError("this provider has been closed. Make a new one", provider=provider)


def replayed(error: AlicredError, ago: float, wait: float) -> AlicredError:
    """The error of the last refresh once more, *ago* seconds after it failed and *wait* seconds before the next attempt."""
    return copy_for_caller(error, f" (failed {_seconds(ago)} ago; next attempt in {_seconds(wait)})")


def deferred(deferral: Deferred, wait: float) -> AlicredError:
    """What the source said instead of bringing a value, once more, *wait* seconds before the next attempt."""
    return copy_for_caller(deferral, f" (next attempt in {_seconds(wait)})")


def _seconds(span: float) -> str:
    return f"{max(0.0, span):.{0 if span >= 9.95 else 1}f} s"


def shortfall(provider: str, span: timedelta) -> ProviderError:
    """Not even a fresh value lasts for *span*."""
    return ProviderError(
        f"a value that lasts for {span} was asked for, and a fresh one does not last that long either. Ask for less, or have the"
        " source hand out longer sessions",
        provider=provider,
    )


def rejected_again(provider: str, seconds: float) -> ProviderError:
    """What the source hands out is rejected time and again, so that it is left alone for *seconds* now."""
    return ProviderError(
        "the held value was rejected, as was what the source had handed out before it, or it handed out the same one again; it is"
        f" asked again in {max(0.0, seconds):.1f} s. See why the service rejects it",
        provider=provider,
        retryable=True,
    )


def rejected_meanwhile(provider: str, times: int) -> ProviderError:
    """Fresh values were rejected, by other callers, before this one could use them."""
    return ProviderError(
        f"{times} fresh values in a row were rejected (reported with invalidate()) before they could be used here. See why the service"
        " rejects what the source hands out, and ask again",
        provider=provider,
        retryable=True,
    )


def ended_with(provider: str, error: BaseException) -> ProviderError:
    """The source, or what it called, has ended the thread of the refresh."""
    return ProviderError(
        f"the source ended with {type(error).__name__} (or a listener that it told did), which is none of alicred's errors. Raise one of"
        " those instead",
        provider=provider,
    )


def ends_at_once(provider: str) -> MalformedResponseError:
    """Fresh values have ended before their callers could use them."""
    text = "the source hands out values that end before they can be used. Have it hand out longer ones"
    return MalformedResponseError(text, provider=provider)


def waited_in_vain(provider: str, max_wait: timedelta) -> RefreshTimeoutError:
    """The refresh is still under way."""
    text = f"waited {max_wait.total_seconds():g} s for a refresh that is still under way. Ask again: it goes on"
    return RefreshTimeoutError(text, provider=provider)


def asks_itself(provider: str) -> ConfigurationError:
    """The thread that runs the refresh cannot wait for it."""
    return ConfigurationError(
        "the source, or a listener while there is no value, asks the very provider that is waiting for it. Ask another one",
        provider=provider,
    )


def expired_on_arrival(provider: str, held: Held[C]) -> MalformedResponseError:
    """What the source returned had ended already."""
    end = utc(held.value.expires_at or held.wall)
    return MalformedResponseError(
        f"the source returned a value that had ended at {end}, which is past by this machine's clock ({utc(held.wall)}). Check the"
        " clock, or what keeps old values at the source",
        provider=provider,
    )


def policy_raised(provider: str, error: BaseException) -> ProviderError:
    """A window of the user's own has failed."""
    return ProviderError(
        f"the source returned a value, but RefreshPolicy.ahead raised {type(error).__name__} for its lifetime. Correct that function",
        provider=provider,
    )
