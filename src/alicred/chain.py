"""Asks several sources in turn."""

from __future__ import annotations

from functools import partial
from typing import Generic

import alicred._internal.checks as check
from alicred._internal.real_time import monotonic
from alicred._values import checked, utc
from alicred.credential import BearerToken, C, Credential, named
from alicred.errors import AlicredError, ChainError, ConfigurationError, NotConfiguredError, as_alicred_error, one_line
from alicred.events import ChainResolved, Listener, SourceSkipped, emit
from alicred.policy.chain import ChainPolicy, OnError
from alicred.provider import Provider
from alicred.reports import SourceOutcome, SourceReport


class ChainProvider(Generic[C]):
    """The first of several sources that has a value. Thread- and fork-safe; it can be pickled.

    A source that raises `NotConfiguredError` is passed over. Any other failure means that the source is meant to be used and is
    broken, so that by default it is raised and no other identity takes its place (``ChainPolicy(on_error=...)``). Once a
    source has had a value, later calls go to it alone (``ChainPolicy(sticky=...)``); a pickled chain walks anew.

    Args:
        sources: What is asked, in this order.
        chain: How to go from one source to the next.
        listener: Told of every `SourceSkipped` and `ChainResolved`; ``None`` writes to the logger ``alicred``.
        name: Name of the chain. Unless it is ``None``, it goes before the ``provider_name`` of what was found, as in
            ``"default/env"``.

    Raises:
        ConfigurationError: There is no source, or an argument is of the wrong type.
    """

    def __init__(
        self,
        *sources: Provider[C],
        chain: ChainPolicy = ChainPolicy(),  # noqa: B008  (an immutable value)
        listener: Listener | None = None,
        name: str | None = None,
    ) -> None:
        if not sources:
            raise ConfigurationError("ChainProvider needs at least one source")
        for source in sources:
            check.provider("ChainProvider.sources", source)
        check.required("ChainProvider.chain", chain, ChainPolicy)
        check.listener("ChainProvider.listener", listener)
        check.optional_text("ChainProvider.name", name)
        self._sources = sources
        self._chain = chain
        self._listener = listener
        self._name = name
        self._winner: Provider[C] | None = None

    @property
    def name(self) -> str:
        """Name of the chain; ``"chain"`` unless it was given one."""
        return self._name or "chain"

    def get(self) -> C:
        """The value of the first source that has one. Blocks for as long as the sources that are asked do.

        Raises:
            ChainError: No source had one; ``reports`` and the text say why, source by source.
            AlicredError: What a source raised that is set up and broken.
        """
        if self._winner is not None:
            return self._named(self._ask(self._winner))
        reports: list[SourceReport] = []
        for source in self._sources:
            began = monotonic()
            try:
                value = self._ask(source)
            except AlicredError as error:
                if not isinstance(error, NotConfiguredError) and self._chain.on_error is OnError.STOP:
                    raise
                reports.append(_report(source, error, began))
                emit(self._listener, SourceSkipped(provider_name=self.name, source=source.name, error=error))
                continue
            if self._chain.sticky:
                self._winner = source
            emit(self._listener, ChainResolved(provider_name=self.name, source=source.name))
            return self._named(value)
        raise ChainError("no source has a credential:", reports=tuple(reports), provider=self.name)

    def explain(self) -> tuple[SourceReport, ...]:
        """What each source answers when it is asked now, all of them and in their order. Raises nothing and changes nothing.

        Blocks for as long as all the sources together do.
        """
        return tuple(self._examine(source) for source in self._sources)

    def _examine(self, source: Provider[C]) -> SourceReport:
        began = monotonic()
        try:
            value = self._ask(source)
        except AlicredError as error:
            return _report(source, error, began)
        key = f"access key id {value.access_key_id}" if isinstance(value, Credential) else type(value).__name__
        end = f"valid until {utc(value.expires_at)}" if value.expires_at else "without an end"
        return SourceReport(
            name=source.name,
            outcome=SourceOutcome.FOUND,
            detail=f"{key}, {end}",
            seconds=monotonic() - began,
        )

    def _ask(self, source: Provider[C]) -> C:
        try:
            return checked(source.get(), source.name)
        except AlicredError:
            raise
        except Exception as raised:
            raise as_alicred_error(raised, provider=source.name) from raised

    def _named(self, value: C) -> C:
        if self._name is None or not isinstance(value, (Credential, BearerToken)):
            return value
        return named(value, self._name, value.provider_name)

    def __repr__(self) -> str:
        return f"<ChainProvider {self.name}: {', '.join(source.name for source in self._sources)}>"

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), chain=self._chain, listener=self._listener, name=self._name), self._sources


def _report(source: Provider[C], error: AlicredError, began: float) -> SourceReport:
    not_configured = isinstance(error, NotConfiguredError)
    return SourceReport(
        name=source.name,
        outcome=SourceOutcome.NOT_CONFIGURED if not_configured else SourceOutcome.FAILED,
        detail=one_line(error, without=source.name),
        error=error,
        seconds=monotonic() - began,
    )
