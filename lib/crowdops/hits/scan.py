"""One walk over an account: which HITs it has of which run."""

from __future__ import annotations

from typing import NamedTuple

from crowdops.providers.mturk.client import Hit, MTurk


class AccountScan(NamedTuple):
    """What one walk over an account has shown: our HITs by run id, and how many are not ours."""

    hits_by_run: dict[str, list[Hit]]
    foreign: int


def scan(provider: MTurk) -> AccountScan:
    """Walk over the account once: one call a hundred HITs, and one more. Keeps only HITs that are ours."""
    hits_by_run: dict[str, list[Hit]] = {}
    foreign = 0
    for hit in provider.iter_hits():
        if mark := hit.mark:
            hits_by_run.setdefault(mark.run_id, []).append(hit)
        else:
            foreign += 1
    return AccountScan(hits_by_run, foreign)
