from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from alicred.credential import BearerToken
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources import BearerProfileProvider

TEXT = "[default]\nenable = true       # on\ntype = bearer       # a token\nbearer_token = planted       # Token\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_it_hands_out_the_token_of_the_section(tmp_path: Path) -> None:
    provider = BearerProfileProvider(written(tmp_path / "file", TEXT), environ={})
    found = pickle.loads(pickle.dumps(provider)).get()
    assert found == BearerToken("planted")
    assert (found.provider_name, provider.name) == ("profile/bearer", "profile")
    written(tmp_path / "file", TEXT.replace("planted", "rotated"))
    assert provider.get() == BearerToken("rotated"), "the file is read at every call"


def test_the_section_is_chosen_as_for_keys(tmp_path: Path) -> None:
    (tmp_path / ".alibabacloud").mkdir()
    written(tmp_path / ".alibabacloud/credentials", TEXT + TEXT.replace("default", "other").replace("planted", "other"))
    home = {"HOME": str(tmp_path)}
    assert BearerProfileProvider(environ=home).get() == BearerToken("planted")
    assert BearerProfileProvider(environ={**home, "ALIBABA_CLOUD_PROFILE": "other"}).get() == BearerToken("other")
    assert BearerProfileProvider(profile="other", environ=home).get() == BearerToken("other")
    with pytest.raises(NotConfiguredError, match="there is no profile file"):
        BearerProfileProvider(environ={"HOME": "/nowhere"}).get()


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("type = bearer", "type = access_key", ConfigurationError, "type is not bearer. Use ProfileFileProvider"),
        ("type = bearer", "", ConfigurationError, "type is not bearer"),
        ("type = bearer", "type = magic", ConfigurationError, "type is not bearer"),
        ("bearer_token = planted", "", ConfigurationError, "bearer_token is missing"),
        ("bearer_token = planted", "bearer_token =", ConfigurationError, "bearer_token is missing"),
        ("planted", "planted\x07", ConfigurationError, "token holds a control character"),
        ("enable = true", "enable = false", NotConfiguredError, "is switched off"),
    ],
)
def test_a_section_without_a_token_is_named(tmp_path: Path, old: str, new: str, error: type[Exception], words: str) -> None:
    path = written(tmp_path / "file", TEXT.replace(old, new))
    with pytest.raises(error) as caught:
        BearerProfileProvider(path, environ={}).get()
    assert words in str(caught.value)
    assert f"profile 'default' (line 1 of {path})" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_a_missing_enable_means_on_unless_it_is_required(tmp_path: Path) -> None:
    path = written(tmp_path / "file", TEXT.replace("enable = true", ""))
    assert BearerProfileProvider(path, environ={}).get() == BearerToken("planted")
    with pytest.raises(NotConfiguredError, match="`enable = true` is missing"):
        BearerProfileProvider(path, require_enable=True, environ={}).get()


@pytest.mark.parametrize("arguments", [{"path": ""}, {"profile": 7}, {"require_enable": 1}, {"environ": 7}])
def test_a_bad_argument_is_named(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"^BearerProfileProvider\.{next(iter(arguments))} "):
        BearerProfileProvider(**arguments)
