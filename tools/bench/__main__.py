"""Run the benchmarks: ``make bench``, or ``make bench ARGS="--quick"``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

from tools.bench import border, contention, hot_path, importing, plot, refreshing, starting
from tools.bench.measure import Report
from tools.bench.upstream import upstream

DOCS = Path(__file__).parent.parent.parent / "docs"
PARTS = ("hot", "border", "refresh", "threads", "imports", "start")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="What the library costs, compared with the unavoidable minimum.")
    parser.add_argument("--quick", action="store_true", help="20 seconds instead of some minutes; the figures are rougher")
    parser.add_argument("--check", action="store_true", help="fail if a bound is missed")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part alone (repeat for more)")
    parser.add_argument("--docs", action="store_true", help="put the figures and the plot into docs/benchmarks.md and .svg")
    options = parser.parse_args()
    quick, only = options.quick, options.only or PARTS
    if options.docs and set(only) != set(PARTS):
        parser.error("the page shows all parts")

    report = Report()
    report.say(f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}, {os.cpu_count()} processors")
    if "hot" in only:
        hot_path.measure(report, rounds=300 if quick else 3000, number=2000)
    if "border" in only:
        border.measure(report, rounds=100 if quick else 1000, number=1000)
    with upstream() as servers:
        if "refresh" in only:
            refreshing.measure(report, servers, rounds=500 if quick else 4000)
        if "threads" in only:
            contention.stampede(report, 1000)
            threads = (2, 32) if quick else (2, 8, 32, 128)
            contention.measure(report, servers, threads=threads, seconds=0.3 if quick else 0.7, rounds=3 if quick else 7)
    if "imports" in only:
        importing.measure(report, rounds=10 if quick else 40)
    if "start" in only:
        starting.measure(report, rounds=10 if quick else 40)

    report.say(f"\n{'bound':<88} {'figure':>7} {'at most':>8}")
    for bound in report.bounds:
        report.say(f"{bound.name:<88} {bound.figure:>7.2f} {bound.at_most:>8.2f}{'' if bound.holds else '  missed'}")
    if options.docs:
        plot.write(report, DOCS / "benchmarks.svg")
        put(report, DOCS / "benchmarks.md")
    return 1 if options.check and not all(bound.holds for bound in report.bounds) else 0


def put(report: Report, page: Path) -> None:
    """Replace the figures in *page*: the block of text behind its first heading ``The figures``."""
    before, fence, rest = page.read_text("utf-8").partition("```text\n")
    _, end, after = rest.partition("\n```")
    page.write_text(before + fence + "\n".join(report.lines) + end + after, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
