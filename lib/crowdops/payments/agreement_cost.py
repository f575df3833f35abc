"""What it costs until the answers to units agree, by the answers that a run has had so far."""

from __future__ import annotations

from collections.abc import Mapping

from crowdops.errors import UsageError
from crowdops.formats import words
from crowdops.payments import pricing
from crowdops.registry import Registry, Run
from crowdops.results import votes

NAMES = ("answer_field", "agree", "at_most")


def explain(registry: Registry, run: Run, given: Mapping[str, str]) -> str:
    """Return in words what agreement will cost, by the first hundred answers of a run.

    `given` are values of a run.toml, in place of the run's own. UsageError if no field is named, or one that
    no answer has, or if the numbers cannot stand together.
    """
    own = run.parameters
    parameters = own._replace(
        answer_field=given.get("answer_field", own.answer_field),
        agree=_number(given, "agree", own.agree),
        at_most=_number(given, "at_most", own.at_most),
        assignments_per_unit=_number(given, "assignments_per_unit", own.assignments_per_unit),
    )
    if not parameters.answer_field:
        raise UsageError(
            f"Run {run.run_id} says of no field that it has to agree. Name one below [quality] in a run.toml,"
            " and give that as well: --run-toml FILE"
        )
    if not 2 <= parameters.agree <= parameters.at_most:
        raise UsageError(
            f"agree is {parameters.agree}, and at_most {parameters.at_most}: agree is 2 at the least, and"
            " at_most not less than agree."
        )
    if lost := votes.lost_field(registry, run._replace(parameters=parameters)):
        raise UsageError(lost)
    units = votes.first_answers(registry, run, parameters.answer_field)
    expected = votes.expected_answers(units, parameters)
    number = sum(len(answers) for answers in units)
    if expected is None:
        return (
            f"Run {run.run_id} has {words.count(number, 'answer')}, and no unit has two: what agreement will"
            " cost cannot be told by them."
        )
    price = pricing.assignment_cost(parameters, run.environment)
    likely, most = round(expected * run.units), parameters.at_most * run.units
    return (
        f"By the first {words.count(number, 'answer')} of run {run.run_id}, a unit takes {expected:.1f} until"
        f" {parameters.agree} are the same, of {parameters.at_most} at most:"
        f" {words.count(run.units, 'unit')} cost about ${likely * price:.2f} with fees, and"
        f" ${most * price:.2f} at most."
    )


def _number(given: Mapping[str, str], name: str, otherwise: int) -> int:
    try:
        return int(given.get(name, otherwise))
    except ValueError:
        raise UsageError(f"{name} is {given[name]!r}; write it as a whole number.") from None
