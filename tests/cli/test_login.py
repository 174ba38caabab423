"""``alicred login``, against the fake cloud: what it writes, prints and ends with."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from alicred import CliProfileProvider
from alicred.cli import logins, main
from alicred.sources.profiles.cli import oauth_login
from alicred.testing import FakeCloud, SignIn, faults
from tests.cli.commands import Shell
from tests.cli.login_program import sites_at

ROOT = Path(__file__).resolve().parents[2]
KEYS = ("access_key_id", "access_key_secret", "sts_token", "sts_expiration")
# What a browser does, without one: it follows the redirects.
BROWSER = f"{sys.executable} -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=20).read()' %s"


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        cloud.login_rules.sign_in = SignIn.ALLOW
        yield cloud


@attrs.frozen
class Program:
    """The program, as a process of its own."""

    home: Path
    cloud: FakeCloud

    def start(self, *arguments: str, stdin: Any = subprocess.DEVNULL, **variables: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.cli.login_program", self.cloud.http_endpoint, *arguments]
        environ = {**os.environ, "HOME": str(self.home), "BROWSER": BROWSER, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **variables}
        environ = {name: value for name, value in environ.items() if value}
        return subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=self.home, encoding="utf-8"
        )

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments, **variables) as process:
            out, err = process.communicate(timeout=60)
            return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    @property
    def file(self) -> Path:
        return self.home / ".aliyun" / "config.json"

    @property
    def whole(self) -> Any:
        return json.loads(self.file.read_bytes())

    def profile(self, name: str) -> dict[str, Any]:
        (found,) = [each for each in self.whole["profiles"] if each["name"] == name]
        assert isinstance(found, dict)
        return found

    def no_secret_in(self, *texts: str) -> None:
        """None of the texts holds a token or a key secret of the file, or a token that the cloud has seen."""
        profiles = self.whole["profiles"] if self.file.exists() else []
        names = ("oauth_access_token", "oauth_refresh_token", "access_token", "access_key_secret", "sts_token")
        secrets = [str(each[name]) for each in profiles for name in names if each.get(name)]
        for request in self.cloud.raw:
            secrets += re.findall(r"(?:code|code_verifier|refresh_token)=([^&]+)", request.body.decode())
            secrets += re.findall(r'"(?:DeviceCode|CodeVerifier)":"([^"]+)"', request.body.decode())
            secrets += re.findall(r"Bearer (\S+)", request.headers.get("authorization", ""))
        assert [secret for secret in secrets for text in texts if secret in text] == []


@pytest.fixture
def alicred(tmp_path: Path, cloud: FakeCloud) -> Program:
    return Program(tmp_path, cloud)


def url_in(process: subprocess.Popen[str]) -> str:
    """The address that the program asks to open."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"http://\S+/oauth2/v1/auth\S+", line):
            return found[0]
    raise AssertionError("there is no address")


def rest_of(process: subprocess.Popen[str]) -> str:
    """What it says until it ends. (`communicate` would miss what has been read ahead.)"""
    assert process.stderr is not None
    said = process.stderr.read()
    process.wait(timeout=60)
    return said


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def redirect_of(url: str) -> str:
    """Where a browser that opens *url* would be sent."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(_Stays).open(url, timeout=20)
    with caught.value as answer:
        return str(answer.headers["Location"])


# --- OAuth ------------------------------------------------------------------------------------------------------------------------------


def test_a_new_oauth_profile_is_as_the_tool_writes_it(alicred: Program, cloud: FakeCloud, login_ports: None) -> None:
    done = alicred("login", "--profile", "dev", "--site", "cn", "--region", "cn-hangzhou")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    profile = alicred.profile("dev")
    login = {key: profile.pop(key) for key in (*KEYS, "oauth_access_token", "oauth_refresh_token", "oauth_access_token_expire")}
    assert profile == {
        "name": "dev", "mode": "OAuth", "oauth_site_type": "CN", "region_id": "cn-hangzhou", "output_format": "json", "language": "en",
    }  # fmt: skip
    assert alicred.whole["current"] == "dev", "it is the first one"
    assert abs(login["oauth_access_token_expire"] - time.time() - 3600) < 60
    assert login["sts_expiration"] == int(cloud.sessions[-1].ends_at.timestamp())
    assert alicred.file.stat().st_mode & 0o777 == 0o600
    assert "Logged in. The login is in profile 'dev' of" in done.stderr
    assert "aliyun configure set" not in done.stderr, "there is a region"
    alicred.no_secret_in(done.stderr)
    key = CliProfileProvider(alicred.file, environ={}).get()
    assert cloud.sts_client().get_caller_identity(key).identity_type == "AssumedRoleUser"


def test_the_login_can_be_renewed_by_the_library_afterwards(
    alicred: Program, cloud: FakeCloud, login_ports: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.login_rules.lasts = timedelta(minutes=5)
    assert alicred("login", "--site", "INTL").returncode == 0
    before = alicred.profile("default")
    whole = alicred.whole
    whole["profiles"][0]["sts_expiration"] = 1
    alicred.file.write_text(json.dumps(whole))
    monkeypatch.setattr(oauth_login, "OAUTH_SITES", sites_at(cloud.http_endpoint))
    key = CliProfileProvider(alicred.file, environ={}).get()
    after = alicred.profile("default")
    assert after["access_key_id"] == key.access_key_id != before["access_key_id"]
    assert after["oauth_refresh_token"] != before["oauth_refresh_token"]


def test_an_existing_profile_is_renewed_with_what_it_says_and_the_rest_of_the_file_stays(
    alicred: Program, cloud: FakeCloud, login_ports: None
) -> None:
    other = {"name": "other", "mode": "AK", "access_key_id": "a", "access_key_secret": "b", "future": [1, {"x": 2.5}]}
    mine = {"name": "mine", "mode": "OAuth", "oauth_site_type": "INTL", "language": "zh", "output_format": "cols", "future": "x"}
    alicred.file.parent.mkdir()
    alicred.file.write_text(json.dumps({"current": "other", "profiles": [other, mine], "meta_path": "m", "more": True}, indent=4))
    assert alicred("login", "--profile", "mine").returncode == 0
    whole = alicred.whole
    assert {**whole, "profiles": []} == {"current": "other", "profiles": [], "meta_path": "m", "more": True}
    assert whole["profiles"][0] == other
    assert {key: whole["profiles"][1][key] for key in mine} == mine
    assert "client_id=4103531455503354461" in cloud.raw[0].line
    assert alicred.file.read_text().startswith('{\n    "current"')
    assert alicred("login", "--profile", "mine", "--make-current").returncode == 0
    assert alicred.whole["current"] == "mine"


def test_a_profile_that_was_never_filled_in_may_become_a_login(alicred: Program, login_ports: None) -> None:
    alicred.file.parent.mkdir()
    blank = {"name": "default", "mode": "AK", "access_key_id": "", "access_key_secret": "", "region_id": "", "language": "en"}
    alicred.file.write_text(json.dumps({"current": "default", "profiles": [blank]}))
    assert alicred("login", "--site", "CN").returncode == 0
    assert alicred.profile("default")["mode"] == "OAuth"


@pytest.mark.parametrize("variable", ["ALIBABA_CLOUD_PROFILE", "current", "option"])
def test_the_profile_is_the_one_that_the_library_would_choose(alicred: Program, variable: str, login_ports: None) -> None:
    alicred.file.parent.mkdir()
    two = [{"name": name, "mode": "OAuth", "oauth_site_type": "CN"} for name in ("a", "b")]
    alicred.file.write_text(json.dumps({"current": "b" if variable == "current" else "a", "profiles": two}))
    environ = {variable: "b"} if variable.startswith("ALIBABA") else {}
    done = alicred("login", *(["--profile", "b"] if variable == "option" else []), **environ)
    assert done.returncode == 0
    assert ["access_key_id" in each for each in alicred.whole["profiles"]] == [False, True]


def test_another_file_may_be_named(alicred: Program, tmp_path: Path, login_ports: None) -> None:
    elsewhere = tmp_path / "deep" / "er" / "cli.json"
    done = alicred("login", "--site", "CN", ALIBABA_CLOUD_CONFIG_FILE=str(elsewhere))
    assert done.returncode == 0
    assert json.loads(elsewhere.read_bytes())["current"] == "default"
    assert not alicred.file.exists()
    assert elsewhere.parent.stat().st_mode & 0o777 == 0o700


def test_the_tokens_are_saved_before_the_keys_are_asked_for(alicred: Program, cloud: FakeCloud, login_ports: None) -> None:
    assert alicred("login", "--site", "CN").returncode == 0
    before = alicred.profile("default")
    cloud.inject(faults.ServerError(), operation="OAuthExchange", times=None)
    done = alicred("login")
    assert done.returncode == 4
    assert "The login itself is saved" in done.stderr
    after = alicred.profile("default")
    assert after["oauth_refresh_token"] != before["oauth_refresh_token"]
    assert not set(KEYS) & set(after), "keys of the login before are none of this one"
    alicred.no_secret_in(done.stderr)
    cloud.clear()


@pytest.mark.parametrize(
    ("sign_in", "code", "words"),
    [
        (SignIn.DENY, 3, "it was denied in the browser"),
        (SignIn.NOTHING, 4, "nothing came back within 1 s"),
        (SignIn.WRONG_STATE, 4, "nothing came back within 1 s"),
        (SignIn.NO_CODE, 1, "without a code"),
    ],
)
def test_a_login_that_does_not_come_about_changes_nothing(
    alicred: Program, cloud: FakeCloud, sign_in: SignIn, code: int, words: str, login_ports: None
) -> None:
    cloud.login_rules.sign_in = sign_in
    done = alicred("login", "--site", "CN", "--timeout", "1")
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not alicred.file.parent.exists()


@pytest.mark.parametrize(
    ("fault", "operation", "code"),
    [
        (faults.Denied("invalid_grant", 400), "OAuthToken", 3),
        (faults.Denied("invalid_client", 401), "OAuthToken", 3),
        (faults.ServerError(), "OAuthToken", 4),
        (faults.WrongContent(), "OAuthToken", 1),
        (faults.Malformed(), "OAuthToken", 1),
        (faults.Denied("expired_token", 401), "OAuthExchange", 3),
        (faults.MissingField("expiration"), "OAuthExchange", 1),
    ],
)
def test_what_goes_wrong_at_the_site_has_an_exit_code_and_shows_no_secret(
    alicred: Program, cloud: FakeCloud, fault: faults.Fault, operation: str, code: int, login_ports: None
) -> None:
    cloud.inject(fault, operation=operation, times=None)
    done = alicred("login", "--site", "CN", "--verbose")
    assert done.returncode == code, done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("alicred: ")]) == 1
    alicred.no_secret_in(done.stdout, done.stderr)
    assert alicred.file.exists() is (operation == "OAuthExchange")


def test_json_says_where_the_login_is_and_no_secret(alicred: Program, login_ports: None) -> None:
    done = alicred("login", "--profile", "dev", "--site", "INTL", "--json")
    shown = json.loads(done.stdout)
    assert list(shown) == ["profile", "path", "mode", "site", "access_key_id", "expires_at"]
    assert (shown["profile"], shown["path"], shown["mode"], shown["site"]) == ("dev", str(alicred.file), "OAuth", "INTL")
    alicred.no_secret_in(done.stdout, done.stderr)


def test_without_a_browser_the_address_is_printed_and_the_one_at_the_end_can_be_pasted(
    alicred: Program, cloud: FakeCloud, login_ports: None
) -> None:
    with alicred.start(
        "login", "--site", "CN", stdin=subprocess.PIPE, BROWSER="", SSH_CONNECTION="10.0.0.9 55000 10.0.0.1 22", USER="ada"
    ) as process:
        assert process.stdin is not None
        pasted = redirect_of(url_in(process))
        process.stdin.write("something else\n")
        process.stdin.write(pasted + "\n")
        process.stdin.close()
        err = rest_of(process)
    assert process.returncode == 0, err
    assert re.search(r"ssh -L (1234\d):127\.0\.0\.1:\1 ada@10\.0\.0\.1$", err, re.MULTILINE)
    assert "That is not the address of this login." in err
    assert "access_key_id" in alicred.profile("default")


def test_without_a_browser_the_redirect_may_come_over_the_network_and_no_browser_is_opened(alicred: Program, login_ports: None) -> None:
    with alicred.start("login", "--site", "CN", "--no-browser") as process:
        with urllib.request.urlopen(url_in(process), timeout=20) as answer:
            assert b"The login is confirmed" in answer.read()
        rest_of(process)
    assert process.returncode == 0
    assert alicred.cloud.count("OAuthPage") == 1


@pytest.mark.parametrize("when", ["waiting", "exchanging"])
def test_ctrl_c_ends_it_with_130_and_nothing_half_written(alicred: Program, cloud: FakeCloud, when: str, login_ports: None) -> None:
    if when == "waiting":
        cloud.login_rules.sign_in = SignIn.NOTHING
    else:
        cloud.inject(faults.Hang(), operation="OAuthExchange")
    with alicred.start("login", "--site", "CN") as process:
        assert cloud.wait_for("OAuthPage" if when == "waiting" else "OAuthExchange", within=timedelta(seconds=30))
        time.sleep(0.3 if when == "waiting" else 0)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    cloud.release()
    assert process.returncode == 130
    assert "Traceback" not in err
    if when == "waiting":
        assert "Given up. Nothing was changed." in err
        assert not alicred.file.exists()
    else:
        assert "The login itself is saved" in err
        assert "oauth_refresh_token" in alicred.profile("default")


def test_two_logins_at_once_go_to_two_ports_and_neither_is_lost(alicred: Program, login_ports: None) -> None:
    running = [alicred.start("login", "--profile", name, "--site", "CN", "--no-browser") for name in ("a", "b")]
    urls = [url_in(process) for process in running]
    for url in reversed(urls):
        urllib.request.urlopen(url, timeout=20).close()
    for process in running:
        with process:
            rest_of(process)
            assert process.returncode == 0
    assert len({re.search(r"12\d{3}%2F", url)[0] for url in urls}) == 2  # type: ignore[index]  # each has one
    assert {"oauth_refresh_token" in alicred.profile(name) for name in "ab"} == {True}


def test_a_login_while_the_tool_writes_the_file_all_the_time_loses_nothing(alicred: Program, login_ports: None) -> None:
    """The tool knows no lock: it writes a new file and puts it in the place of the old one."""
    alicred.file.parent.mkdir()
    alicred.file.write_text(json.dumps({"current": "t", "profiles": [{"name": "t", "mode": "AK", "count": 0}]}))
    stop, written = threading.Event(), []

    def tool() -> None:
        while not stop.is_set():
            before = alicred.file.stat().st_mtime_ns
            whole = json.loads(alicred.file.read_bytes())
            (profile,) = [each for each in whole["profiles"] if each["name"] == "t"]
            profile["count"] += 1
            beside = alicred.file.with_suffix(".tool")
            beside.write_text(json.dumps(whole))
            if alicred.file.stat().st_mtime_ns == before:  # so that it is not the tool that loses what others write
                beside.replace(alicred.file)
                written.append(profile["count"])
            time.sleep(0.02)

    thread = threading.Thread(target=tool)
    thread.start()
    try:
        for _ in range(5):  # between its last look and its replacement the tool can lose what others write: that is its own fault
            done = alicred("login", "--profile", "mine", "--site", "CN")
            if done.returncode == 0 and any(each["name"] == "mine" for each in alicred.whole["profiles"]):
                break
    finally:
        stop.set()
        thread.join()
    assert done.returncode == 0, done.stderr
    assert alicred.profile("mine")["sts_token"]
    assert len(written) > 10
    assert alicred.profile("t")["count"] >= written[-1] - 1
    assert alicred.whole["current"] == "t"


# --- CloudSSO ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def accounts(cloud: FakeCloud) -> list[str]:
    return [cloud.add_cloud_sso_account(name, configurations=["admin", "reader"]) for name in ("Production", "Test", "Lab")]


def sign_in_url(cloud: FakeCloud) -> str:
    return f"{cloud.http_endpoint}/start/login"


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_new_cloud_sso_profile_is_as_the_tool_writes_it(alicred: Program, cloud: FakeCloud, accounts: list[str], by: str) -> None:
    account = "Test" if by == "name" else accounts[1]
    done = alicred(
        "login", "--profile", "sso", "--sign-in-url", sign_in_url(cloud), "--account", account, "--access-config", "reader", "--json"
    )
    assert done.returncode == 0, done.stderr
    profile = alicred.profile("sso")
    login = {key: profile.pop(key) for key in (*KEYS, "access_token", "cloud_sso_access_token_expire")}
    assert profile == {
        "name": "sso", "mode": "CloudSSO", "cloud_sso_sign_in_url": sign_in_url(cloud), "cloud_sso_account_id": accounts[1],
        "cloud_sso_access_config": profile["cloud_sso_access_config"], "output_format": "json", "language": "en",
    }  # fmt: skip
    assert profile["cloud_sso_access_config"].startswith("ac-")
    assert login["sts_expiration"] == int(cloud.sessions[-1].ends_at.timestamp()) - 5
    assert abs(login["cloud_sso_access_token_expire"] - time.time() - 3600) < 60
    shown = json.loads(done.stdout)
    assert list(shown) == [
        "profile", "path", "mode", "sign_in_url", "account_id", "access_configuration_id", "login_expires_at", "access_key_id",
        "expires_at",
    ]  # fmt: skip
    assert re.search(r"^  page  http://\S+/device/code$", done.stderr, re.MULTILINE)
    assert re.search(r"^  code  [0-9A-F]{4}-[0-9A-F]{4}$", done.stderr, re.MULTILINE)
    assert cloud.count("CloudSsoPage") == 1
    alicred.no_secret_in(done.stdout, done.stderr)
    assert CliProfileProvider(alicred.file, environ={}).get().access_key_id == login["access_key_id"]


def test_the_only_account_and_the_only_configuration_need_no_choice(alicred: Program, cloud: FakeCloud) -> None:
    account = cloud.add_cloud_sso_account("only")
    assert alicred("login", "--sign-in-url", sign_in_url(cloud)).returncode == 0
    assert alicred.profile("default")["cloud_sso_account_id"] == account


def test_a_login_is_renewed_with_the_account_that_the_profile_names(alicred: Program, cloud: FakeCloud, accounts: list[str]) -> None:
    assert alicred("login", "--sign-in-url", sign_in_url(cloud), "--account", "Lab", "--access-config", "admin").returncode == 0
    before = alicred.profile("default")
    assert alicred("login").returncode == 0
    after = alicred.profile("default")
    changed = {key for key in after if after[key] != before[key]}
    assert changed - {"cloud_sso_access_token_expire", "sts_expiration"} == {*KEYS[:3], "access_token"}
    moved = alicred("login", "--account", "Test", "--access-config", "admin")
    assert moved.returncode == 0
    assert alicred.profile("default")["cloud_sso_account_id"] == accounts[1]


def test_a_login_that_was_confirmed_is_not_lost_if_a_later_step_fails(alicred: Program, cloud: FakeCloud, accounts: list[str]) -> None:
    cloud.inject(faults.ServerError(), operation="CloudSsoAccounts", times=None)
    done = alicred("login", "--sign-in-url", sign_in_url(cloud))
    assert done.returncode == 4
    assert "The login itself is saved. Run the same command again" in done.stderr
    cloud.clear()
    done = alicred("login")
    assert done.returncode == 2
    assert "there are several: give --account. There are: Production (" in done.stderr
    done = alicred("login", "--account", "Test")
    assert done.returncode == 2
    assert "there are several: give --access-config. There are: admin (ac-" in done.stderr
    done = alicred("login", "--access-config", "reader")
    assert done.returncode == 0, done.stderr
    assert "Going on with the login that profile 'default'" in done.stderr
    assert (cloud.count("CloudSsoDevice"), cloud.count("CloudSsoToken")) == (1, 1)
    assert alicred.profile("default")["cloud_sso_account_id"] == accounts[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--account", "Mars"], "--account: there is no account 'Mars'. There are: Production (2"),
        (
            ["--account", "Test", "--access-config", "root"],
            "--access-config: there is no access configuration 'root'. There are: admin (ac-",
        ),
    ],
)
def test_a_choice_that_does_not_exist_is_named(
    alicred: Program, cloud: FakeCloud, accounts: list[str], arguments: list[str], words: str
) -> None:
    done = alicred("login", "--sign-in-url", sign_in_url(cloud), *arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_where_nothing_is_assigned_the_login_says_whom_to_ask(alicred: Program, cloud: FakeCloud) -> None:
    done = alicred("login", "--sign-in-url", sign_in_url(cloud))
    assert done.returncode == 3
    assert "there is no account for you. Ask the directory's administrator" in done.stderr


def test_another_sign_in_url_takes_away_what_belongs_to_the_first(alicred: Program, cloud: FakeCloud) -> None:
    cloud.add_cloud_sso_account("only")
    assert alicred("login", "--sign-in-url", sign_in_url(cloud)).returncode == 0
    cloud.inject(faults.ServerError(), operation="CloudSsoAccounts", times=None)
    assert alicred("login", "--sign-in-url", f"{cloud.http_endpoint}/other/login").returncode == 4
    profile = alicred.profile("default")
    assert profile["cloud_sso_sign_in_url"] == f"{cloud.http_endpoint}/other/login"
    assert not {*KEYS, "cloud_sso_account_id", "cloud_sso_access_config"} & set(profile)


@pytest.mark.parametrize(
    ("sign_in", "code", "words"), [(SignIn.DENY, 3, "denied in the browser"), (SignIn.NOTHING, 4, "was not confirmed in time")]
)
def test_a_device_login_that_does_not_come_about_changes_nothing(
    alicred: Program, cloud: FakeCloud, sign_in: SignIn, code: int, words: str
) -> None:
    cloud.login_rules.sign_in = sign_in
    done = alicred("login", "--sign-in-url", sign_in_url(cloud), "--timeout", "2")
    assert done.returncode == code
    assert words in done.stderr
    assert not alicred.file.exists()


def test_at_a_terminal_the_person_chooses(alicred: Program, cloud: FakeCloud, accounts: list[str]) -> None:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "HOME": str(alicred.home), "BROWSER": BROWSER, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "TERM": "xterm"}
    command = [sys.executable, "-m", "tests.cli.login_program", cloud.http_endpoint, "login", "--sign-in-url", sign_in_url(cloud)]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=alicred.home, start_new_session=True
    ) as run:
        os.close(theirs)
        shown = b""
        answers = iter([b"9\n", b"2\n", b"\n"])
        asked = 0
        try:
            while part := os.read(ours, 65536):
                shown += part
                if shown.count(b"Number [1]: ") > asked:
                    asked += 1
                    os.write(ours, next(answers))
        except OSError:
            pass  # the terminal is closed at the end
        finally:
            os.close(ours)
        assert run.wait(timeout=60) == 0, shown
    text = shown.decode().replace("\r\n", "\n")
    assert "Which account?\n  1  Production (" in text.replace("  (", " (")
    assert "Type a number from 1 to 3." in text
    assert "Account Test, access configuration admin." in text
    alicred.no_secret_in(text)
    assert alicred.profile("default")["cloud_sso_account_id"] == accounts[1]


def test_an_account_that_is_no_longer_the_users_is_said_to_be_so(alicred: Program, cloud: FakeCloud) -> None:
    cloud.add_cloud_sso_account("only")
    alicred.file.parent.mkdir()
    gone = {"cloud_sso_sign_in_url": sign_in_url(cloud), "cloud_sso_account_id": "1", "cloud_sso_access_config": "ac-1"}
    alicred.file.write_text(json.dumps({"current": "sso", "profiles": [{"name": "sso", "mode": "CloudSSO", **gone}]}))
    done = alicred("login")
    assert done.returncode == 0
    assert done.stderr.count("The profile's account is no longer one of yours.") == 1
    assert alicred.profile("sso")["cloud_sso_access_config"] != "ac-1"


def test_of_two_accounts_of_one_name_the_id_is_asked_for(alicred: Program, cloud: FakeCloud) -> None:
    for _ in range(2):
        cloud.add_cloud_sso_account("same")
    done = alicred("login", "--sign-in-url", sign_in_url(cloud), "--account", "same")
    assert done.returncode == 2
    assert "several are called 'same': give the id" in done.stderr


def test_where_the_file_is_not_read_here_the_person_hears_of_it(alicred: Program, cloud: FakeCloud) -> None:
    cloud.add_cloud_sso_account("only")
    done = alicred("login", "--sign-in-url", sign_in_url(cloud), ALIBABA_CLOUD_CLI_PROFILE_DISABLED="true")
    assert done.returncode == 0
    assert "ALIBABA_CLOUD_CLI_PROFILE_DISABLED is set: unset it" in done.stderr


def test_the_application_may_be_another_one(alicred: Program, cloud: FakeCloud) -> None:
    cloud.add_cloud_sso_account("only")
    assert alicred("login", "--sign-in-url", sign_in_url(cloud), ALIBABACLOUD_SSO_CLIENT_ID="app-mine").returncode == 0
    assert {json.loads(request.body).get("ClientId") for request in cloud.raw if b"ClientId" in request.body} == {"app-mine"}


# --- logout -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [None, faults.Denied("invalid_request", 400), faults.Reset()])
def test_a_logout_ends_the_login_at_the_site_and_in_any_case_here(
    alicred: Program, cloud: FakeCloud, trouble: faults.Fault | None, login_ports: None
) -> None:
    assert alicred("login", "--site", "CN").returncode == 0
    if trouble is not None:
        cloud.inject(trouble, operation="OAuthRevoke")
    done = alicred("login", "--logout")
    assert done.returncode == 0, done.stderr
    assert ("The site did not end the login" in done.stderr) is (trouble is not None)
    assert cloud.count("OAuthRevoke") == 1
    assert set(alicred.profile("default")) == {"name", "mode", "oauth_site_type", "output_format", "language"}
    assert alicred("login", "--logout").returncode == 0
    assert cloud.count("OAuthRevoke") == 1
    assert alicred("login").returncode == 0, "the profile still says where to log in"


def test_a_logout_of_cloud_sso_is_local(alicred: Program, cloud: FakeCloud) -> None:
    cloud.add_cloud_sso_account("only")
    assert alicred("login", "--sign-in-url", sign_in_url(cloud)).returncode == 0
    assert alicred("login", "--logout").returncode == 0
    assert not {*KEYS, "access_token", "cloud_sso_access_token_expire"} & set(alicred.profile("default"))
    assert alicred("login").returncode == 0


# --- the command line -------------------------------------------------------------------------------------------------------------------

AK = {"name": "key", "mode": "AK", "access_key_id": "a", "access_key_secret": "b"}
SSO = {"name": "sso", "mode": "CloudSSO", "cloud_sso_sign_in_url": "https://example.com/start"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there is no login yet in profile 'default' of"),
        (["--profile", "new", "--logout"], "there is no login yet in profile 'new' of"),
        (["--profile", "key"], "is no login: its mode is AK. Choose another name with --profile."),
        (["--profile", "key", "--site", "CN"], "is no login: its mode is AK."),
        (["--profile", "sso", "--site", "CN"], "is a login of the other kind, CloudSSO."),
        (["--site", "CN", "--sign-in-url", "https://x/"], "Give one kind."),
        (["--site", "CN", "--account", "1"], "Give one kind."),
        (["--role-arn", "acs:ram::1:role/r", "--site", "CN"], "login assumes no role."),
    ],
)
def test_a_wrong_command_line_says_what_to_give(shell: Shell, arguments: list[str], words: str) -> None:
    shell.cli_file(AK, SSO)
    done = shell("login", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(("mode", "words"), [("OAuth", "Give --site CN or --site INTL."), ("CloudSSO", "Give --sign-in-url URL.")])
def test_a_profile_that_does_not_say_where_needs_the_option(shell: Shell, mode: str, words: str) -> None:
    shell.cli_file({"name": "default", "mode": mode})
    done = shell("login")
    assert done.code == 2
    assert f"does not say where it has logged in. {words}" in done.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--site", "DE"], "--site"),
        (["--timeout", "0"], "above 0"),
        (["--timeout", "abc"], "argument --timeout: 'abc' is no number"),
        (["--timeout", "3601"], "at most 3600"),
        (["--sign-in-url", "nonsense"], "argument --sign-in-url: it: the URL must be http(s)://host"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_a_wrong_option_is_explained(shell: Shell, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["login", *arguments])
    assert caught.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("alicred login: ")
    assert text in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1, column 2 is not valid JSON"),
        ('{"profiles": [{"name": "default", "mode": "Oauth"}]}', "mode 'Oauth' is unknown"),
        ('{"profiles": [{"name": "default", "mode": "OAuth", "oauth_site_type": "MARS"}]}', "oauth_site_type 'MARS' is unknown"),
        ('{"profiles": [{"name": "default", "mode": "CloudSSO", "cloud_sso_sign_in_url": "http://example.com"}]}', "plain http is for"),
        (
            '{"profiles": [{"name": "default", "mode": "CloudSSO", "access_token": 5, "cloud_sso_sign_in_url": "https://x.y/"}]}',
            "access_token",
        ),
    ],
)
def test_a_broken_file_is_told_and_left_as_it_is(shell: Shell, text: str, words: str) -> None:
    path = shell.file(".aliyun/config.json", text)
    done = shell("login")
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert path.read_text() == text


def test_without_a_home_there_is_no_place_for_a_login(shell: Shell) -> None:
    done = shell("login", "--site", "CN", HOME="")
    assert done.code == 1
    assert "there is no home directory" in done.err


@pytest.mark.parametrize("why", ["a file", "no right"])
def test_a_place_where_nothing_can_be_saved_is_named_before_the_person_logs_in(
    shell: Shell, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "OAuthLogin", lambda *_, **__: pytest.fail("the login has begun"))
    if why == "a file":
        shell.file(".aliyun", "")
    else:
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    done = shell("login", "--site", "CN")
    assert (done.code, done.out) == (1, "")
    folder = shell.home / ".aliyun" if why == "a file" else shell.home
    assert f"could not be saved: {folder} is no folder that you may write to" in done.err


@pytest.mark.parametrize("when", ["before the tokens", "before the keys"])
def test_a_profile_that_another_program_changes_meanwhile_is_not_mixed_with_this_login(
    alicred: Program, cloud: FakeCloud, when: str, login_ports: None
) -> None:
    alicred.file.parent.mkdir()
    mine = {"name": "mine", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "old"}
    alicred.file.write_text(json.dumps({"current": "mine", "profiles": [mine]}))
    operation = "OAuthToken" if when == "before the tokens" else "OAuthExchange"
    cloud.inject(faults.Hang(), operation=operation)
    with alicred.start("login") as process:
        assert cloud.wait_for(operation, within=timedelta(seconds=30))
        theirs = {"name": "mine", "mode": "AK", "access_key_id": "theirs", "access_key_secret": "theirs"}
        if when == "before the keys":
            theirs = {**mine, "oauth_refresh_token": "theirs", "access_key_id": "theirs"}
            assert alicred.profile("mine")["oauth_refresh_token"] != "old"
        alicred.file.write_text(json.dumps({"current": "mine", "profiles": [theirs]}))
        cloud.release()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "was not saved: the profile has been changed meanwhile" in err
    assert alicred.profile("mine") == theirs


def test_in_chinese_it_is_all_in_chinese(alicred: Program, cloud: FakeCloud, login_ports: None) -> None:
    done = alicred("login", "--site", "CN", LANG="zh_CN.UTF-8")
    assert done.returncode == 0
    spoken = [line for line in done.stderr.splitlines() if line and not line.startswith("  http")]
    assert all(re.search("[一-鿿]", line) for line in spoken), spoken
    assert alicred.profile("default")["language"] == "zh"
