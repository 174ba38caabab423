"""The errors that a cache raises: a copy for each caller, a cause, no cycle."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import attrs
import pytest

from alicred import (
    CachingProvider,
    Credential,
    DeniedError,
    MalformedResponseError,
    OnDenied,
    ProviderError,
    TransientError,
)
from alicred.errors import copy_for_caller
from alicred.testing import FakeClock
from tests.refresh.adverse import DOWN, INLINE, MINUTE
from tests.strategies import EPOCH
from tests.support import HOUR, SECOND, Script


class TestErrors:
    def test_notes_belong_to_one_error_object(self) -> None:
        error = TransientError("down")
        error.__notes__ = ["of the source"]  # type: ignore[attr-defined]  # Python 3.11 and newer
        first, second = copy_for_caller(error), copy_for_caller(error)
        first.__notes__.append("of a caller")  # type: ignore[attr-defined]
        assert second.__notes__ == error.__notes__ == ["of the source"]  # type: ignore[attr-defined]

    def test_slots_travel_too(self) -> None:
        class Slotted(ProviderError):
            __slots__ = ("shard",)

        error = Slotted("no")
        error.shard = 7
        assert copy_for_caller(error).shard == 7

    def test_one_that_cannot_be_made_is_stood_in_for(self) -> None:
        class Odd(DeniedError):
            def __new__(cls, *, vault: str, door: str) -> Odd:
                return super().__new__(cls)

            def __init__(self, *, vault: str, door: str) -> None:
                super().__init__(f"{vault} {door}", code="Sealed")

        twin = copy_for_caller(Odd(vault="blue", door="left"))
        assert type(twin) is DeniedError
        assert (str(twin), twin.code) == ("blue left [Sealed]", "Sealed")

    def test_an_error_without_a_name_gets_the_caches(self) -> None:
        cache = CachingProvider(Script(DeniedError("no")), refresh=INLINE)
        with pytest.raises(DeniedError, match=r"^script: no$"):
            cache.get()

    def test_a_kept_error_keeps_no_local_variables_alive(self) -> None:
        class Source:
            name = "leaky"

            def get(self) -> Credential:
                key = "hush-hush"
                raise DeniedError(f"no, after {len(key)} characters")

        cache = CachingProvider(Source(), refresh=INLINE)
        with pytest.raises(DeniedError):
            cache.get()
        error = cache.state().last_error
        assert error is not None
        assert error.__traceback__ is None

    def test_one_error_object_that_is_raised_again_and_again_does_not_grow(self) -> None:
        clock = FakeClock()
        error = TransientError("down")
        cache = CachingProvider(Script(error), refresh=INLINE, clock=clock)
        lengths = set()
        for _ in range(20):
            with pytest.raises(TransientError):
                cache.get()
            clock.advance(2 * MINUTE)
            length, trace = 0, error.__traceback__
            while trace is not None:
                length, trace = length + 1, trace.tb_next
            lengths.add(length)
        assert max(lengths) < 20

    def test_a_denial_that_is_to_be_told_is_told_until_a_refresh_succeeds(self) -> None:
        clock = FakeClock()
        policy = attrs.evolve(INLINE, on_denied=OnDenied.RAISE)
        cache = CachingProvider(Script(HOUR, DeniedError("gone"), DOWN, HOUR, clock=clock), refresh=policy, clock=clock)
        cache.get()
        clock.advance(50 * MINUTE)
        with pytest.raises(DeniedError):
            cache.get()
        clock.advance(SECOND)
        with pytest.raises(TransientError):
            cache.get()
        clock.advance(2 * SECOND)
        assert cache.get().access_key_id == "id-4"

    def test_times_are_shown_in_utc_whatever_the_value_says(self) -> None:
        @attrs.frozen
        class Pass:
            expires_at: datetime

        class Source:
            name = "passes"

            def get(self) -> Pass:
                return Pass(EPOCH.astimezone(timezone(timedelta(hours=8))))

        with pytest.raises(MalformedResponseError, match="had ended at 2026-01-01 00:00:00 UTC"):
            CachingProvider(Source(), refresh=INLINE).get()
