"""What a check of runs has found and measured: values, for the line, the JSON, metrics and messages."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from crowdops.watching.thresholds import Range


class Level(enum.IntEnum):
    """The states of the Monitoring Plugins. The value is the exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


# What is not known may be worse than what is only worth a warning: HITs may be out, with nobody there.
GRAVITY = (Level.OK, Level.WARNING, Level.UNKNOWN, Level.CRITICAL)


def gravest(levels: Iterable[Level]) -> Level:
    """Return the gravest of levels: CRITICAL, UNKNOWN, WARNING, OK. Without any it is OK."""
    return max(levels, key=GRAVITY.index, default=Level.OK)


class Finding(NamedTuple):
    """Something that is not as it should be, in a sentence, and what to type next.

    `code` is the measure that it counts towards, `amount` how much; a thing that could not be looked at has
    the code "not_seen" and counts towards none. A finding about one run names it.
    """

    level: Level
    code: str
    text: str
    next: str
    amount: int = 1
    run_id: str | None = None
    task_name: str | None = None


class Measure(NamedTuple):
    """A number, None if it is not known, with what is tolerated of it. `unit` is "s" or "" for things and $.

    Outside of `warning` or `critical` it is a finding; None tolerates everything. `most` is what it cannot
    exceed.
    """

    name: str
    value: Decimal | None
    unit: str = ""
    warning: Range | None = None
    critical: Range | None = None
    most: Decimal | None = None

    @property
    def level(self) -> Level:
        """What the thresholds make of the number."""
        if self.value is None:
            return Level.OK
        if self.critical and self.critical.alerts(self.value):
            return Level.CRITICAL
        return Level.WARNING if self.warning and self.warning.alerts(self.value) else Level.OK


class RunFacts(NamedTuple):
    """What is known of a run that is watched: one that is alive, has work to review, or ended within a day.

    `condition` is attended, detached, crashed or ended. `is_seen` says that its endpoint was looked at: what
    is out and unreviewed there is the endpoint's word then, else the registry's. `units` are those of Tally,
    by its names: answered, unanswered, never_launched, outstanding, failed. `unreviewed` counts assignments.
    Dollars: `spent` was paid, `to_spend` at most comes to it, `bound` is what counts towards the `budget`
    (max_cost, None without). `last_submission` is of what was collected.
    """

    run_id: str
    task_name: str
    state: str
    condition: str
    environment: str
    endpoint: str
    is_seen: bool
    hits_outstanding: int
    units: Mapping[str, int]
    unreviewed: int
    spent: Decimal
    to_spend: Decimal
    bound: Decimal
    budget: Decimal | None
    last_submission: datetime | None


class AccountFacts(NamedTuple):
    """What an account that was looked at has, in dollars. `held` is for work on offer; None: not told."""

    environment: str
    endpoint: str
    balance: Decimal
    held: Decimal | None


class Report(NamedTuple):
    """What one check has found, the gravest first, and measured. Moments are in UTC.

    `run_counts` counts every run of the registry, watched or not, by (task_name, state). `orphaned_servers`
    is None where that could not be looked at. `is_whole`: nothing is missing of what was to be looked at.
    `seconds` is how long it took, `calls` what of the API.
    """

    at: datetime
    seconds: float
    calls: int
    is_cached: bool
    findings: Sequence[Finding]
    measures: Sequence[Measure]
    run_counts: Mapping[tuple[str, str], int]
    runs: Sequence[RunFacts]
    accounts: Sequence[AccountFacts]
    orphaned_servers: int | None
    is_whole: bool

    @property
    def level(self) -> Level:
        """The state of it all, and the exit code."""
        return gravest(finding.level for finding in self.findings)
