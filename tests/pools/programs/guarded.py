"""Run a module as a program that can reach loopback only: ``python guarded.py gunicorn web:application``."""

import ctypes
import runpy
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[3])  # where `tests` is, and nothing of this directory
    from tests import network_guard

    network_guard.install()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # a test that is killed itself ends nothing any more
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
