"""Whether the answers to a unit agree: the votes for each, and how many more are lacking.

Rejected answers do not count, and one without the field agrees with none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from random import Random
from typing import Any, NamedTuple

from crowdops.config.parameters import Parameters
from crowdops.errors import nearest
from crowdops.registry import Assignment, Registry, Result, Run

AGREED, AT_MOST, OUT_OF_MONEY, OPEN = "agreed", "at_most", "out_of_money", "open"
FIRST_ANSWERS = 100  # of a run, by which its cost is estimated
DRAWS = 50  # of each unit, for that


class Vote(NamedTuple):
    """The answer to a unit with the most votes, how many it has, and how many answers there are."""

    answer: str | None
    votes: int
    answers: int


class Decision(NamedTuple):
    """What has come of a unit: whether `agree` answers are equal, which, and why there are no more of them.

    `why` is agreed, at_most, out_of_money, or open.
    """

    agreed: bool
    answer: str | None
    votes: int
    answers: int
    why: str

    def as_json(self) -> dict[str, Any]:
        """Return it as the JSON object that others build on."""
        return self._asdict()


def count(answers: Iterable[str | None]) -> Vote:
    """Return how answers vote; of two with as many votes the first that was given."""
    total, votes = 0, Counter[str]()
    for answer in answers:
        total += 1
        if answer:
            votes[answer] += 1
    best = votes.most_common(1)
    return Vote(best[0][0], best[0][1], total) if best else Vote(None, 0, total)


def vote(assignments: Iterable[Assignment], field: str) -> Vote:
    """Return how the assignments of a unit vote."""
    return count(_answer(assignment, field) for assignment in assignments if assignment.status != "Rejected")


def _answer(assignment: Assignment, field: str) -> str | None:
    value = assignment.answer.get(field)
    return None if value is None else str(value).strip()


def lacking(vote: Vote, parameters: Parameters) -> int:
    """Return how many answers a unit lacks, as far as is certain: it cannot agree with fewer.

    The first assignments_per_unit come in any case.
    """
    first = parameters.assignments_per_unit - vote.answers
    if first > 0 or not parameters.answer_field:
        return max(0, first)
    return max(0, min(parameters.agree - vote.votes, parameters.at_most - vote.answers))


def by_unit(registry: Registry, run: Run) -> Iterator[tuple[int, Vote]]:
    """Yield how each unit of a run that has answers votes, by unit."""
    field = run.parameters.answer_field
    for index, results in groupby(registry.iter_results([run.run_id]), key=lambda result: result.unit_index):
        yield index, vote((result.assignment for result in results), field)


def lost_field(registry: Registry, run: Run) -> str:
    """Return in words that no answer to a run has the field that has to agree; '' if one has, or none came.

    Then no more answers could ever agree, and none are to be asked for.
    """
    field, run_id = run.parameters.answer_field, run.run_id
    if not field or registry.has_answer_field(run_id, field):
        return ""
    names = registry.answer_fields(run_id, FIRST_ANSWERS)
    if not names:
        return ""
    return (
        f"No answer to run {run_id} has the field {field!r} (answer_field), so that none can agree, and no"
        f" more are asked for.{nearest(field, names)} What came in: make results RUN={run_id}"
    )


def decisions(registry: Registry, run: Run) -> dict[int, Decision]:
    """Return what has come of each unit of a run that has answers; nothing if nothing has to agree."""
    if not run.parameters.answer_field:
        return {}
    spent = registry.units_out_of_money(run.run_id)
    return {index: _decide(vote, run, is_spent=index in spent) for index, vote in by_unit(registry, run)}


def iter_results(registry: Registry, run_ids: Sequence[str]) -> Callable[[], Iterator[Result]]:
    """Return what yields the results of runs, each with what has come of its unit, as often as asked."""
    runs = [run for run_id in run_ids if (run := registry.run(run_id)) and run.parameters.answer_field]
    decided = {run.run_id: decisions(registry, run) for run in runs}

    def results() -> Iterator[Result]:
        for result in registry.iter_results(run_ids):
            decision = decided.get(result.run_id, {}).get(result.unit_index)
            yield result._replace(quality=decision.as_json()) if decision else result

    return results


def _decide(vote: Vote, run: Run, *, is_spent: bool) -> Decision:
    agreed = vote.votes >= run.parameters.agree
    if agreed:
        why = AGREED
    elif vote.answers >= run.parameters.at_most:
        why = AT_MOST
    else:
        why = OUT_OF_MONEY if is_spent else OPEN
    return Decision(agreed, vote.answer, vote.votes, vote.answers, why)


def expected_answers(units: Sequence[Sequence[str | None]], parameters: Parameters) -> float | None:
    """Return how many answers a unit will take, by the answers that some units have; None without any.

    Each unit begins with its own, in their order. Those after them are drawn until they agree or are as many
    as can be: from its own, or from all, as often as an answer is one that its unit has only once. That is
    how probable it is that the next one was not given before (I. J. Good, 1953, Biometrika 40, for one unit).
    """
    several = [answers for answers in units if len(answers) > 1]
    if not several:
        return None
    everything = [answer for answers in several for answer in answers]
    alone = sum(times == 1 for answers in several for times in Counter(answers).values())
    random, new = Random(0), alone / len(everything)

    def draw(answers: Sequence[str | None]) -> int:
        """Return how many answers it takes a unit that begins with these, this time."""
        drawn, rest = list[str | None](), iter(answers)
        while more := lacking(count(drawn), parameters):
            for _ in range(more):
                source = everything if random.random() < new else answers
                drawn.append(next(rest, random.choice(source)))
        return len(drawn)

    total = sum(draw(answers) for answers in several for _ in range(DRAWS))
    return total / (len(several) * DRAWS)


def first_answers(registry: Registry, run: Run, field: str) -> list[list[str | None]]:
    """Return the first answers of a run, by unit; rejected ones are left out."""
    units: dict[int, list[str | None]] = {}
    taken = sorted(
        (result for result in registry.iter_results([run.run_id]) if result.assignment.status != "Rejected"),
        key=lambda result: str(result.assignment.submitted_at),
    )
    for result in taken[:FIRST_ANSWERS]:
        units.setdefault(result.unit_index, []).append(_answer(result.assignment, field))
    return list(units.values())
