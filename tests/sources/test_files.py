from __future__ import annotations

import os
from pathlib import Path

import pytest

from alicred.errors import ConfigurationError
from alicred.sources._files import as_text, expand, read_file, read_if_there, shown

WHAT = "the test file"
TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZA"


@pytest.mark.parametrize(
    ("path", "environ", "expected"),
    [
        ("~", {"HOME": "/h"}, "/h"),
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
        with pytest.raises(ConfigurationError, match=rf"^the test file {missing} does not exist: create it, or correct the path$"):
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
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ConfigurationError, match=rf"{path} cannot be read: Permission denied"):
        read_if_there(str(path), what=WHAT, limit=9)


def test_a_pipe_is_refused_before_it_blocks(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match=r"it is a pipe or a socket"):
        read_if_there(str(path), what=WHAT, limit=9)


def test_a_device_is_read_like_a_file() -> None:
    assert read_file(os.devnull, what=WHAT, limit=9) == b""


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
