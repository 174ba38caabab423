"""What all adapters but the one for Tea have in common: they take one whole credential at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from inspect import iscoroutine
from typing import ClassVar, cast

import alicred._internal.checks as check
from alicred.credential import BearerToken, Credential
from alicred.errors import ConfigurationError
from alicred.provider import Provider, ask_in_task

_LONGEST = timedelta(days=7)  # for which the longest-lived of the services' signed URLs can be made


class Adapter:
    """Takes one whole credential from a provider each time a client asks. As thread-, task- and fork-safe as the provider.

    ``copy.deepcopy``, which some clients apply to their configuration, returns the same object: a copy of the provider would
    refresh on its own. It can be pickled if the provider can. Neither ``bool`` nor ``len`` is defined: some clients ask for the truth
    of what they are given.
    """

    _call: ClassVar[str]  # how it is made, for messages: the name of the function in `alicred.adapters`
    _with_a_token: ClassVar[str] = "this client has no use for one"  # what to do with a provider of bearer tokens

    def __init__(self, provider: Provider[Credential], valid_for: timedelta | None = None) -> None:
        check.provider(f"{self._call}.provider", provider)
        if valid_for is not None:
            check.span(f"{self._call}.valid_for", valid_for, longest=_LONGEST)
            if not callable(getattr(provider, "get_valid_for", None)):
                raise ConfigurationError(
                    f"{self._call}: valid_for needs a provider with get_valid_for(), such as CachingProvider; {provider.name} has none"
                )
        self._provider = provider
        self._valid_for = valid_for

    def _credential(self) -> Credential:
        if self._valid_for is None:
            return self._looked_at(self._provider.get())
        # looked for in __init__; a protocol of three members would be a second notion of what a provider is
        ask = cast("Callable[[timedelta], object]", getattr(self._provider, "get_valid_for"))  # noqa: B009
        return self._looked_at(ask(self._valid_for))

    async def _credential_async(self) -> Credential:
        return self._looked_at(await ask_in_task(self._provider))

    def _looked_at(self, held: object) -> Credential:
        if isinstance(held, Credential):
            return held
        raise ConfigurationError(f"{self._call}: {not_a_value(held, self._provider.name, 'a Credential', self._with_a_token)}")

    def __deepcopy__(self, memo: object) -> Adapter:
        return self

    def __repr__(self) -> str:
        return f"<{self._call} adapter of {self._provider.name}>"


def not_a_value(held: object, name: str, wanted: str, with_a_token: str = "") -> str:
    """What is wrong with *held*, which the provider called *name* has provided instead of *wanted*, and what to do about it."""
    advice = ""
    if iscoroutine(held):
        held.close()
        advice = ": write get() without async, or give it the name aget() beside a get()"
    elif isinstance(held, BearerToken) and with_a_token:
        advice = f": {with_a_token}"
    return f"the provider {name!r} must provide {wanted}, not a {type(held).__name__}{advice}"


def missing_client(call: str, distribution: str, error: ImportError) -> ConfigurationError:
    """What to raise when the client of an adapter cannot be imported."""
    return ConfigurationError(f"{call} needs the package {distribution}: pip install {distribution} ({error})")
