"""What the documentation shows, run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from alicred.testing import FakeCloud, faults

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))
CLIENT_EXAMPLES = sorted((ROOT / "docs" / "examples" / "clients").glob("*.py"))  # run by tests/clients
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SAYS = {
    "bearer": "profile/bearer 200",
    "composing": "ram_role_arn Phase.EMPTY",
    "conformance": "the source passes 8 checks: name value errors pickle threads fork secrecy cached",
    "first_program": "from default/profile/ram_role_arn/static_ak, valid until",
    "in_tasks": "default/profile/ram_role_arn/static_ak after 1 refresh",
    "in_trio": "out of time, while the refresh goes on\ndefault/profile/ram_role_arn/static_ak after 1 refresh",
    "many_identities": "3 sessions; 3 providers, made 3",
    "many_identities_in_tasks": "at most 4 threads: True; some wait for their turn: True\n500 sessions",
    "ocr": "200",
    "ocr_async": str([200] * 10),
    "own_source": "start the sidecar",
    "own_value": "reports Phase.FRESH 0:03:00",
    "prefork": "fresh: default/profile/ram_role_arn/static_ak, refreshes so far: 1\n" * 2,
    "process_pool": "spawn: 20 tasks, at most 1 fetch in each worker",
    "rejected_client_call": "200",
    "rejected_request": "AssumedRoleUser",
    "sharing": "4 workers, 1 credential",
    "watching": "{'refreshed': 1}",
}
REJECTED = {"rejected_client_call": "GetAsyncJobResult", "rejected_request": "GetCallerIdentity"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_says_what_it_should(example: Path, alicred_cloud: FakeCloud, tmp_path: Path) -> None:
    key = alicred_cloud.access_key
    profile = tmp_path / "credentials"
    profile.write_text(
        f"[default]\nenable = true\ntype = ram_role_arn\naccess_key_id = {key.access_key_id}\n"
        f"access_key_secret = {key.access_key_secret}\nrole_arn = {alicred_cloud.role_arn}\n"
        f"[call-centre]\nenable = true\ntype = bearer\nbearer_token = {alicred_cloud.add_bearer_token().token}\n",
        "utf-8",
    )
    if example.stem in REJECTED:
        alicred_cloud.inject(faults.Denied("InvalidSecurityToken.Expired", 400), operation=REJECTED[example.stem])
    environment = {
        **os.environ,
        "ALIBABA_CLOUD_CREDENTIALS_FILE": str(profile),
        "ALIBABA_CLOUD_STS_ENDPOINT": alicred_cloud.endpoint,
        "CUSTOMER_ROLE_ARN": alicred_cloud.role_arn,
        "SSL_CERT_FILE": alicred_cloud.ca_file,
        "OCR_ENDPOINT": alicred_cloud.http_endpoint.removeprefix("http://"),
        "OCR_PROTOCOL": "http",
    }
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert SAYS[example.stem] in done.stdout
    assert key.access_key_secret not in done.stdout + done.stderr
    expected = [REJECTED[example.stem]] if example.stem in REJECTED else []
    assert [call.operation for call in alicred_cloud.rejected] == expected
    assert not expected or alicred_cloud.count("AssumeRole") == 2


def blocks(page: Path, language: str = "python") -> list[str]:
    """What stands between fences of *language* on *page*."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [text for name, text in fenced if name == language]


@pytest.mark.parametrize("example", CLIENT_EXAMPLES, ids=lambda path: path.stem)
def test_the_page_of_a_client_shows_the_program_that_is_run(example: Path) -> None:
    program = example.read_text("utf-8")
    (page,) = [page for page in (ROOT / "docs" / "clients").glob("*.md") if program in blocks(page)]
    assert f"(../examples/clients/{example.name})" in page.read_text("utf-8")
    assert f'run_example("{example.stem}"' in "".join(path.read_text("utf-8") for path in (ROOT / "tests" / "clients").glob("test_*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_shows_is_python_and_imports_what_is_there(page: Path) -> None:
    for block in blocks(page):
        tree = ast.parse(block)
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and str(node.module).startswith("alicred")]
        for node in imports:
            exec(compile(ast.Module([node], []), str(page), "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_of_a_page_begins_and_ends(page: Path) -> None:
    fences = re.findall(r"^ *```(.*)$", page.read_text("utf-8"), re.MULTILINE)
    assert not any(fences[1::2])
    assert len(fences) % 2 == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []


def test_the_two_readmes_show_the_same() -> None:
    english, chinese = (blocks(ROOT / name) for name in ("README.md", "README.zh-CN.md"))

    def code(shown: list[str]) -> list[str]:
        return [ast.unparse(ast.parse(block)) for block in shown]

    assert code(english) == code(chinese)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_first_commands_of_a_readme_are_the_two(page: str) -> None:
    assert blocks(ROOT / page, language="")[:2] == ["make demo\n", "make test\n"]
