"""The form of a task page as a worker's browser would submit it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crowdops.errors import ProviderError
from crowdops.formats import form_checks
from crowdops.formats.html_forms import FIXED, MULTIPART, Control, read_page

Values = list[tuple[str, str]]


class TaskForm(NamedTuple):
    """A form that can be submitted: where to, its controls, and what each of its buttons adds.

    `is_checked`: whether the browser lets it go only when its fields hold what they ask for.
    """

    action: str
    controls: tuple[Control, ...]
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ((),)
    is_multipart: bool = False
    is_checked: bool = True


def read_form(html: str, url: str, query: dict[str, str]) -> TaskForm:
    """Return the form of a task page that was opened at `url` with the frame's query parameters.

    What page scripts do at load is done here: an empty assignmentId is filled in, and a form without an
    action goes to turkSubmitTo. ProviderError says why a browser could not submit it.
    """
    page = read_page(html, url)
    form = form_checks.task_form(page)
    if form is None:
        without = " that works without JavaScript" if page.has_scripts else ", so nobody can submit it"
        raise ProviderError(f"The task page has no form{without}.")
    submit_to = query.get("turkSubmitTo", url).rstrip("/")
    if obstacles := form_checks.obstacles(page, form, submit_to):
        raise ProviderError(f"The task page cannot be submitted. {obstacles[0].text}")
    controls = form.controls
    if page.may_fill:
        controls = tuple(_with_assignment(controls, query.get("assignmentId", "")))
    buttons = form_checks.usable_buttons(page, form, submit_to)
    return TaskForm(
        action=buttons[0].action or submit_to + form_checks.SUBMIT_PATH,
        controls=controls,
        buttons=tuple(button.values for button in buttons),
        is_multipart=buttons[0].enctype == MULTIPART,
        is_checked=buttons[0].checks,
    )


def _with_assignment(controls: Sequence[Control], assignment_id: str) -> Iterator[Control]:
    """Yield the controls, with the id of the assignment in the place of an empty or absent one."""
    filled_in = Control("assignmentId", FIXED, (assignment_id,))
    for control in controls:
        is_empty = control.name == "assignmentId" and not any(control.options)
        yield filled_in if is_empty else control
    if not any(control.name == "assignmentId" for control in controls):
        yield filled_in
