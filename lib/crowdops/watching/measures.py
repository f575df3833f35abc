"""What a check measures, and what is tolerated of it unless the command says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from crowdops.watching import thresholds
from crowdops.watching.findings import GRAVITY, Finding, Level, Measure, gravest
from crowdops.watching.thresholds import Range


class Kind(NamedTuple):
    """A measure: what it counts, in words, and the usual ranges. Without words it counts no findings."""

    one: str = ""
    many: str = ""
    warning: str | None = None
    critical: str | None = None
    unit: str = ""
    is_money: bool = False


HITS = "hits"  # what -w and -c are for if they name no measure
KINDS: Mapping[str, Kind] = {
    "crashed_runs": Kind("crashed run", "crashed runs", critical="0"),
    "orphaned_hits": Kind("orphaned HIT", "orphaned HITs", critical="0"),
    "orphaned_servers": Kind("orphaned server", "orphaned servers", critical="0"),
    "over_budget": Kind("run over its budget", "runs over their budgets", critical="0"),
    "servers_down": Kind("server down", "servers down", critical="0"),
    "refused_keys": Kind("refused key", "refused keys", critical="0"),
    "suspended": Kind("suspended run", "suspended runs", critical="0"),
    "halted_runs": Kind("halted run", "halted runs", warning="0"),
    "quiet_runs": Kind("run without submissions", "runs without submissions", warning="0"),
    "expiring_hits": Kind("HIT about to expire", "HITs about to expire", warning="0"),
    "low_balances": Kind("balance too low", "balances too low", warning="0"),
    "due_approvals": Kind("answer about to approve itself", "answers about to approve themselves", "0"),
    "unanswered": Kind("unit unanswered", "units unanswered", warning="0"),
    "uncollected": Kind("answer not collected", "answers not collected", warning="0"),
    "silent_endpoints": Kind("silent endpoint", "silent endpoints"),
    "not_seen": Kind("thing not looked at", "things not looked at"),
    "backup_age": Kind("old backup", "old backups", warning="172800", unit="s"),
    "runs": Kind(),
    HITS: Kind(),
    "unreviewed": Kind(),
    "unknown_hits": Kind(),
    "balance": Kind(is_money=True),
    "to_spend": Kind(is_money=True),
    "spent": Kind(is_money=True),
}
COUNTED = tuple(name for name, kind in KINDS.items() if kind.many and not kind.unit)


def make(
    name: str, value: Decimal | int | None, warning: Mapping[str, Range], critical: Mapping[str, Range]
) -> Measure:
    """Return a measure with its ranges: those that the command gives, else the usual ones."""
    kind = KINDS[name]
    number = None if value is None else Decimal(value)
    return Measure(
        name,
        number,
        kind.unit,
        warning.get(name) or _usual(kind.warning),
        critical.get(name) or _usual(kind.critical),
    )


def _usual(text: str | None) -> Range | None:
    return None if text is None else thresholds.parse(text)


def with_levels(findings: Sequence[Finding], measures: Sequence[Measure]) -> list[Finding]:
    """Return findings as grave as the measures make them that they count towards; without those that are OK.

    A measure outside of its range that has no finding of its own gets one. The gravest come first.
    """
    levels = {measure.name: measure.level for measure in measures}
    graded = [finding._replace(level=gravest([finding.level, levels[finding.code]])) for finding in findings]
    named = {finding.code for finding in findings}
    graded += [_of_itself(measure) for measure in measures if measure.level and measure.name not in named]
    order = list(KINDS)
    graded.sort(key=lambda finding: (-GRAVITY.index(finding.level), order.index(finding.code)))
    return [finding for finding in graded if finding.level]


def _of_itself(measure: Measure) -> Finding:
    bounds = measure.critical if measure.level is Level.CRITICAL else measure.warning
    text = f"{measure.name} is {measure.value}{measure.unit}, which {bounds} does not tolerate."
    return Finding(measure.level, measure.name, text, "make runs", 1)
