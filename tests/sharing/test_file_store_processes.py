"""The store in a directory between real processes: they race, are killed, are stopped, and fork."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from multiprocessing.connection import Connection, wait
from pathlib import Path

import pytest

from alicred import Credential
from alicred.sharing import Busy, FileStore, SharedProvider, Stored, StoreKey
from tests.forked import checked_in_child, in_raw_child
from tests.sharing.directories import ENTRY, LONG, SECOND, ZERO, Worker, files, kind, leased, look, record, worker, workers
from tests.sharing.fleets import needs_make_fleet
from tests.support import in_threads

pytestmark = needs_make_fleet

MANY = 30


def claiming(store: FileStore, lease: timedelta = LONG, newer_than: int = 0) -> Callable[[Connection], None]:
    """A worker's work: for each message claim and say what came of it; hold on to the last."""

    def work(connection: Connection) -> None:
        held: list[object] = []
        while True:
            entry = connection.recv()
            said = store.claim(entry, newer_than=newer_than, lease=lease)
            held.append(said)
            connection.send(kind(said))

    return work


def race(crew: list[Worker], entry: str) -> list[str]:
    for each in crew:
        each.connection.send(entry)
    return sorted(each.says() for each in crew)


def test_of_many_processes_that_claim_at_once_one_gets_the_lease(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    with workers(MANY, claiming(store)) as crew:
        for number in range(20):
            assert race(crew, f"{number:040x}") == ["Busy"] * (MANY - 1) + ["Lease"]


def test_of_many_processes_that_adopt_none_gets_the_lease(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    leased(store).save(record(1))
    with workers(MANY, claiming(store)) as crew:
        assert race(crew, ENTRY) == ["Stored"] * MANY


def test_when_the_holder_is_killed_the_next_gets_the_lease_at_once(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    with worker(claiming(store)) as holder:
        assert race([holder], ENTRY) == ["Lease"]
        assert isinstance(look(store), Busy)
        assert look(store).left > LONG / 2  # type: ignore[union-attr]
        holder.kill()
        lease = leased(store)
        assert (lease.over, lease.failures) == (0, 0)
        assert lease.save(record(1))


def saving(store: FileStore, lease: timedelta) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        said = store.claim(ENTRY, newer_than=0, lease=lease)
        connection.send(kind(said))
        connection.recv()
        assert not isinstance(said, (Stored, Busy))
        connection.send(said.save(record(10)))
        said.end(pause=LONG)
        connection.recv()

    return work


def test_a_holder_that_is_stopped_is_superseded_after_its_lease_and_changes_nothing_later(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    with worker(saving(store, lease=3 * SECOND)) as holder:
        assert holder.says() == "Lease"
        holder.signal(signal.SIGSTOP)
        said = store.claim(ENTRY, newer_than=0, lease=LONG)
        began = time.monotonic()
        while isinstance(said, Busy):
            assert time.monotonic() - began < 20
            time.sleep(min(0.05, said.left.total_seconds()))
            said = store.claim(ENTRY, newer_than=0, lease=LONG)
        assert not isinstance(said, Stored)
        holder.signal(signal.SIGCONT)
        holder.connection.send("save")
        assert holder.says() is False
        assert isinstance(look(store), Busy), "the lease is another worker's"
        assert said.save(record(20))
        assert look(store).record == record(20)  # type: ignore[union-attr]


def test_of_many_processes_that_supersede_one_gets_the_lease(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    entries = [f"{number:040x}" for number in range(20)]
    with worker(claiming(store, lease=SECOND / 100)) as holder, workers(MANY, claiming(store)) as crew:
        for entry in entries:
            assert race([holder], entry) == ["Lease"]
        holder.signal(signal.SIGSTOP)
        time.sleep(0.1)
        for entry in entries:
            assert race(crew, entry) == ["Busy"] * (MANY - 1) + ["Lease"]
        holder.signal(signal.SIGCONT)


def body(generation: int) -> bytes:
    """What a record of that generation holds: of many sizes, up to the largest."""
    return str(generation).encode() * ((generation * 7919) % 9000 + 1)


def save_for_ever(store: FileStore, connection: Connection) -> None:
    while True:
        said = store.claim(ENTRY, newer_than=2**52, lease=LONG)
        if isinstance(said, (Stored, Busy)):
            connection.send("busy")
            return
        assert said.save(record(said.over + 1, body(said.over + 1)))


def test_a_worker_that_is_killed_at_any_moment_leaves_the_old_record_or_the_new_one(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    seen, began = 0, time.monotonic()
    while time.monotonic() - began < 4:
        with worker(lambda connection: save_for_ever(store, connection)) as killed:
            until = time.monotonic() + random.random() / 20
            while True:
                said = look(store)
                if isinstance(said, Stored):
                    assert said.record.sealed == body(said.record.generation)
                    assert said.record.generation >= seen
                    seen = said.record.generation
                if time.monotonic() > until:
                    break
            killed.kill()
            with pytest.raises(EOFError):  # it would have said so if the one before it had left its lease behind
                killed.connection.recv()
    assert seen > 0
    assert leased(store, newer_than=2**52).over >= seen
    assert len(files(tmp_path / "shared")) <= 4, "a record, a lock, and what the last two that were killed were writing"


def test_of_many_that_replace_a_record_none_overwrites_what_it_has_not_seen(tmp_path: Path) -> None:
    """Each adds one: as many as were saved are counted, also where leases end while their holders save."""
    store = FileStore(tmp_path / "shared")

    def work(connection: Connection) -> None:
        saved = 0
        until = time.monotonic() + 3
        while time.monotonic() < until:
            said = store.claim(ENTRY, newer_than=2**52, lease=timedelta(seconds=random.random() / 200))
            if not isinstance(said, (Stored, Busy)):
                if random.random() < 0.3:
                    time.sleep(random.random() / 100)
                saved += said.save(record(said.over + 1))
        connection.send(saved)
        connection.recv()

    with workers(10, work) as crew:
        saved = [each.says() for each in crew]
    said = look(store)
    assert isinstance(said, Stored)
    assert said.record.generation == sum(saved), saved
    assert sum(saved) > 1


# Forks


def test_a_child_holds_no_lease_of_its_parents_and_keeps_none_alive(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")

    def work(connection: Connection) -> None:
        lease = leased(store)

        def in_child(_: Connection) -> None:
            connection.send(lease.save(record(5)))
            time.sleep(60)

        with worker(in_child) as child:
            connection.send(child.pid)
            connection.recv()

    with worker(work) as parent:
        said = [parent.says(), parent.says()]
        assert False in said, "a child cannot save"
        child = next(each for each in said if each is not False)
        assert isinstance(look(store), Busy)
        parent.kill()
        try:
            assert kind(store.claim(ENTRY, newer_than=0, lease=LONG)) == "Lease"
            os.kill(child, 0)  # it is still there
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_child_can_neither_use_nor_end_its_parents_lease(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    held = [leased(store)]

    def work() -> list[object]:
        held[0].end(pause=LONG)
        return [held[0].save(record(1)), kind(look(store)), look(store).left > ZERO]  # type: ignore[union-attr]

    assert checked_in_child(work) == [False, "Busy", True]
    assert in_raw_child(work) == [False, "Busy", True]
    for run in (checked_in_child, in_raw_child):
        run(held.clear)
        assert isinstance(look(store), Busy)
        assert look(store).left > ZERO  # type: ignore[union-attr]
    assert held[0].save(record(1))


def test_a_child_that_c_code_forks_gives_up_its_copies_when_it_claims(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    lease = leased(store)

    def open_locks() -> int:
        descriptors = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        return sum(os.path.lexists(each) and os.readlink(each).endswith(".lock") for each in descriptors)

    def work() -> list[int]:
        return [open_locks(), isinstance(look(store), Busy), open_locks()]

    assert in_raw_child(work) == [1, True, 0]
    assert lease.save(record(1))


def test_children_may_be_forked_while_threads_claim(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    until = time.monotonic() + 2

    def claim() -> int:
        count = 0
        while time.monotonic() < until:
            said = store.claim(ENTRY, newer_than=2**52, lease=LONG)
            if not isinstance(said, (Stored, Busy)):
                count += said.save(record(said.over + 1))
        return count

    def fork_and_claim() -> int:
        count = 0
        while time.monotonic() < until:
            count += checked_in_child(lambda: add_one(store))
        return count

    def add_one(store: FileStore) -> int:
        said = store.claim(ENTRY, newer_than=2**52, lease=LONG)
        return 0 if isinstance(said, (Stored, Busy)) else int(said.save(record(said.over + 1)))

    works = [claim, claim, fork_and_claim]
    counts = in_threads(3, lambda: works.pop()())
    assert all(isinstance(count, int) for count in counts), counts
    said = look(store)
    assert isinstance(said, Stored)
    assert said.record.generation == sum(counts)


@pytest.mark.parametrize("finish", ["save", "end", "nothing"])
def test_a_program_that_ends_with_a_lease_says_nothing(finish: str, tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import timedelta; from alicred.sharing import FileStore, Record\n"
        "lease = FileStore(sys.argv[1]).claim('a' * 40, newer_than=0, lease=timedelta(minutes=1))\n"
        "if sys.argv[2] == 'save': lease.save(Record(generation=1, sealed=b'', keep=timedelta(1)))\n"
        "if sys.argv[2] == 'end': lease.end()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path / "shared"), finish], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class Counted:
    """A source that notes each call in a file."""

    name = "counted"

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self) -> Credential:
        with open(self.path, "ab", buffering=0) as file:
            file.write(b".")
        time.sleep(0.1)
        return Credential(f"id-{os.urandom(4).hex()}", "secret", "token", datetime.now(timezone.utc) + timedelta(hours=1))


def test_of_twenty_children_one_fetches_and_the_others_adopt(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    shared = SharedProvider(Counted(calls), FileStore(tmp_path / "shared"), name="reports", key=StoreKey.generate())

    def work(connection: Connection) -> None:
        connection.recv()
        connection.send(shared.get().access_key_id)
        connection.recv()
        connection.send(shared.get().access_key_id)

    with workers(20, work) as crew:
        for session in (1, 2):
            for each in crew:
                each.connection.send("go")
            assert len({each.says() for each in crew}) == 1
            assert len(calls.read_bytes()) == session


def test_when_the_one_that_fetches_is_killed_one_other_fetches(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    key = StoreKey.generate()

    def work(connection: Connection) -> None:
        source = Counted(calls)
        fetch = source.get

        def get() -> Credential:
            connection.send("fetching")
            connection.recv()
            return fetch()

        source.get = get  # type: ignore[method-assign]  # it waits until it is told
        shared = SharedProvider(source, FileStore(tmp_path / "shared"), name="reports", key=key)
        connection.send(shared.get().access_key_id)
        connection.recv()

    with workers(8, work) as crew:
        ready = wait([each.connection for each in crew], 20)
        assert len(ready) == 1
        leader = next(each for each in crew if each.connection is ready[0])
        assert leader.says() == "fetching"
        leader.kill()
        others = [each for each in crew if each is not leader]
        (next_leader,) = wait([each.connection for each in others], 8)  # sooner than its lease of 10 s would have ended
        follower = next(each for each in others if each.connection is next_leader)
        assert follower.says() == "fetching"
        follower.connection.send("go on")
        assert len({each.says() for each in others}) == 1
    assert calls.read_bytes() == b"."
