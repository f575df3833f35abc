"""What came of doing something to many things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass
class Tally(Generic[Item]):
    """`settled` are as they should be, `already` of them were so before; `failed` is (id, why)."""

    settled: list[Item] = field(default_factory=list)
    already: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    interrupted: bool = False

    @property
    def done(self) -> int:
        """How many were changed."""
        return len(self.settled) - self.already

    def add_untried(self, names: Iterable[str]) -> None:
        """What was not tried failed, unless somebody pressed Ctrl-C: then the endpoint fell silent."""
        if not self.interrupted:
            self.failed += [(name, "not tried: the endpoint does not answer") for name in names]


def trouble(name: str, row: int | None, why: object) -> tuple[str, str]:
    """Return a failure as reports show it: what failed, and the row of a file and the reason."""
    return name, f"row {row}: {why}" if row else str(why)
