"""Why a form cannot be submitted, and what a browser lets go."""

from __future__ import annotations

import time

import pytest

from crowdops.formats.form_checks import accepts, obstacles, task_form, usable_buttons
from crowdops.formats.html_forms import Control, Page, read_page

URL = "http://tasks.example/unit/7"
SITE = "http://127.0.0.1:8730"
ID = "<input type=hidden name=assignmentId value=3A>"
GOOD = f"<form method=post action={SITE}/mturk/externalSubmit>{ID}<input name=a><button>Go</button></form>"


def told(html: str, site: str = SITE) -> list[str]:
    """What keeps the page's task from being submitted."""
    page = read_page(html, URL)
    form = task_form(page)
    assert form is not None
    return [obstacle.text for obstacle in obstacles(page, form, site)]


@pytest.mark.parametrize(
    "html",
    [
        GOOD,
        GOOD.replace("127.0.0.1", "localhost"),
        GOOD.replace("method=post", "target=_blank method=POST enctype=multipart/form-data"),
        f"<form>{ID}<input name=a><button formmethod=post formaction={SITE}/mturk/externalSubmit>Go</button>",
        f"<form method=post action=/save>{ID}<button>Save</button>"
        f"<button name=a formaction={SITE}/mturk/externalSubmit>Go</button></form>",
        "<form><input name=a><button>Go</button></form><script>f.action = turkSubmitTo</script>",
        GOOD.replace("<button>Go</button>", "") + "<script>$('form').submit()</script>",
        f"<form action=/search><input name=q><button>Find</button></form>{GOOD}",
        GOOD.replace("<input name=a>", "<input type=file name=a>"),
    ],
)
def test_nothing_is_said_of_a_form_that_can_be_submitted(html: str) -> None:
    assert told(html) == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<button>Go</button>", "", "The form has no submit button."),
        ("<button>Go</button>", "<button type=button>Go</button>", "The form has no submit button."),
        ("<button>Go</button>", "<button disabled>Go</button>", "The form has no submit button."),
        ("method=post", "", "The form is sent by GET, and answers are submitted by POST."),
        ("method=post", "method=dialog", "The form is sent by DIALOG, and"),
        ("method=post", "method=post enctype=text/plain", "The form is sent as text/plain, which no site"),
        ("method=post", "method=post target=_top", "The form would leave its frame"),
        (f"action={SITE}/mturk/externalSubmit", "", "The form has no action, so it goes to the page's own"),
        (
            SITE,
            "",
            "The form goes to http://tasks.example/mturk/externalSubmit, not to http://127.0.0.1:8730/",
        ),
        (
            SITE,
            "https://www.mturk.com",
            "The form goes to https://www.mturk.com/mturk/externalSubmit, not to",
        ),
        (SITE, "http://127.0.0.1:8731", "The form goes to http://127.0.0.1:8731/mturk/externalSubmit, not"),
        ("externalSubmit", "externalsubmit", "The form goes to http://127.0.0.1:8730/mturk/externalsubmit"),
        (ID, "", "The form sends no assignmentId."),
        ("<input name=a>", "<input>", "No field of the form has a name, so no answer is sent."),
        (
            "<input name=a>",
            "<input type=file name=a required>",
            "The field a needs a file, and the site takes",
        ),
        ("<input name=a>", "<select name=a required></select>", "The field a has to be chosen from a list"),
    ],
)
def test_what_a_browser_would_not_send_is_said(old: str, new: str, reason: str) -> None:
    assert old in GOOD
    (text,) = told(GOOD.replace(old, new))
    assert text.startswith(reason)


def test_a_site_below_a_path_has_its_own_address() -> None:
    html = GOOD.replace(SITE, "https://lab.example/crowd")
    assert told(html, "https://lab.example/crowd/") == []
    assert told(html, "https://lab.example")[0].startswith(
        "The form goes to https://lab.example/crowd/mturk/"
    )


def test_only_the_buttons_that_submit_count() -> None:
    page: Page = read_page(GOOD.replace("<button>", "<button formaction=/save>Save</button><button>"), URL)
    assert [button.values for button in usable_buttons(page, page.forms[0], SITE)] == [()]


@pytest.mark.parametrize(
    ("control", "good", "bad"),
    [
        (Control("a", "text", required=True), ["x"], [""]),
        (Control("a", "text", shortest=2, longest=3), ["", "xy", "xyz"], ["x", "wxyz", "x😀😀"]),
        (Control("a", "text", pattern="[0-9]{5}|-"), ["12345", "-"], ["1234", "123456"]),
        (Control("a", "text", pattern="[unclosed"), ["anything"], []),
        (Control("a", "text", pattern="(?=.*[0-9]).+"), ["what only a browser can tell"], []),
        (Control("a", "text", pattern=r"[^@\s]+@[^@\s]+\.[a-z]{2,}"), ["a@b.org"], ["a@b", "@b.org"]),
        (Control("a", "text", pattern="\ud800"), ["half a character"], []),
        (Control("a", "number"), ["3", "-3"], ["3.5", "three", "NaN"]),
        (Control("a", "number", low="0.5", high="2.5"), ["0.5", "2.5"], ["1", "0", "3.5"]),
        (Control("a", "number", step="any"), ["3.25"], []),
        (Control("a", "range", low="0", step="5"), ["0", "15"], ["3"]),
        (
            Control("a", "date", low="2026-01-01", high="2026-12-31"),
            ["2026-06-01"],
            ["2025-12-31", "2027-01-01"],
        ),
    ],
)
def test_a_browser_checks_what_is_written(control: Control, good: list[str], bad: list[str]) -> None:
    assert [value for value in good + bad if accepts(control, value)] == good


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|a)*b",
        "(.*)*" * 20 + "b",
        r"(a*)\1*" * 80,
        "(" * 900 + ")" * 900,
        "((a{1,1000}){1,1000}){1,1000}",
        "a{1,1000}" * 200,
        "a" * 1_000_000,
        "|".join(f"[a-z]{{1,{size}}}" for size in range(1, 150)),
    ],
)
def test_no_pattern_takes_longer_than_a_page_is_worth(pattern: str) -> None:
    began = time.process_time()
    for value in ("a" * 12, "a" * 5_000 + "!"):
        accepts(Control("a", "text", pattern=pattern), value)
    assert time.process_time() - began < 2
