"""How a rehearsal with simulated workers is shown."""

from __future__ import annotations

from collections.abc import Callable

from crowdops.console.columns import Column
from crowdops.console.progress import Progress
from crowdops.simulation.worker import Totals


def show_in(line: Progress) -> Callable[[Totals], None]:
    """Return what shows in a line what simulated workers have done so far."""

    def show(totals: Totals) -> None:
        others = [
            f"{number} {what}"
            for number, what in (
                (totals.returned, "returned"),
                (totals.abandoned, "abandoned"),
                (totals.refused, "refused"),
            )
            if number
        ]
        line.update(0, " · ".join([f"{totals.submitted} submitted", *others]))

    return show


TOTALS: list[Column[Totals]] = [
    Column("workers", "workers", lambda totals: totals.workers),
    Column("submitted", "submitted", lambda totals: totals.submitted),
    Column("returned", "returned", lambda totals: totals.returned),
    Column("abandoned", "abandoned", lambda totals: totals.abandoned),
    Column("refused", "refused", lambda totals: totals.refused),
    Column("errors", None, lambda totals: totals.errors),
]
