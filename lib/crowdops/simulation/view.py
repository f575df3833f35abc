"""How a rehearsal with simulated workers is shown."""

from __future__ import annotations

from crowdops.console.columns import Column
from crowdops.simulation.worker import Totals

TOTALS: list[Column[Totals]] = [
    Column("workers", "workers", lambda totals: totals.workers),
    Column("submitted", "submitted", lambda totals: totals.submitted),
    Column("returned", "returned", lambda totals: totals.returned),
    Column("abandoned", "abandoned", lambda totals: totals.abandoned),
    Column("refused", "refused", lambda totals: totals.refused),
    Column("errors", None, lambda totals: totals.errors),
]
