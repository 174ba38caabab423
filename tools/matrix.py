"""Run the tests on every CPython 3.10 to 3.15 that is to be had here, and on the lowest of them with the lowest dependencies.

    make matrix                      everything that is here
    make matrix ARGS="--only 3.12"   one version (repeat for more); fails if it is not here
    make matrix ARGS="-- -x -k name" arguments for pytest

Interpreters are looked for on PATH and among pyenv's versions; each candidate is asked what it is, since a name says little. For those that
this machine does not have, tools/debian_pythons.sh is asked. Environments live in .venvs/ and are kept until the pins or pyproject.toml
change.
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
VERSIONS = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14), (3, 15))
IN_ROOT = ((3, 14), (3, 15))  # in the root of tools/debian_pythons.sh
PARALLEL = ("-n", "auto", "--dist", "worksteal")  # as in the Makefile
ROOT_COMMAND = ("tools/debian_pythons.sh",)
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
    through: tuple[str, ...] = ()  # the command that runs it where it is
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


def ask(*command: str, seconds: int = 20, errors: int | None = subprocess.DEVNULL) -> tuple[tuple[int, ...], str] | None:
    """The release that an interpreter is, and its own path; None if it is not one of ours."""
    command = (*command, "-I", "-c", ASK)
    try:
        asked = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=seconds, check=False)
        implementation, release, level, executable = json.loads(asked.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None  # a shim without a version behind it, or a Python without venv
    return (tuple(release), executable) if implementation == "cpython" and level == "final" and tuple(release[:2]) in VERSIONS else None


def find(wanted: set[tuple[int, ...]]) -> list[Run]:
    """The newest release of each wanted version on this machine; of those that are missing, what the root has."""
    found: dict[tuple[int, ...], Run] = {}
    newest: dict[tuple[int, ...], tuple[int, ...]] = {}
    for candidate in dict.fromkeys(candidates()):
        if (answer := ask(candidate)) and answer[0] > newest.get(answer[0][:2], ()):
            release, executable = answer
            newest[release[:2]] = release
            found[release[:2]] = Run("{}.{}".format(*release), executable, ".".join(map(str, release)))
    here = [run for version, run in sorted(found.items()) if version in wanted]
    lowest = [dataclasses.replace(run, name=f"{run.name} lowest", lowest=True) for run in here[:1] if run == found[min(found)]]
    there = []
    for version in sorted(wanted.intersection(IN_ROOT) - found.keys()):
        # It may have to be made first, and says so, or why it cannot be.
        if answer := ask(*ROOT_COMMAND, "python{}.{}".format(*version), seconds=1800, errors=None):
            release, executable = answer
            there.append(Run("{}.{}".format(*version), executable, ".".join(map(str, release)), ROOT_COMMAND))
    return here + there + lowest


def prepare(run: Run) -> list[str]:
    """The environment of a run, built if it is not there or not up to date; what starts its interpreter, in the checkout."""
    folder = VENVS / run.name.replace(" ", "-")
    python = [*run.through, str(folder.relative_to(ROOT) / "bin" / "python")]  # in the root the checkout has another path
    inputs = [PINS / "build.txt", PINS / "test.txt", ROOT / "pyproject.toml"] + ([PINS / "lowest.txt"] if run.lowest else [])
    about = [part.encode() for part in (*run.through, run.python, run.version)]
    stamp = hashlib.sha256(b"\0".join([*about, *(path.read_bytes() for path in inputs)])).hexdigest()
    done = folder / "stamp"
    if done.exists() and done.read_text() == stamp:
        return python
    print(f"setting up {folder.relative_to(ROOT)} with Python {run.version} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([*run.through, run.python, "-m", "venv", str(folder.relative_to(ROOT))], cwd=ROOT, check=True)
    pip = [*python, "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
    subprocess.run([*pip, "-r", "requirements/build.txt", "-r", "requirements/test.txt"], cwd=ROOT, check=True)
    if run.lowest:
        subprocess.run([*pip, "-r", "requirements/lowest.txt"], cwd=ROOT, check=True)
    subprocess.run([*pip, "--no-build-isolation", "--no-deps", "--editable", "."], cwd=ROOT, check=True)
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
    command = [*python, "-m", "pytest", "-p", "no:cacheprovider", *PARALLEL, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="", flush=True)
            last = line.strip(" =\n") or last
    return Result(run, child.returncode == 0, last, time.monotonic() - started)


def main() -> int:
    """Find, run, tell. 0 only if something ran, nothing failed, and nothing was asked for in vain."""
    parser = argparse.ArgumentParser(description="Run the tests on every supported CPython that is to be had here.")
    parser.add_argument("--only", action="append", default=[], metavar="3.X", help="this version alone (repeat for more)")
    parser.add_argument("--lowest", action="store_true", help="with the lowest dependencies alone, on the lowest version that is here")
    parser.add_argument("--list", action="store_true", help="say what is here and stop")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    arguments = parser.parse_args()

    names = {"{}.{}".format(*version): version for version in VERSIONS}
    if unknown := set(arguments.only) - names.keys():
        parser.error(f"not among {', '.join(names)}: {', '.join(sorted(unknown))}")
    runs = find({names[name] for name in arguments.only or names})
    missing = [name for name in names if name in (arguments.only or names) and name not in {run.name for run in runs}]
    runs = [run for run in runs if run.lowest or not arguments.lowest]
    if arguments.list:
        for run in runs:
            print(f"{run.name:<12} {run.version:<9} {' '.join([*run.through, run.python])}")
    results = [] if arguments.list else [execute(run, arguments.pytest) for run in runs]

    if results:
        print(f"\n{'environment':<14} {'Python':<9} {'seconds':>7}  result")
        for result in results:
            verdict = "ok" if result.ok else "FAILED"
            print(f"{result.run.name:<14} {result.run.version:<9} {result.seconds:7.1f}  {verdict}: {result.summary}")
    if missing:
        print(f"not to be had here: {', '.join(missing)}")
    if not runs:
        print("no supported CPython found")
    return 0 if runs and all(result.ok for result in results) and not (arguments.only and missing) else 1


if __name__ == "__main__":
    sys.exit(main())
