"""What one ``alicred get`` costs, as a shell or another tool calls it, against ``python -c "import attrs"``: whole processes.

Processor time, of the process alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.bench.importing import ENVIRON
from tools.bench.measure import Report, interleaved

AT_MOST = 2.5
_KEY = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
FLOOR = "import attrs"
GET = [sys.executable, "-c", "import sys; from _alicred_program import main; sys.exit(main())", "get"]  # what the installed script does


def figure(command: list[str], environ: Mapping[str, str]) -> Callable[[], float]:
    def once() -> float:
        child = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0, command
        return (used.ru_utime + used.ru_stime) * 1e3

    return once


def measure(report: Report, *, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / ".aliyun" / "config.json"
        path.parent.mkdir()
        path.touch(mode=0o600)
        key = {"name": "default", "mode": "AK", "access_key_id": "bench-id", "access_key_secret": "bench-secret"}
        path.write_text(json.dumps({"current": "default", "profiles": [key]}))
        contestants = {
            FLOOR: figure([sys.executable, "-c", "import attrs"], ENVIRON),
            "get, keys in the environment": figure(GET, ENVIRON),
            "get, a profile": figure(GET, {name: value for name, value in ENVIRON.items() if name not in _KEY} | {"HOME": home}),
        }
        for once in contestants.values():
            once()  # so that everything is compiled
        took = interleaved(contestants, rounds)
    for name, milliseconds in took.items():
        ratio = milliseconds / took[FLOOR]
        report.say(f"{name:<28} {milliseconds:7.1f} ms   ratio {ratio:.2f}   the whole process")
        if name != FLOOR:
            report.bound(f"alicred {name}, times a whole python -c 'import attrs'", ratio, AT_MOST)
