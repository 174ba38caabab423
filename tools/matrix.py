"""Run the tests on every CPython 3.10 to 3.13 of this machine, and on the lowest of them with the lowest dependencies.

    make matrix                      everything that is here
    make matrix ARGS="--only 3.12"   one version (repeat for more)
    make matrix ARGS="-- -x -k name" arguments for pytest

Interpreters are looked for on PATH and among pyenv's versions; each candidate is asked what it is, since a name says little. Environments
live in .venvs/ and are kept until the pins or pyproject.toml change.
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
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENVS = ROOT / ".venvs"
PINS = ROOT / "requirements"
VERSIONS = ((3, 10), (3, 11), (3, 12), (3, 13))
ASK = """
import json, sys
import ensurepip, venv
print(json.dumps([sys.implementation.name, list(sys.version_info[:3]), sys.version_info.releaselevel, sys._base_executable]))
"""


@dataclasses.dataclass(frozen=True)
class Run:
    """One row of the table."""

    name: str
    python: str
    version: str
    lowest: bool = False


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a run."""

    run: Run
    ok: bool
    summary: str
    seconds: float


def candidates() -> Iterator[str]:
    """Everything that might be one of the interpreters."""
    yield sys.executable
    names = [f"python{major}.{minor}" for major, minor in VERSIONS] + ["python3"]
    for folder in os.get_exec_path():
        yield from (str(path) for path in (Path(folder, name) for name in names) if os.access(path, os.X_OK))
    yield from (str(path) for path in sorted(Path(sys.base_prefix).parent.glob("3.*/bin/python")))  # installed beside this one
    if pyenv := shutil.which("pyenv"):
        asked = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout.strip():
            yield from (str(path) for path in sorted(Path(asked.stdout.strip(), "versions").glob("3.*/bin/python")))


def find() -> dict[tuple[int, int], tuple[str, str]]:
    """The newest release of each version here: version -> (executable, full version)."""
    found: dict[tuple[int, int], tuple[tuple[int, ...], str]] = {}
    for candidate in dict.fromkeys(candidates()):
        try:
            asked = subprocess.run([candidate, "-I", "-c", ASK], capture_output=True, text=True, timeout=20, check=False)
            implementation, full, level, executable = json.loads(asked.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            continue  # a shim without a version behind it, or a Python without venv
        key = (full[0], full[1])
        if implementation == "cpython" and level == "final" and key in VERSIONS and tuple(full) > found.get(key, ((), ""))[0]:
            found[key] = (tuple(full), executable)
    return {key: (executable, ".".join(map(str, full))) for key, (full, executable) in sorted(found.items())}


def prepare(run: Run) -> Path:
    """The environment of a run, built if it is not there or not up to date; its interpreter."""
    folder = VENVS / run.name.replace(" ", "-")
    python = folder / "bin" / "python"
    inputs = [PINS / "build.txt", PINS / "test.txt", ROOT / "pyproject.toml"] + ([PINS / "lowest.txt"] if run.lowest else [])
    stamp = hashlib.sha256(b"\0".join([run.python.encode(), run.version.encode(), *(path.read_bytes() for path in inputs)])).hexdigest()
    done = folder / "stamp"
    if done.exists() and done.read_text() == stamp:
        return python
    print(f"setting up {folder.relative_to(ROOT)} with Python {run.version} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([run.python, "-m", "venv", folder], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
    subprocess.run([*pip, "-r", str(PINS / "build.txt"), "-r", str(PINS / "test.txt")], check=True)
    if run.lowest:
        subprocess.run([*pip, "-r", str(PINS / "lowest.txt")], check=True)
    subprocess.run([*pip, "--no-build-isolation", "--no-deps", "--editable", str(ROOT)], check=True)
    done.write_text(stamp)
    return python


def execute(run: Run, arguments: list[str]) -> Result:
    """Run the tests; their output is shown as it comes."""
    started = time.monotonic()
    try:
        python = prepare(run)
    except (OSError, subprocess.CalledProcessError) as error:
        return Result(run, False, f"not set up: {error}", time.monotonic() - started)
    print(f"\n=== {run.name} (Python {run.version}) ===", flush=True)
    started, last = time.monotonic(), ""
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="", flush=True)
            last = line.strip(" =\n") or last
    return Result(run, child.returncode == 0, last, time.monotonic() - started)


def main() -> int:
    """Find, run, tell. 0 only if something ran and nothing failed."""
    parser = argparse.ArgumentParser(description="Run the tests on every supported CPython of this machine.")
    parser.add_argument("--only", action="append", default=[], metavar="3.X", help="this version alone (repeat for more)")
    parser.add_argument("--list", action="store_true", help="say what is here and stop")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    arguments = parser.parse_args()

    known = find()
    wanted = {version for version in VERSIONS if not arguments.only or "{}.{}".format(*version) in arguments.only}
    runs = [Run("{}.{}".format(*key), *where) for key, where in known.items() if key in wanted]
    if runs and runs[0].python == known[min(known)][0]:
        runs.append(dataclasses.replace(runs[0], name=f"{runs[0].name} lowest", lowest=True))
    missing = ["{}.{}".format(*version) for version in sorted(wanted - known.keys())]
    if arguments.list:
        for run in runs:
            print(f"{run.name:<12} {run.version:<9} {run.python}")
    results = [] if arguments.list else [execute(run, arguments.pytest) for run in runs]

    if results:
        print(f"\n{'environment':<14} {'Python':<9} {'seconds':>7}  result")
        for result in results:
            verdict = "ok" if result.ok else "FAILED"
            print(f"{result.run.name:<14} {result.run.version:<9} {result.seconds:7.1f}  {verdict}: {result.summary}")
    if missing:
        print(f"not on this machine: {', '.join(missing)}")
    if not runs:
        print("no supported CPython found")
    return 0 if runs and all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
