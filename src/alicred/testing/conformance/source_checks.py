"""What is asked of a source, one check a method."""

from __future__ import annotations

import os
import pickle
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from inspect import iscoroutine
from typing import Generic

import attrs

from alicred import (
    AlicredError,
    Backoff,
    BearerToken,
    CachingProvider,
    Clock,
    ConfigurationError,
    Credential,
    Provider,
    RefreshMode,
    RefreshPolicy,
)
from alicred._internal.public import public
from alicred.credential import C
from alicred.testing.clock import FakeClock
from alicred.testing.conformance.arguments import A_SOURCE, strings
from alicred.testing.conformance.harness import (
    CapturedOutput,
    account_of,
    captured_output,
    expect,
    in_a_child,
    in_threads,
    kind_of,
    made,
    masked,
)

_Checks = Iterator[tuple[str, str, Callable[[], None]]]
_THREADS = 8
_FORKS = 3
_SHORTEST_SECRET = 8  # what is shorter stands in innocent texts too
_PAST_THE_END = timedelta(seconds=1)
_TELLING = ("secret", "token", "password", "key")


class _MovedClock:
    """A clock whose monotonic reading is moved by hand, while its wall clock stays that of *base*, which cannot be moved."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._monotonic = 1000.0

    def monotonic(self) -> float:
        return self._monotonic

    def utcnow(self) -> datetime:
        return self._base.utcnow()

    def sleep(self, span: timedelta) -> None:
        self.advance(span)

    def observe(self, server_time: datetime) -> None:
        self._base.observe(server_time)

    def advance(self, span: timedelta) -> None:
        self._monotonic += span.total_seconds()


@public("alicred.testing.conformance")
@attrs.frozen
class SourceUnderTest(Generic[C]):
    """A source, and what has to be known to check it; the arguments are those of `source_checks`."""

    make: Callable[[], Provider[C]]
    failing: tuple[Callable[[], Provider[C]], ...]
    secrets: tuple[str, ...] = attrs.field(repr=False)
    secrets_of: Callable[[C], Iterable[str]] | None
    clock: Clock
    patience: float

    def checks(self) -> _Checks:
        """Name, sentence and check, one after the other."""
        yield "name", "Its name is a text, and always the same.", self.name
        yield "value", "get() returns a value with an expires_at that is None or an aware moment in UTC, yet to come.", self.value
        yield "errors", "Where it cannot deliver, it raises an AlicredError and nothing else.", self.errors
        yield "pickle", "A pickled copy delivers too, under the same name.", self.pickled
        yield "threads", f"{_THREADS} threads may ask it at once.", self.threads
        yield "fork", "A forked child may ask it, whatever the parent's threads were doing.", self.forked
        yield "secrecy", "No secret shows in its repr, its values' repr, its errors, the log or the output.", self.secrecy
        yield "cached", "In a CachingProvider it delivers a new value for each session life.", self.cached

    def name(self) -> None:
        source = self._made()
        before = self._name_of(source)
        expect(type(before) is str and bool(before), f"name must be a text with something in it, not {before!r}")
        self._get(source)
        after = self._name_of(source)
        expect(after == before, f"name was {before!r} and is {after!r} after a get()")

    def value(self) -> None:
        self._good(self._get(self._made()), "get()")

    def errors(self) -> None:
        for where, source in self._failing_sources():
            try:
                value: object = source.get()
            except AlicredError as error:
                expect(bool(str(error).strip()), f"{where}: a {type(error).__name__} without a text; say what to do about it")
            except Exception as error:
                raise AssertionError(f"{where}: get() raised {kind_of(error)}, which is no AlicredError") from error
            else:
                raise AssertionError(f"{where}: get() returned a {type(value).__name__}, and was to fail")

    def pickled(self) -> None:
        source = self._made()
        self._get(source)
        try:
            copy = pickle.loads(pickle.dumps(source))  # noqa: S301  (it was made on the line above)
        except Exception as error:
            raise AssertionError(f"it cannot be pickled: {kind_of(error)}: what cannot travel must be left out and made again") from error
        name, name_of_copy = self._name_of(source), self._name_of(copy, "a pickled copy")
        expect(name_of_copy == name, f"the copy is called {name_of_copy!r}, the source {name!r}")
        self._good(self._get(copy), "get() of a pickled copy")

    def threads(self) -> None:
        source = self._made()
        barrier = threading.Barrier(_THREADS)

        def ask() -> None:
            barrier.wait(self.patience)
            for _ in range(2):
                self._good(self._get(source), "get()")

        with in_threads([ask] * _THREADS, self.patience):
            pass

    def forked(self) -> None:
        if not hasattr(os, "fork"):
            return  # no process can
        source = self._made()
        self._get(source)
        stop = threading.Event()

        def keep_asking() -> None:
            while not stop.is_set():
                self._get(source)

        with in_threads([keep_asking] * 2, self.patience, stop):
            for _ in range(_FORKS):
                in_a_child(lambda: self._good(self._get(source), "get() in a forked child"), self.patience)

    def secrecy(self) -> None:
        said: list[CapturedOutput] = []
        secrets = set(self.secrets)
        with captured_output(said):
            source = self._made()
            said.extend(_shown("source", source))
            value = self._get(source)
            secrets.update(self._secrets_of(value))
            said.extend((*_shown("source", source), *_shown("value", value)))
            for where, broken in self._failing_sources():
                said.extend(_shown("source", broken, f" of {where}"))
                try:
                    broken.get()
                except Exception as error:  # noqa: BLE001  (whatever it is: here it matters only what it says)
                    said.extend(CapturedOutput(f"in the error of {where}", text) for text in (str(error), repr(error)))
                    said.append(CapturedOutput(f"in the traceback of {where}", "".join(traceback.format_exception(error))))
        for secret in sorted(secrets):
            expect(len(secret) >= _SHORTEST_SECRET, f"a secret of {len(secret)} characters is too short to be looked for: use longer ones")
            for each in said:
                expect(secret not in each.text, f"a secret shows {masked(each.place, secrets)}: {each.excerpt(secrets)}")

    def cached(self) -> None:
        source = self._made()
        self._name_of(source)
        clock = self.clock if isinstance(self.clock, FakeClock) else _MovedClock(self.clock)
        policy = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0.0, failure_backoff=Backoff(initial=timedelta(0)))
        with CachingProvider(source, refresh=policy, clock=clock) as cache:
            what = "get() at the beginning of session life 1"
            value = self._good(self._get(cache, what), what)
            for life in (2, 3):
                if value.expires_at is None:
                    cache.invalidate()
                else:
                    clock.advance(value.expires_at - clock.utcnow() + _PAST_THE_END)
                what = f"get() at the beginning of session life {life}"
                value = self._good(self._get(cache, what, "; it must fetch a new value in each life"), what)

    # What they share

    def _made(self, make: Callable[[], Provider[C]] | None = None) -> Provider[C]:
        source = made(make or self.make, f"what it needs it must bring along, as {A_SOURCE} does", self.secrets)
        expect(not isinstance(source, type), f"make() returned the class {getattr(source, '__name__', '')}: it must return an instance")
        expect(callable(getattr(source, "get", None)), f"make() returned a {type(source).__name__}, which has no get()")
        return source

    def _failing_sources(self) -> Iterator[tuple[str, Provider[C]]]:
        for number, make in enumerate(self.failing, 1):
            where = f"failing source {number} of {len(self.failing)}"
            try:
                source = self._made(make)
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from error.__cause__
            yield where, source

    def _name_of(self, source: Provider[C], which: str = "it") -> object:
        try:
            return source.name
        except AttributeError as error:
            raise AssertionError(f'{which} has no name: give its class one, such as name = "vault"') from error
        except Exception as error:
            raise AssertionError(f"name raised {account_of(error, self.secrets)}") from error

    def _get(self, source: Provider[C], what: str = "get() of a source that can deliver", hint: str = "") -> C:
        try:
            return source.get()
        except Exception as error:
            raise AssertionError(f"{what} raised {account_of(error, self.secrets)}{hint}") from error

    def _good(self, value: C, what: str) -> C:
        found: object = value
        if iscoroutine(found):
            found.close()
            raise AssertionError(f"{what} returned a coroutine: write get() without async; aget() runs it on a thread")
        end: object = getattr(value, "expires_at", "")
        expect(end != "", f"{what} returned a {type(value).__name__}, which has no expires_at")
        if end is None:
            return value
        if not isinstance(end, datetime) or end.utcoffset() is None:
            raise AssertionError(f"{what} returned a value whose expires_at is neither None nor a datetime with a time zone: {end!r}")
        expect(end.utcoffset() == timedelta(0), f"{what} returned a value whose expires_at is not in UTC: {end.isoformat()}")
        now = self.clock.utcnow()
        expect(end > now, f"{what} returned a value that ended at {end.isoformat()}; it is {now.isoformat()}")
        return value

    def _secrets_of(self, value: C) -> Iterable[str]:
        if self.secrets_of is not None:
            try:
                return strings("what secrets_of returns", self.secrets_of(value))
            except ConfigurationError as error:
                raise AssertionError(str(error)) from None
            except Exception as error:
                raise AssertionError(f"secrets_of raised {kind_of(error)}") from error
        if isinstance(value, Credential):
            return [value.access_key_secret, *filter(None, [value.security_token])]
        if isinstance(value, BearerToken):
            return [value.token]
        names = [name for name in dir(value) if not name.startswith("_") and any(part in name for part in _TELLING)]
        found: list[object] = [getattr(value, name) for name in names]
        texts = [each for each in found if isinstance(each, str)]
        expect(bool(texts), f"no attribute of a {type(value).__name__} looks like a secret: say which they are with secrets_of=")
        return texts


def _shown(what: str, value: object, of: str = "") -> Iterator[CapturedOutput]:
    for show in (repr, str):
        place = f"{show.__name__}({what}){of}"
        try:
            text = show(value)
        except Exception as error:
            raise AssertionError(f"{place} raised {kind_of(error)}") from error
        yield CapturedOutput(f"in {place}", text)
