"""Only who has the store key can read what is stored, and only under its own name and number."""

from __future__ import annotations

import base64
import os
import pickle
import secrets
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred import ConfigurationError, Credential
from alicred.sharing import StoreKey
from alicred.sharing.seal import Shared, entry_name, seal, unseal

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
KEY = StoreKey.generate()
ENTRY = entry_name(KEY, {"name": "reports"})


def shared() -> Shared:
    secret, token = secrets.token_hex(16), secrets.token_hex(200)
    held = Credential("STS.id", secret, token, NOW + timedelta(hours=1), "default/ram_role_arn", origin="the role x")
    return Shared(credential=held, issued_at=NOW, lifetime=timedelta(hours=1))


def test_what_is_sealed_opens_and_shows_nothing() -> None:
    value = shared()
    sealed = seal(KEY, value, entry=ENTRY, generation=7)
    found = unseal(KEY, sealed, entry=ENTRY, generation=7)
    assert found == value
    assert found is not None
    assert (found.credential.provider_name, found.credential.origin) == ("default/ram_role_arn", "the role x")
    for part in (value.credential.access_key_id, value.credential.access_key_secret, value.credential.security_token or ""):
        assert part.encode() not in sealed
    assert sealed != seal(KEY, value, entry=ENTRY, generation=7)
    assert value.credential.access_key_secret not in repr(value)


@pytest.mark.parametrize("other", ["key", "entry", "generation", "version", "cut", "empty"])
def test_anything_else_does_not_open(other: str) -> None:
    sealed = seal(KEY, shared(), entry=ENTRY, generation=7)
    key = StoreKey.generate() if other == "key" else KEY
    entry = entry_name(KEY, {"name": "other"}) if other == "entry" else ENTRY
    changed = {"version": b"\x02" + sealed[1:], "cut": sealed[:-1], "empty": b""}.get(other, sealed)
    assert unseal(key, changed, entry=entry, generation=8 if other == "generation" else 7) is None


@given(st.binary(max_size=200), st.integers(0, 199))
def test_garbage_does_not_open(garbage: bytes, place: int) -> None:
    assert unseal(KEY, garbage, entry=ENTRY, generation=7) is None
    sealed = bytearray(seal(KEY, shared(), entry=ENTRY, generation=7))
    sealed[place % len(sealed)] ^= 1
    assert unseal(KEY, bytes(sealed), entry=ENTRY, generation=7) is None


def test_the_name_of_an_entry_tells_nothing_and_depends_on_everything() -> None:
    names = {
        entry_name(key, {"name": name, "identity": identity})
        for key in (KEY, StoreKey.generate())
        for name in ("reports", "orders")
        for identity in ({"role_arn": "a", "session": None}, {"role_arn": "a", "session": "b"}, None)
    }
    assert len(names) == 12
    assert all(len(name) == 40 and set(name) <= set("0123456789abcdef") for name in names)
    assert entry_name(KEY, {"a": 1, "b": 2}) == entry_name(KEY, {"b": 2, "a": 1})


# --- the key ------------------------------------------------------------------------------------------------------------------------


def test_a_key_shows_nothing_and_can_be_compared() -> None:
    secret = secrets.token_bytes(32)
    key = StoreKey(secret)
    assert repr(key) == "<StoreKey>"
    assert key == StoreKey(secret) == pickle.loads(pickle.dumps(key))
    assert key != KEY
    assert len({key, StoreKey(secret), KEY}) == 2
    assert len(key.id) == 8
    assert key.id == StoreKey(secret).id != KEY.id
    assert key.id.encode() not in secret.hex().encode()


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33), "x" * 32, None])
def test_a_key_is_32_bytes(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=r"StoreKey\.secret must be 32 bytes"):
        StoreKey(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["raw", "base64", "base64 with a line end"])
def test_a_key_from_a_file(form: str, tmp_path: Path) -> None:
    secret = secrets.token_bytes(32)
    path = tmp_path / "key"
    path.write_bytes(secret if form == "raw" else base64.b64encode(secret) + (b"\n" if "line" in form else b""))
    path.chmod(0o600)
    key = StoreKey.from_file(path)
    assert key.id == StoreKey(secret).id
    assert repr(key) == f"StoreKey.from_file({str(path)!r})"
    path.write_bytes(secrets.token_bytes(32))  # a mounted secret that is rotated
    assert key.id != StoreKey(secret).id


@pytest.mark.parametrize(
    ("content", "mode", "text"),
    [
        (b"too short", 0o600, "must hold 32 bytes"),
        (base64.b64encode(bytes(31)), 0o600, "must hold 32 bytes"),
        (bytes(32), 0o644, "other users may read"),
        (None, 0o600, "does not exist"),
    ],
)
def test_what_is_wrong_with_the_file_is_told_when_the_key_is_used(content: bytes | None, mode: int, text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    key = StoreKey.from_file(path)
    with pytest.raises(ConfigurationError, match=text) as caught:
        _ = key.id
    assert str(path) in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="a file of root's is needed")
@pytest.mark.parametrize(("mode", "is_read"), [(0o440, True), (0o640, True), (0o460, False), (0o444, False)])
def test_a_mounted_secret_may_be_read_by_a_group_of_the_user(mode: int, is_read: bool, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(secrets.token_bytes(32))
    path.chmod(mode)
    if is_read:
        assert StoreKey.from_file(path).id
    else:
        with pytest.raises(ConfigurationError, match="other users may read"):
            _ = StoreKey.from_file(path).id


def test_a_key_beside_a_directory_is_made_once(tmp_path: Path) -> None:
    keys = [StoreKey.beside(tmp_path / "shared") for _ in range(5)]
    assert not (tmp_path / "shared").exists()
    assert len({key.id for key in keys}) == 1
    assert os.listdir(tmp_path / "shared") == ["store.key"]
    assert (tmp_path / "shared" / "store.key").stat().st_mode & 0o777 == 0o600
    assert pickle.loads(pickle.dumps(keys[0])).id == keys[1].id
