"""What an error that leaves a refresh takes along: nothing of alicred's own frames, and everything of a user's."""

from __future__ import annotations

from types import FrameType

import pytest

from alicred import (
    AlicredError,
    CachingProvider,
    ChainError,
    ChainProvider,
    Credential,
    DeniedError,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
)
from alicred.errors import without_traceback

MODES = list(RefreshMode)


def frames(error: BaseException | None) -> list[FrameType]:
    found = []
    trace = error.__traceback__ if error is not None else None
    while trace is not None:
        found.append(trace.tb_frame)
        trace = trace.tb_next
    return found


def modules(error: BaseException | None) -> set[str]:
    return {frame.f_globals["__name__"].partition(".")[0] for frame in frames(error)}


class Source:
    """Raises *error* while it handles *context*."""

    name = "source"

    def __init__(self, error: Exception, context: Exception | None = None) -> None:
        self.error = error
        self.context = context

    def get(self) -> Credential:
        if self.context is None:
            raise self.error
        try:
            raise self.context
        except Exception:
            raise self.error  # noqa: B904  (the context is the point)


def failure(source: Source | ChainProvider[Credential], mode: RefreshMode) -> AlicredError:
    provider = CachingProvider(source, refresh=RefreshPolicy(mode=mode))
    with pytest.raises(AlicredError) as caught:
        provider.get()
    shared = provider.state().last_error
    assert shared is not None
    assert caught.value.__cause__ is shared
    return shared


@pytest.mark.parametrize("mode", MODES)
def test_an_error_of_alicreds_own_leaves_without_its_traceback(mode: RefreshMode) -> None:
    cause = ProviderError("first")
    error = DeniedError("no")
    error.__cause__ = cause
    assert failure(Source(error), mode) is error
    assert (error.__traceback__, cause.__traceback__) == (None, None)


@pytest.mark.parametrize("mode", MODES)
def test_so_does_one_that_came_of_another(mode: RefreshMode) -> None:
    context = ProviderError("first")
    failure(Source(DeniedError("no"), context), mode)
    assert context.__traceback__ is None


@pytest.mark.parametrize("mode", MODES)
def test_so_do_those_that_a_chain_reports(mode: RefreshMode) -> None:
    error = failure(ChainProvider(Source(ProviderError("a"))), mode)
    assert error.__traceback__ is None
    chained = ChainError("none", reports=ChainProvider(Source(DeniedError("b"))).explain())
    (report,) = chained.reports
    assert report.error is not None
    assert frames(report.error)
    without_traceback(chained)
    assert frames(report.error) == []


@pytest.mark.parametrize("mode", MODES)
def test_what_a_users_code_raised_keeps_the_frames_of_that_code_and_no_other(mode: RefreshMode) -> None:
    foreign, context = KeyError("k"), ValueError("v")
    wrapped = failure(Source(foreign, context), mode)
    assert wrapped.__traceback__ is None
    assert wrapped.__cause__ is foreign
    assert [frame.f_code.co_name for frame in frames(foreign)] == ["get"]
    assert frames(foreign)[0].f_locals["self"].error is foreign, "nothing is cleared"
    assert modules(context) == {"tests"}


def test_a_circle_of_causes_ends() -> None:
    first, second = DeniedError("a"), DeniedError("b")
    first.__cause__, second.__cause__ = second, first
    assert without_traceback(first) is first


def test_the_caller_keeps_a_traceback_of_its_own() -> None:
    with pytest.raises(DeniedError) as caught:
        CachingProvider(Source(DeniedError("no"))).get()
    assert frames(caught.value)[0].f_code.co_name == "test_the_caller_keeps_a_traceback_of_its_own"
