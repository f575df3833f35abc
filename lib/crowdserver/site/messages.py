"""What the requester wrote to a worker, and a form to write to the requester."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.operations import inbox, messages
from crowdserver.protocol.identifiers import is_id
from crowdserver.site import responses, signin
from crowdserver.site.signin import crowd
from crowdserver.worker import panels

blueprint = Blueprint("messages", __name__)


@blueprint.get("/messages")
def show() -> ResponseReturnValue:
    """Show the messages, which are read from then on, and the form; `hit`: what is written about."""
    return _show("", None)


@blueprint.post("/messages")
def write() -> ResponseReturnValue:
    """Keep what a worker writes, or show it again with what is to be mended."""
    text = request.form.get("text", "").replace("\r\n", "\n")

    def write_it(tx: Connection, now: float) -> str | None:
        worker_id = signin.visit(tx, now).worker.worker_id
        hit_id = _hit_id()
        return inbox.write(tx, now, worker_id, hit_id if inbox.title_of(tx, hit_id) else None, text)

    problem = crowd().write(write_it)
    return _show(text, problem) if problem else responses.go_to("/messages?note=written")


def _show(text: str, problem: str | None) -> ResponseReturnValue:
    with crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        worker_id = visit.worker.worker_id
        # Whoever knows or guesses a participant's id may be here.
        is_private = not panels.is_participant(worker_id)
        received = messages.latest(tx, worker_id) if is_private else []
        written = inbox.latest(tx, worker_id) if is_private else []
        hit_id = _hit_id()
        title = inbox.title_of(tx, hit_id)
    if visit.unread and received and request.method == "GET":
        newest = received[0].sent_at
        crowd().write(lambda tx, now: messages.mark_read(tx, now, worker_id, newest))
    page = responses.show(
        "messages.html",
        visit,
        received=received,
        written=written,
        about=(hit_id, title) if title else None,
        text=text,
        problem=problem,
        most=inbox.MOST_CHARACTERS,
    )
    page.status_code = 422 if problem else 200
    return page


def _hit_id() -> str:
    """Return the HIT that a request is about; what is no id is about none."""
    hit_id = request.values.get("hit", "")
    return hit_id if is_id(hit_id) else ""
