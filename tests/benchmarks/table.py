"""The table of a benchmark: sections of sides, what each took, and how that compares."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.benchmarks.measures import Sample

OURS = "crowdops"
LOOP = "a boto3 loop"
POOL = "32 threads of boto3"
COLUMNS = ("", "calls", "seconds", "CPU", "server", "refused", "MB", "loop/it", "it/pool", "it/limit")
TINY = 1e-9
WIDTHS = (25, 7, 8, 7, 7, 7, 5, 7, 7, 8)


class Figure(NamedTuple):
    """One number that a section is about, and what it is to be: at least or at most so much."""

    name: str
    value: float
    aim: float | None = None
    at_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether it is what it is to be; None if nothing is said of that."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim

    def show(self, full_size: bool) -> str:
        """Return a line of text. It is judged at full size only: of little work, the start is the most."""
        text = f"{self.name} {self.value:.2f}"
        if self.aim is None:
            return text
        aim = f"{text}  (aim{'' if full_size else ' at full size'}: at {'least' if self.at_least else 'most'}"
        verdict = f"; {'met' if self.is_met else 'NOT met'}" if full_size else ""
        return f"{aim} {self.aim:g}{verdict})"


@dataclass
class Section:
    """A piece of work and what each side took for it, a sample a round. `limit`: seconds, the least there is.

    `estimated`: sides that did a part of it, of which the whole was reckoned.
    """

    row: str
    title: str
    samples: dict[str, list[Sample]]
    limit: float | None = None
    estimated: frozenset[str] = frozenset()
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def middle(self, side: str) -> Sample:
        """Return the median of each number of a side."""
        return Sample(*(statistics.median(column) for column in zip(*self.samples[side], strict=True)))

    def ratio(self, above: str, below: str, number: str = "seconds") -> float | None:
        """Return the median of a number's ratios, each of the same round; None without one of the sides."""
        if above not in self.samples or below not in self.samples:
            return None
        pairs = zip(self.samples[above], self.samples[below], strict=True)
        ratios: list[float] = [
            getattr(over, number) / max(getattr(under, number), TINY) for over, under in pairs
        ]
        return statistics.median(ratios)

    def of_limit(self, side: str) -> float | None:
        """Return how a side's time compares with the least there is."""
        return self.middle(side).seconds / self.limit if self.limit else None

    def aim(
        self, name: str, value: float | None, aim: float | None = None, *, at_least: bool = False
    ) -> None:
        """Add a figure, if there is one."""
        if value is not None:
            self.figures.append(Figure(name, value, aim, at_least))

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            "row": self.row,
            "title": self.title,
            "limit_seconds": self.limit,
            "sides": [
                {
                    "side": side,
                    "estimated": side in self.estimated,
                    "median": self.middle(side)._asdict(),
                    "rounds": [sample._asdict() for sample in samples],
                    "loop_over_it": self.ratio(LOOP, side),
                    "it_over_pool": self.ratio(side, POOL),
                    "it_over_limit": self.of_limit(side),
                }
                for side, samples in self.samples.items()
            ],
            "figures": [{**figure._asdict(), "is_met": figure.is_met} for figure in self.figures],
            "notes": self.notes,
        }

    def show(self, full_size: bool) -> str:
        """Return its lines of the table."""
        lines = [f"-- {self.row}: {self.title}"]
        lines += [self._line(side) for side in self.samples]
        lines += [f"   {figure.show(full_size)}" for figure in self.figures]
        lines += [f"   {note}" for note in self.notes]
        return "\n".join(lines)

    def _line(self, side: str) -> str:
        it = self.middle(side)
        share = it.refused / it.calls if it.calls else 0.0
        return _join(
            ("~" if side in self.estimated else "") + side,
            f"{it.calls:,.0f}",
            f"{it.seconds:.2f}",
            f"{it.client_cpu:.2f}",
            f"{it.server_cpu:.2f}",
            f"{share:.1%}" if it.refused else "-",
            f"{it.megabytes:.0f}" if it.megabytes else "-",
            _number(self.ratio(LOOP, side)),
            _number(self.ratio(side, POOL)),
            _number(self.of_limit(side)),
        )


def head() -> str:
    """Return the line above all sections."""
    return _join(*COLUMNS)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _join(*cells: str) -> str:
    first, *others = cells
    fields = [f"{cell:>{width}}" for cell, width in zip(others, WIDTHS[1:], strict=True)]
    return f"{first:<{WIDTHS[0]}} {' '.join(fields)}".rstrip()


def show(sections: Sequence[Section], full_size: bool) -> str:
    """Return the whole table."""
    return "\n".join([head(), *(section.show(full_size) for section in sections)])
