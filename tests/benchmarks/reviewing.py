"""A decisions file under a rate limit: python -m tests.benchmarks.reviewing [--rows N]

Work of so many assignments comes in; then the crowd server answers 20 calls a second at most. Ours is the
whole of `review_assignments --apply`, start of the process included; the other side approves as many
assignments with a pool of 32 threads and boto3's standard retries.
"""

import argparse
import contextlib
import csv
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import ClientError

from crowdserver.worker.assignments import accept, submit
from tests.benchmarks._sides import Bench, bench, show
from tests.support.crowds import Crowd

RATE = 20


def come_in(place: Bench, rows: int) -> list[str]:
    """Launch a run and let one worker do all of it; the assignments."""
    place.measure("mturk/launch_run", str(place.write_run(rows)), "--yes", "--again", "--quiet", "--detach")
    done = []
    for page in place.crowd.client().get_paginator("list_hits").paginate(MaxResults=100):
        with place.crowd.opened.writing() as (tx, now):
            for hit in page["HITs"]:
                accepted = accept(tx, now, "AWORKER1", hit["HITId"])
                submit(tx, now, accepted.assignment_id, None, [("label", "cat")])
                done.append(accepted.assignment_id)
    return done


def decide(place: Bench, count: int) -> tuple[Path, set[str]]:
    """Export what came in and approve the first rows; the file, and the assignments in it."""
    path = place.folder / "decisions.csv"
    place.measure("mturk/review_assignments", "--all-runs", "--export", str(path))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))[:count]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "decision": "approve"} for row in rows)
    return path, {row["assignment_id"] for row in rows}


def ours(place: Bench, path: Path, count: int) -> tuple[object, ...]:
    """Carry the file out; a row of the table."""
    place.crowd.control("calls", method="DELETE")
    seconds, shown = place.measure(
        "mturk/review_assignments", "--apply", str(path), "--yes", "--quiet", "--json"
    )
    found, calls = json.loads(shown), place.crowd.calls()["ApproveAssignment"]
    share = calls["failed"] / (calls["ok"] + calls["failed"])
    return "review_assignments", count, found["done"] / seconds, share, len(found["failed"])


def pool(place: Bench, assignments: list[str]) -> tuple[object, ...]:
    """Approve with 32 threads; a row of the table."""
    client = place.crowd.client(retries={"mode": "standard"})
    place.crowd.control("calls", method="DELETE")

    def approve(assignment_id: str) -> bool:
        with contextlib.suppress(ClientError):
            client.approve_assignment(AssignmentId=assignment_id)
            return True
        return False

    started = time.perf_counter()
    with ThreadPoolExecutor(32) as threads:
        done = sum(threads.map(approve, assignments))
    seconds, calls = time.perf_counter() - started, place.crowd.calls()["ApproveAssignment"]
    share = calls["failed"] / (calls["ok"] + calls["failed"])
    return "32 threads, standard retries", len(assignments), done / seconds, share, len(assignments) - done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1000)
    count = parser.parse_args().rows
    with bench() as place:
        done = come_in(place, 2 * count)
        path, decided = decide(place, count)
        place.crowd.stop()
        port = int(place.crowd.url.rpartition(":")[2])
        with Crowd(place.crowd.home, rate_limit=RATE, port=port) as limited:
            place.crowd = limited
            mine = ours(place, path, count)
            rows = [mine, pool(place, [each for each in done if each not in decided])]
    headers = ("", "decisions", "decisions/s", "throttled", "not carried out")
    show(f"Reviewing under a limit of {RATE} calls a second", headers, rows)


if __name__ == "__main__":
    main()
