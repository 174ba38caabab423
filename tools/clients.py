"""Try the adapters with the real clients: an environment per group, the tests in it, and the table of the results.

    make clients                               all groups, and the table in docs/clients/README.md
    make clients ARGS="--only files"           one group (repeat for more); the table stays as it is
    make clients ARGS="--only files -- -k put" arguments for pytest

Some clients cannot be installed beside each other: hence the groups. Their pins are in requirements/clients/, the
environments in .venvs/; those are kept until the pins or pyproject.toml change.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "requirements"
TABLE = ROOT / "docs" / "clients" / "README.md"
BEGIN, END = "<!-- begin: made by `make clients` -->", "<!-- end: made by `make clients` -->"
HOW = ("sync", "async", "threads", "rotation")

# What is tried in which group.
GROUPS: dict[str, tuple[str, ...]] = {
    "current": (
        "test_mns.py", "test_ocr.py", "test_odps.py", "test_official.py", "test_oss2.py", "test_oss_v2.py", "test_sdk_core.py",
        "test_sls.py", "test_sls_consumer.py", "test_stubs.py", "test_tablestore.py", "test_tea_gateways.py", "test_tea_openapi.py",
    ),
    "files": ("test_aiooss2.py", "test_oss2.py", "test_ossfs.py", "test_stubs.py"),
    "nacos": ("test_nacos.py", "test_stubs.py"),
    "legacy": ("test_tea_legacy.py", "test_tea_openapi.py"),
    "middle": ("test_nacos_blocking.py", "test_stubs.py", "test_tea_openapi.py"),
}  # fmt: skip
# The rows of the table: the mark of the tests -> the distribution whose version is told, and the page.
CLIENTS: dict[str, tuple[str, str]] = {
    "alibabacloud-tea-openapi": ("alibabacloud-tea-openapi", "tea"),
    "alibabacloud-ocr20191230": ("alibabacloud-ocr20191230", "tea"),
    "alibabacloud-gateway-pop": ("alibabacloud-gateway-pop", "tea"),
    "alibabacloud-gateway-sls": ("alibabacloud-gateway-sls", "tea"),
    "alibabacloud-gateway-oss": ("alibabacloud-gateway-oss", "tea"),
    "alibabacloud-tea-openapi-sse": ("alibabacloud-tea-openapi-sse", "tea"),
    "alibabacloud-tea-rpc": ("alibabacloud-tea-rpc", "tea"),
    "alibabacloud-tea-roa": ("alibabacloud-tea-roa", "tea"),
    "alibabacloud-credentials": ("alibabacloud-credentials", "alibabacloud_credentials"),
    "aliyun-python-sdk-core": ("aliyun-python-sdk-core", "sdk_core"),
    "oss2": ("oss2", "oss2"),
    "aiooss2": ("aiooss2", "aiooss2"),
    "alibabacloud-oss-v2": ("alibabacloud-oss-v2", "oss_v2"),
    "ossfs": ("ossfs", "ossfs"),
    "aliyun-log-python-sdk": ("aliyun-log-python-sdk", "sls"),
    "pyodps": ("pyodps", "odps"),
    "tablestore": ("tablestore", "tablestore"),
    "aliyun-mns-sdk": ("aliyun-mns-sdk", "mns"),
    "nacos-sdk-python": ("nacos-sdk-python", "nacos"),
}


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a group."""

    group: str
    ok: bool
    summary: str
    seconds: float
    tried: list[dict[str, object]]
    versions: dict[str, str]


def prepare(group: str) -> Path:
    """The environment of a group, built if it is not there or not up to date; its interpreter."""
    folder = ROOT / ".venvs" / f"clients-{group}"
    python = folder / "bin" / "python"
    pins = PINS / "clients" / f"{group}.txt"
    inputs = [PINS / "build.txt", pins, ROOT / "pyproject.toml"]
    stamp = hashlib.sha256(b"\0".join([sys.version.encode(), *(path.read_bytes() for path in inputs)])).hexdigest()
    done = folder / "stamp"
    if done.exists() and done.read_text() == stamp:
        return python
    print(f"setting up {folder.relative_to(ROOT)} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys._base_executable, "-m", "venv", folder], check=True)  # type: ignore[attr-defined]  # not the environment of this tool
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
    subprocess.run([*pip, "-r", str(PINS / "build.txt"), "-r", str(pins)], check=True)
    subprocess.run([*pip, "--no-build-isolation", "--no-deps", "--editable", str(ROOT)], check=True)
    done.write_text(stamp)
    return python


def versions(python: Path) -> dict[str, str]:
    """What is installed beside *python*, by normal name."""
    listed = subprocess.run(
        [str(python), "-m", "pip", "--disable-pip-version-check", "list", "--format=json"], capture_output=True, text=True, check=True
    )
    return {each["name"].lower().replace("_", "-").replace(".", "-"): each["version"] for each in json.loads(listed.stdout)}


def execute(group: str, arguments: list[str]) -> Result:
    """Run a group's tests; their output is shown as it comes."""
    started = time.monotonic()
    try:
        python = prepare(group)
    except (OSError, subprocess.CalledProcessError) as error:
        return Result(group, False, f"not set up: {error}", time.monotonic() - started, [], {})
    print(f"\n=== {group} ===", flush=True)
    started, last = time.monotonic(), ""
    files = [f"tests/clients/{name}" for name in GROUPS[group]]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "tried.json"
        environment = {**os.environ, "ALICRED_CLIENTS_GROUP": group, "ALICRED_CLIENTS_REPORT": str(report)}
        command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", *files, *arguments]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                print(line, end="", flush=True)
                last = line.strip(" =\n") or last
        tried = json.loads(report.read_text("utf-8")) if report.exists() else []
    return Result(group, child.returncode == 0, last, time.monotonic() - started, tried, versions(python))


def cell(tests: list[dict[str, object]]) -> str:
    """What came of the tests of one kind."""
    failed = sum(not test["passed"] for test in tests)
    if failed:
        return f"{failed} of {len(tests)} failed"
    return f"{len(tests)} passed" if tests else "–"


def table(results: list[Result]) -> str:
    """The table of clients, in Markdown."""
    lines = ["| client | version | " + " | ".join(HOW) + " |", "|---" * (2 + len(HOW)) + "|"]
    for client, (distribution, page) in CLIENTS.items():
        for result in results:
            tests = [test for test in result.tried if test["client"] == client]
            if tests:
                cells = [cell([test for test in tests if how in test["how"]]) for how in HOW]  # type: ignore[operator]  # a list, as written
                lines.append(f"| [{client}]({page}.md) | {result.versions.get(distribution, '?')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(results: list[Result]) -> None:
    """Put the table where the documentation shows it."""
    before, _, rest = TABLE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    tried = f"CPython {'.'.join(map(str, sys.version_info[:3]))}."
    TABLE.write_text(f"{before}{BEGIN}\n{table(results)}\n\n{tried}\n{END}{after}", "utf-8")


def main() -> int:
    """Set up, run, tell. 0 only if something ran and nothing failed."""
    parser = argparse.ArgumentParser(description="Try the adapters with the real clients.")
    parser.add_argument("--only", action="append", default=[], choices=GROUPS, help="this group alone (repeat for more)")
    parser.add_argument("--set-up", action="store_true", help="make the environments and stop")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    arguments = parser.parse_args()
    groups = arguments.only or list(GROUPS)
    if arguments.set_up:
        for group in groups:
            prepare(group)
        return 0
    results = [execute(group, arguments.pytest) for group in groups]
    if groups == list(GROUPS) and not arguments.pytest:
        write(results)
    print(f"\n{table(results)}\n\n{'group':<10} {'seconds':>7}  result")
    for result in results:
        print(f"{result.group:<10} {result.seconds:7.1f}  {'ok' if result.ok else 'FAILED'}: {result.summary}")
    return 0 if results and all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
