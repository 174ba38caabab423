"""What ``import alicred`` and a first credential add to a bare interpreter, against what ``import attrs`` adds.

Processor time, on Linux: it reads /proc.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from tools.bench.measure import Report, interleaved

AT_MOST = 2.0
PROGRAMS = {
    "bare": "pass",
    "import attrs": "import attrs",
    "import alicred": "import alicred",
    "import its cache": "from alicred import CachingProvider",
    "first credential": "import alicred; alicred.default_provider().get()",  # of the environment
}
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "bench-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "bench-secret",
}
# Of the whole process, its start included: milliseconds of the processor, modules, megabytes at most.
ASK = """
import sys
modules = len(sys.modules)
import re, resource
used = resource.getrusage(resource.RUSAGE_SELF)
memory = int(re.search("VmHWM: *([0-9]+)", open("/proc/self/status").read().replace(chr(9), " "))[1])
print((used.ru_utime + used.ru_stime) * 1e3, modules, memory / 1024)
"""


def figure(program: str, column: int) -> Callable[[], float]:
    def once() -> float:
        done = subprocess.run([sys.executable, "-c", f"{program}\n{ASK}"], check=True, capture_output=True, text=True, env=ENVIRON)
        return float(done.stdout.split()[column])

    return once


def measure(report: Report, *, rounds: int) -> None:
    for program in PROGRAMS.values():
        figure(program, 0)()  # so that everything is compiled
    took, modules, memory = (
        interleaved({name: figure(program, column) for name, program in PROGRAMS.items()}, turns)
        for column, turns in enumerate((rounds, 1, min(rounds, 5)))
    )
    for name in list(PROGRAMS)[1:]:
        over = [part[name] - part["bare"] for part in (took, modules, memory)]
        report.say(f"{name:<16} {over[0]:7.1f} ms   {over[1]:4.0f} modules   {over[2]:5.1f} MB   over a bare interpreter")
    for name, short in (("import alicred", "import"), ("first credential", "first credential")):
        ratio = (took[name] - took["bare"]) / (took["import attrs"] - took["bare"])
        report.say(f"                 ratio of {name} to import attrs {ratio:.2f}")
        report.ratios[short] = ratio
        report.bound(f"{name}, times import attrs", ratio, AT_MOST)
