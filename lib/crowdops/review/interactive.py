"""Interactive review: somebody decides about submitted assignments one by one at a terminal.

Each decision is noted in the registry at once and carried out at the end, so that one can go back and
change it, and nothing is lost when the terminal goes away.
"""

from __future__ import annotations

from collections.abc import Sequence

from crowdops.console import output, prompts, terminal, times, viewer
from crowdops.console.output import timestamp
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import money
from crowdops.registry import Decision, Registry, Result, Run
from crowdops.review import decisions_file, item
from crowdops.review.review import submitted

KEYS = "[a]pprove [r]eject [b]onus soft bloc[k] [s]kip back [p] [o]pen help [?] [q]uit"
EXPLAINED = """
  a  approve
  r  reject: asks why, and the worker reads that
  b  approve and pay a bonus: asks for the amount
  k  soft-block the worker with the decision that follows; again: do not
  s  skip: leave it, and forget what was noted of it
  p  back to the one before
  o  open the page with the answers, in a browser or a pager
  q  quit: what was noted is shown, and nothing is sent before you say so"""
OTHERWISE = "Use --export and --apply, or a rule such as --approve-all."


def review(context: Context, runs: Sequence[Run]) -> None:
    """Go through what is submitted in these runs. UsageError unless somebody sits at a terminal.

    Decisions that were noted earlier are kept and shown.
    """
    prompts.require(OTHERWISE)
    InteractiveReview(context, list(submitted(context.registry, runs)), runs).ask_all()


class InteractiveReview:
    """Goes through assignments, forward and back, and notes what is decided."""

    def __init__(self, context: Context, results: Sequence[Result], runs: Sequence[Run]) -> None:
        self._context, self._results = context, results
        self._registry: Registry = context.registry
        noted = self._registry.unfinished_decisions([run.run_id for run in runs])
        self._notes = {(note.assignment_id, note.worker_id): note for note in noted}
        self._soft_block = False

    def ask_all(self) -> None:
        """Ask until everything was shown or somebody has had enough."""
        undecided = (number for number, result in enumerate(self._results) if self._note(result) is None)
        number = next(undecided, len(self._results))
        while number < len(self._results):
            result = self._results[number]
            step = self._take_key(number, result)
            if step is None:
                return
            number = max(0, number + step)

    def _take_key(self, number: int, result: Result) -> int | None:
        """Show an assignment and do what one key says. Returns how far to go on, or None to end."""
        key = prompts.key(KEYS, "arbkspoq?", lambda: self._describe(number, result))
        if key == "q":
            return None
        if key == "p":
            return -1
        if key == "?":
            output.say(EXPLAINED)
            return 0
        if key == "o":
            self._open(result)
            return 0
        if key == "k":
            self._soft_block = not self._soft_block
            return 0
        if key == "s":
            self._drop_note(result)
        elif decision := self._decide(result, key):
            self._registry.put_decision(decision, "noted")
            self._notes[_key(result)] = decision
        else:
            return 0
        self._soft_block = False
        return 1

    def _open(self, result: Result) -> None:
        """Show the page with the answers."""
        try:
            page = item.write_page(self._context.settings, result)
        except UsageError as error:
            output.say(str(error))
            return
        output.say(viewer.show(page, item.whole_text(result)))

    def _decide(self, result: Result, key: str) -> Decision | None:
        """Return the decision of a key, once its question is answered; None if it was not."""
        action = "reject" if key == "r" else "approve"
        decision = Decision(*_key(result), action, soft_block=self._soft_block)
        if key == "r":
            feedback = prompts.line("Why? The worker reads it; empty goes back")
            if problem := decisions_file.feedback_problem(action, feedback):
                output.say(f"Not noted: {problem}.")
                return None
            return decision._replace(feedback=feedback)
        if key == "b":
            try:
                return decision._replace(bonus=money.dollars(prompts.line("Bonus in dollars")))
            except ValueError as error:
                output.say(f"Not noted: {error}.")
                return None
        return decision

    def _drop_note(self, result: Result) -> None:
        self._registry.drop_note(*_key(result))
        self._notes.pop(_key(result), None)

    def _note(self, result: Result) -> Decision | None:
        return self._notes.get(_key(result))

    def _describe(self, number: int, result: Result) -> str:
        assignment = result.assignment
        record = self._registry.worker_record(assignment.worker_id, [result.task_name])
        so_far = ", ".join(f"{count} {status.lower()}" for status, count in sorted(record.items()))
        submitted_at = assignment.submitted_at
        moment = times.spoken(submitted_at) if submitted_at else timestamp(submitted_at)
        noted = f" · {len(self._notes)} noted" if self._notes else ""
        lines = [
            f"\n{number + 1} of {len(self._results)} · {result.task_name} · unit {result.unit_index}"
            f" · submitted {moment}{noted}",
            *item.field_lines(result, terminal.columns(terminal.STDERR)),
            f"  worker {assignment.worker_id}, in {result.task_name} so far: {so_far}",
        ]
        if note := self._note(result):
            lines.append(f"  noted: {_describe(note)}")
        if self._soft_block:
            lines.append("  The worker is to be soft-blocked with the decision; k again takes that back.")
        return "\n".join(lines)


def _key(result: Result) -> tuple[str, str]:
    return result.assignment.assignment_id, result.assignment.worker_id


def _describe(note: Decision) -> str:
    parts = [note.action]
    if note.feedback:
        parts.append(f"({note.feedback})")
    if note.bonus:
        parts.append(f"with a bonus of ${note.bonus}")
    if note.soft_block:
        parts.append("and soft block")
    return " ".join(parts)
