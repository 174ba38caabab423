"""Test tools that replace parts of the interpreter for a while: what they have put in place at the first use is not kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from alicred import CredentialsUriProvider
from tests.field import naive_tools
from tests.field.harness import Subject, bites
from tests.field.services import key
from tests.wire.servers import Reply, answering

ROOT = Path(__file__).parents[2]
BEGIN = """
import importlib, logging, sys
logging.disable()
module, name, where = sys.argv[1:]
source = getattr(importlib.import_module(module), name)(where)

def ask():
    try:
        return source.get().access_key_id
    except Exception as error:
        return type(error).__name__
"""
CASSETTE = """
import tempfile, vcr
cassette = vcr.VCR(cassette_library_dir=tempfile.mkdtemp(), record_mode="new_episodes").use_cassette("first.yaml")
for _ in range(2):
    with cassette:
        print(ask())
print(ask())
"""
FAKE_FILES = """
from pyfakefs.fake_filesystem_unittest import Patcher
with Patcher():
    ask()
print(ask())
"""


def printed(subject: Subject, code: str, where: str) -> list[str]:
    """What *code* prints in a fresh interpreter, in which nothing has been used yet, with what *subject* makes of *where*."""
    arguments = [sys.executable, "-c", BEGIN + code, subject.make.__module__, subject.make.__qualname__, where]
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


@bites(naive_tools.KeepsTheClassOfConnections, failing="after the cassette", alicred=CredentialsUriProvider)
def test_a_cassette_around_the_first_request_ends_with_it(subject: Subject) -> None:
    names = iter(["recorded", "live", "more"])
    with answering(lambda _: Reply(body=key(next(names)))) as server:
        first, again, after = printed(subject, CASSETTE, server.url)
    assert after == "live", f"after the cassette: {after}"
    assert (first, again) == ("recorded", "recorded")
    assert len(server.requests) == 2


@bites(naive_tools.KeepsItsOs, failing="after the fake", alicred=naive_tools.by_program)
def test_a_fake_file_system_around_the_first_use_ends_with_it(subject: Subject, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps({"mode": "AK", "access_key_id": "real", "access_key_secret": "secret"}))
    said = printed(subject, FAKE_FILES, str(file))
    assert said == ["real"], f"after the fake: {said}"
