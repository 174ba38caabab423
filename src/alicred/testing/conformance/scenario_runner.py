"""Where a scenario is played: its source, its clock, and one cache."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta, timezone
from typing import Protocol, cast

import attrs

import alicred
from alicred import AlicredError, Backoff, Clock, ConfigurationError, Credential, OnDenied, Provider, RefreshMode, RefreshPolicy
from alicred._internal.public import public
from alicred.events import Event, Listener
from alicred.refresh.need import Answer, Deferred, Need
from alicred.testing.clock import FakeClock
from alicred.testing.conformance.harness import expect, made

Json = Mapping[str, object]

_BASE = RefreshPolicy(
    mode=RefreshMode.INLINE, jitter=0.0, failure_backoff=Backoff(initial=timedelta(seconds=1), maximum=timedelta(seconds=60), jitter=0.0)
)
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@public("alicred.testing.conformance")
class MakeCache(Protocol):
    """Makes the cache under test: `alicred.CachingProvider` itself, or whatever takes the same arguments."""

    def __call__(self, source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> Provider[Credential]:
        """A cache around *source*, with nothing in it."""
        ...


class _Cache(Protocol):
    """Everything that a step may ask for."""

    def get(self) -> Credential: ...
    def get_valid_for(self, span: timedelta) -> Credential: ...
    def invalidate(self, value: Credential | None = None) -> bool: ...
    def close(self) -> None: ...
    def state(self) -> _State: ...


class _State(Protocol):
    @property
    def phase(self) -> object: ...
    @property
    def consecutive_failures(self) -> int: ...


class _Source:
    """The source of a story: gives the answers that the story says; the last one forever."""

    name = "scenario"

    def __init__(self, answers: list[Json], clock: FakeClock, meanwhile: Callable[[Json], None]) -> None:
        self.began = clock.monotonic()
        self.called_at: list[float] = []
        self.values: dict[str, Credential] = {}
        self._answers = answers
        self._clock = clock
        self._meanwhile = meanwhile

    def get(self) -> Credential:
        return self._get_for(Need()).value

    def _get_for(self, need: Need) -> Answer[Credential]:
        self.called_at.append(self._clock.monotonic() - self.began)
        number = len(self.called_at)
        answer = self._answers[min(number, len(self._answers)) - 1]
        if "takes" in answer:
            self._clock.advance(_span(answer["takes"]))
        if "meanwhile" in answer:
            self._meanwhile(cast("Json", answer["meanwhile"]))
        if answer.get("tells the time"):
            self._clock.observe(self._clock.true_time())
        if "fails" in answer:
            raise _error(str(answer["fails"]))
        if "defers" in answer:
            raise Deferred("another worker is at it", until=_span(answer["defers"]), reason="scenario")
        if "returns" in answer:
            return Answer(value=self.values[str(answer["returns"])])
        value = Credential(f"id-{number}", f"secret-{number}", f"token-{number}", self._end(answer))
        self.values[f"value {number}"] = value
        if "of" not in answer:
            return Answer(value=value)
        life = _span(answer["of"])
        return Answer(value=value, lifetime=life, age=_span(answer["aged"]) if "aged" in answer else life - _span(answer["lasts"]))

    def _end(self, answer: Json) -> datetime | None:
        if answer["lasts"] is None:
            return None
        now = self._clock.true_time() if answer.get("by") == "true time" else self._clock.utcnow()
        zone = timezone(_span(answer.get("zone", "0 h")))
        return (now + _span(answer["lasts"])).astimezone(zone)


class ScenarioRunner:
    """One cache, and what happens around it.

    Args:
        data: The scenario.
        make: Makes the cache.
        has: Which of its features it has.

    Raises:
        AssertionError: The cache cannot be made, or has not what it is said to have.
    """

    def __init__(self, data: Json, make: MakeCache, has: Collection[str]) -> None:
        given = part(data, "given")
        self._has = has
        self._events: Counter[str] = Counter()
        start = given.get("start")
        self._clock = FakeClock(None if start is None else datetime.fromisoformat(str(start)))
        self._clock.step_wall(_span(given.get("wall clock off by", "0 s")))
        answers = cast("list[Json]", given["source"])
        self._source = _Source(answers, self._clock, self.play)
        policy = _policy(part(given, "policy"))
        cache = made(
            lambda: make(self._source, refresh=policy, clock=self._clock, listener=self._hear), "it must make a cache of what it is given"
        )
        _has_all(cache, has)
        self._cache = cast("_Cache", cache)

    def _hear(self, event: Event) -> None:
        self._events[type(event).__name__] += 1

    def play(self, step: Json) -> None:
        """Let *step* happen.

        Raises:
            AssertionError: It went otherwise than the step says.
        """
        if "get" in step:
            self._ask(step, self._cache.get, str(step["get"]))
        elif "get valid for" in step:
            needed = _span(step["get valid for"])
            self._ask(step, lambda: self._cache.get_valid_for(needed), str(step["expect"]))
        elif "wait" in step:
            self._clock.advance(_span(step["wait"]))
        elif "step the wall clock" in step:
            self._clock.step_wall(_span(step["step the wall clock"]))
        elif "pause the machine" in step:
            self._clock.pause(_span(step["pause the machine"]))
        elif "set the time zone" in step:
            set_time_zone(str(step["set the time zone"]))
        elif "invalidate" in step:
            rejected = None if step["invalidate"] is None else self._source.values[str(step["invalidate"])]
            _compare("invalidate() returned", self._cache.invalidate(rejected), step["changes"])
        elif "close" in step:
            self._cache.close()
        elif "check" in step:
            self.check(part(step, "check"))
        else:
            raise ConfigurationError(f"a scenario has no such step: {step}")

    def _ask(self, step: Json, ask: Callable[[], Credential], expected: str) -> None:
        times = int(str(step.get("times", 1)))
        if "every" in step:
            times = round(_span(step["for"]) / _span(step["every"]))
        for _ in range(times):
            began = self._clock.monotonic()
            _compare("the caller got", self._outcome(ask), expected)
            if "takes" in step:
                _compare("the caller waited for", _seconds(self._clock.monotonic() - began), _seconds(_span(step["takes"]).total_seconds()))
            if "every" in step:
                self._clock.advance(_span(step["every"]))

    def _outcome(self, ask: Callable[[], Credential]) -> str:
        try:
            value = ask()
        except KeyboardInterrupt:
            return "KeyboardInterrupt"
        except AlicredError as error:
            return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == AlicredError.__module__)
        except Exception as error:
            raise AssertionError(f"the caller got a {type(error).__name__}, which is no AlicredError") from error
        found = [name for name, known in self._source.values.items() if known == value]
        return found[0] if found else f"something that the source never handed out ({type(value).__name__})"

    def check(self, expected: Json) -> None:
        """Compare what was seen so far.

        Raises:
            AssertionError: Something is not as *expected*.
        """
        calls = self._source.called_at
        for name, value in expected.items():
            if name == "calls":
                _compare("calls of the source", len(calls), value)
            elif name == "calls at most":
                _compare(f"{len(calls)} calls of the source; at most {value}", len(calls) <= int(str(value)), True)
            elif name == "calls at":
                expected_at = [_seconds(_span(moment).total_seconds()) for moment in cast("list[str]", value)]
                _compare("moments of the calls", [_seconds(moment) for moment in calls], expected_at)
            elif name == "events":
                wanted = cast("dict[str, int]", value)
                _compare("events", {kind: self._events[kind] for kind in wanted}, wanted)
            elif name in ("phase", "consecutive_failures"):
                if "state" in self._has:
                    seen: object = getattr(self._cache.state(), name)
                    _compare(name, getattr(seen, "name", seen), value)
            else:
                raise ConfigurationError(f"a scenario expects no such thing: {name}")


def _has_all(cache: object, has: Collection[str]) -> None:
    methods = sorted({"get", *has} - {"listener"})
    missing = [f"{name}()" for name in methods if not callable(getattr(cache, name, None))]
    hint = "make() must return a cache" if "get()" in missing else "say in has= what the cache has"
    expect(not missing, f"the {type(cache).__name__} has no {', '.join(missing)}: {hint}")


def _compare(what: str, seen: object, expected: object) -> None:
    if seen != expected:
        raise AssertionError(f"{what}: {seen}, expected {expected}")


def _seconds(number: float) -> str:
    return f"{number:.3f} s"


def part(data: Json, name: str) -> Json:
    """What stands under *name*; nothing if that is not there."""
    return cast("Json", data.get(name, {}))


def _span(text: object) -> timedelta:
    """``"1.5 h"`` and the like."""
    number, unit = str(text).split()
    return timedelta(seconds=float(number) * _UNITS[unit])


def _error(name: str) -> BaseException:
    text = f"{name}, as the scenario says"
    if name == "KeyboardInterrupt":
        return KeyboardInterrupt(text)
    kind = cast("type[AlicredError] | None", getattr(alicred, name, None))
    return RuntimeError(text) if kind is None else kind(text)


def _backoff(given: Json) -> Backoff:
    return Backoff(initial=_span(given["initial"]), maximum=_span(given["maximum"]), jitter=0.0)


_SETTINGS: dict[str, Callable[[RefreshPolicy, object], RefreshPolicy]] = {
    "ahead": lambda policy, value: attrs.evolve(policy, ahead=_span(value)),
    "jitter": lambda policy, value: attrs.evolve(policy, jitter=float(str(value))),
    "margin": lambda policy, value: attrs.evolve(policy, margin=_span(value)),
    "grace": lambda policy, value: attrs.evolve(policy, grace=_span(value)),
    "max_age": lambda policy, value: attrs.evolve(policy, max_age=_span(value)),
    "recheck": lambda policy, value: attrs.evolve(policy, recheck=None if value is None else _span(value)),
    "on_denied": lambda policy, value: attrs.evolve(policy, on_denied=OnDenied[str(value)]),
    "failure_backoff": lambda policy, value: attrs.evolve(policy, failure_backoff=_backoff(cast("Json", value))),
}


def _policy(given: Json) -> RefreshPolicy:
    policy = _BASE
    for name, value in given.items():
        policy = _SETTINGS[name](policy, value)
    return policy


def set_time_zone(name: str | None) -> None:
    """Have this process live in the time zone *name*, as in the variable TZ."""
    if name is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = name
    if hasattr(time, "tzset"):
        time.tzset()
