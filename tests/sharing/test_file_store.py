"""The store in a directory, on a clock that stands still: what it keeps, for how long, and what it makes of garbage."""

from __future__ import annotations

import json
import os
import pickle
import stat
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from alicred import SYSTEM_CLOCK, ConfigurationError
from alicred.sharing import Busy, FileStore, Lease, Stored, file_store
from alicred.testing import FakeClock
from tests.sharing.directories import ENTRY, LONG, OTHER, SECOND, ZERO, files, leased, look, record
from tests.shortages import no_descriptors_left

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "shared"


@pytest.fixture
def store(place: Path, clock: FakeClock) -> FileStore:
    return FileStore(place, clock=clock)


@pytest.fixture
def boots(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The machine is started again: what that start is called."""

    def boot(name: str) -> None:
        monkeypatch.setattr(file_store, "_boot", lambda: name)

    boot("first")
    return boot


# What there is


def test_nothing_is_made_before_the_first_claim(store: FileStore, place: Path) -> None:
    assert store.name == f"directory {place}"
    assert repr(store) == f"<FileStore in the directory {place}>"
    pickle.loads(pickle.dumps(store))
    assert not place.exists()
    look(store)
    assert files(place) == []


def test_there_is_a_file_and_a_lock_for_each_entry(store: FileStore, place: Path) -> None:
    before = os.umask(0)
    try:
        for generation in range(1, 4):
            assert leased(store, newer_than=generation - 1).save(record(generation))
        leased(store, newer_than=3).end(pause=SECOND)
        leased(store, entry=OTHER).save(record(1))
    finally:
        os.umask(before)
    assert files(place) == [ENTRY, f"{ENTRY}.lock", OTHER, f"{OTHER}.lock"]
    assert {stat.S_IMODE(os.lstat(place / name).st_mode) for name in files(place)} == {0o600}
    assert stat.S_IMODE(os.lstat(place).st_mode) == 0o700


DEFAULTS = [
    ({"XDG_RUNTIME_DIR": "{}/run", "HOME": "{}/home"}, "run/alicred"),
    ({"XDG_RUNTIME_DIR": "", "HOME": "{}/home"}, "home/.cache/alicred"),
    ({"XDG_RUNTIME_DIR": "relative", "HOME": "{}/home"}, "home/.cache/alicred"),
    ({"HOME": "{}/home"}, "home/.cache/alicred"),
]


@pytest.mark.parametrize(("environ", "expected"), DEFAULTS)
def test_the_default_place_is_found_when_it_is_used(
    environ: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore()
    for name in ("run", "home"):
        (tmp_path / name).mkdir(0o755)
    for name, value in environ.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert store.name == f"directory {tmp_path / expected}"
    leased(pickle.loads(pickle.dumps(store))).save(record(1))
    assert files(tmp_path / expected) == [ENTRY, f"{ENTRY}.lock"]


def test_without_a_home_there_is_no_default_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    store = FileStore()
    assert store.name == "directory"
    with pytest.raises(ConfigurationError, match="there is no home directory"):
        look(store)


def test_a_relative_path_stays_where_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = FileStore("shared")
    monkeypatch.chdir("/")
    look(store)
    assert files(tmp_path) == ["shared"]


def test_a_path_may_begin_with_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    look(FileStore("~/shared"))
    assert files(tmp_path) == ["shared"]


@pytest.mark.parametrize("entry", ["", "a", "A" * 40, "../" + "a" * 37, "a" * 41, "a" * 40 + "\n", "g" * 40])
def test_an_entry_has_40_hex_digits(entry: str, store: FileStore) -> None:
    with pytest.raises(ConfigurationError, match="entry must be 40 hex digits"):
        look(store, entry=entry)


def test_windows_has_no_such_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ConfigurationError, match="FileStore needs a POSIX system"):
        FileStore()


@pytest.mark.parametrize(("arguments", "text"), [({"directory": 5}, "directory must be a path"), ({"clock": 5}, "clock must be a Clock")])
def test_an_argument_that_cannot_be_used_is_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"FileStore.{text}"):
        FileStore(**arguments)  # type: ignore[arg-type]  # that is what is refused


def test_a_pickle_takes_the_place_and_the_clock_along(place: Path) -> None:
    store = FileStore(place)
    leased(store).save(record(1))
    copy = pickle.loads(pickle.dumps(store))
    assert isinstance(look(copy), Stored)
    assert copy._clock is SYSTEM_CLOCK
    assert b"sealed" not in pickle.dumps(store)


def test_a_lock_says_nothing_but_numbers_and_the_reason(store: FileStore, place: Path) -> None:
    lease = leased(store)
    assert set(json.loads((place / f"{ENTRY}.lock").read_bytes())) == {
        "boot", "running", "wall", "seconds", "pausing", "over", "failures", "token"
    }  # fmt: skip
    lease.end(pause=LONG, reason="Throttling.User\n\x00\u00e9 " + "x" * 100)
    busy = look(store)
    assert isinstance(busy, Busy)
    assert busy.pausing == ("Throttling.User " + "x" * 100)[:64]


def test_no_descriptor_is_left_open(store: FileStore) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for generation in range(1, 20):
        lease = leased(store, newer_than=generation)
        look(store)
        assert lease.save(record(generation + 1))
        leased(store, newer_than=generation + 1).end(pause=ZERO)
        look(store)
    assert len(os.listdir("/proc/self/fd")) == before


def test_without_a_free_descriptor_the_store_fails_and_works_again_later(store: FileStore) -> None:
    leased(store).save(record(1))
    with no_descriptors_left(), pytest.raises(OSError, match="Too many open files"):
        look(store)
    assert isinstance(look(store), Stored)


# Leases


def test_a_lease_ends_with_its_object(store: FileStore) -> None:
    lease: Lease | None = leased(store)
    assert isinstance(look(store), Busy)
    assert look(store).left > ZERO  # type: ignore[union-attr]
    del lease
    leased(store)


def test_no_lease_is_longer_than_a_day_whatever_the_file_says(store: FileStore, place: Path, clock: FakeClock) -> None:
    held = leased(store, lease=timedelta(days=400))
    busy = look(store)
    assert isinstance(busy, Busy)
    assert busy.left == DAY
    path = place / f"{ENTRY}.lock"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"seconds": 1e300}))
    clock.advance(HOUR)
    busy = look(store)
    assert isinstance(busy, Busy)
    assert busy.left == DAY - HOUR
    clock.advance(DAY)
    leased(store)
    assert not held.save(record(1))


def test_a_step_of_the_wall_clock_ends_no_lease_and_no_pause(store: FileStore, clock: FakeClock) -> None:
    held = leased(store)
    for step in (DAY, -2 * DAY):
        clock.step_wall(step)
        busy = look(store)
        assert isinstance(busy, Busy)
        assert busy.left == LONG
    held.end(pause=LONG, reason="a")
    clock.step_wall(4 * DAY)
    assert look(store) == Busy(LONG, "a")


def test_a_lease_that_is_over_is_still_its_holders_until_another_takes_it(store: FileStore, clock: FakeClock) -> None:
    held = leased(store, lease=SECOND)
    clock.advance(HOUR)
    assert look(store) == Busy(ZERO)
    assert held.save(record(1))
    assert isinstance(look(store), Stored)


def test_a_failed_save_gives_the_lease_back_and_is_not_repeated(store: FileStore) -> None:
    held = leased(store)
    with pytest.raises(ConfigurationError, match=r"must be above 0, .* below 2\*\*53, not 0"):
        held.save(record(0))
    with pytest.raises(ConfigurationError, match="may have 65536 bytes, not 65537"):
        held.save(record(1, b"x" * 65537))
    assert held.save(record(1))
    assert not held.save(record(2))
    held.end(pause=LONG)
    assert isinstance(look(store), Stored)
    leased(store, newer_than=1)


# Starts of the machine


def test_the_age_is_that_of_the_wall_clock_after_the_machine_was_started_again(
    store: FileStore, clock: FakeClock, boots: Callable[[str], None]
) -> None:
    leased(store).save(record(1, keep=HOUR))
    clock.advance(60 * SECOND)
    assert look(store) == Stored(record(1, keep=HOUR), 60 * SECOND)
    clock.step_wall(HOUR / 2)
    assert look(store) == Stored(record(1, keep=HOUR), 60 * SECOND)
    boots("second")
    assert look(store) == Stored(record(1, keep=HOUR), 60 * SECOND + HOUR / 2)
    clock.step_wall(HOUR / 2)
    assert isinstance(look(store), Busy)


def test_a_record_whose_age_cannot_be_told_counts_as_absent(store: FileStore, clock: FakeClock, boots: Callable[[str], None]) -> None:
    leased(store).save(record(1))
    boots("second")
    clock.step_wall(-SECOND)
    assert leased(store).save(record(2))
    assert look(store) == Stored(record(2), ZERO)


@pytest.mark.parametrize("step", [-DAY, LONG, DAY])
def test_a_pause_of_an_earlier_start_is_kept_only_if_its_age_can_be_told(
    step: timedelta, store: FileStore, clock: FakeClock, boots: Callable[[str], None]
) -> None:
    leased(store).end(pause=LONG, reason="a")
    boots("second")
    assert look(store) == Busy(LONG, "a")
    clock.step_wall(step)
    assert leased(store).failures == 1


def test_where_the_system_does_not_say_which_start_it_is_the_wall_clock_tells(
    store: FileStore, clock: FakeClock, boots: Callable[[str], None]
) -> None:
    boots("")
    leased(store).save(record(1))
    clock.step_wall(SECOND)
    assert look(store) == Stored(record(1), SECOND)


def test_this_machine_says_which_start_it_is() -> None:
    if sys.platform == "linux":
        assert len(file_store._boot()) > 36
    assert file_store._boot() == file_store._boot()


# Garbage


def head(path: Path) -> dict[str, object]:
    found = json.loads(path.read_bytes().partition(b"\n")[0])
    assert isinstance(found, dict)
    return found


def with_head(path: Path, **changes: object) -> bytes:
    """The record with another head; what is set to ``...`` is left out."""
    said = {name: value for name, value in (head(path) | changes).items() if value is not ...}
    return json.dumps(said).encode() + b"\n" + path.read_bytes().partition(b"\n")[2]


GARBAGE: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda path: b"",
    "no JSON": lambda path: b"\x00\xff" * 500,
    "not UTF-8": lambda path: b'{"\xff":1}\n' + path.read_bytes(),
    "a list": lambda path: b"[]\n" + path.read_bytes(),
    "deep": lambda path: b"[" * 1000 + b"\n",
    "half": lambda path: path.read_bytes()[:-3],
    "zeros at the end": lambda path: path.read_bytes()[:-3] + b"\0\0\0",
    "more": lambda path: path.read_bytes() + b".",
    "far more": lambda path: path.read_bytes() + b"." * 200_000,
    "no generation": lambda path: with_head(path, generation=...),
    "generation of text": lambda path: with_head(path, generation="7"),
    "generation of true": lambda path: with_head(path, generation=True),
    "generation with a fraction": lambda path: with_head(path, generation=7.5),
    "generation of zero": lambda path: with_head(path, generation=0),
    "generation below zero": lambda path: with_head(path, generation=-7),
    "generation of 2**53": lambda path: with_head(path, generation=2**53),
    "huge generation": lambda path: with_head(path, generation=10**300),
    "no keep": lambda path: with_head(path, keep=...),
    "keep of text": lambda path: with_head(path, keep="1"),
    "keep that never ends": lambda path: with_head(path, keep=float("inf")),
    "keep of NaN": lambda path: with_head(path, keep=float("nan")),
    "keep of too much": lambda path: with_head(path, keep=1e300),
    "no boot": lambda path: with_head(path, boot=...),
    "boot of a number": lambda path: with_head(path, boot=1),
    "saved later": lambda path: with_head(path, running=1e12),
    "saved at no time": lambda path: with_head(path, running=None),
    "no wall clock": lambda path: with_head(path, wall=...),
    "another sum": lambda path: with_head(path, crc=1),
}


@pytest.mark.parametrize("spoil", GARBAGE.values(), ids=GARBAGE)
def test_garbage_counts_as_absent_and_is_replaced(spoil: Callable[[Path], bytes], store: FileStore, place: Path) -> None:
    leased(store).save(record(7))
    path = place / ENTRY
    path.write_bytes(spoil(path))
    lease = leased(store)
    assert lease.save(record(lease.over + 1))
    assert isinstance(look(store), Stored)


LOCK_GARBAGE: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda path: b"",
    "no JSON": lambda path: b"\x00\xff" * 50,
    "a list": lambda path: b"[]",
    "too much": lambda path: path.read_bytes() + b" " * 5000,
    "no seconds": lambda path: with_head(path, seconds=...),
    "seconds of text": lambda path: with_head(path, seconds="1"),
    "no reason": lambda path: with_head(path, pausing=...),
    "reason of a number": lambda path: with_head(path, pausing=1),
    "begun later": lambda path: with_head(path, running=1e12),
    "over of text": lambda path: with_head(path, over="1"),
    "no token": lambda path: with_head(path, token=...),
    "a token that is a path": lambda path: with_head(path, token="/../../../etc/x"),
    "failures of text": lambda path: with_head(path, failures="1"),
}


@pytest.mark.parametrize("spoil", LOCK_GARBAGE.values(), ids=LOCK_GARBAGE)
def test_a_lock_that_makes_no_sense_and_is_not_held_is_free(spoil: Callable[[Path], bytes], store: FileStore, place: Path) -> None:
    leased(store).end(pause=LONG, reason="a")
    path = place / f"{ENTRY}.lock"
    path.write_bytes(spoil(path))
    assert leased(store).save(record(1))


@pytest.mark.parametrize("spoil", LOCK_GARBAGE.values(), ids=LOCK_GARBAGE)
def test_a_lock_that_makes_no_sense_and_is_held_is_superseded_soon(
    spoil: Callable[[Path], bytes], store: FileStore, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = leased(store)
    path = place / f"{ENTRY}.lock"
    path.write_bytes(spoil(path))
    said = look(store)
    assert isinstance(said, Busy)
    assert said.left <= 2 * SECOND
    real = file_store._real_time
    monkeypatch.setattr(file_store, "_real_time", lambda: real() + 3)
    lease = leased(store)
    assert not held.save(record(1))
    assert lease.save(record(1))


@pytest.mark.parametrize("changes", [{"failures": -5}, {"failures": 3, "over": -1}])
def test_failures_are_no_fewer_than_none(changes: dict[str, object], store: FileStore, place: Path) -> None:
    leased(store).end()
    path = place / f"{ENTRY}.lock"
    path.write_bytes(with_head(path, **changes))
    assert leased(store).failures == 0


@pytest.mark.parametrize("suffix", ["", ".lock", ".lock.new"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe"])
def test_what_is_no_file_is_not_followed_and_is_replaced(kind: str, suffix: str, store: FileStore, place: Path, tmp_path: Path) -> None:
    look(store)
    victim = tmp_path / "victim"
    victim.write_bytes(b"as it was")
    if kind == "pipe":
        os.mkfifo(place / (ENTRY + suffix))
    else:
        os.symlink(victim if kind == "link" else tmp_path / "nothing", place / (ENTRY + suffix))
    assert leased(store).save(record(1))
    assert look(store) == Stored(record(1), ZERO)
    assert victim.read_bytes() == b"as it was"
    assert not (tmp_path / "nothing").exists()
    assert all(stat.S_ISREG(os.lstat(place / name).st_mode) for name in files(place))


def test_a_link_where_a_record_is_about_to_be_written_is_not_followed(store: FileStore, place: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"as it was")
    lease = leased(store)
    os.symlink(victim, place / f"{ENTRY}.{head(place / f'{ENTRY}.lock')['token']}.new")
    with pytest.raises(FileExistsError):
        lease.save(record(1))
    assert victim.read_bytes() == b"as it was"
    assert leased(store).save(record(1))
    assert files(place) == [ENTRY, f"{ENTRY}.lock"]


@pytest.mark.parametrize("suffix", ["", ".lock", ".lock.new"])
def test_a_directory_in_the_place_of_a_file_is_an_error(suffix: str, store: FileStore, place: Path) -> None:
    (place / (ENTRY + suffix)).mkdir(parents=True)
    place.chmod(0o700)
    with pytest.raises(OSError, match="irectory"):
        leased(store).save(record(1))


# What has ended is removed when another entry's lease is taken


@pytest.fixture
def passed_by(place: Path, clock: FakeClock) -> Callable[[], list[str]]:
    """Another worker comes by: what is left of the first entry."""

    def pass_by() -> list[str]:
        leased(FileStore(place, clock=clock), entry=OTHER).end()
        return [name for name in files(place) if not name.startswith(OTHER)]

    return pass_by


def aged(path: Path) -> None:
    os.utime(path, (0, 0))


def test_a_record_that_has_ended_is_removed(store: FileStore, clock: FakeClock, place: Path, passed_by: Callable[[], list[str]]) -> None:
    leased(store).save(record(1, keep=SECOND))
    assert passed_by() == [ENTRY, f"{ENTRY}.lock"]
    clock.advance(2 * SECOND)
    assert passed_by() == [f"{ENTRY}.lock"]
    aged(place / f"{ENTRY}.lock")
    assert passed_by() == []


def test_a_record_that_is_of_use_stays_however_old_its_files_are(store: FileStore, place: Path, passed_by: Callable[[], list[str]]) -> None:
    leased(store).save(record(1))
    for name in files(place):
        aged(place / name)
    assert passed_by() == [ENTRY, f"{ENTRY}.lock"]


def test_pauses_and_counts_of_failures_stay(store: FileStore, clock: FakeClock, passed_by: Callable[[], list[str]]) -> None:
    leased(store).save(record(1, keep=SECOND))
    leased(store, newer_than=1).end(pause=LONG, reason="a")
    clock.advance(2 * SECOND)
    assert passed_by() == [ENTRY, f"{ENTRY}.lock"], "it pauses"
    assert look(store) == Busy(LONG - 2 * SECOND, "a")
    clock.advance(LONG)
    assert passed_by() == [f"{ENTRY}.lock"]
    assert leased(store).failures == 1


def test_a_lease_that_is_held_stays(store: FileStore, place: Path, passed_by: Callable[[], list[str]]) -> None:
    held = leased(store)
    aged(place / f"{ENTRY}.lock")
    assert passed_by() == [f"{ENTRY}.lock"]
    assert held.save(record(1))


def test_what_a_killed_worker_has_left_is_removed_and_what_is_none_of_the_stores_stays(
    store: FileStore, place: Path, passed_by: Callable[[], list[str]]
) -> None:
    look(store)
    for name in (f"{ENTRY}.4711.new", f"{ENTRY}.lock.new", "store.key", "notes", "a" * 39):
        (place / name).write_bytes(b"")
    new = f"{ENTRY}.12.new"
    (place / new).write_bytes(b"")
    for name in files(place):
        if name != new:
            aged(place / name)
    assert passed_by() == [new, "a" * 39, "notes", "store.key"]


def test_garbage_is_removed_after_a_day(store: FileStore, place: Path, passed_by: Callable[[], list[str]]) -> None:
    look(store)
    (place / ENTRY).write_bytes(b"garbage")
    assert passed_by() == [ENTRY]
    aged(place / ENTRY)
    assert passed_by() == [f"{ENTRY}.lock"]


def test_one_store_looks_now_and_then_only(store: FileStore, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(file_store, "monotonic", lambda: now[0])
    leased(store).end()
    (place / f"{OTHER}.1.new").write_bytes(b"")
    aged(place / f"{OTHER}.1.new")
    leased(store).end()
    assert len(files(place)) == 2
    now[0] += 601
    leased(store).end()
    assert len(files(place)) == 1
