"""Reading the form of a task page."""

from __future__ import annotations

import pytest

from crowdops.errors import ProviderError
from crowdops.providers.crowd_server.forms import FIXED, ONE_OF, SOME_OF, Control, read_form

URL = "http://tasks.example/unit/7?assignmentId=3ABC"
QUERY = {
    "assignmentId": "3ABC",
    "hitId": "3HIT",
    "workerId": "AW",
    "turkSubmitTo": "http://crowd.example:8730",
}


def controls(html: str) -> tuple[Control, ...]:
    """The controls, without the assignment's id that every form gets."""
    form = read_form(f"<form action='/mturk/externalSubmit' method='post'>{html}</form>", URL, QUERY)
    return tuple(control for control in form.controls if control.name != "assignmentId")


def test_controls_come_in_the_order_of_the_page_with_their_limits() -> None:
    assert controls(
        """<input type="hidden" name="version" value="2">
        <textarea name="why" maxlength="20" required></textarea>
        <input name="age" type="number" min="18" max="99"><input name="nick">"""
    ) == (
        Control("version", FIXED, ("2",)),
        Control("why", "text", (), True, None, None, 20),
        Control("age", "number", (), False, 18, 99),
        Control("nick", "text"),
    )


def test_buttons_and_boxes_of_one_name_are_one_choice() -> None:
    assert controls(
        """<input type="radio" name="a" value="1" required><input type="radio" name="b" value="x">
        <input type="radio" name="a" value="2"><input type="checkbox" name="c" value="p">
        <input type="checkbox" name="c" value="q"><input type="checkbox" name="d">
        <button name="verdict" value="yes">Yes</button><button name="verdict" value="no">No</button>"""
    ) == (
        Control("a", ONE_OF, ("1", "2"), True),
        Control("b", ONE_OF, ("x",)),
        Control("c", SOME_OF, ("p", "q")),
        Control("d", SOME_OF, ("on",)),
        Control("verdict", ONE_OF, ("yes", "no")),
    )


def test_lists_offer_their_values_but_not_please_choose() -> None:
    assert controls(
        """<select name="one"><option value="">Please choose</option><option>cat</option>
        <option value="d">dog</option>
        <option disabled>cow</option></select>
        <select name="many" multiple><option>a</option><option>b</option></select>"""
    ) == (Control("one", ONE_OF, ("cat", "d")), Control("many", SOME_OF, ("a", "b")))


def test_what_a_browser_would_not_send_is_left_out() -> None:
    assert (
        controls(
            """<input name="off" disabled><input type="button" name="b"><input type="file" name="f">
            <input type="reset" name="r"><input value="nameless"><button>Submit</button>"""
        )
        == ()
    )


def test_controls_outside_belong_to_the_form_they_name() -> None:
    html = """<form id="f" action="/mturk/externalSubmit" method="post"><input name="in"></form>
        <input name="mine" form="f"><input name="nobodys"><form id="g"><input name="other"></form>"""
    assert [control.name for control in read_form(html, URL, QUERY).controls] == [
        "in",
        "mine",
        "assignmentId",
    ]


def test_an_empty_assignment_id_is_filled_in_where_it_stands() -> None:
    html = (
        '<form action="/mturk/externalSubmit">'
        '<input name="assignmentId" type="hidden" value=""><input name="a"></form>'
    )
    assert read_form(html, URL, QUERY).controls[0] == Control("assignmentId", FIXED, ("3ABC",))


@pytest.mark.parametrize(
    ("form", "action", "method"),
    [
        (
            "<form action='/mturk/externalSubmit' method='post'>",
            "http://tasks.example/mturk/externalSubmit",
            "POST",
        ),
        (
            "<form action='http://c.example/mturk/externalSubmit'>",
            "http://c.example/mturk/externalSubmit",
            "GET",
        ),
        ("<form>", "http://crowd.example:8730/mturk/externalSubmit", "POST"),
        ("<form action='save' method='POST'>", "http://tasks.example/unit/save", "POST"),
        (
            "<form action='/search'></form><form action='x/externalSubmit'>",
            "http://tasks.example/unit/x/externalSubmit",
            "GET",
        ),
    ],
)
def test_the_form_goes_where_it_says_or_else_to_turk_submit_to(form: str, action: str, method: str) -> None:
    read = read_form(form + "<input name='a'></form>", URL, QUERY)
    assert (read.action, read.method) == (action, method)


def test_a_page_without_a_form_is_an_error() -> None:
    with pytest.raises(ProviderError, match="The task page has no form that works without JavaScript"):
        read_form("<p>Loading…</p><script src='app.js'></script>", URL, QUERY)
