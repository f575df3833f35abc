"""What the site answers: pages around the work, and small ones for inside the frame.

Every answer says what a browser may do with it; the policies allow no script but the site's own file.
"""

from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from flask import Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from crowdserver.operations.workers import Worker
from crowdserver.site import frames
from crowdserver.worker import panels
from crowdserver.worker.assignments import PREVIEW_ID

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TASK_POLICY = f"{PAGE_POLICY}; frame-src 'self' http: https:"
FRAME_POLICY = f"sandbox {frames.SANDBOX}; frame-ancestors 'self'"
# A QuestionForm is the site's own page, with pictures from anywhere and no script.
FORM_POLICY = (
    "default-src 'none'; style-src 'self'; img-src http: https:; media-src http: https:; form-action 'self';"
    f" base-uri 'none'; {FRAME_POLICY}"
)
ANSWER_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'self'"

_IN_FRAME = ("site.frame", "site.external_submit")
_NOTES = {
    "returned": "The task was returned. Somebody else can do it now.",
    "submitted": "Thank you. There is no more of that work for you right now.",
    "written": "Your message is with the requester.",
    "working": "This task is not submitted yet. Finish it below, or return it.",
}


class Visit(NamedTuple):
    """One request of a signed-in worker; unread: how many messages are."""

    worker: Worker
    session_id: str
    form_token: str
    now: float
    unread: int


def show(template: str, visit: Visit, policy: str = PAGE_POLICY, **values: Any) -> Response:
    """Return a page for a signed-in worker, with the note that its address asks for."""
    note = _NOTES.get(request.args.get("note", ""))
    of_visit = {
        "worker": visit.worker,
        "form": visit.form_token,
        "now": visit.now,
        "unread": visit.unread,
        "of_panel": panels.is_participant(visit.worker.worker_id),
    }
    text = render_template(template, note=note, **of_visit, **values)
    return private(make_response(text), policy)


def go_to(path: str) -> BaseResponse:
    """Send the browser to another page of the site, wherever the site lies below its host."""
    return redirect(request.script_root + path, 303)


def message(heading: str, text: str, status: int, *, is_outside: bool = False) -> Response:
    """Return a page that only says something, and leads to the list of work unless that is closed."""
    page = render_template("message.html", heading=heading, text=text, is_outside=is_outside)
    return private(make_response(page, status), PAGE_POLICY)


def frame_message(heading: str, text: str, status: int) -> Response:
    """Return a page that only says something and fits into the frame."""
    page = render_template("frame_message.html", heading=heading, text=text)
    return private(make_response(page, status), ANSWER_POLICY)


def frame_form(form: Element, assignment_id: str, **sent: Any) -> Response:
    """Return the page of a QuestionForm, which fits into the frame; sent: `given` and `problems`."""
    preview = assignment_id == PREVIEW_ID
    page = render_template("frame_form.html", form=form, assignment_id=assignment_id, preview=preview, **sent)
    return private(make_response(page, 422 if sent.get("problems") else 200), FORM_POLICY)


def failure(text: str, status: int) -> Response:
    """Return a page that says why something was not done; in the frame, one that fits there."""
    show = frame_message if request.endpoint in _IN_FRAME else message
    return show("This did not work", text, status)


def private(response: Response, policy: str) -> Response:
    """Add what every answer carries: for this browser only, for this purpose only."""
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
