"""The HITs of an account: which it has of which run, and what those were made from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from crowdops.context import Context
from crowdops.errors import NotFound
from crowdops.providers.mturk.client import Definition, Hit, MTurk


class AccountScan(NamedTuple):
    """What one walk over an account has shown: our HITs by run id, and how many are not ours."""

    hits_by_run: dict[str, list[Hit]]
    foreign: int


def scan(context: Context) -> AccountScan:
    """Walk over the account once: one call a hundred HITs, and one more. Keeps only HITs that are ours."""
    hits_by_run: dict[str, list[Hit]] = {}
    foreign = 0
    for hit in context.counted(context.provider.iter_hits(), "HITs listed:"):
        if mark := hit.mark:
            hits_by_run.setdefault(mark.run_id, []).append(hit)
        else:
            foreign += 1
    return AccountScan(hits_by_run, foreign)


def read_definition(provider: MTurk, hits: Iterable[Hit]) -> Definition | None:
    """Return what the HITs of a run were made from; None if there is none any more."""
    for hit in hits:
        try:
            return provider.definition(hit.hit_id)
        except NotFound:  # deleted since it was listed; the run's others are made from the same
            continue
    return None
