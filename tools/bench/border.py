"""What a request pays where a client asks for its credential: the adapters, and the façade's client, against a cached ``get()``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from alicred import CachingProvider, adapters
from alicred.compat.client import Client
from alicred.compat.models import Config
from tools.bench.hot_path import Source
from tools.bench.measure import Report, interleaved, nanoseconds

AT_MOST = 2.5
GETTERS = ("oss2", "oss_v2", "sls", "tablestore", "mns", "nacos", "alibabacloud_credentials")
KEY = {"type": "access_key", "access_key_id": "id", "access_key_secret": "secret"}
# The official package's client with a static key, release 1.0.12, where it is not installed: as measured beside a cached get().
OFFICIAL = 7.4


def official() -> Callable[[], object] | None:
    """The same call of the official package, if it is installed."""
    try:
        client = import_module("alibabacloud_credentials.client")
        models = import_module("alibabacloud_credentials.models")
    except ImportError:
        return None
    get_credential: Callable[[], object] = client.Client(models.Config(**KEY)).get_credential
    return get_credential


def measure(report: Report, *, rounds: int, number: int) -> None:
    cache = CachingProvider(Source())
    calls: dict[str, Callable[[], object]] = {"a cached get()": cache.get, "tea": adapters.tea(cache).get_credential}
    calls |= {name: getattr(adapters, name)(cache).get_credentials for name in GETTERS}
    calls |= {"façade, static": Client(Config(**KEY)).get_credential, "façade, a cache": Client(provider=cache).get_credential}
    theirs = official()
    if theirs is not None:
        calls["official, static"] = theirs
    took = interleaved({name: nanoseconds(call, number) for name, call in calls.items()}, rounds)
    floor = took["a cached get()"]
    for name, span in took.items():
        report.say(f"{name:<24} {span:7.0f} ns   ratio {span / floor:.2f}")
    for name in ("tea", *GETTERS):
        report.bound(f"adapters.{name}, times a cached get()", took[name] / floor, AT_MOST)
    against, lightest = ("the official package's, static", took["official, static"]) if theirs else ("a cached get()", floor)
    for name in ("static", "a cache"):
        report.bound(
            f"the façade's get_credential(), {name}, times {against}", took[f"façade, {name}"] / lightest, 1.0 if theirs else OFFICIAL
        )
