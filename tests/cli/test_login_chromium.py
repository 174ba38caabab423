"""A person logs in with a real browser: Chromium clicks, and `alicred login` gets the tokens."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alicred import CliProfileProvider
from alicred.testing import FakeCloud
from tests.cli.chromium import PROGRAM, Chromium, chromium
from tests.support import wait_until

ROOT = Path(__file__).resolve().parents[2]
PICTURES = os.environ.get("ALICRED_LOGIN_PICTURES")  # a folder, for a look at the pages

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium (Debian: apt-get install chromium)")


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("chromium") / "profile") as browser:
        yield browser


def start(home: Path, cloud: FakeCloud, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """The program; what it opens in the browser stands in the file ``opened`` then."""
    opener = f'{shlex.quote(sys.executable)} -c \'import sys; open("{home}/opened", "w").write(sys.argv[1])\' %s'
    environ = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "BROWSER": opener, **variables}
    command = [sys.executable, "-m", "tests.cli.login_program", cloud.http_endpoint, "login", *arguments]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environ, cwd=home)


def opened(home: Path) -> str:
    path = home / "opened"
    wait_until(lambda: path.exists() and path.stat().st_size > 0, seconds=60)
    return path.read_text()


def profile(home: Path) -> dict[str, Any]:
    (found,) = json.loads((home / ".aliyun" / "config.json").read_bytes())["profiles"]
    assert isinstance(found, dict)
    return found


def picture(browser: Chromium, name: str) -> None:
    if PICTURES:
        for scheme in ("light", "dark"):
            browser.screenshot(Path(PICTURES) / f"{name}-{scheme}.png", scheme)


@pytest.mark.parametrize(("language", "title"), [("C.UTF-8", "The login is confirmed"), ("zh_CN.UTF-8", "登录已确认")])
def test_allowing_it_in_the_browser_logs_in(
    cloud: FakeCloud, browser: Chromium, tmp_path: Path, language: str, title: str, login_ports: None
) -> None:
    with start(tmp_path, cloud, "--site", "CN", LANG=language) as program:
        browser.go(opened(tmp_path))
        browser.click("#allow")
        browser.until(f"document.querySelector('main h1')?.innerText == {title!r}")
        _, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    assert re.fullmatch(r"http://127\.0\.0\.1:1234\d/cli/callback", browser.evaluate("location.href")), (
        "neither the code nor the state stays"
    )
    assert browser.evaluate("getComputedStyle(document.querySelector('main')).borderTopWidth") == "4px", "the policy allows its style"
    assert browser.evaluate("document.documentElement.lang") == ("en" if language == "C.UTF-8" else "zh-CN")
    picture(browser, f"allowed-{language[:2]}")
    key = CliProfileProvider(tmp_path / ".aliyun" / "config.json", environ={}).get()
    assert profile(tmp_path)["access_key_id"] == key.access_key_id
    assert cloud.sts_client().get_caller_identity(key)


def test_denying_it_in_the_browser_ends_the_login(cloud: FakeCloud, browser: Chromium, tmp_path: Path, login_ports: None) -> None:
    with start(tmp_path, cloud, "--site", "INTL") as program:
        browser.go(opened(tmp_path))
        browser.click("#deny")
        browser.until("document.querySelector('main h1')?.innerText == 'You are not logged in'")
        _, err = program.communicate(timeout=60)
    picture(browser, "denied")
    assert program.returncode == 3
    assert "it was denied in the browser" in err
    assert not (tmp_path / ".aliyun").exists()


@pytest.mark.parametrize("typed", [False, True])
def test_confirming_a_device_code_in_the_browser_logs_in(cloud: FakeCloud, browser: Chromium, tmp_path: Path, typed: bool) -> None:
    cloud.add_cloud_sso_account("only")
    arguments = ["--sign-in-url", f"{cloud.http_endpoint}/start/login", *(["--no-browser"] if typed else [])]
    with start(tmp_path, cloud, *arguments) as program:
        if typed:
            assert program.stderr is not None
            shown = "".join(program.stderr.readline() for _ in range(4))
            page, code = (re.search(rf"^  {name}  (\S+)$", shown, re.MULTILINE) for name in ("page", "code"))
            assert page is not None
            assert code is not None
            browser.go(page[1])
            browser.click("#user_code")
            browser.type(code[1].lower())
        else:
            browser.go(opened(tmp_path))
        browser.click("#allow")
        browser.until("document.querySelector('h1')?.innerText == 'Confirmed'")
        assert program.stderr is not None
        err = program.stderr.read()
        program.wait(timeout=60)
    assert program.returncode == 0, err
    assert profile(tmp_path)["sts_token"]
