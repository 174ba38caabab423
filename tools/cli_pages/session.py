"""Commands run in a sandbox, and what they printed, as a page shows it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import secrets
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Generator
from pathlib import Path

from alicred.testing import FakeCloud
from tools.cli_pages.worlds import WORLDS, Sandbox

ROOT = Path(__file__).resolve().parents[2]
HOME = "/home/ada"
COLUMNS = 100
PATIENCE = 60  # seconds, for all commands of a block
_MARK = "\x1e"
_OVERWRITTEN = re.compile(rf"[^\n{_MARK}]*\r\x1b\[K")  # what was on a line of a terminal before
_TOKEN = re.compile(r"(\+/=[\w+/=-]{12})[\w+/=-]{8,}")

# In place of the installed program: nothing but loopback can be reached, and 100.100.100.200 is the fake cloud's, if anything.
_LAUNCHER = """\
#!{python}
import errno, os, socket, sys
sys.path[:0] = [{source!r}]
metadata, connect, lookup = {metadata!r}, socket.socket.connect, socket.getaddrinfo

def guarded(self, address):
    if isinstance(address, tuple) and not str(address[0]).startswith("127.") and address[0] != "::1":
        if address[0] != "100.100.100.200" or not metadata:
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        address = ("127.0.0.1", metadata)
    return connect(self, address)

def known(host, *args, **options):
    if str(host) != "localhost" and not str(host).replace(".", "").isdigit():
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return lookup(host, *args, **options)

socket.socket.connect, socket.getaddrinfo = guarded, known
{preamble}
from alicred.cli.main import main
sys.exit(main())
"""


def transcript(world: str, shown: str) -> str:
    """The commands of the block *shown*, each with what it prints now in *world*."""
    name, *features = (word.strip() for word in world.split(","))
    if name not in WORLDS or not set(features) <= {"terminal", "chinese"}:
        raise ValueError(f"there is no world {world!r}: use one of {', '.join(WORLDS)}; then terminal, chinese")
    commands = _commands(shown)
    with FakeCloud() as cloud, _home() as home, tempfile.TemporaryDirectory(prefix="alicred-pages-") as folder:
        programs = Path(folder)
        sandbox = Sandbox(cloud=cloud, home=home)
        variables = WORLDS[name](sandbox)
        launcher = programs / "alicred"
        metadata = int(cloud.http_endpoint.rpartition(":")[2]) if sandbox.on_an_instance else 0
        launcher.write_text(_LAUNCHER.format(python=sys.executable, source=str(ROOT / "src"), metadata=metadata, preamble=sandbox.preamble))
        launcher.chmod(0o755)
        environ = {
            "PATH": f"{programs}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "USER": "ada",
            "LANG": "zh_CN.UTF-8" if "chinese" in features else "C.UTF-8",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONWARNINGS": "ignore",
            "TERM": "xterm",
            "COLUMNS": str(COLUMNS),
            "NO_COLOR": "1",
            **variables,
        }
        printed = _run(_script(commands), environ, home, terminal="terminal" in features)
        printed = _OVERWRITTEN.sub("", printed.replace("\r\n", "\n")).replace(str(home), HOME).replace(str(programs), "/usr/local/bin")
        for real, instead in sandbox.shown_as.items():
            printed = printed.replace(real, instead)
    outputs = printed.split(_MARK)[1:]
    if len(outputs) != len(commands):
        raise ValueError(f"of {len(commands)} commands only {len(outputs)} were run: {commands}")
    parts = [command + _ended(_TOKEN.sub(r"\1…", output)) for command, output in zip(commands, outputs, strict=True)]
    return "".join(parts)


@contextlib.contextmanager
def _home() -> Generator[Path]:
    """A new folder whose path is as long as that of `HOME`, so that lines break on every machine as they do on the page."""
    while True:
        path = Path("/tmp", secrets.token_hex(8)[: len(HOME) - len("/tmp/")])
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            break
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _ended(output: str) -> str:
    return output if not output or output.endswith("\n") else output + "\n"


def _commands(shown: str) -> list[str]:
    """The lines of a block that are commands, those that go on included."""
    found: list[str] = []
    going_on = False
    for line in shown.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append(line)
        elif going_on and line.startswith("> "):
            found[-1] += line
        going_on = line.startswith("$ ") or (going_on and line.startswith("> "))
    return found


def _script(commands: list[str]) -> str:
    """For bash: every command behind a mark, and with the exit status of the one before it in ``$?``."""
    lines = ["exec 2>&1"]
    for command in commands:
        lines.append(r"__status=$?; printf '\036'; (exit $__status)")
        lines += [line[2:] for line in command.splitlines()]
    return "\n".join(lines) + "\n"


def _run(script: str, environ: dict[str, str], home: Path, *, terminal: bool) -> str:
    command = ["bash", "--norc", "--noprofile", "-c", script]
    if not terminal:
        with subprocess.Popen(
            command,
            cwd=home,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as child:
            try:
                return child.communicate(timeout=PATIENCE)[0].decode("utf-8", "replace")
            finally:
                _end(child.pid)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    with subprocess.Popen(command, cwd=home, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as child:
        os.close(theirs)
        printed = bytearray()
        limit = threading.Timer(PATIENCE, _end, (child.pid,))
        limit.start()
        try:
            with contextlib.suppress(OSError):  # EIO: the last process has closed the terminal
                while part := os.read(ours, 65536):
                    printed += part
        finally:
            limit.cancel()
            limit.join()
            _end(child.pid)
            os.close(ours)
        return printed.decode("utf-8", "replace")


def _end(group: int) -> None:
    """End what is left of the commands."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
