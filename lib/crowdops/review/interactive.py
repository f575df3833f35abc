"""A sitting: somebody reviews submitted assignments one by one at a terminal.

Each decision is noted in the registry at once and carried out at the end, so that one can go back and
change it, and nothing is lost when the terminal goes away.
"""

from __future__ import annotations

from collections.abc import Sequence

from crowdops.console import prompts
from crowdops.console.output import timestamp
from crowdops.formats import csv_files
from crowdops.registry import Decision, Registry, Result, Run
from crowdops.review import decisions_file, review

KEYS = "[a]pprove  [r]eject  [b]onus and approve  soft bloc[k]  [s]kip  back [p]  [q]uit"
OTHERWISE = "Use --export and --apply, or a rule such as --approve-all."


def sit(registry: Registry, runs: Sequence[Run], *, dry_run: bool) -> None:
    """Go through what is submitted in these runs; in a dry run there is nothing to ask.

    Decisions that were noted earlier are kept and shown.
    """
    if not dry_run:
        prompts.require(OTHERWISE)
        Sitting(registry, list(review.submitted(registry, runs)), runs).hold()


class Sitting:
    """Goes through assignments, forward and back, and notes what is decided."""

    def __init__(self, registry: Registry, results: Sequence[Result], runs: Sequence[Run]) -> None:
        self._registry, self._results = registry, results
        noted = registry.unfinished_decisions([run.run_id for run in runs])
        self._notes = {(note.assignment_id, note.worker_id): note for note in noted}
        self._soft_block = False

    def hold(self) -> None:
        """Ask until everything was shown or somebody has had enough."""
        undecided = (n for n, result in enumerate(self._results) if self._note(result) is None)
        number = next(undecided, len(self._results))
        while number < len(self._results):
            result = self._results[number]
            prompts.show(self._describe(number, result))
            step = self._ask(result)
            if step is None:
                return
            number = max(0, number + step)

    def _ask(self, result: Result) -> int | None:
        """Take one key. Returns how far to go on, or None to end."""
        pressed = prompts.key(KEYS, "arbkspq")
        if pressed == "q":
            return None
        if pressed == "p":
            return -1
        if pressed == "k":
            self._soft_block = not self._soft_block
            return 0
        if pressed == "s":
            self._withdraw(result)
            return 1
        decision = self._decide(result, pressed)
        if decision is None:
            return 0
        self._registry.note_decision(decision)
        self._notes[decision.assignment_id, decision.worker_id] = decision
        self._soft_block = False
        return 1

    def _decide(self, result: Result, pressed: str) -> Decision | None:
        """Return the decision of a key, once its question is answered; None if it was not."""
        assignment = result.assignment
        verdict = "reject" if pressed == "r" else "approve"
        decision = Decision(
            assignment.assignment_id, assignment.worker_id, verdict, soft_block=self._soft_block
        )
        if pressed == "r":
            feedback = prompts.line("Why? The worker reads it; empty goes back")
            trouble = decisions_file.feedback_trouble(verdict, feedback)
            if trouble:
                prompts.show(f"Not noted: {trouble}.")
                return None
            return decision._replace(feedback=feedback)
        if pressed == "b":
            try:
                return decision._replace(bonus=csv_files.money(prompts.line("Bonus in dollars")))
            except ValueError as error:
                prompts.show(f"Not noted: {error}.")
                return None
        return decision

    def _withdraw(self, result: Result) -> None:
        key = (result.assignment.assignment_id, result.assignment.worker_id)
        self._registry.withdraw_note(*key)
        self._notes.pop(key, None)
        self._soft_block = False

    def _note(self, result: Result) -> Decision | None:
        return self._notes.get((result.assignment.assignment_id, result.assignment.worker_id))

    def _describe(self, number: int, result: Result) -> str:
        assignment = result.assignment
        record = self._registry.worker_record(assignment.worker_id, [result.task_name])
        so_far = ", ".join(f"{count} {status.lower()}" for status, count in sorted(record.items()))
        lines = [
            f"\n{number + 1} of {len(self._results)} · {result.task_name} · unit {result.unit_index}"
            f" · submitted {timestamp(assignment.submitted_at)}",
            *(f"  {name}: {value}" for name, value in (result.input or {}).items()),
            *(f"  → {name}: {value}" for name, value in assignment.answer.items()),
            f"  worker {assignment.worker_id}, in {result.task_name} so far: {so_far}",
        ]
        if note := self._note(result):
            lines.append(f"  noted: {_words(note)}")
        if self._soft_block:
            lines.append("  The worker is to be soft-blocked with the decision; k again takes that back.")
        return "\n".join(lines)


def _words(note: Decision) -> str:
    parts = [note.verdict]
    if note.feedback:
        parts.append(f"({note.feedback})")
    if note.bonus:
        parts.append(f"with a bonus of ${note.bonus}")
    if note.soft_block:
        parts.append("and soft block")
    return " ".join(parts)
