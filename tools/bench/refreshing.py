"""One whole refresh, from the request to the value in service, against a raw request of urllib3 that brings the same bytes.

Both open a connection, since a refresh never uses one again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import urllib3

from alicred import (
    Backoff,
    CachingProvider,
    Credential,
    HttpClient,
    RamRoleArnProvider,
    RefreshMode,
    RefreshPolicy,
    StaticProvider,
    StsClient,
)
from tools.bench.measure import Report, interleaved
from tools.bench.upstream import Upstream

AT_MOST = 1.3
ROLE = "acs:ram::1234567890123456:role/bench"
# Each value is rejected as soon as it is there, and the source is asked again at once.
AT_ONCE = RefreshPolicy(mode=RefreshMode.INLINE, failure_backoff=Backoff(initial=timedelta(0)))


def refresh(endpoint: str, ca_file: str | None) -> Callable[[], float]:
    """Microseconds until a role's session is fetched, checked and in service. The HTTP client is alicred's own."""
    sts = StsClient(endpoint, http=HttpClient(ca_file=ca_file))
    source = StaticProvider(Credential("bench-id", "bench-secret"))
    cache = CachingProvider(RamRoleArnProvider(source, role_arn=ROLE, role_session_name="bench", sts=sts), refresh=AT_ONCE)

    def once() -> float:
        cache.invalidate()
        began = time.perf_counter()
        cache.get()
        return (time.perf_counter() - began) * 1e6

    return once


def raw(endpoint: str, ca_file: str | None) -> Callable[[], float]:
    """Microseconds for a request of the same size to the same server, until its answer is there as bytes and the connection is closed.

    With the same time-outs: no program should fetch a credential without.
    """
    timeout = urllib3.Timeout(connect=5, read=10)
    body = b"RoleArn=acs%3Aram%3A%3A1234567890123456%3Arole%2Fbench&RoleSessionName=bench&DurationSeconds=3600"
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
        "x-acs-action": "AssumeRole",
        "x-acs-version": "2015-04-01",
        "x-acs-date": "2026-01-01T00:00:00Z",
        "x-acs-signature-nonce": "0" * 32,
        "x-acs-content-sha256": "0" * 64,
        "authorization": "ACS3-HMAC-SHA256 " + "0" * 210,
    }

    def once() -> float:
        began = time.perf_counter()
        with urllib3.PoolManager(ca_certs=ca_file, timeout=timeout) as pool:
            answer = pool.request("POST", f"{endpoint}/", body=body, headers=headers)
        took = time.perf_counter() - began
        if answer.status != 200 or not answer.data:
            raise RuntimeError(f"the server answered {answer.status}")
        return took * 1e6

    return once


def measure(report: Report, upstream: Upstream, *, rounds: int) -> None:
    for name, endpoint, ca_file in (("plain HTTP", upstream.plain, None), ("TLS", upstream.tls, upstream.ca_file)):
        contestants = {"raw": raw(endpoint, ca_file), "refresh": refresh(endpoint, ca_file)}
        for once in contestants.values():
            once()  # so that everything is loaded
        took = interleaved(contestants, rounds)  # one by one, so that both meet the same noise
        ratio = took["refresh"] / took["raw"]
        what = f"refresh, {name}"
        report.say(f"{what:<20} {took['refresh']:6.0f} µs   a raw request {took['raw']:6.0f} µs   ratio {ratio:.2f}")
        report.ratios[what] = ratio
        report.bound(f"a full refresh over {name}, times a raw request", ratio, AT_MOST)
