"""What all adapters have in common: they take one whole value at a time, and make what the client reads of it once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from inspect import iscoroutine
from typing import ClassVar, Generic, Protocol, TypeVar, cast

import alicred._internal.checks as check
from alicred._internal.log import WARNING, log
from alicred._internal.public import public
from alicred.credential import BearerToken, C_co, Credential
from alicred.errors import ConfigurationError
from alicred.provider import Provider, ask_in_task, asks_each_time

H = TypeVar("H", bound=Credential | BearerToken)
V = TypeVar("V")

_LONGEST = timedelta(days=7)  # for which the longest-lived of the services' signed URLs can be made


@public("alicred.adapters")
class LastingProvider(Provider[C_co], Protocol[C_co]):
    """A provider that can be asked for a value that lasts: what ``valid_for=`` of an adapter needs. A `CachingProvider` is one."""

    def get_valid_for(self, span: timedelta, /) -> C_co:
        """A value that lasts for at least *span* from now. May block."""
        ...


class Adapter(Generic[H, V]):
    """Takes one whole value from a provider each time a client asks. As thread-, task- and fork-safe as the provider.

    What the client reads is made once for each value, not once for each call: a cache returns the same object for as long as it serves it.

    ``copy.deepcopy``, which some clients apply to their configuration, returns the same object: a copy of the provider would
    refresh on its own. It can be pickled if the provider can. Neither ``bool`` nor ``len`` is defined: some clients ask for the truth
    of what they are given.
    """

    _call: ClassVar[str]  # how it is made, for messages: the name of the function in `alicred.adapters`
    _takes: ClassVar[tuple[type, ...]] = (Credential,)
    _wanted: ClassVar[str] = "a Credential"
    _with_a_token: ClassVar[str] = "this client has no use for one"  # what to do with a provider of bearer tokens
    # What was made last, and what of. Never changed, only replaced, so that threads need no lock; and it holds on to the value that it was
    # made of, so that no other object can have its identity.
    _made: tuple[H, V] | None = None
    _has_warned = False

    def __init__(self, provider: Provider[H], valid_for: timedelta | None = None) -> None:
        check.provider(f"{self._call}.provider", provider)
        if valid_for is not None:
            check.span(f"{self._call}.valid_for", valid_for, longest=_LONGEST)
            if not callable(getattr(provider, "get_valid_for", None)):
                raise ConfigurationError(
                    f"{self._call}: valid_for needs a provider with get_valid_for(), such as CachingProvider; {provider.name} has none"
                )
        self._provider = provider
        self._valid_for = valid_for

    def _make(self, held: H) -> V:
        """What the client reads of *held*. Shared by all calls: it must be immutable."""
        raise NotImplementedError

    def _value(self) -> V:
        """What the client reads of the provider's current value."""
        held = self._provider.get() if self._valid_for is None else self._lasting(self._valid_for)
        made = self._made
        return made[1] if made is not None and made[0] is held else self._value_of(held)

    async def _value_async(self) -> V:
        held = await ask_in_task(self._provider)
        made = self._made
        return made[1] if made is not None and made[0] is held else self._value_of(held)

    def _value_of(self, held: H) -> V:
        value = self._make(self._checked(held))
        self._made = held, value
        return value

    def _held(self) -> H:
        """The provider's current value."""
        return self._checked(self._provider.get() if self._valid_for is None else self._lasting(self._valid_for))

    def _lasting(self, span: timedelta) -> H:
        return cast("LastingProvider[H]", self._provider).get_valid_for(span)  # __init__ has looked for the method

    def _checked(self, held: H) -> H:
        if isinstance(held, self._takes):
            if held.expires_at is not None and not self._has_warned and asks_each_time(self._provider):
                self._has_warned = True
                text = "%s: the provider %r keeps nothing, and is asked for every request. Put a CachingProvider around it"
                log(WARNING, text, self._call, self._provider.name)
            return held
        advice = ""
        found: object = held
        if iscoroutine(found):
            found.close()
            advice = ". Write get() without async, or give it the name aget() beside a get()"
        elif isinstance(found, BearerToken):
            advice = f": {self._with_a_token}"
        name, kind = self._provider.name, type(found).__name__
        raise ConfigurationError(f"{self._call}: the provider {name!r} must provide {self._wanted}, not a {kind}{advice}")

    def _reject(self, held: H | None) -> None:
        """Tell the provider, if it wants to know, as a `CachingProvider` does, that a service has rejected *held*."""
        invalidate: object = getattr(self._provider, "invalidate", None)
        if held is not None and callable(invalidate):
            # optional, as aget() is; what it answers does not matter
            cast("Callable[[object], object]", invalidate)(held)

    def __deepcopy__(self, memo: object) -> Adapter[H, V]:
        return self

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_made"}  # the configuration travels, no secret does

    def __repr__(self) -> str:
        return f"<{self._call} adapter of {self._provider.name}>"


def missing_client(call: str, distribution: str, error: ImportError) -> ConfigurationError:
    """What to raise when the client of an adapter cannot be imported."""
    return ConfigurationError(f"{call} needs the package {distribution}: pip install {distribution} ({error})")
