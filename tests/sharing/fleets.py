"""Tests that start many processes and servers, and take minutes: `make fleet` runs them, and nothing else does."""

from __future__ import annotations

import os

import pytest

needs_make_fleet = pytest.mark.skipif(not os.environ.get("FLEET"), reason="`make fleet` runs it")
