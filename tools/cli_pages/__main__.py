"""``python -m tools.cli_pages``; see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.cli_pages.pages import pages, refreshed
from tools.cli_pages.session import transcript
from tools.cli_pages.worlds import WORLDS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.cli_pages", description="Put what commands print on the pages that show them.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a page is not current")
    parser.add_argument("--try", nargs=2, metavar=("WORLD", "COMMAND"), dest="trial", help=f"one command; worlds: {', '.join(WORLDS)}")
    parser.add_argument("pages", nargs="*", type=Path)
    options = parser.parse_args()
    if options.trial:
        world, command = options.trial
        print(transcript(world, f"$ {command}\n"), end="")
        return 0
    stale = 0
    for page in options.pages or pages():
        before = page.read_text("utf-8")
        after = refreshed(before)
        if after == before:
            continue
        stale += 1
        print(f"{page}: {'is not current' if options.check else 'written'}")
        if not options.check:
            page.write_text(after, "utf-8")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
