"""A listener: counts refreshes, as a metrics library would."""

from collections import Counter

from alicred import CachingProvider, Credential, StaticProvider
from alicred.events import Event, RefreshFailed, RefreshSucceeded

metrics: Counter[str] = Counter()


def listen(event: Event) -> None:
    """Called on the thread on which the event happened; callers may wait for it, so it is quick."""
    if isinstance(event, RefreshSucceeded):
        metrics["refreshed"] += 1
    elif isinstance(event, RefreshFailed):
        metrics["failed"] += 1
        print(f"{event.provider_name}: {event.error}; still usable: {event.usable}; next attempt: {event.next_attempt_at}")


provider = CachingProvider(StaticProvider(Credential("an-id", "a-secret")), listener=listen)
provider.get()
print(dict(metrics))
