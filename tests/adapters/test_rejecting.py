"""How adapters pass on that a service has rejected what they gave out."""

from __future__ import annotations

import pickle
import threading

from alicred import CachingProvider, Credential, StaticProvider
from alicred.adapters.rejecting import LastUsed, reject
from tests.support import HOUR, Script


class Told:
    """A provider that wants to know."""

    name = "told"

    def __init__(self) -> None:
        self.rejected: list[str] = []

    def get(self) -> Credential:
        return Credential("the-id", "the-secret")

    def invalidate(self, value: Credential) -> bool:
        self.rejected.append(value.access_key_id)
        return True


def test_each_thread_rejects_what_it_has_used_itself() -> None:
    provider = Told()
    used = LastUsed(provider)
    used.note(Credential("mine", "secret"))
    other = threading.Thread(target=lambda: used.note(Credential("another", "secret")))
    other.start()
    other.join()
    used.reject()
    assert provider.rejected == ["mine"]


def test_a_thread_that_has_used_nothing_rejects_nothing() -> None:
    provider = Told()
    LastUsed(provider).reject()
    assert provider.rejected == []


def test_a_cache_is_told_and_who_does_not_want_to_know_is_not() -> None:
    cache = CachingProvider(Script(HOUR))
    reject(cache, cache.get())
    assert cache.get().access_key_id == "id-2"
    held = Credential("the-id", "the-secret")
    reject(StaticProvider(held), held)


def test_what_was_used_does_not_travel() -> None:
    used = LastUsed(StaticProvider(Credential("the-id", "the-secret")))
    used.note(Credential("planted", "planted-secret"))
    pickled = pickle.dumps(used)
    assert b"planted" not in pickled
    pickle.loads(pickled).reject()
