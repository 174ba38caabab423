"""Process pools: each worker gets the provider once, when it starts, whatever the start method."""

import multiprocessing
import os

from alicred import CachingProvider, Credential, default_provider

provider: CachingProvider[Credential]


def start(given: CachingProvider[Credential]) -> None:
    """Run once in every worker, before its first task."""
    global provider
    provider = given


def work(job: int) -> tuple[int, int]:
    """One task. It does not get the provider as an argument: that would be an empty copy for each task."""
    provider.get()
    return os.getpid(), provider.state().attempts


def main() -> None:
    for method in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(method)
        with context.Pool(2, initializer=start, initargs=(default_provider(),)) as pool:
            done = pool.map(work, range(20), chunksize=1)
        print(f"{method}: {len(done)} tasks, at most {max(fetches for _, fetches in done)} fetch in each worker")


if __name__ == "__main__":
    main()
