"""Results brought up to date: what came in, and what was reviewed and paid elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from crowdops.config.settings import Selection
from crowdops.console import times, unseen
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.formats import words
from crowdops.payments import bonuses
from crowdops.registry import Look, Run
from crowdops.registry.selection import select
from crowdops.results import collect, endings

MOST_LOOKS = 100  # HITs at a time
OVERRIDE_TIME = timedelta(days=30)  # in which a rejection can be taken back, from the submission on


class UpToDate(NamedTuple):
    """Runs by their ids, a line for each of their HITs that could not be read, and what was not looked at."""

    run_ids: list[str]
    failures: list[str]
    unseen: Sequence[Unseen] = ()


def selected(
    context: Context, selection: Selection, *, is_offline: bool = False, must_reach: bool = False
) -> UpToDate:
    """Bring the selected runs up to date, each at its own server, and say what could not be looked at.

    Which runs these are is decided before, once: `last` may be another one after. Nothing is asked if
    `is_offline`. UsageError as select(); Unreachable if nothing can be looked at and one `must_reach` it.
    """
    run_ids = [run.run_id for run in select(context.registry, selection)]
    if is_offline:
        return UpToDate(run_ids, [])
    if not selection.takes_all:
        selection = Selection(runs=tuple(run_ids))
    if must_reach:
        collected, not_seen = context.reach(selection, bring_up_to_date)
    else:
        collected, missing = context.visit(selection, bring_up_to_date)
        not_seen = context.unseen(missing)
    unseen.say(not_seen)
    return UpToDate(run_ids, [line for lines in collected for line in lines], not_seen)


def bring_up_to_date(context: Context, runs: Sequence[Run]) -> list[str]:
    """Bring what the registry has of these runs up to date, and say with how many calls.

    Those of collect.refresh(); then, of the hundred HITs that were looked at longest ago, one call each for
    bonuses that were paid elsewhere, and one for rejections that were taken back. Both are in no counter.
    Returns a line for each HIT that could not be read. Ends runs that are through.
    """
    calls = context.provider.calls
    failures = endings.bring_in(context, runs)
    looks = context.registry.looks([run.run_id for run in runs], datetime.now(UTC) - OVERRIDE_TIME)
    due, later = looks[:MOST_LOOKS], looks[MOST_LOOKS:]
    failures += collect.look_again(context, [look.hit_id for look in due if look.may_change])
    _, unread = bonuses.recall(context, {look.hit_id: look.run_id for look in due})
    context.registry.set_looked_at(due)
    if not context.settings.quiet:
        context.say(_describe(context.provider.calls - calls, later))
    return failures + unread


def _describe(calls: int, later: Sequence[Look]) -> str:
    text = f"Brought up to date with {words.count(calls, 'call')}."
    if not later:
        return text
    moment, most = times.said(later[0].looked_at), min(len(later), MOST_LOOKS)
    return (
        f"{text} Bonuses paid and rejections taken back elsewhere are as of {moment} for"
        f" {words.count(len(later), 'HIT')}:"
        f" the same command looks at the next {most}."
    )
