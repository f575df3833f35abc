"""Scan."""

from __future__ import annotations

from typing import NamedTuple

from crowdops.providers.mturk.client import Hit, MTurk


class Sightings(NamedTuple):
    """What one walk over an account has shown: our HITs by run id, and how many are not ours."""

    ours: dict[str, list[Hit]]
    foreign: int


def look(provider: MTurk) -> Sightings:
    """Walk over the account once: one call a hundred HITs, and one more. Keeps only what is ours."""
    ours: dict[str, list[Hit]] = {}
    foreign = 0
    for hit in provider.iter_hits():
        if mark := hit.mark:
            ours.setdefault(mark.run_id, []).append(hit)
        else:
            foreign += 1
    return Sightings(ours, foreign)
