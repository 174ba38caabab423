"""Many threads on one cache: while nothing happens, and while one refresh after the other is under way."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from array import array
from collections.abc import Callable
from datetime import timedelta

from alicred import CachingProvider, Credential, Provider, RamRoleArnProvider, RefreshPolicy, StaticProvider, StsClient
from tools.bench.hot_path import Floor, Source
from tools.bench.measure import QUANTILES, Report, quantiles, readable
from tools.bench.upstream import Upstream

AT_MOST = 2.0
CONDITIONS = ("quiet", "refreshing from a source that waits 30 ms", "refreshing over HTTP")
# A value is refreshed as soon as it is a millisecond old, so that hardly ever no refresh is under way; it is served meanwhile.
RESTLESS = RefreshPolicy(max_age=timedelta(milliseconds=1))


def spell(get: Callable[[], object], threads: int, seconds: float) -> tuple[float, array[float]]:
    """Calls a second in all, and what each call took in nanoseconds, over *seconds* in which *threads* call without a pause."""
    samples = [array("d") for _ in range(threads)]
    barrier = threading.Barrier(threads + 1)
    stop = False

    def work(mine: array[float]) -> None:
        clock, keep = time.perf_counter, mine.append
        barrier.wait()
        while not stop:
            before = clock()
            get()
            keep(clock() - before)

    pool = [threading.Thread(target=work, args=(mine,)) for mine in samples]
    for thread in pool:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    time.sleep(seconds)
    stop = True
    for thread in pool:
        thread.join()
    took = time.perf_counter() - began
    every = array("d")
    for mine in samples:
        every.extend(mine)
    return len(every) / took, array("d", (1e9 * seconds for seconds in every))


def measure(report: Report, upstream: Upstream, *, threads: tuple[int, ...], seconds: float, rounds: int) -> None:
    sts = StsClient(upstream.cloud)
    key = StaticProvider(Credential(upstream.key_id, upstream.key_secret))
    sources: dict[str, Provider[Credential]] = {
        CONDITIONS[0]: Source(),
        CONDITIONS[1]: Source(0.03),
        CONDITIONS[2]: RamRoleArnProvider(key, role_arn=upstream.role_arn, sts=sts),
    }
    columns = " ".join(f"{name:>8}" for name in QUANTILES)
    report.say(f"{'threads':>7}  {'':<42} {'calls/s':>10} {'of the floor':>12} {'refreshes':>9} {columns}")
    for count in threads:
        caches = {
            condition: CachingProvider(source, refresh=RefreshPolicy() if condition == CONDITIONS[0] else RESTLESS)
            for condition, source in sources.items()
        }
        getters: dict[str, Callable[[], object]] = {condition: cache.get for condition, cache in caches.items()}
        getters["floor"] = Floor(caches[CONDITIONS[0]].get()).get
        rates = dict.fromkeys(getters, 0.0)
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in getters}
        for _ in range(rounds):
            for name, get in getters.items():
                get()
                rate, samples = spell(get, count, seconds)
                rates[name] += rate / rounds
                taken[name].append(quantiles(samples))
        for condition, cache in caches.items():
            # The median of what the rounds have seen: one in which another program took the processor must not decide.
            found = {name: statistics.median(each[name] for each in taken[condition]) for name in QUANTILES}
            report.latencies.setdefault(condition, {})[count] = found
            spans = " ".join(f"{readable(found[name]):>8}" for name in QUANTILES)
            share, refreshes = rates[condition] / rates["floor"], cache.state().refreshes
            report.say(f"{count:>7}  {condition:<42} {rates[condition]:>10,.0f} {share:>12.2f} {refreshes:>9} {spans}")
            if condition != CONDITIONS[0]:
                quiet = report.latencies[CONDITIONS[0]][count]["p99.9"]
                report.bound(f"p99.9 of {count} threads, {condition}, times p99.9 without", found["p99.9"] / quiet, AT_MOST)
                if cache.state().refreshes < 2:
                    sys.exit(f"{condition}: there was no refresh, so that the figures say nothing")
            cache.close()


def stampede(report: Report, threads: int) -> None:
    source = Source(0.2)
    cache = CachingProvider(source)
    served: list[float] = []
    barrier = threading.Barrier(threads)

    def work() -> None:
        barrier.wait()
        began = time.perf_counter()
        cache.get()
        served.append(time.perf_counter() - began)

    pool = [threading.Thread(target=work) for _ in range(threads)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    last = readable(max(served) * 1e9)
    report.say(f"cold stampede    {threads} threads, upstream 200 ms: {source.calls} call, the last is served after {last}")
    report.bound("calls of a cold stampede", source.calls, 1)
