"""Which entries of the journal a command means."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops.config.settings import Selection
from crowdops.console import combinations
from crowdops.errors import UsageError, nearest
from crowdops.formats import moments
from crowdops.registry import Registry
from crowdops.registry.journal import KINDS, Filter
from crowdops.registry.selection import select


class Options(NamedTuple):
    """What the options of a command say about entries, as they were typed."""

    selection: Selection
    hit: Sequence[str] = ()
    worker: Sequence[str] = ()
    kind: Sequence[str] = ()
    since: str | None = None
    until: str | None = None


def build(registry: Registry, options: Options, *, follow: bool) -> Filter:
    """Return which entries are meant. UsageError for a run, a kind or a moment that is none."""
    if follow:
        combinations.refuse("with --follow", until=options.until)
    now = datetime.now(UTC)
    since = moments.read(options.since, "--since", now) if options.since else None
    until = moments.read(options.until, "--until", now) if options.until else None
    if since and until and since > until:
        raise UsageError(f"--since {options.since} is later than --until {options.until}.")
    runs = None if options.selection.takes_all else select(registry, options.selection)
    return Filter(
        run_ids=None if runs is None else [run.run_id for run in runs],
        hit_ids=options.hit or None,
        worker_ids=options.worker or None,
        kinds=_kinds(options.kind) or None,
        since=since,
        until=until,
    )


def _kinds(globs: Sequence[str]) -> list[str]:
    kinds = []
    for glob in globs:
        named = fnmatch.filter(KINDS, glob)
        if not named:
            raise UsageError(
                f"--kind {glob}: no entry is of such a kind.{nearest(glob, KINDS)}"
                f" There are {', '.join(KINDS)}."
            )
        kinds += named
    return kinds
