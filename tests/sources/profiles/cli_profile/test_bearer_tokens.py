"""Bearer tokens in a profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from alicred.credential import BearerToken
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources.profiles.bearer import BearerProfileProvider
from tests.sources.profiles.cli_profile.support import key, written

BEARER = {"mode": "BearerToken", "bearer_token": "planted"}


def test_a_bearer_token_in_the_tools_file(path: Path, tmp_path: Path) -> None:
    provider = BearerProfileProvider(path, environ={})
    for profile in (BEARER, {"bearer_token": "planted"}):
        written(path, profile)
        found = provider.get()
        assert (found, found.provider_name, provider.name) == (BearerToken("planted"), "cli_profile/bearer", "cli_profile")
    home = {"HOME": str(tmp_path)}
    assert BearerProfileProvider(environ=home).get() == BearerToken("planted")
    written(path, BEARER, {"name": "q", "mode": "BearerToken"})
    assert BearerProfileProvider(profile="q", environ={**home, "ALIBABA_CLOUD_BEARER_TOKEN": "env"}).get() == BearerToken("env")
    with pytest.raises(ConfigurationError, match=rf"^cli_profile: profile 'q' of {path}: bearer_token is missing"):
        BearerProfileProvider(path, "q", environ={}).get()


def test_the_first_of_the_two_files_whose_profile_is_a_bearer_token_counts(path: Path, tmp_path: Path) -> None:
    provider = BearerProfileProvider(environ={"HOME": str(tmp_path)})
    with pytest.raises(NotConfiguredError, match=r"^profile: there is no CLI configuration: .*; and there is no profile file: "):
        provider.get()
    written(path, key("p"))
    with pytest.raises(ConfigurationError, match=r"mode is not BearerToken\. .*; and there is no profile file"):
        provider.get()
    (tmp_path / ".alibabacloud").mkdir()
    ini = tmp_path / ".alibabacloud" / "credentials"
    ini.write_text("[default]\nenable = true\ntype = bearer\nbearer_token = ini\n")
    assert provider.get().provider_name == "profile/bearer"
    ini.write_text(ini.read_text().replace("default", "call-centre"))
    named = BearerProfileProvider(profile="call-centre", environ={"HOME": str(tmp_path)})
    assert named.get() == BearerToken("ini"), "a profile that only the other file has"
    ini.unlink()
    with pytest.raises(ConfigurationError, match=r"has no profile 'call-centre', which the argument profile names"):
        named.get()
    written(path, BEARER)
    assert provider.get().provider_name == "cli_profile/bearer"
    path.write_text("{")
    with pytest.raises(ConfigurationError, match="not valid JSON"):
        provider.get()
