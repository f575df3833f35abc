"""How units of which registry and provider disagree are shown, with the command that mends each."""

from __future__ import annotations

from collections.abc import Sequence

from crowdops.console import terminal
from crowdops.console.columns import Column, Show
from crowdops.console.terminal import STDOUT
from crowdops.formats import words
from crowdops.hits.differences import UNSEEN_END, Difference


def mend_command(difference: Difference) -> str:
    """Return what to type to put a difference right."""
    if difference.kind is UNSEEN_END:
        return f"make results RUN={difference.run.run_id}"
    return f"make broken RUN={difference.run.run_id} ARGS=--mend"


DIFFERENCE_COLUMNS: Sequence[Column[Difference]] = (
    Column("run_id", "run", lambda difference: difference.run.run_id, is_id=True),
    Column("task_name", None, lambda difference: difference.run.task_name),
    Column("unit_index", "unit", lambda difference: difference.unit_index),
    Column("kind", None, lambda difference: difference.kind.word),
    Column(
        "registry", "registry", lambda difference: difference.unit.state if difference.unit else "unknown"
    ),
    Column("provider", "provider", lambda difference: difference.hit.status if difference.hit else "gone"),
    Column("hit_id", "HIT", lambda difference: difference.hit_id, show=Show.WIDE, is_id=True),
    Column("reason", "why", lambda difference: difference.kind.reason),
    Column("command", "mend", mend_command, show=Show.WIDE),
)


def mend_lines(differences: Sequence[Difference]) -> list[str]:
    """Return what to type about these, each command once, where a terminal's table has no room for that."""
    if not terminal.is_one(STDOUT) or terminal.is_wide():
        return []
    return [f"Mend: {command}" for command in dict.fromkeys(map(mend_command, differences))]


def difference_remarks(differences: Sequence[Difference], unknown_hits: int) -> list[str]:
    """Return what there is to say beside the table of differences."""
    lines = [] if differences else ["Registry and provider say the same of every unit."]
    if unknown_hits:
        carry = words.choose(unknown_hits, "carries", "carry")
        lines.append(
            f"{words.count(unknown_hits, 'HIT')} {carry} the mark of runs that this registry does not know."
            " Which these are: make rebuild ARGS='--all-runs --dry-run'"
        )
    return lines
