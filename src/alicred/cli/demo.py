"""A worker pool under one provider, through many short sessions and some trouble: the main job, to look at."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from alicred.adapters import TeaCredential, tea
from alicred.cli.report import Session, say, table, timeline
from alicred.credential import Credential
from alicred.default import default_provider
from alicred.errors import AlicredError
from alicred.events import Event, RefreshFailed, RefreshSucceeded
from alicred.policy.backoff import Backoff
from alicred.policy.refresh import RefreshPolicy
from alicred.policy.retry import RetryPolicy
from alicred.policy.window import FractionWindow
from alicred.refresh.cache import CachingProvider
from alicred.testing import FakeCloud, faults

if TYPE_CHECKING:
    from alibabacloud_ocr20191230.client import Client

SESSION = timedelta(seconds=4)
PAUSE = 0.2  # between two calls of one worker, in seconds
POLICY = RefreshPolicy(
    ahead=FractionWindow(0.6),
    failure_backoff=Backoff(initial=timedelta(milliseconds=100), maximum=timedelta(milliseconds=400)),
)
# What goes wrong at the service, in turns; for how many calls; and in words.
TROUBLES: tuple[tuple[faults.Fault, int, str], ...] = (
    (faults.Throttling(), 3, "STS throttles the next 3 calls"),
    (faults.ServerError(503), 3, "STS answers the next 3 calls with 503"),
    (faults.Hang(timedelta(seconds=0.7)), 1, "STS lets the next call hang for 0.7 s"),
    (faults.Reset(), 2, "STS cuts the next 2 connections"),
)
FIRST_TROUBLE, BETWEEN_TROUBLES, CALM_AT_THE_END = 1.5, 2.2, 0.5  # seconds


def run(*, seconds: float, threads: int, tasks: int) -> int:
    """Show it for *seconds*; 0 if no call was rejected and no caller saw an error."""
    if find_spec("alibabacloud_ocr20191230") is None:
        say("The demo drives a real client: install it with `pip install alibabacloud_ocr20191230`, or run `make demo`.")
        return 2
    logging.getLogger("alicred").addHandler(logging.NullHandler())  # the listener shows what happens
    with FakeCloud(session=SESSION) as cloud, tempfile.TemporaryDirectory(prefix="alicred-demo-") as home:
        watch = Watch()
        provider = default_provider(
            environ=environment(cloud, Path(home)),
            http=cloud.http_client(),
            refresh=POLICY,
            retry=RetryPolicy(attempts=1),  # the back-off of the cache is enough, and easier to follow
            listener=watch.listen,
        )
        client = ocr_client(cloud, tea(Watched(provider, watch)))
        say(f"One provider, {threads} threads and {tasks} tasks, sessions of {SESSION.total_seconds():.0f} s, {seconds:.0f} s in all.")
        with trouble(cloud, watch, seconds):
            work(client, watch, seconds=seconds, threads=threads, tasks=tasks)
        provider.close()
        return conclude(cloud, watch)


PROFILE = """\
[default]                          # what a program gets that names no profile
enable = true                      # on, as without this line; false switches the profile off
type = ram_role_arn                # keys of a role, fetched and refreshed
access_key_id = {key_id}           # the key that may assume the role
access_key_secret = {secret}       # its secret
role_arn = {role_arn}              # the role
role_session_name = demo           # shows up in the audit log

[instance]                         # chosen by ALIBABA_CLOUD_PROFILE=instance
type = ecs_ram_role                # the role of the machine
role_name = DemoRole               # saves a request

[off]                              # here, but switched off
enable = false
type = access_key
"""


def environment(cloud: FakeCloud, home: Path) -> dict[str, str]:
    """The environment of the demo's program: a profile file, and where STS is."""
    key = cloud.access_key
    path = home / "credentials"
    path.touch(mode=0o600)
    path.write_text(PROFILE.format(key_id=key.access_key_id, secret=key.access_key_secret, role_arn=cloud.role_arn), "utf-8")
    return {"ALIBABA_CLOUD_CREDENTIALS_FILE": str(path), "ALIBABA_CLOUD_STS_ENDPOINT": cloud.endpoint, "HOME": str(home)}


def ocr_client(cloud: FakeCloud, credential: TeaCredential) -> Client:
    """The real client, pointed at this machine."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the client's packages do at their import
        from alibabacloud_ocr20191230.client import Client
        from alibabacloud_tea_openapi.models import Config

    scheme, _, host = cloud.http_endpoint.partition("://")
    return Client(Config(credential=credential, endpoint=host, protocol=scheme, region_id="cn-shanghai"))


class Watch:
    """What happened, as the callers and the provider saw it. Thread-safe."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.calls = 0
        self.errors: Counter[str] = Counter()
        self.first_wait = 0.0
        self.longest_wait = 0.0
        self.refreshes: list[tuple[float, bool]] = []
        self.troubles: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    def listen(self, event: Event) -> None:
        """The provider's listener."""
        if isinstance(event, (RefreshSucceeded, RefreshFailed)):
            self.refreshes.append((self.now(), isinstance(event, RefreshSucceeded)))

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Measures how long a caller waits for a credential. The first ones have nothing that could be served meanwhile."""
        cold = not self.refreshes
        began = time.monotonic()
        yield
        waited = time.monotonic() - began
        with self._lock:
            if cold:
                self.first_wait = max(self.first_wait, waited)
            else:
                self.longest_wait = max(self.longest_wait, waited)

    def count(self, call: Callable[[], object]) -> None:
        """Make one call and keep what came of it."""
        try:
            call()
        except Exception as error:  # noqa: BLE001  (whatever a caller sees belongs into the report)
            self.failed(error)
        else:
            self.succeeded()

    def succeeded(self) -> None:
        """One more call that was answered."""
        with self._lock:
            self.calls += 1

    def failed(self, error: Exception) -> None:
        """One more caller that saw an error."""
        inner: object = getattr(error, "inner_exception", error)
        with self._lock:
            self.errors[f"{type(inner).__name__}: {inner}" if isinstance(inner, AlicredError) else type(inner).__name__] += 1


@attrs.frozen
class Watched:
    """A provider that measures how long its callers wait: a decorator of the user's own is as easy as this."""

    source: CachingProvider[Credential]
    watch: Watch

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    def get(self) -> Credential:
        """The source's credential."""
        with self.watch.waiting():
            return self.source.get()

    async def aget(self) -> Credential:
        """The source's credential, for tasks."""
        with self.watch.waiting():
            return await self.source.aget()


@contextmanager
def trouble(cloud: FakeCloud, watch: Watch, seconds: float) -> Generator[None]:
    """Trouble at the service, each at its time, until the block ends."""

    def inject(fault: faults.Fault, times: int, words: str) -> None:
        watch.troubles.append((watch.now(), words))
        say(f"{watch.now():5.1f} s  {words}")
        cloud.inject(fault, operation="AssumeRole", times=times)

    def timers() -> Generator[threading.Timer]:
        at = FIRST_TROUBLE
        for each in itertools.cycle(TROUBLES):
            if at > seconds - CALM_AT_THE_END:
                return
            yield threading.Timer(at, inject, each)
            at += BETWEEN_TROUBLES

    started = list(timers())
    for timer in started:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in started:
            timer.cancel()


def work(client: Client, watch: Watch, *, seconds: float, threads: int, tasks: int) -> None:
    """Let all workers call for *seconds*, and tell how it goes."""
    from alibabacloud_ocr20191230.models import GetAsyncJobResultRequest
    from alibabacloud_tea_util.models import RuntimeOptions

    end = time.monotonic() + seconds
    stopping = threading.Event()
    options = RuntimeOptions(read_timeout=20_000, connect_timeout=20_000)

    def call(number: int) -> object:
        return client.get_async_job_result_with_options(GetAsyncJobResultRequest(job_id=f"job-{number}"), options)

    def worker(number: int) -> None:
        while not stopping.wait(PAUSE):
            watch.count(lambda: call(number))

    async def task(number: int) -> None:
        while not stopping.is_set():
            try:
                await client.get_async_job_result_with_options_async(GetAsyncJobResultRequest(job_id=f"task-{number}"), options)
            except Exception as error:  # noqa: BLE001  (as in Watch.count)
                watch.failed(error)
            else:
                watch.succeeded()
            await asyncio.sleep(PAUSE)

    async def all_tasks() -> None:
        await asyncio.gather(*(task(number) for number in range(tasks)))

    pool = [threading.Thread(target=worker, args=(number,), name=f"worker-{number}") for number in range(threads)]
    pool.append(threading.Thread(target=lambda: asyncio.run(all_tasks()), name="tasks"))
    for thread in pool:
        thread.start()
    try:
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            refreshed = sum(worked for _, worked in watch.refreshes)
            say(f"{watch.now():5.1f} s  {watch.calls} calls, {refreshed} refreshes, {sum(watch.errors.values())} errors seen by callers")
    finally:
        stopping.set()
        for thread in pool:
            thread.join()


def conclude(cloud: FakeCloud, watch: Watch) -> int:
    """Print what happened; 0 if all went well."""
    served = [call for call in cloud.calls if call.operation == "GetAsyncJobResult"]
    rejected = [call for call in served if not call.accepted]
    asked = [call for call in cloud.calls if call.operation == "AssumeRole"]
    used = Counter(call.access_key_id for call in served)
    now = cloud.clock.utcnow()
    sessions = [
        Session(
            name=session.access_key_id[:12],
            begins=watch.now() - (now - session.begins_at).total_seconds(),
            ends=watch.now() - (now - session.ends_at).total_seconds(),
            calls=used[session.access_key_id],
        )
        for session in cloud.sessions
        if session.access_key_id in used
    ]
    say("")
    say(timeline(sessions, watch.refreshes, watch.troubles, watch.now()))
    say("")
    waits = f"{watch.longest_wait * 1000:.1f} ms (the first ones, with nothing held: {watch.first_wait * 1000:.1f} ms)"
    rows = {
        "calls made": f"{watch.calls}",
        "calls rejected": f"{len(rejected)}",
        "errors seen by callers": f"{sum(watch.errors.values())}",
        "sessions used": f"{len(used)}",
        "calls to STS": f"{len(asked)}, of which {sum(call.fault != '' for call in asked)} met with trouble",
        "longest wait of a caller": waits,
        "processors": f"{os.cpu_count()}, shared by the workers and the cloud",
    }
    say(table(rows))
    for text, count in watch.errors.most_common(5):
        say(f"  {count} x {text}")
    return 0 if watch.calls and not rejected and not watch.errors else 1
