"""Measure beside what people use instead, and print one table: python -m tests.benchmarks [ROW ...]

Each side is a process of its own, asks a crowd server that is started for it, and has its turn in each
round. A line has the API calls as the server counted them, seconds from the start of the process to its end,
processor seconds of the process and of the server, the share of calls that were refused, and the process's
largest memory. Then the loop's seconds divided by the line's, and the line's divided by the pool's and by
the least that the work can take: all calls on 32 threads or under the limit, with nothing else to do. ~
marks a side that did a part, and what it would have taken for the whole.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import of_requests, of_runs, of_servers, peers, table
from tests.benchmarks._sides import Options
from tests.benchmarks.table import Section
from tests.support.forks import REPOSITORY

ROWS: dict[str, Callable[[Options], Iterator[Section]]] = {
    "launch": of_requests.launch,
    "rate": of_requests.rate,
    "expire": of_requests.expire,
    "status": of_requests.status,
    "download": of_requests.download,
    "approve": of_requests.approve,
    "delete": of_requests.remove,
    "pool": of_runs.pool,
    "recover": of_runs.recover,
    "empty": of_runs.empty,
    "moto": of_servers.moto,
    "databases": of_servers.databases,
}
BEGIN, END = "<!-- a run of make bench -->", "<!-- end of the run -->"


def conditions(options: Options, rows: Sequence[str]) -> dict[str, Any]:
    """Return what a reader has to know of a run."""
    git = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--abbrev=9"]
    commit = subprocess.run(git, check=False, capture_output=True, text=True).stdout.strip()
    return {
        "begun_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit or "unknown",
        "rows": list(rows),
        "scale": options.scale,
        "rounds": options.rounds,
        "part": options.part,
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
        "peers": options.peers.versions if options.peers else {},
    }


def said(facts: dict[str, Any]) -> str:
    """Return the conditions in words."""
    lines = [
        f"{facts['begun_at']}, commit {facts['commit']}, {facts['machine']}, Python {facts['python']}",
        f"load {facts['load_before']:.1f} before and {facts['load_after']:.1f} after;"
        f" scale {facts['scale']:g}, {facts['rounds']} round(s), loops did {facts['part']:.0%}",
    ]
    versions = ", ".join(f"{name} {version}" for name, version in facts["peers"].items())
    return "\n".join([*lines, f"peers: {versions or 'none'}"])


def write_page(path: Path, text: str) -> None:
    """Put a run between the two marks of a page, in place of the one that is there."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no {BEGIN} … {END}: nothing was written")
    path.write_text(f"{before}{BEGIN}\n\n```text\n{text}\n```\n\n{END}{after}")


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=(__doc__ or "").partition("\n")[0],
        epilog=f"Rows: {', '.join(ROWS)}.",
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="which ones; without any, all of them")
    parser.add_argument("--scale", type=float, default=1.0, help="sizes, of the full ones: 0.1 is a tenth")
    parser.add_argument("--rounds", type=int, default=1, help="how often each side has its turn")
    parser.add_argument("--latency-ms", type=int, nargs="+", default=[], help="delay of each call; several")
    parser.add_argument("--rate", type=int, nargs="+", default=[], help="limits of the row rate, in calls/s")
    parser.add_argument("--part", type=float, default=0.2, help="what a loop does of its calls; 1 is all")
    parser.add_argument("--no-peers", action="store_true", help="install nothing; boto3 alone beside ours")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table into this page of docs")
    options = parser.parse_args(arguments)
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    if options.scale <= 0 or options.rounds < 1 or not 0 < options.part <= 1:
        parser.error("--scale and --part are more than 0, --part is at most 1, --rounds at least 1")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, show and write."""
    given = read_arguments(arguments)
    options = Options(
        scale=given.scale,
        rounds=given.rounds,
        part=given.part,
        latencies=tuple(given.latency_ms),
        rates=tuple(given.rate),
        peers=None if given.no_peers else peers.install(),
    )
    rows, full_size = given.rows or list(ROWS), given.scale >= 1
    facts = conditions(options, rows)
    sections: list[Section] = []
    print(table.head(), flush=True)
    for row in rows:
        for section in ROWS[row](options):
            sections.append(section)
            print(section.show(full_size), flush=True)
    facts["load_after"] = os.getloadavg()[0]
    print(f"\n{said(facts)}")
    if given.json:
        document = {**facts, "sections": [section.as_json() for section in sections]}
        given.json.write_text(json.dumps(document, indent=1) + "\n")
    if given.page:
        write_page(given.page, f"{said(facts)}\n\n{table.show(sections, full_size)}")


if __name__ == "__main__":
    main()
