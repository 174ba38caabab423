"""The blocks of a page that are run, and what of them changes from run to run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.cli_pages.session import transcript

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"(<!-- run: (?P<world>[\w, -]+?) -->\n```console\n)(?P<shown>.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_NUMBER_AND_UNIT = r"\d+(?:\.\d+)? ?(?:ms|s|min|h|d|seconds?|minutes?|hours?|秒|分钟|小时)(?![\w])"
# What differs between two runs of the same command, in the order in which it is replaced: random texts first, which may look like spans.
_MASKS = (
    (re.compile(r"\b(AK|STS|SSO|OAUTH)\.[0-9A-Za-z]+"), r"\1.<id>"),
    (re.compile(r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{18,}\b"), "<hex>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z| UTC|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "<time>"),
    (re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):\d+"), r"\1:<port>"),
    (re.compile(r'"seconds": [\d.]+'), '"seconds": <span>'),
    (re.compile(r"\balicred-fake-cloud-\w+"), "alicred-fake-cloud-<text>"),
    (re.compile(r"(state|challenge)=[\w-]+"), r"\1=<text>"),
    (re.compile(r"\b1234[5-9]\b"), "<port>"),  # the first one that is free
    (re.compile(r"(?<=code  )[0-9A-F]{4}-[0-9A-F]{4}\b"), "<code>"),
    (re.compile(r"\+/=[\w+/=-]+…?"), "<token>"),
    (re.compile(r"\b[\w-]{40,}(?:\.[\w-]+)*"), "<text>"),
    (re.compile(r"\balicred-\d{10,}\b"), "alicred-<number>"),
    (re.compile(rf"{_NUMBER_AND_UNIT}(?: {_NUMBER_AND_UNIT})*"), "<span>"),
    (re.compile(r"\((\S+ left|it took \S+)\)|（剩余 \S+）|（用时 \S+）"), "<span>"),
    (re.compile(r"(?<=\S) {2,}"), "  "),
)


def pages() -> list[Path]:
    """Every page with a block that is run."""
    return [path for path in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))] if _BLOCK.search(path.read_text("utf-8"))]


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """World and content of each block of a page that is run."""
    for found in _BLOCK.finditer(text):
        yield found["world"], found["shown"]


def refreshed(text: str, run: Callable[[str, str], str] = transcript) -> str:
    """The page *text* with every block as it is now; as it was where nothing has changed but what always does."""

    def block(found: re.Match[str]) -> str:
        now = run(found["world"], found["shown"])
        return found[1] + (found["shown"] if masked(now) == masked(found["shown"]) else now)

    return _BLOCK.sub(block, text)


def masked(text: str) -> str:
    """*text* without what differs between two runs."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text
