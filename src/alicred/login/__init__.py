"""Logging a person in: in a browser that comes back to this machine, or with a device code. Nothing here prints or asks."""

from __future__ import annotations

TIMED_OUT = "LoginTimedOut"
"""The code of the error that says that the person did not confirm in time."""
