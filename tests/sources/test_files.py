from __future__ import annotations

import errno
import itertools
import os
import pty
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from alicred import CliProfileProvider, OidcRoleArnProvider, ProfileFileProvider
from alicred._internal.files import as_text, expand, home, read_file, read_if_there, shown
from alicred._internal.shortage import TEMPORARY
from alicred.errors import ConfigurationError, NotConfiguredError, TransientError
from alicred.sources.profiles.ini.lookup import has_profile_file
from tests.shortages import no_descriptors_left

WHAT = "the test file"
TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZA"


@pytest.mark.parametrize(
    ("path", "environ", "expected"),
    [
        ("~", {"HOME": "/h"}, "/h"),
        ("~", {"HOME": "/"}, "/"),
        ("~/a", {"HOME": "/"}, "/a"),
        ("~/a", {"HOME": "/h/"}, "/h/a"),
        ("~/a/b", {"HOME": "/h"}, "/h/a/b"),
        ("~/a", {"HOME": " /h\n"}, "/h/a"),
        ("/x/~/a", {"HOME": "/h"}, "/x/~/a"),
        ("a~", {"HOME": "/h"}, "a~"),
        ("relative", {"HOME": "/h"}, "relative"),
        (Path("~/a"), {"HOME": "/h"}, "/h/a"),
    ],
)
def test_the_tilde_is_home(path: str | Path, environ: dict[str, str], expected: str) -> None:
    assert expand(path, environ) == expected


@pytest.mark.parametrize("nowhere", [None, "", "  ", "~", "relative"])
def test_without_a_home_nothing_in_the_working_directory_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nowhere: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {} if nowhere is None else {"HOME": nowhere}
    if nowhere is None:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user whom the system does not know
    else:
        monkeypatch.setenv("HOME", nowhere)
    assert home(environ) is None
    problem = r"there is no home directory, which ~/a begins with\. Set HOME, or give the whole path"
    if (nowhere or "").strip():
        problem = r"HOME is no absolute path, and ~/a begins with it\. Let HOME begin with /, or give the whole path"
    with pytest.raises(ConfigurationError, match=problem):
        expand("~/a", environ)
    assert expand("a/~", environ) == "a/~"
    for folder in (".alibabacloud", ".aliyun"):
        for root in (tmp_path / "~", tmp_path / "relative", tmp_path):
            (root / folder).mkdir(parents=True)
            (root / folder / "credentials").write_text("[default]\ntype = access_key\naccess_key_id = a\naccess_key_secret = b\n")
            (root / folder / "config.json").write_text('{"profiles": [{"name": "default", "mode": "EcsRamRole"}]}')
    for provider in (ProfileFileProvider(environ=environ), CliProfileProvider(environ=environ)):
        with pytest.raises(NotConfiguredError, match="there is no home directory to look in"):
            provider.get()
    assert not has_profile_file(environ)


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "  "}])
def test_without_home_the_platform_decides(environ: dict[str, str]) -> None:
    assert expand("~/a", environ) == os.path.expanduser("~/a")
    assert "~" not in expand("~/a", environ)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert read_file(str(path), what=WHAT, limit=10) == b"x" * 10
    with pytest.raises(ConfigurationError, match=r"the test file .*file cannot be read: it is larger than 9 bytes"):
        read_file(str(path), what=WHAT, limit=9)


def test_a_missing_file_is_none_or_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for missing in (tmp_path / "missing", tmp_path / "no" / "directory", tmp_path / "file" / "below"):
        assert read_if_there(str(missing), what=WHAT, limit=9) is None
        with pytest.raises(ConfigurationError, match=rf"^the test file {missing} does not exist\. Create it, or correct the path$"):
            read_file(str(missing), what=WHAT, limit=9)


def test_a_directory_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=rf"the test file {tmp_path} cannot be read: Is a directory"):
        read_if_there(str(tmp_path), what=WHAT, limit=9)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(ConfigurationError, match=r"file cannot be read: Permission denied"):
        read_if_there(str(path), what=WHAT, limit=9)


def test_a_permission_that_the_system_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "file"
    path.write_bytes(b"x")
    with monkeypatch.context() as patch:
        patch.setattr("os.open", refuse)
        with pytest.raises(ConfigurationError, match=rf"{path} cannot be read: Permission denied"):
            read_if_there(str(path), what=WHAT, limit=9)


def test_a_pipe_is_refused_before_it_blocks(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match=r"it is a pipe or a socket"):
        read_if_there(str(path), what=WHAT, limit=9)


def test_the_null_device_is_an_empty_file() -> None:
    assert read_file(os.devnull, what=WHAT, limit=9) == b""


def test_a_terminal_a_device_and_a_socket_are_refused_at_once(tmp_path: Path) -> None:
    master, terminal = pty.openpty()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path in (os.ttyname(terminal), "/dev/zero", "/dev/tty", str(tmp_path / "socket")):
            with pytest.raises(ConfigurationError, match=r"it is a terminal or another device\. Give a file|it is a pipe or a socket"):
                read_if_there(path, what=WHAT, limit=9)
    os.close(master)
    os.close(terminal)


def test_a_pipe_that_takes_the_place_of_a_file_after_the_look_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, look = tmp_path / "file", os.stat

    def swap(path: str, **how: Any) -> os.stat_result:
        seen = look(path, **how)
        if str(path).endswith("file") and seen.st_size:
            os.unlink(path)
            os.mkfifo(path)
        return seen

    path.write_bytes(b"x")
    with monkeypatch.context() as patch:
        patch.setattr("os.stat", swap)
        with pytest.raises(ConfigurationError, match=r"it is a pipe or a socket"):
            read_if_there(str(path), what=WHAT, limit=9)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN, errno.EINTR, errno.ESTALE])
@pytest.mark.parametrize("call", ["os.stat", "os.open", "os.fstat", "os.read"])
@pytest.mark.parametrize("is_asked_for", [True, False])
def test_what_the_machine_is_short_of_for_a_moment_is_transient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str, is_asked_for: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "planted")

    path = tmp_path / "file"
    path.write_bytes(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(call, fail)
        with pytest.raises(TransientError) as caught:
            read_if_there(str(path), what=WHAT, limit=9, is_asked_for=is_asked_for)
    assert (caught.value.message, caught.value.code) == (f"{WHAT} {path} cannot be read now: {os.strerror(number)}", TEMPORARY)
    assert caught.value.__context__ is None
    assert read_if_there(str(path), what=WHAT, limit=9) == b"x"


def test_without_a_descriptor_left_a_file_is_not_absent(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with no_descriptors_left(), pytest.raises(TransientError, match="cannot be read now: Too many open files"):
        read_if_there(str(path), what=WHAT, limit=9)


def test_a_file_that_is_missing_for_a_moment_is_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, looks, look = tmp_path / "file", [], os.stat

    def late(path: str, **how: Any) -> os.stat_result:
        looks.append(path)
        if len(looks) == 1:
            raise FileNotFoundError(errno.ENOENT, "planted", path)
        return look(path, **how)

    path.write_bytes(b"x")
    for is_asked_for in (True, False):
        looks.clear()
        with monkeypatch.context() as patch:
            patch.setattr("os.stat", late)
            assert read_if_there(str(path), what=WHAT, limit=9, is_asked_for=is_asked_for) == b"x"


def test_a_file_behind_links_that_change_is_there_all_the_time(tmp_path: Path) -> None:
    """As a mounted Secret has it, and as ``ln -sfn`` changes a link, with a moment in which there is none."""
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "token").write_text(version)
    data, path, stop = tmp_path / "..data", tmp_path / "token", threading.Event()
    data.symlink_to("one")
    path.symlink_to("..data/token")

    def swap() -> None:
        for version in itertools.cycle(("two", "one")):
            data.unlink()
            data.symlink_to(version)
            if stop.wait(0.003):
                return

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        seen = [read_if_there(str(path), what=WHAT, limit=9) for _ in range(300)]
    finally:
        stop.set()
        swapping.join()
    assert set(seen) <= {b"one", b"two"}


def test_a_path_that_no_file_can_have_is_refused() -> None:
    for path in ("/tmp/planted\0", "/tmp/planted\ud800", "/tmp/planted\udcff"):
        for is_asked_for in (True, False):
            with pytest.raises(ConfigurationError, match=r"cannot be read: no path can hold a NUL byte or half a character") as caught:
                read_if_there(path, what=WHAT, limit=9, is_asked_for=is_asked_for)
            assert str(caught.value).isascii()
            assert "planted" not in str(caught.value)
        with pytest.raises(ConfigurationError, match=r"^OidcRoleArnProvider\.oidc_token_file holds "):
            OidcRoleArnProvider(role_arn="acs:ram::1:role/a", oidc_provider_arn="acs:ram::1:oidc-provider/p", oidc_token_file=path)


def test_a_file_that_all_users_may_read_is_named_in_the_log_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    for mode, lines in ((0o600, 0), (0o640, 0), (0o644, 1), (0o644, 0), (0o664, 0)):
        path.chmod(mode)
        caplog.clear()
        assert read_if_there(str(path), what=WHAT, limit=9, private=True) == b"x"
        assert len(caplog.messages) == lines
        if lines:
            name = f"{WHAT} {path}"
            assert caplog.messages == [f"{name} may be read by every user of this machine (mode 0644). Take that away, with chmod 600"]
    (tmp_path / "other").write_bytes(b"x")
    (tmp_path / "other").chmod(0o644)
    assert read_if_there(str(tmp_path / "other"), what=WHAT, limit=9) == b"x"
    assert read_if_there(os.devnull, what=WHAT, limit=9, private=True) == b""
    assert caplog.messages == []


@pytest.mark.parametrize("path", [TOKEN, f"/tmp/{TOKEN}", "x" * 300 + "planted", "planted\nplanted", "planted\0"])
def test_a_secret_in_the_place_of_a_path_is_not_quoted(path: str) -> None:
    text = shown(path)
    assert text == f"(a text of {len(path)} characters; is it what should stand in the file?)"
    with pytest.raises(ConfigurationError) as caught:
        read_file(path, what=WHAT, limit=9)
    assert text in str(caught.value)
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "planted" not in str(seen)
        assert TOKEN not in str(seen)
        seen = seen.__cause__ or seen.__context__


def test_a_usual_path_is_shown() -> None:
    for path in ("/var/run/secrets/ack.alibabacloud.com/rrsa-tokens/token", "~/x y/é.pem", "C:\\keys\\pk.pem"):
        assert shown(path) == path


def test_text_is_utf_8_with_or_without_a_byte_order_mark() -> None:
    assert as_text(b"\xef\xbb\xbfa\xc3\xa9", "/x", what=WHAT) == "aé"
    for content in (b"planted\xff", "planted".encode("utf-16"), b"planted\0"):
        with pytest.raises(ConfigurationError, match=r"^the test file /x is not UTF-8 text: save it as UTF-8$") as caught:
            as_text(content, "/x", what=WHAT)
        assert caught.value.__context__ is None, "the decoder's error holds the whole content"


@pytest.mark.parametrize(
    "key",
    [
        "MIIEvgIBADANBgkqhkiG9w0BAQEFAASC/BKg+wggSkAgEAAoIBAQ",
        "MIIEpAIBAAKCAQEA/0",
        "-----BEGIN PRIVATE KEY----- MIIE",
        "~/-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_key_that_stands_where_its_path_should_is_not_shown(key: str) -> None:
    assert key not in shown(key)
    assert "is it what should stand in the file?" in shown(key)
    with pytest.raises(ConfigurationError) as caught:
        read_file(key, what="the private key file", limit=100)
    assert "MIIE" not in str(caught.value)


def test_a_folder_whose_link_is_being_replaced_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "version").mkdir()
    (tmp_path / "version" / "file").write_bytes(b"content")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        os.symlink(tmp_path / "version", tmp_path / "link")

    monkeypatch.setattr("alicred._internal.files.time.sleep", pause)
    assert read_if_there(str(tmp_path / "link" / "file"), what="the file", limit=100, is_asked_for=False) == b"content"
    assert len(pauses) == 1


def test_what_has_never_been_there_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alicred._internal.files.time.sleep", lambda seconds: pytest.fail("it waits"))
    os.utime(tmp_path, (0, 0))
    assert read_if_there(str(tmp_path / "none" / "file"), what="the file", limit=100, is_asked_for=False) is None
