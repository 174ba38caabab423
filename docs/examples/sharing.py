"""Four processes that share one credential: one of them fetches it, the others take what it has stored."""

import multiprocessing
import tempfile
from datetime import timedelta

from alicred import CachingProvider, RefreshPolicy, default_chain
from alicred.sharing import FileStore, SharedProvider, StoreKey


def work(directory: str, key: StoreKey) -> str:
    """What each worker does: the same source, the same store, the same key."""
    source = default_chain()
    shared = SharedProvider(source, FileStore(directory), name="reports", key=key)
    with CachingProvider(shared, refresh=RefreshPolicy(max_wait=timedelta(seconds=60))) as provider:
        return provider.get().access_key_id


if __name__ == "__main__":
    key = StoreKey.generate()  # a fleet reads it from a file: StoreKey.from_file("/run/secrets/alicred.key")
    with tempfile.TemporaryDirectory() as directory, multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.starmap(work, [(directory, key)] * 4)
    print(f"{len(found)} workers, {len(set(found))} credential")
