"""Jobs for a `ProcessPoolExecutor`: ``python executor.py spawn 100``. A killed worker breaks it; what is left goes to another one."""

import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from one_provider import call, provider


def identify(job: int) -> dict[str, object]:
    """One job. The provider is a global of a module that every worker imports or inherits, and no argument."""
    done = {"job": job, **call()}
    time.sleep(0.05)  # the rest of the job
    return done


def main(method: str, count: int) -> None:
    provider.get()  # not needed; with `fork`, the workers start with this value
    left = set(range(count))
    while left:
        with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context(method)) as pool:
            jobs = {pool.submit(identify, job): job for job in left}
            for finished in as_completed(jobs):
                try:
                    print(json.dumps(finished.result()), flush=True)
                except BrokenProcessPool:  # not the job's fault
                    continue
                left.discard(jobs[finished])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
