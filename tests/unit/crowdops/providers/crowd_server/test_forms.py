"""The form of a task page as a worker's browser would submit it."""

from __future__ import annotations

import pytest

from crowdops.errors import ProviderError
from crowdops.formats.html_forms import FIXED, Control
from crowdops.providers.crowd_server.forms import read_form

URL = "http://tasks.example/unit/7?assignmentId=3ABC"
SITE = "http://crowd.example:8730"
QUERY = {"assignmentId": "3ABC", "hitId": "3HIT", "workerId": "AW", "turkSubmitTo": SITE}
FILLING = "<script>form.assignmentId.value = given.get('assignmentId')</script>"


@pytest.mark.parametrize("field", ["<input name='assignmentId' type='hidden' value=''>", ""])
def test_a_script_fills_in_the_assignment_and_the_address(field: str) -> None:
    form = read_form(f"<form>{field}<input name='a'><button>Go</button></form>{FILLING}", URL, QUERY)
    assert form.action == f"{SITE}/mturk/externalSubmit"
    assert Control("assignmentId", FIXED, ("3ABC",)) in form.controls


def test_what_is_filled_in_stays() -> None:
    html = (
        f"<form action='{SITE}/mturk/externalSubmit' method='post' enctype='multipart/form-data' novalidate>"
        "<input name='assignmentId' type='hidden' value='3MINE'><button name='a' value='1'>Go</button></form>"
    )
    form = read_form(html, URL, QUERY)
    assert form.controls == (Control("assignmentId", FIXED, ("3MINE",), line=1),)
    assert (form.buttons, form.is_multipart, form.is_checked) == (((("a", "1"),),), True, False)


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("<p>Nothing to do</p>", "The task page has no form, so nobody can submit it."),
        (
            "<p>Loading…</p><script src='app.js'></script>",
            "The task page has no form that works without JavaS",
        ),
        ("<form><button>Go</button></form>", "The task page cannot be submitted. The form is sent by GET"),
        (f"<form>{FILLING}</form>", "The task page cannot be submitted. The form has no submit button"),
    ],
)
def test_a_page_that_a_browser_could_not_submit_is_an_error(html: str, reason: str) -> None:
    with pytest.raises(ProviderError, match=reason):
        read_form(html, URL, QUERY)
