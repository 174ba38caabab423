"""Asks several sources in turn."""

from __future__ import annotations

from functools import partial
from typing import Generic

import attrs

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred._internal.real_time import monotonic
from alicred.credential import C, prefixed
from alicred.errors import AlicredError, ChainError, ConfigurationError, SourceOutcome, SourceReport, is_not_configured
from alicred.events import ChainResolved, Listener, SourceSkipped, emit
from alicred.policy.chain import ChainPolicy, OnError
from alicred.provider import Explanation, Provider, ask, asks_each_time, explain, failure_report


@public("alicred")
class ChainProvider(Generic[C]):
    """The first of several sources that has a value. Thread- and fork-safe; it can be pickled.

    A source that raises `NotConfiguredError` is skipped, and so is a chain in which nothing is set up. Any other failure means that
    the source is meant to be used and is broken, so that by default it is raised and no other identity takes its place
    (``ChainPolicy(on_error=...)``). Once a source has had a value, later calls go to it alone (``ChainPolicy(sticky=...)``); a pickled
    chain begins again with the first one.

    Args:
        sources: What is asked, in this order.
        name: Name of the chain. It goes before the ``provider_name`` of what was found, as in ``"default/env"``.
        chain: How to go from one source to the next.
        listener: Gets every `SourceSkipped` and `ChainResolved`, beside the logger ``alicred``.

    Raises:
        ConfigurationError: There is no source, or an argument is of the wrong type.
    """

    def __init__(
        self,
        *sources: Provider[C],
        name: str = "chain",
        chain: ChainPolicy = ChainPolicy(),  # noqa: B008  (an immutable value)
        listener: Listener | None = None,
    ) -> None:
        if not sources:
            raise ConfigurationError("ChainProvider needs at least one source")
        for source in sources:
            check.provider("ChainProvider.sources", source)
        check.required("ChainProvider.chain", chain, ChainPolicy)
        check.listener("ChainProvider.listener", listener)
        check.text("ChainProvider.name", name)
        self._sources = sources
        self._chain = chain
        self._listener = listener
        self._name = name
        self._used: Provider[C] | None = None

    @property
    def name(self) -> str:
        """Name of the chain."""
        return self._name

    @property
    def _asks_each_time(self) -> bool:
        return any(map(asks_each_time, self._sources))

    def get(self) -> C:
        """The value of the first source that has one. Blocks for as long as the sources that are asked do.

        Raises:
            ChainError: No source had one; ``reports`` and the text say why, source by source.
            AlicredError: What a source raised that is set up and broken.
        """
        if self._used is not None and self._chain.sticky:
            return prefixed(ask(self._used), self._name)
        reports: list[SourceReport] = []
        for source in self._sources:
            began = monotonic()
            try:
                value = ask(source)
            except AlicredError as error:
                if not is_not_configured(error) and self._chain.on_error is OnError.STOP:
                    raise
                reports.append(failure_report(source, error, monotonic() - began))
                emit(self._listener, SourceSkipped(provider_name=self.name, source=source.name, error=error))
                continue
            changed, self._used = self._used is not source, source
            emit(self._listener, ChainResolved(provider_name=self.name, source=source.name, changed=changed))
            return prefixed(value, self._name)
        raise ChainError("no source has a credential:", reports=tuple(reports), provider=self.name)

    def explain(self) -> tuple[SourceReport, ...]:
        """What each source answers when it is asked now, all of them and in their order. Raises nothing and changes nothing.

        Blocks for as long as all the sources together do.
        """
        found: list[SourceReport] = []
        used = self._used if self._chain.sticky else None
        chooses = used is None  # until one is chosen, or stops the search
        for source in self._sources:
            reports = explain(source)
            if source is used or (chooses and any(report.chosen for report in reports)):
                chooses = False
                # One that was used before is asked again, whatever it answers now.
                found += reports if any(report.chosen for report in reports) else _chosen(reports)
                continue
            if chooses and self._chain.on_error is OnError.STOP and any(report.outcome is SourceOutcome.FAILED for report in reports):
                chooses = False
            found += [attrs.evolve(report, chosen=False) for report in reports]
        return Explanation(found)

    def __repr__(self) -> str:
        return f"<ChainProvider {self.name}: {', '.join(source.name for source in self._sources)}>"

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), chain=self._chain, listener=self._listener, name=self._name), self._sources


def _chosen(reports: tuple[SourceReport, ...]) -> list[SourceReport]:
    """*reports* of a source that is used although none of them is of a success: the one that its `get` would end with."""
    last = next((report for report in reports if report.outcome is SourceOutcome.FAILED), reports[-1]) if reports else None
    return [attrs.evolve(report, chosen=report is last) for report in reports]
