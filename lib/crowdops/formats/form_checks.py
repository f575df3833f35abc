"""Why a browser would not submit a form of a task page, or would submit it to somebody else.

What the pages in the frame may do is in the frame's sandbox: forms and scripts, but not to lead the page
around it away.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import re2

from crowdops.formats.html_forms import FILE, ONE_OF, PLAIN, SOME_OF, Button, Control, Form, Page

SUBMIT_PATH = "/mturk/externalSubmit"
_NO_ANSWERS = ("", "assignmentId", "hitId", "workerId", "turkSubmitTo")
MOST_DIGITS = 308  # of a number, as browsers hold it
_LONGEST_PATTERN = 2_000  # characters
_PATTERN_MEMORY = 256 * 1024  # bytes, for what RE2 makes of a pattern
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORTS = {"http": 80, "https": 443}


class Obstacle(NamedTuple):
    """What keeps a form from being submitted, and in which line of the page."""

    line: int
    text: str


def task_form(page: Page) -> Form | None:
    """Return the form that is the task: one that goes to externalSubmit, and else the first one."""
    forms = page.forms
    of_task = (form for form in forms if any("externalSubmit" in button.action for button in form.buttons))
    return next(of_task, forms[0] if forms else None)


def obstacles(page: Page, form: Form, submit_to: str) -> list[Obstacle]:
    """Return why nobody can submit a form to a site: nothing if one of its buttons does.

    `submit_to` is the site's address, the frame's turkSubmitTo. What the page's scripts may do when it loads
    is taken for done.
    """
    of_buttons = [list(_of_button(page, button, submit_to)) for button in form.buttons]
    without = [Obstacle(form.line, "The form has no submit button. Write: <button>Submit</button>.")]
    return [*min(of_buttons, key=len, default=without), *_of_fields(page, form)]


def usable_buttons(page: Page, form: Form, submit_to: str) -> list[Button]:
    """Return the buttons by which a form is submitted to a site."""
    return [button for button in form.buttons if not any(_of_button(page, button, submit_to))]


def accepts(control: Control, value: str) -> bool:
    """Return whether a browser lets a form go with this value in a control that can be written into."""
    if not value:
        return not control.required
    size = len(value.encode("utf-16-le")) // 2
    if control.shortest is not None and size < control.shortest:
        return False
    if control.longest is not None and size > control.longest:
        return False
    if control.pattern and not _matches(control.pattern, value):
        return False
    if control.kind in ("number", "range"):
        return _is_in_steps(control, value)
    return not (control.low and value < control.low) and not (control.high and value > control.high)


def number(text: str) -> Decimal | None:
    """Return the number in an attribute, or None."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= MOST_DIGITS else None


def _of_fields(page: Page, form: Form) -> Iterator[Obstacle]:
    names = {control.name for control in form.controls} | {
        name for button in form.buttons for name, _ in button.values
    }
    if "assignmentId" not in names and not page.may_fill:
        yield Obstacle(
            form.line,
            "The form sends no assignmentId. Write:"
            ' <input type="hidden" name="assignmentId" value="{{ assignmentId }}">.',
        )
    if not names.difference(_NO_ANSWERS):
        yield Obstacle(form.line, 'No field of the form has a name, so no answer is sent. Write: name="…".')
    for control in form.controls:
        if control.required and control.kind == FILE:
            yield Obstacle(control.line, f"{_named(control)} needs a file, and the site takes none.")
        elif control.required and control.kind in (ONE_OF, SOME_OF) and not control.options:
            yield Obstacle(control.line, f"{_named(control)} has to be chosen from a list without a value.")


def _of_button(page: Page, button: Button, submit_to: str) -> Iterator[Obstacle]:
    is_filled = page.may_fill and not button.action
    target = submit_to.rstrip("/") + SUBMIT_PATH
    if button.method != "POST" and not is_filled:
        text = f"The form is sent by {button.method}, and answers are submitted by POST."
        yield Obstacle(button.line, f'{text} Write: method="post".')
    if button.enctype == PLAIN:
        yield Obstacle(button.line, f"The form is sent as {PLAIN}, which no site reads. Leave enctype out.")
    if button.target in ("_top", "_parent"):
        text = "The form would leave its frame, which the site forbids."
        yield Obstacle(button.line, f'{text} Leave target="{button.target}" out.')
    if not button.action and not is_filled:
        text = f"The form has no action, so it goes to the page's own address, not to {target}."
        yield Obstacle(button.line, text)
    elif button.action and not _is_one_place(button.action, target):
        yield Obstacle(button.line, f"The form goes to {button.action}, not to {target}.")


def _named(control: Control) -> str:
    return f"The field {control.name}" if control.name else f"The field without a name in line {control.line}"


def _is_one_place(address: str, other: str) -> bool:
    try:
        return _is_same(urlsplit(address), urlsplit(other))
    except ValueError:  # what no browser takes for an address
        return False


def _is_same(one: SplitResult, other: SplitResult) -> bool:
    """Return whether two addresses are one place. All names of this machine are one."""
    hosts = ["loopback" if parts.hostname in _LOOPBACK else parts.hostname for parts in (one, other)]
    ports = [_port(parts) for parts in (one, other)]
    return (
        one.scheme == other.scheme
        and hosts[0] == hosts[1]
        and ports[0] == ports[1]
        and one.path == other.path
    )


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None


def _matches(pattern: str, value: str) -> bool:
    """Return whether a value fits a pattern of the page, as far as can be told in a bounded time.

    Python's own engine may take years over twenty characters, and whoever wrote the page wrote the pattern.
    RE2 takes a time that is linear in both. What it cannot read (look-ahead, references, what is too large,
    what no browser reads either) keeps nothing out.
    """
    if len(pattern) > _LONGEST_PATTERN:
        return True
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    try:
        return re2.compile(pattern, options).fullmatch(value) is not None
    except (re2.error, UnicodeEncodeError):
        return True


def _is_in_steps(control: Control, value: str) -> bool:
    amount, low, high, step = (number(text) for text in (value, control.low, control.high, control.step))
    if amount is None or (low is not None and amount < low) or (high is not None and amount > high):
        return False
    if control.step.strip().lower() == "any":
        return True
    try:
        return (amount - (low or 0)) % (step if step and step > 0 else 1) == 0
    except InvalidOperation:  # of so many digits that a browser reckons with fewer, too
        return True
