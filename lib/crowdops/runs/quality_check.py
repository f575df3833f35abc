"""Before a run is launched whose answers have to agree: whether its page has the field, and the cost."""

from __future__ import annotations

from collections.abc import Iterator

from crowdops.config.parameters import Parameters
from crowdops.errors import UsageError, nearest
from crowdops.formats import html_forms, words
from crowdops.payments import pricing


def remarks(parameters: Parameters, html: str | None, units: int, environment: str) -> Iterator[str]:
    """Yield what is to be known of a run with [quality]. `html` is its first page, None if it is not ours.

    UsageError if that page certainly lacks the field: no unit could agree, and all would get at_most.
    """
    field = parameters.answer_field
    if not field:
        return
    if html is not None:
        yield from _check_field(field, html)
    if parameters.assignments_per_unit >= 2 * parameters.agree:
        yield (
            f"Of {parameters.assignments_per_unit} answers to a unit two different ones can have"
            f" {parameters.agree} votes each, and the one that was given first counts. Raise agree to"
            f" {parameters.assignments_per_unit // 2 + 1}."
        )
    most = parameters.at_most * units
    cost = most * pricing.assignment_cost(parameters, environment)
    wall = f"; max_cost is ${parameters.max_cost}" if parameters.max_cost is not None else ""
    yield (
        f"Units that disagree on {field} get up to {parameters.at_most} answers:"
        f" {words.count(most, 'answer')} and ${cost} at most{wall}."
    )


def _check_field(field: str, html: str) -> Iterator[str]:
    forms = html_forms.read_page(html, "").forms
    kinds = {control.name: control.kind for form in forms for control in form.controls if control.name}
    if field in kinds:
        if kinds[field] == "text":
            yield (
                f"answer_field {field!r} is free text: two people seldom write the same, nor with the same"
                " capitals, and then a unit gets at_most answers. A choice fits, such as radio buttons."
            )
        return
    text = f"answer_field is {field!r}, and the page has no such field.{nearest(field, kinds)}"
    if "<script" not in html.lower() and "<crowd-" not in html.lower():
        raise UsageError(f"{text} Nothing was created.")
    yield text
