"""What people's variables and files hold, and what the machine does with files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from alicred import ChainProvider, CliProfileProvider, Credential, EnvironmentProvider, ProfileFileProvider
from tests.field import naive_files
from tests.field.harness import Callers, Subject, bites, outcome
from tests.recording_sts import RecordingSts
from tests.shortages import no_descriptors_left
from tests.support import Script, ids

ID, SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
POLICY = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]}


def cli_profile(path: Path) -> CliProfileProvider:
    return CliProfileProvider(path, environ={})


def at_home(environ: dict[str, str]) -> CliProfileProvider:
    return CliProfileProvider(environ=environ)


def policy_of(path: Path) -> object:
    """The policy that STS is asked with."""
    sts = RecordingSts()
    ProfileFileProvider(path, environ={}, sts=sts).get()  # type: ignore[arg-type]  # a stand-in
    return sts.calls[0]["session_policy"]


def written(path: Path, key_id: str = "from-the-file", name: str = "default", **root: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"profiles": [{"name": name, "mode": "AK", "access_key_id": key_id, "access_key_secret": "s"}], **root}))
    path.chmod(0o600)
    return path


@bites(naive_files.TakesWhatIsThere, failing="handed out", alicred=EnvironmentProvider)
def test_a_key_with_an_invisible_character_is_not_handed_out(subject: Subject) -> None:
    for key_id in ("an-id\u200b", "\ufeffan-id", "an\u2060id", "an-i\uff44"):
        found = outcome(subject.make({ID: key_id, SECRET: "a-secret"}).get)
        assert not isinstance(found, Credential) or found.access_key_id == "an-id", f"handed out: {key_id!a}"


@bites(naive_files.line_by_line, naive_files.cut_to_its_line, failing="not the policy", alicred=policy_of)
def test_a_policy_of_several_lines_restricts_the_session(subject: Subject, tmp_path: Path) -> None:
    text = json.dumps(POLICY, indent=4).replace("\n}", "\n  }")
    role = "[default]\ntype = ram_role_arn\naccess_key_id = i\naccess_key_secret = s\nrole_arn = acs:ram::1:role/a\n"
    (tmp_path / "credentials").write_text(f"{role}policy = {text}\n")
    found = subject.make(tmp_path / "credentials") or ""
    assert found.split() == text.split(), "not the policy"


@bites(naive_files.NeedsACurrent, failing="passed over", alicred=cli_profile)
def test_a_file_of_the_tool_without_a_current_profile_is_not_passed_over(subject: Subject, tmp_path: Path) -> None:
    for number, path in enumerate((written(tmp_path / "1.json"), written(tmp_path / "2.json", name="", current=""))):
        assert ids([outcome(subject.make(path).get)]) == {"from-the-file"}, f"passed over: {number}"


@bites(naive_files.TakesAShortageForAbsence, failing="another identity", alicred=cli_profile)
def test_a_moment_without_descriptors_does_not_change_the_identity(subject: Subject, tmp_path: Path) -> None:
    chain = ChainProvider(subject.make(written(tmp_path / "config.json")), Script(None))
    with no_descriptors_left():
        first = outcome(chain.get)
    assert not isinstance(first, Credential), "another identity"
    assert ids([outcome(chain.get)]) == {"from-the-file"}, "another identity, and for ever"


@bites(naive_files.LooksOnce, failing="absent", alicred=cli_profile)
def test_a_file_that_is_being_replaced_is_not_absent(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("one", "two"):
        written(tmp_path / version / "config.json")
    data = tmp_path / "..data"
    (tmp_path / "config.json").symlink_to("..data/config.json")
    # The link has been taken away a moment ago. Whoever waits a moment finds the new one.
    monkeypatch.setattr("time.sleep", lambda _: data.symlink_to("two"))
    assert ids([outcome(subject.make(tmp_path / "config.json").get)]) == {"from-the-file"}, "absent"


@bites(naive_files.OpensAnything, failing="hangs", alicred=cli_profile)
def test_a_pipe_in_the_place_of_a_file_blocks_no_caller(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    os.mkfifo(path)
    caller = Callers(1, subject.make(path).get)
    ended = subject.comes(caller.have_answers)
    if not ended:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))  # lets the caller go
        caller.join()
    assert ended, "hangs"


@bites(naive_files.ExpandsToTheWorkingDirectory, failing="a key of whoever", alicred=at_home)
def test_without_a_home_no_key_comes_from_the_working_directory(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "~" / ".aliyun" / "config.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user whom the system does not know
    assert not isinstance(outcome(subject.make({}).get), Credential), "a key of whoever wrote into the working directory"


@bites(naive_files.KeepsItsFirstReader, failing="still", alicred=cli_profile)
def test_what_a_test_tool_had_replaced_at_the_first_read_is_gone_at_the_next(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, faked = written(tmp_path / "config.json"), written(tmp_path / "faked.json", "from-the-tool")
    source, opening = subject.make(real), os.open
    with monkeypatch.context() as patch:
        patch.setattr("os.open", lambda path, *how: opening(faked if path == str(real) else path, *how))
        assert ids([source.get()]) == {"from-the-tool"}
    assert ids([source.get()]) == {"from-the-file"}, "still the tool's"


@bites(naive_files.Complains, failing="not one", alicred=cli_profile)
def test_a_file_that_all_users_may_read_gets_one_warning(subject: Subject, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "config.json")
    path.chmod(0o644)
    for _ in range(10):
        assert ids([subject.make(path).get()]) == {"from-the-file"}
    assert len([text for text in caplog.messages if str(path) in text]) == 1, "not one warning"
