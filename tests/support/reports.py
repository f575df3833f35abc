"""Reports of checks as values, for what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from crowdops.watching.findings import AccountFacts, Finding, Level, Report, RunFacts

AT = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)


def run_facts(run_id: str, task_name: str = "pilot-1", condition: str = "attended") -> RunFacts:
    """Return what is known of a run with 20 HITs out."""
    return RunFacts(
        run_id=run_id,
        task_name=task_name,
        state="finished" if condition == "ended" else "running",
        condition=condition,
        environment="local",
        endpoint="http://127.0.0.1:8730",
        is_seen=True,
        hits_outstanding=20,
        units={"answered": 5, "unanswered": 1, "never_launched": 0, "outstanding": 20, "failed": 0},
        unreviewed=3,
        spent=Decimal("1.25"),
        to_spend=Decimal(5),
        bound=Decimal("6.25"),
        budget=None if condition == "detached" else Decimal("7.5"),
        last_submission=AT - timedelta(minutes=7),
    )


def finding(level: Level, code: str = "crashed", run_id: str | None = "20261122-114502-k3f9") -> Finding:
    """Return something that is not as it should be."""
    return Finding(
        level, code, "Run pilot-1 has crashed with 20 HITs out.", "make recover", 20, run_id, "pilot-1"
    )


def report(
    *findings: Finding,
    runs: Sequence[RunFacts] = (),
    after: timedelta = timedelta(0),
    run_counts: Mapping[tuple[str, str], int] | None = None,
    orphaned_servers: int | None = 0,
    is_whole: bool = True,
) -> Report:
    """Return a report of a check, so long after the first one."""
    return Report(
        at=AT + after,
        seconds=0.25,
        calls=3,
        is_cached=False,
        findings=findings,
        measures=(),
        run_counts=run_counts or {},
        runs=runs,
        accounts=[AccountFacts("local", "http://127.0.0.1:8730", Decimal("9990.00"), Decimal(5))],
        orphaned_servers=orphaned_servers,
        is_whole=is_whole,
    )
