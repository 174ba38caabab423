"""``make soak``: a compressed day in five minutes. Sessions of seconds, trouble at random, many callers in several processes.

    make soak                                  five minutes
    make soak ARGS="--minutes 1 --seed 7"      shorter, and the same trouble again

Two processes are forked from one that has used its providers, two are spawned. Each has a provider over STS and one over the metadata
service, and lets its threads and tasks sign calls with what those hold. A cloud on this machine verifies every call. Meanwhile the
services that hand out credentials throttle, fail, hang, reset, truncate and are away now and then, never for longer than a session
lasts; and now and then a caller reports that a key was rejected. Ends with 1 if a call failed or was rejected, or if threads, descriptors
or memory have grown.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import sys
import threading
import time
from datetime import timedelta

from soaking import plants, worker
from soaking.plan import Plan, Trouble, plan
from soaking.report import conclude, progress
from soaking.worker import Sample, Settings, Start

from alicred.cli.report import say
from alicred.testing import FakeCloud, faults

FORKED, SPAWNED = ["forked 1", "forked 2"], ["spawned 1", "spawned 2"]
PROCESSES = [*FORKED, *SPAWNED]
READY = 40.0  # seconds within which every process is ready
EVERY = 5.0  # seconds between two lines


def main() -> int:
    """0 if all is well."""
    parser = argparse.ArgumentParser(description="A compressed day of trouble, and whether any process noticed.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=None, help="of the trouble and the pauses; printed, so that it can be given again")
    parser.add_argument("--threads", type=int, default=64, help="in each of the four processes")
    parser.add_argument("--tasks", type=int, default=64, help="in each of the four processes")
    parser.add_argument("--pause", type=float, default=6.0, help="of one caller between two calls, in seconds, on the average")
    parser.add_argument("--session", type=float, default=10.0, help="how long sessions last, in seconds")
    parser.add_argument("--plant", choices=plants.PLANTS, action="append", default=[], help="plant a fault, to see that it is found")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 31) if options.seed is None else options.seed
    seconds = options.minutes * 60
    planned = plan(seed=seed, seconds=seconds, session=options.session, processes=len(PROCESSES))
    say(f"{options.minutes:g} min with {len(planned.troubles)} troubles and sessions of {options.session:g} s;")
    say(f"{len(PROCESSES)} processes with {options.threads} threads and {options.tasks} tasks each. The same again: --seed {seed}")
    with FakeCloud(session=timedelta(seconds=options.session)) as cloud:
        settings = Settings(
            endpoint=cloud.endpoint,
            plain_endpoint=cloud.http_endpoint,
            ca_file=cloud.ca_file,
            key=cloud.access_key,
            role_arn=cloud.role_arn,
            seconds=seconds,
            threads=options.threads,
            tasks=options.tasks,
            pause=options.pause,
            seed=seed,
            plants=tuple(options.plant),
            invalidations=planned.invalidations,
        )
        samples, codes = run(cloud, planned, settings)
        well = conclude(cloud, planned, samples, PROCESSES, seconds)
        if any(codes):
            say(f"processes ended with {codes}")
        return 0 if well and not any(codes) else 1


def run(cloud: FakeCloud, planned: Plan, settings: Settings) -> tuple[dict[str, list[Sample]], list[int | None]]:
    """Start the processes, inject faults, report; what the processes have sent, and their exit codes."""
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # else the C library spreads what many threads ask for over 16 arenas, each with gaps
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.SimpleQueue[Sample | str | None] = context.SimpleQueue()
    start = Start(context.Value("d", 0.0))
    ready: list[str] = []
    samples: dict[str, list[Sample]] = {name: [] for name in PROCESSES}

    def receive() -> None:
        while (sent := queue.get()) is not None:
            if isinstance(sent, Sample):
                samples[sent.process].append(sent)
            else:
                ready.append(sent)

    receiver = threading.Thread(target=receive, daemon=True)
    receiver.start()
    processes = [context.Process(target=worker.prefork, args=(FORKED, 0, settings, queue, start))]
    for number, name in enumerate(SPAWNED, len(FORKED)):
        processes.append(context.Process(target=worker.spawned, args=(name, number, settings, queue, start)))
    try:
        for process in processes:
            process.start()
        latest = time.monotonic() + READY
        while len(ready) < len(PROCESSES) and time.monotonic() < latest:
            time.sleep(0.05)
        began = start.give()
        make_trouble(cloud, planned, settings, samples, began)
        for process in processes:
            process.join(30)
    finally:
        cloud.clear()
        cloud.release()
        for process in processes:
            if process.is_alive():
                process.kill()
                process.join()
    queue.put(None)
    receiver.join(10)
    return samples, [process.exitcode for process in processes]


def make_trouble(cloud: FakeCloud, planned: Plan, settings: Settings, samples: dict[str, list[Sample]], began: float) -> None:
    """Play the plan to its end."""
    steps: list[tuple[float, str, Trouble | None]] = [(at * EVERY, "tell", None) for at in range(int((settings.seconds - 1) / EVERY) + 1)]
    for trouble in planned.troubles:
        steps += [(trouble.at, "begin", trouble), (trouble.at + trouble.span, "end", trouble)]
    steps.append((settings.seconds, "tell", None))
    words = ""
    for at, what, trouble in sorted(steps, key=lambda step: step[0]):
        time.sleep(max(0.0, began + at - time.monotonic()))
        if what == "tell":
            say(progress(samples, cloud, at, words))
            words = ""
        elif what == "begin" and trouble is not None:
            words += f"[{trouble.words}] "
            for operation in trouble.operations:
                cloud.inject(trouble.fault, operation=operation, times=trouble.times)
        else:
            cloud.clear()
            if trouble is not None and isinstance(trouble.fault, faults.Hang):
                cloud.release()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
