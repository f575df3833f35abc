"""Simulated workers send what a real browser sends, and nothing where it sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Page, Request, Route, TimeoutError

from crowdops.errors import ProviderError
from crowdops.formats.form_checks import accepts
from crowdops.formats.html_forms import BOX, FIXED, ONE_OF, SOME_OF, read_page
from crowdops.providers.crowd_server.forms import TaskForm, read_form
from crowdserver.site import frames

pytestmark = pytest.mark.browser

SITE = "http://127.0.0.1:8730"
URL = f"{SITE}/frame/x"
QUERY = {"assignmentId": "3ABC", "turkSubmitTo": SITE}
ID = '<input type="hidden" name="assignmentId" value="3ABC">'
OPEN = f'<form method="post" action="/mturk/externalSubmit">{ID}'
# Whatever is offered is taken, and nothing is left empty.
FILL = """() => {
    for (const box of document.querySelectorAll("[type=checkbox], [type=radio]")) box.checked = true;
    for (const option of document.querySelectorAll("select[multiple] option")) option.selected = true;
    for (const text of document.querySelectorAll("input:not([type]), textarea")) text.value ||= "x";
}"""
SENT = [
    f"{OPEN}<input name=a><textarea name=b></textarea><input><button>Go</button>",
    f"{OPEN}<input type=checkbox name=t value=1><input name=a><input type=checkbox name=t value=2><button>Go",
    f"{OPEN}<select multiple name=t[]><option>1<option>2<option disabled>3</select><button>Go</button>",
    f"{OPEN}<input name=t[]><input name=t[]><button name=verdict value=yes>Go</button>",
    f"{OPEN}<input type=radio name=r value=1><input type=radio name=r value=2><input type=submit name=go>",
    f"{OPEN}<fieldset disabled><legend><input name=in></legend><input name=x></fieldset><button>Go</button>",
    f"{OPEN}<input name=x disabled><input name=y form=g><input name=z form=''><input name=a><button>Go",
    f"<form id=f method=post action=/mturk/externalSubmit>{ID}</form><input name=a form=f><button form=f>Go",
    f"{OPEN}<select name=s><optgroup disabled><option>1</optgroup><option>2</select><button>Go</button>",
    f"{OPEN}<select name=s><option disabled selected></select><select name=e>1</select><button name=a>Go",
    f"{OPEN}<input type=file name=photo><input name=a><button>Go</button>",
    f"<form>{ID}<input name=a><button formmethod=post formaction=/mturk/externalSubmit>Go</button>",
    f"<table><tr>{OPEN}<td><input name=a></td></tr><tr><td><input name=b><button>Go</button></table>",
    f"{OPEN}<input name=a readonly required value=1><select name=s readonly><option>1</select><button>Go",
    f"{OPEN}<template><input name=no></template><noscript><input name=no></noscript><input name=a><button>Go",
    f"<base href='{SITE}/mturk/'><form method=post action=externalSubmit>{ID}<input name=a><button>Go",
]
NOT_SENT = [
    f"{ID}<input name=a><button>Go</button>",
    f"{OPEN}<input name=a><input name=b></form>",
    f"{OPEN}<input name=a><button type=button>Go</button>",
    f"{OPEN}<input name=a><button disabled>Go</button>",
    f"{OPEN}<input name=a><button formmethod=dialog>Go</button>",
    f"{OPEN}<input name=a><button formtarget=_top>Go</button>",
    f"{OPEN}<input name=a><button formaction=/save>Go</button>",
    f"{OPEN}<input type=file name=a required><button>Go</button>",
    f"{OPEN}<select name=a required><option value=''>Please choose</select><button>Go</button>",
    f"<form action=/mturk/externalSubmit>{ID}<input name=a><button>Go</button>",
    f"<form method=post>{ID}<input name=a><button>Go</button>",
    f"{OPEN}<form><input name=a></form><button>Go</button>",
]


@pytest.fixture(scope="module")
def frame(browser: Browser) -> Iterator[Page]:
    """A page whose frame shows the last page that was given to `show`, in the site's sandbox."""
    page = browser.new_page()
    page.set_default_timeout(30_000)
    yield page
    page.close()


def submitted(page: Page, html: str, patience: float) -> list[tuple[str, str]] | None:
    """Fill in a page in the frame and press its last button: the fields that come to externalSubmit.

    None if none come within so many milliseconds.
    """

    def answer(route: Route) -> None:
        outer = f'<iframe sandbox="{frames.SANDBOX}" src="/frame/x"></iframe>'
        body = outer if route.request.url == f"{SITE}/" else html
        route.fulfill(body=body, content_type="text/html")

    def is_submission(request: Request) -> bool:
        return request.method == "POST" and request.url == f"{SITE}/mturk/externalSubmit"

    page.unroute_all()
    page.route("**/*", answer)
    page.goto(f"{SITE}/")
    page.frames[1].evaluate(FILL)
    try:
        with page.expect_request(is_submission, timeout=patience) as sent:
            page.frames[1].evaluate("[...document.querySelectorAll('button, [type=submit]')].at(-1)?.click()")
    except TimeoutError:
        return None
    return parse_qsl(sent.value.post_data or "", keep_blank_values=True)


def everything(form: TaskForm) -> list[str]:
    """The names that a simulated worker sends who leaves nothing out."""
    names = []
    for control in form.controls:
        all_of_it = control.kind in (SOME_OF, BOX, FIXED)
        count = len(control.options) if all_of_it else min(1, len(control.options) or control.kind != ONE_OF)
        names += [control.name] * count
    return [name for name in names if name] + [name for name, _ in form.buttons[-1]]


@pytest.mark.parametrize("html", SENT)
def test_the_same_fields_are_sent(frame: Page, html: str) -> None:
    fields = submitted(frame, html, 30_000)
    assert fields is not None
    assert everything(read_form(html, URL, QUERY)) == [name for name, _ in fields]


@pytest.mark.parametrize("html", NOT_SENT)
def test_what_the_browser_does_not_submit_nobody_does(frame: Page, html: str) -> None:
    assert submitted(frame, html, 100) is None
    with pytest.raises(ProviderError, match="The task page"):
        read_form(html, URL, QUERY)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("<input required>", ["", "x"]),
        ("<input minlength=2 maxlength=3>", ["", "x", "xy", "xyz"]),
        ("<textarea minlength=2 required></textarea>", ["x", "xy"]),
        ("<input pattern='[0-9]{5}|-'>", ["12345", "1234", "-", "-x"]),
        ("<input type=number>", ["3", "-3", "3.5"]),
        ("<input type=number min=0.5 max=2.5>", ["0.5", "1", "2.5", "3.5"]),
        ("<input type=number step=any max=3>", ["2.25", "3.25"]),
        ("<input type=date min=2026-02-01 max=2026-12-31>", ["2026-01-31", "2026-02-01", "2027-01-01"]),
    ],
)
def test_the_same_values_are_accepted(frame: Page, field: str, values: list[str]) -> None:
    (control,) = read_page(f"<form>{field}</form>", URL).forms[0].controls
    frame.set_content(field)
    locator = frame.locator("input, textarea")
    for value in values:
        locator.fill(value)
        assert locator.evaluate("field => field.checkValidity()") == accepts(control, value), value
