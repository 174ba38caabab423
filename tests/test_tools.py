"""Tools that stand in for parts of the interpreter or of urllib3 while a test runs, or watch them in service.

Each program runs in an interpreter of its own, in which nothing of alicred has been used before the tool is there.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import responses
import urllib3

from alicred import HttpClient
from tests.wire.servers import Reply, answering

USE_EVERYTHING = """
import importlib, pkgutil, sys
import alicred

def use_everything():
    for found in pkgutil.walk_packages(alicred.__path__, "alicred."):
        if found.name.startswith(("alicred.testing", "alicred.cli")) or found.name.endswith("__main__"):
            continue  # parts of a test or a demonstration
        try:
            importlib.import_module(found.name)
        except ImportError:
            pass  # an adapter without its client
    for name in alicred.__all__:
        getattr(alicred, name)
"""

FAKE_FILES = """
import json, os, pathlib
from pyfakefs.fake_filesystem_unittest import Patcher

folder = pathlib.Path(sys.argv[1])
with Patcher():
    use_everything()
providers = {
    "key file": lambda: alicred.RsaKeyPairProvider(public_key_id="id", private_key=folder / "key.pem"),
    "CA file": lambda: alicred.HttpClient(ca_file=folder / "key.pem"),
    "profile": lambda: alicred.ProfileFileProvider(folder / "profiles").get().access_key_id,
    "CLI": lambda: alicred.CliProfileProvider(folder / "config.json").get().access_key_id,
    "program": lambda: alicred.ExternalProcessProvider(["cat", str(folder / "printed.json")]).get().access_key_id,
    "write-back": lambda: write_back.update(str(folder / "config.json"), "default", {"sts_token": "token"}, still={}),
}
providers["class"] = lambda: alicred.EcsRamRoleProvider(imds=ImdsClient())  # the class that it knows, not one of another time
from alicred.sources.profiles.cli import write_back
from alicred.wire.imds import ImdsClient

failed = {}
for name, use in providers.items():
    try:
        use()
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
print(json.dumps(failed))
"""

FROZEN = """
import gc, json, types
import freezegun, freezegun.api

with freezegun.freeze_time("2020-01-01"):
    use_everything()
fakes = {id(value) for name, value in vars(freezegun.api).items() if name.startswith(("fake_", "Fake"))}
kept = []
for name, module in list(sys.modules.items()):
    if name.startswith("alicred"):
        for inner, value in vars(module).items():
            places = {inner: value}
            if isinstance(value, type):
                places |= {f"{inner}.{member}": it for member, it in vars(value).items()}
            if isinstance(value, types.FunctionType):
                places |= {f"{inner}({number})": it for number, it in enumerate(value.__defaults__ or ())}
            kept += [f"{name}.{place}" for place, it in places.items() if id(it) in fakes]
print(json.dumps(kept))
"""


def run(program: str, *arguments: str) -> Any:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_is_loaded_while_the_file_system_is_a_fake_works_on_real_files_afterwards(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("key")
    (tmp_path / "profiles").write_text("[default]\nenable = true\ntype = access_key\naccess_key_id = id\naccess_key_secret = secret\n")
    profile = {"mode": "AK", "access_key_id": "id", "access_key_secret": "secret"}
    (tmp_path / "printed.json").write_text(json.dumps(profile))
    (tmp_path / "config.json").write_text(json.dumps({"current": "default", "profiles": [{"name": "default", **profile}]}))
    assert run(USE_EVERYTHING + FAKE_FILES, str(tmp_path)) == {}
    assert "token" in (tmp_path / "config.json").read_text()


@pytest.mark.skipif(importlib.util.find_spec("freezegun") is None, reason="freezegun is not installed")
def test_what_is_loaded_while_time_is_frozen_keeps_nothing_of_it() -> None:
    assert run(USE_EVERYTHING + FROZEN) == []


def test_requests_that_are_mocked_leave_alicred_alone() -> None:
    with answering(lambda _: Reply(body=b"real")) as server:
        with responses.RequestsMock():
            assert HttpClient().request("GET", server.url).body == b"real"
        assert HttpClient().request("GET", server.url).body == b"real"


def test_what_watches_the_pools_of_urllib3_sees_each_request_without_its_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenTelemetry's instrumentation does, which keeps the URL."""
    seen: list[tuple[str, str]] = []
    real = urllib3.HTTPConnectionPool.urlopen

    def watching(self: urllib3.HTTPConnectionPool, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        seen.append((method, f"{self.scheme}://{self.host}:{self.port}{url}"))
        return real(self, method, url, *arguments, **options)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", watching)
    with answering(lambda _: Reply()) as server:
        HttpClient().request("POST", f"{server.url}/path?token=planted", body=b"planted")
    assert seen == [("POST", f"{server.url}/path")]
    assert [request.target for request in server.requests] == ["/path?token=planted"]
