"""Whether there is a browser to open, and opening it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping

from alicred._internal.late import os

_STARTERS = ("xdg-open", "wslview", "x-www-browser")
_AT_ONCE = 1.0  # seconds; a starter that cannot do it says so by then
_running: list[subprocess.Popen[bytes]] = []  # one that is forgotten while it runs is complained of


def has_browser(environ: Mapping[str, str]) -> bool:
    """Whether a page that is opened now can be seen by the person who runs this program."""
    if environ.get("BROWSER") or sys.platform in ("darwin", "win32"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def open_page(url: str, environ: Mapping[str, str]) -> bool:
    """Open *url* in the browser of the person; whether that seems to have worked.

    Not by the module ``webbrowser``: where no window can be opened, that one starts a text browser in the terminal, and what a browser
    prints would stand in the output of this program. ``BROWSER`` counts as it does there.
    """
    command = _command(url, environ)
    if command is None:
        return False
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError:
        return False
    try:
        return process.wait(_AT_ONCE) == 0
    except subprocess.TimeoutExpired:
        _running.append(process)
        return True


def _command(url: str, environ: Mapping[str, str]) -> list[str] | None:
    named = environ.get("BROWSER", "").split(os.pathsep)[0].strip().removesuffix("&")
    if named:
        try:
            words = shlex.split(named)
        except ValueError:
            return None
        return [word.replace("%s", url) for word in words] if any("%s" in word for word in words) else [*words, url]
    if sys.platform == "darwin":
        return ["open", url]
    if sys.platform == "win32":
        return ["rundll32", "url.dll,FileProtocolHandler", url]
    starter = next((found for name in _STARTERS if (found := shutil.which(name))), None)
    return None if starter is None else [starter, url]
