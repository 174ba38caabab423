"""Which file and which section of it count, and what a bad file is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources import ProfileFileProvider
from tests.sources.profiles.ini_profile.support import KEY, reading, written

FILE, PROFILE = "ALIBABA_CLOUD_CREDENTIALS_FILE", "ALIBABA_CLOUD_PROFILE"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".alibabacloud").mkdir()
    return tmp_path


# --- which file ---------------------------------------------------------------------------------------------------------------------


def test_the_first_of_the_default_files_counts(home: Path) -> None:
    provider = ProfileFileProvider(environ={"HOME": str(home)})
    written(home / ".alibabacloud/credentials.ini", KEY.format("default", "second"))
    assert provider.get().access_key_id == "second-id"
    written(home / ".alibabacloud/credentials", KEY.format("default", "first"))
    assert provider.get().access_key_id == "first-id", "the file is looked for and read at every call"
    written(home / ".alibabacloud/credentials", KEY.format("other", "first"))
    with pytest.raises(NotConfiguredError, match=r"has no section 'default'"):
        provider.get()  # the first file counts alone


def test_without_a_file_it_is_not_configured_and_names_where_it_looked(home: Path) -> None:
    for environ in ({"HOME": str(home)}, {"HOME": str(home), FILE: " \n"}):
        with pytest.raises(NotConfiguredError) as caught:
            ProfileFileProvider(environ=environ).get()
        first = home / ".alibabacloud/credentials"
        assert str(caught.value) == f"profile: there is no profile file: looked for {first} and {first}.ini"


def test_the_variable_names_the_file_and_the_argument_goes_first(home: Path, tmp_path: Path) -> None:
    written(home / ".alibabacloud/credentials", KEY.format("default", "home"))
    written(tmp_path / "variable", KEY.format("default", "variable"))
    written(tmp_path / "argument", KEY.format("default", "argument"))
    environ = {"HOME": str(home), FILE: f" {tmp_path / 'variable'}\n"}
    assert ProfileFileProvider(environ=environ).get().access_key_id == "variable-id"
    assert ProfileFileProvider(tmp_path / "argument", environ=environ).get().access_key_id == "argument-id"
    assert ProfileFileProvider("~/argument", environ=environ).get().access_key_id == "argument-id"
    assert ProfileFileProvider(environ={**environ, FILE: "~/argument"}).get().access_key_id == "argument-id"


def test_a_missing_file_that_was_asked_for_is_an_error(home: Path) -> None:
    written(home / ".alibabacloud/credentials", KEY.format("default", "home"))
    missing = home / "missing"
    with pytest.raises(ConfigurationError, match=rf"the profile file {missing}, which {FILE} names, does not exist"):
        ProfileFileProvider(environ={"HOME": str(home), FILE: str(missing)}).get()
    with pytest.raises(ConfigurationError, match=rf"the profile file {missing}, which the argument path names, does not exist"):
        ProfileFileProvider(missing, environ={"HOME": str(home)}).get()


def test_an_unreadable_default_file_is_not_passed_over(home: Path) -> None:
    (home / ".alibabacloud/credentials").mkdir()
    written(home / ".alibabacloud/credentials.ini", KEY.format("default", "second"))
    with pytest.raises(ConfigurationError, match=r"credentials cannot be read: Is a directory"):
        ProfileFileProvider(environ={"HOME": str(home)}).get()


def test_the_process_environment_is_read_at_every_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    provider = ProfileFileProvider()
    for name in ("one", "two"):
        monkeypatch.setenv(FILE, str(written(tmp_path / name, KEY.format(name, name))))
        monkeypatch.setenv(PROFILE, name)
        assert provider.get().access_key_id == f"{name}-id"
    home = Path(os.environ["HOME"])
    (home / ".alibabacloud").mkdir()
    written(home / ".alibabacloud/credentials", KEY.format("default", "home"))
    monkeypatch.delenv(FILE)
    monkeypatch.delenv(PROFILE)
    assert provider.get().access_key_id == "home-id"


# --- a bad file ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[default]\nplanted\xff", "is not UTF-8 text: save it as UTF-8"),
        ("[default]\nplanted = 1".encode("utf-16"), "is not UTF-8 text"),
        (b"[default]\nplanted = \0", "is not UTF-8 text"),
        (b"#" * ((1 << 20) + 1), "it is larger than 1048576 bytes"),
        (b"[default]\nplanted", "line 2 is neither a [section] header nor `key = value`"),
        (b"[default]\na = 1\na = planted", "line 3 gives the key of line 2 again"),
        (b"[default]\n[default]", "line 2 begins the section of line 1 again"),
        (b"planted = 1", "line 1 stands above the first [section] header"),
        (b'{"current": "planted"}', "(it looks like JSON; the profile file is INI)"),
        (b"[default]\nenable = planted", "profile 'default' (line 1 of "),
    ],
)
def test_a_bad_file_is_named_and_not_quoted(tmp_path: Path, content: bytes, words: str) -> None:
    path = written(tmp_path / "file", content)
    with pytest.raises(ConfigurationError) as caught:
        reading(path).get()
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.provider == "profile"
    error: BaseException | None = caught.value
    while error is not None:
        assert "planted" not in str(error)
        error = error.__cause__ or error.__context__


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    text = KEY.format("default", "a")
    assert reading(written(tmp_path / "file", text + "#" * ((1 << 20) - len(text)))).get().access_key_id == "a-id"


def test_an_empty_file_is_not_configured(tmp_path: Path) -> None:
    for content in (b"", b"\n# nothing\n", b"\xef\xbb\xbf"):
        with pytest.raises(NotConfiguredError, match=r"has no section 'default', and no other one was asked for: it has none at all"):
            reading(written(tmp_path / "file", content)).get()
    with pytest.raises(NotConfiguredError):
        reading(os.devnull).get()


# --- which section ------------------------------------------------------------------------------------------------------------------


def test_the_argument_then_the_variable_then_default_choose_the_section(tmp_path: Path) -> None:
    path = written(tmp_path / "file", "".join(KEY.format(name, name) for name in ("default", "variable", "argument")))
    assert reading(path).get().access_key_id == "default-id"
    assert reading(path, environ={PROFILE: " "}).get().access_key_id == "default-id"
    assert reading(path, environ={PROFILE: "variable\n"}).get().access_key_id == "variable-id"
    assert reading(path, "argument", environ={PROFILE: "variable"}).get().access_key_id == "argument-id"


def test_a_section_that_was_asked_for_and_is_missing_is_an_error_that_lists_the_others(tmp_path: Path) -> None:
    path = written(tmp_path / "file", KEY.format("one", "1") + KEY.format("two", "2"))
    with pytest.raises(ConfigurationError) as caught:
        reading(path, "three").get()
    assert str(caught.value) == (
        f"profile: the profile file {path} has no section 'three', which the argument profile names: it has 'one', 'two'"
    )
    with pytest.raises(ConfigurationError, match=rf"has no section 'three', which {PROFILE} names: it has 'one', 'two'"):
        reading(path, environ={PROFILE: "three"}).get()
    with pytest.raises(ConfigurationError, match=r"has no section 'default', which the argument profile names"):
        reading(path, "default").get()
    with pytest.raises(NotConfiguredError, match=r"has no section 'default', and no other one was asked for: it has 'one', 'two'$"):
        reading(path).get()


def test_names_are_case_sensitive(tmp_path: Path) -> None:
    path = written(tmp_path / "file", KEY.format("Default", "1"))
    assert reading(path, "Default").get().access_key_id == "1-id"
    with pytest.raises(NotConfiguredError, match=r"it has 'Default' \(capital and small letters differ"):
        reading(path).get()
    with pytest.raises(ConfigurationError, match=r"capital and small letters differ"):
        reading(path, "DEFAULT").get()


# --- enable -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["enable = true", "enable = TRUE", "enable=1", "Enable: Yes", "enable = true # on"])
@pytest.mark.parametrize("require_enable", [True, False])
def test_a_section_is_switched_on(tmp_path: Path, line: str, require_enable: bool) -> None:
    path = written(tmp_path / "file", KEY.format("default", "a").replace("enable = true", line))
    assert reading(path, require_enable=require_enable).get().access_key_id == "a-id"


@pytest.mark.parametrize("line", ["", "enable =", "enable = # true"])
def test_without_enable_a_section_is_switched_on_unless_that_is_required(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "file", KEY.format("default", "a").replace("enable = true", line))
    with pytest.raises(NotConfiguredError) as caught:
        reading(path, require_enable=True).get()
    assert str(caught.value) == f"profile: profile 'default' (line 1 of {path}) is not switched on: `enable = true` is missing in it"
    assert reading(path).get().access_key_id == "a-id"
    assert reading(path, require_enable=False).get().access_key_id == "a-id"


@pytest.mark.parametrize("line", ["enable = false", "enable = FALSE # off", "enable = 0", "enable = no"])
@pytest.mark.parametrize("require_enable", [True, False])
def test_a_section_that_is_switched_off_is_not_set_up(tmp_path: Path, line: str, require_enable: bool) -> None:
    path = written(tmp_path / "file", KEY.format("default", "a").replace("enable = true", line))
    with pytest.raises(NotConfiguredError, match=r"is switched off\. .*`enable = true`"):
        reading(path, require_enable=require_enable).get()


@pytest.mark.parametrize("require_enable", [True, False])
def test_an_enable_that_is_neither_is_an_error(tmp_path: Path, require_enable: bool) -> None:
    path = written(tmp_path / "file", KEY.format("default", "a").replace("enable = true", "enable = planted"))
    with pytest.raises(ConfigurationError, match=r"enable must be true or false$"):
        reading(path, require_enable=require_enable).get()
