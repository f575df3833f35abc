"""Reading the forms of a page: which controls, and how each button sends them."""

from __future__ import annotations

from pathlib import Path

import pytest

import taskserver
from crowdops.formats.html_forms import (
    BOX,
    FILE,
    FIXED,
    MULTIPART,
    ONE_OF,
    PLAIN,
    SOME_OF,
    Button,
    Control,
    read_page,
)

REPORTER = (Path(taskserver.__file__).parent / "templates" / "reporter.html").read_text()
URL = "http://tasks.example/unit/7?assignmentId=3ABC"


def controls(html: str) -> tuple[Control, ...]:
    """The controls of the page's first form, their lines left out."""
    page = read_page(f"<form action='/mturk/externalSubmit' method='post'>{html}</form>", URL)
    return tuple(control._replace(line=0) for control in page.forms[0].controls)


def names(html: str) -> list[list[str]]:
    """The names of the controls of each form of a page."""
    return [[control.name for control in form.controls] for form in read_page(html, URL).forms]


def buttons(html: str) -> list[Button]:
    return [button._replace(line=0) for button in read_page(html, URL).forms[0].buttons]


def test_controls_come_in_the_order_of_the_page_with_their_limits() -> None:
    assert controls(
        """<input type="hidden" name="version" value="2">
        <textarea name="why" minlength=5 maxlength="20" required></textarea>
        <input name="age" type="number" min="18" max="99" step="0.5"><input name="nick" pattern="[a-z]+">
        <input name="day" type="date" min="2026-01-01">"""
    ) == (
        Control("version", FIXED, ("2",)),
        Control("why", "text", required=True, shortest=5, longest=20),
        Control("age", "number", low="18", high="99", step="0.5"),
        Control("nick", "text", pattern="[a-z]+"),
        Control("day", "date", low="2026-01-01"),
    )


def test_radio_buttons_of_one_name_are_one_choice_and_every_box_is_its_own() -> None:
    assert controls(
        """<input type="radio" name="a" value="1" required><input type="radio" name="b" value="x">
        <input type="radio" name="a" value="2"><input type="checkbox" name="c" value="p" required>
        <input type="checkbox" name="c" value="q"><input type="checkbox" name="d">"""
    ) == (
        Control("a", ONE_OF, ("1", "2"), True),
        Control("b", ONE_OF, ("x",)),
        Control("c", BOX, ("p",), True),
        Control("c", BOX, ("q",)),
        Control("d", BOX, ("on",)),
    )


def test_lists_offer_their_values_but_not_please_choose() -> None:
    assert controls(
        """<select name="one"><option value="">Please choose</option><option>cat</option>
        <option value="d">dog</option>
        <option disabled>cow</option></select>
        <select name="many" multiple><option>a<option>b
        <optgroup label="x" disabled><option>c</optgroup><option>d</select>
        <select name="none" required><option value="">Please choose</select>"""
    ) == (
        Control("one", ONE_OF, ("cat", "d")),
        Control("many", SOME_OF, ("a", "b", "d")),
        Control("none", ONE_OF, (), True),
    )


def test_what_cannot_be_changed_is_fixed_unless_its_kind_knows_no_readonly() -> None:
    assert controls(
        """<input name="a" value="1" readonly required><textarea name="b" readonly>x &amp; y</textarea>
        <select name="c" readonly><option>1</select><input type="checkbox" name="d" readonly>"""
    ) == (
        Control("a", FIXED, ("1",)),
        Control("b", FIXED, ("x & y",)),
        Control("c", ONE_OF, ("1",)),
        Control("d", BOX, ("on",)),
    )


def test_a_control_without_a_name_and_one_for_files_are_told() -> None:
    assert controls('<input required><input type="FILE" name="photo"><input type="colour" name="odd">') == (
        Control("", "text", required=True),
        Control("photo", FILE),
        Control("odd", "text"),
    )


def test_what_is_disabled_or_not_part_of_the_page_is_left_out() -> None:
    assert names(
        """<form><input name="off" disabled><input type="button" name="b"><input type="reset" name="r">
        <fieldset disabled><legend><input name="in the legend"></legend><legend><input name="second"></legend>
        <input name="in it"><fieldset><select name="deep"><option>1</select></fieldset></fieldset>
        <template><input name="template"></template><noscript><input name="noscript"></noscript>
        <!-- <input name="comment"> --><textarea name="t"><input name="text"></textarea>
        <script>"<input name='script'>"</script><input name="last"></form>"""
    ) == [["in the legend", "t", "last"]]


def test_controls_belong_to_the_form_they_name_or_to_the_open_one() -> None:
    assert names(
        """<form id="f"><input name="in"><input name="elsewhere" form="g"><input name="no" form=""></form>
        <input name="mine" form="f"><input name="nobodys"><form id="g"><input name="other"></form>"""
    ) == [["in", "mine"], ["elsewhere", "other"]]


def test_a_form_is_open_until_its_end_tag_and_holds_no_other() -> None:
    assert names("<table><tr><form><td><input name='a'></tr><tr><td><input name='b'></form></table>") == [
        ["a", "b"]
    ]
    assert names("<form><input name='a'><form><input name='b'></form><input name='lost'></form>") == [
        ["a", "b"]
    ]


def test_buttons_send_what_they_hold() -> None:
    sent = buttons(
        """<form action="save" method="post"><button name="verdict" value="yes">Yes</button><button>No
        <input type="submit" name="go"><input type="image" name="at"><button type="button" name="x"></button>
        <button disabled name="y"></button></form>"""
    )
    assert [button.values for button in sent] == [
        (("verdict", "yes"),),
        (),
        (("go", "Submit"),),
        (("at.x", "1"), ("at.y", "1")),
    ]
    assert {(button.action, button.method) for button in sent} == {("http://tasks.example/unit/save", "POST")}


@pytest.mark.parametrize(
    ("form", "button", "expected"),
    [
        ("", "", Button((), "", "GET")),
        ("action='' method=PUT", "", Button((), "", "GET")),
        ("action='#top' method=dialog", "", Button((), "", "DIALOG")),
        (
            "action=' /a ' method=Post novalidate enctype='multipart/form-data'",
            "",
            Button((), "http://tasks.example/a", "POST", MULTIPART, checks=False),
        ),
        (
            "action=/a target=_TOP",
            "formaction=b formmethod=post formenctype=text/plain formtarget=_blank formnovalidate",
            Button((), "http://tasks.example/unit/b", "POST", PLAIN, "_blank", checks=False),
        ),
    ],
)
def test_what_a_button_says_comes_before_what_its_form_says(form: str, button: str, expected: Button) -> None:
    assert buttons(f"<form {form}><button {button}>Go</button></form>") == [expected]


def test_a_base_changes_where_a_form_goes() -> None:
    html = "<base href='/sub/'><base href='/second/'><form action='x'><button></form>"
    assert buttons(html)[0].action == "http://tasks.example/sub/x"


@pytest.mark.parametrize(
    ("script", "may_fill", "may_send"),
    [
        ("", False, False),
        ("<script>alert(1)</script>", False, False),
        ("<script>form.elements.assignmentId.value = 1</script>", True, False),
        ("<script type='text/x-template'>assignmentId.submit()</script>", False, False),
        ("<div onclick='document.forms[0].submit()'>Send</div>", False, True),
        # What a task server of ours adds to each page: it reports, and does nothing for the form.
        (f"<script>{REPORTER}</script>", False, False),
        ("<script src='bundle.js'></script>", True, True),
    ],
)
def test_scripts_may_fill_in_and_send(script: str, may_fill: bool, may_send: bool) -> None:
    page = read_page(f"<form><input name='a'></form>{script}", URL)
    assert (page.may_fill, page.may_send) == (may_fill, may_send)
    assert len(page.forms[0].buttons) == may_send


def test_every_part_knows_its_line() -> None:
    page = read_page("<html>\n<form>\n<input name='a'>\n\n<button>Go</button></form>", URL)
    form = page.forms[0]
    assert (form.line, form.controls[0].line, form.buttons[0].line) == (2, 3, 5)
