"""The worker site: sign in by link, choose work, do it in a frame, submit or return it.

Plain HTML that works without JavaScript. What changes something is a form with a token of the session.
The frame holds a stranger's page and carries no cookie: its submission counts by its unguessable assignment id.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.exceptions import RequestEntityTooLarge

from crowdserver.operations import blocks, messages
from crowdserver.protocol import question_xml
from crowdserver.site import filters, frames, responses, signin
from crowdserver.site.sessions import FrameKey
from crowdserver.site.signin import ForeignForm, NotSignedIn, crowd, signer
from crowdserver.worker import assignments

blueprint = Blueprint("site", __name__)
blueprint.register_blueprint(signin.blueprint)
filters.register(blueprint)

_STATUS = {
    **dict.fromkeys(("preview", "empty"), 400),
    **dict.fromkeys(("not_yours", "not_qualified", "blocked"), 403),
    **dict.fromkeys(("unknown",), 404),
    **dict.fromkeys(("already_done", "in_progress", "over"), 409),
    **dict.fromkeys(("gone", "late"), 410),
}


@blueprint.get("/")
def work_list() -> ResponseReturnValue:
    """Show what can be done, what is in hand, what the requester wrote, and what was earned."""
    with crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        worker_id = visit.worker.worker_id
        values: dict[str, Any] = {
            "groups": assignments.available(tx, visit.now, worker_id),
            "in_progress": assignments.in_progress(tx, visit.now, worker_id),
            "earnings": assignments.earnings(tx, visit.now, worker_id),
            "blocked": assignments.BLOCKED if blocks.is_blocked(tx, worker_id) else None,
            "messages": messages.latest(tx, worker_id),
        }
    return responses.show("work.html", visit, **values)


@blueprint.get("/groups/<hit_type_id>")
def preview(hit_type_id: str) -> ResponseReturnValue:
    """Show a unit of a group before it is accepted."""
    with crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        page = assignments.preview(tx, visit.now, visit.worker.worker_id, hit_type_id)
    frame = _frame(page.question, FrameKey(visit.worker.worker_id, page.hit_id, None))
    return responses.show("preview.html", visit, responses.TASK_POLICY, page=page, frame=frame)


@blueprint.post("/groups/<hit_type_id>/accept")
def accept(hit_type_id: str) -> ResponseReturnValue:
    """Give the worker the unit that was previewed or, when it is gone, another one of the group."""
    with crowd().writing() as (tx, now):
        task = _accept(tx, signin.visit(tx, now), hit_type_id, request.form.get("hit_id"))
    return redirect(f"/tasks/{task.assignment_id}", 303)


@blueprint.get("/tasks/<assignment_id>")
def task(assignment_id: str) -> ResponseReturnValue:
    """Show an accepted unit and its frame."""
    with crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        task = assignments.assignment(tx, visit.now, visit.worker.worker_id, assignment_id)
    frame = _frame(task.hit.question, FrameKey(task.worker_id, task.hit.hit_id, assignment_id))
    return responses.show("task.html", visit, responses.TASK_POLICY, task=task, frame=frame)


@blueprint.get("/tasks/<assignment_id>/state")
def state(assignment_id: str) -> ResponseReturnValue:
    """Say whether an assignment is still in the worker's hands; the task page asks when its frame has loaded."""
    with crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        held = assignments.in_progress(tx, visit.now, visit.worker.worker_id)
    working = any(task.assignment_id == assignment_id for task in held)
    return responses.private(jsonify(state="working" if working else "ended"), responses.PAGE_POLICY)


@blueprint.post("/tasks/<assignment_id>/return")
def give_back(assignment_id: str) -> ResponseReturnValue:
    """Return an accepted unit."""
    with crowd().writing() as (tx, now):
        visit = signin.visit(tx, now)
        assignments.give_back(tx, visit.now, visit.worker.worker_id, assignment_id)
    return redirect("/?note=returned", 303)


@blueprint.post("/tasks/<assignment_id>/next")
def go_on(assignment_id: str) -> ResponseReturnValue:
    """Accept the next unit of the same group; the list if there is none; back if this one is not done yet."""
    with crowd().writing() as (tx, now):
        visit = signin.visit(tx, now)
        held = assignments.in_progress(tx, visit.now, visit.worker.worker_id)
        if any(task.assignment_id == assignment_id for task in held):
            return redirect(f"/tasks/{assignment_id}?note=working", 303)
        # What is in hand already comes first: a second click on the button must not take a second unit.
        hit_type_id = request.form.get("hit_type_id", "")
        following = next((task for task in held if task.hit.hit_type_id == hit_type_id), None)
        try:
            following = following or _accept(tx, visit, hit_type_id, None)
        except assignments.Refused:
            return redirect("/?note=submitted", 303)
    return redirect(f"/tasks/{following.assignment_id}", 303)


@blueprint.get("/frame/<key>")
def frame(key: str) -> ResponseReturnValue:
    """Serve an HTMLQuestion's page to the worker who has the link, as a page that is not of this site."""
    opened = signer().read_frame_key(key)
    if opened is None:
        raise assignments.Refused(
            "unknown", "This address was not made by this site, or the requester's key has changed."
        )
    with crowd().reading() as (tx, now):
        if opened.assignment_id:
            assignments.assignment(tx, now, opened.worker_id, opened.assignment_id)
        question = frames.question_of(tx, opened.hit_id)
    if question.kind != "html":
        raise assignments.Refused("unknown", "The page of this task is on another site.")
    page = frames.fill(question.content, opened.assignment_id or assignments.PREVIEW_ID)
    return responses.private(make_response(page), responses.FRAME_POLICY)


@blueprint.post("/mturk/externalSubmit")
def external_submit() -> ResponseReturnValue:
    """Record a submission. It comes without a cookie: the assignment's id is the proof. Not safe to repeat."""
    fields = list(request.form.items(multi=True))
    with crowd().writing() as (tx, now):
        assignments.submit(
            tx, now, request.form.get("assignmentId", ""), request.form.get("workerId") or None, fields
        )
    text = "Thank you. Go on with the next task by the button above."
    return responses.inner("Your work was submitted", text, 200)


@blueprint.errorhandler(assignments.Refused)
def refused(refusal: assignments.Refused) -> ResponseReturnValue:
    """Tell a worker in plain words why something was not done; in the frame, on a page that fits there."""
    if request.endpoint in ("site.frame", "site.external_submit"):
        return responses.inner("This did not work", refusal.message, _STATUS[refusal.code])
    return responses.message("This did not work", refusal.message, _STATUS[refusal.code])


@blueprint.errorhandler(NotSignedIn)
def not_signed_in(_: NotSignedIn) -> ResponseReturnValue:
    """Ask for the sign-in link."""
    text = (
        "Open the sign-in link that you were given. If it does not work any more, there is a newer one:"
        " ask the person who invited you."
    )
    return responses.message("Please sign in", text, 403)


@blueprint.errorhandler(ForeignForm)
def foreign_form(_: ForeignForm) -> ResponseReturnValue:
    """Refuse a form that another site posted, or an old page of this one."""
    return responses.message(
        "This did not work", "The page was out of date. Nothing was changed; please try again.", 403
    )


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_: RequestEntityTooLarge) -> ResponseReturnValue:
    """Refuse a submission that is larger than the server takes."""
    return responses.inner(
        "This did not work", "The page sent more than this site takes. Nothing was recorded.", 413
    )


def _accept(
    tx: Connection, visit: responses.Visit, hit_type_id: str, hit_id: str | None
) -> assignments.Assignment:
    worker_id = visit.worker.worker_id
    if hit_id:
        try:
            return assignments.accept(tx, visit.now, worker_id, hit_id)
        except assignments.Refused as refusal:
            if refusal.code == "in_progress":  # a second click on the button
                held = assignments.in_progress(tx, visit.now, worker_id)
                return next(task for task in held if task.hit.hit_id == hit_id)
            if refusal.code != "gone":
                raise
    return assignments.accept_next(tx, visit.now, worker_id, hit_type_id)


def _frame(question: question_xml.Question, key: FrameKey) -> dict[str, Any]:
    site = request.url_root.rstrip("/")
    values = frames.parameters(key.assignment_id, key.hit_id, key.worker_id, site)
    own = f"/frame/{signer().frame_key(key)}"
    url = question.content if question.kind == "external" else own
    return {
        "src": frames.with_parameters(url, values),
        "sandbox": frames.sandbox_for(url, site),
        "height": question.frame_height,
        "state": f"/tasks/{key.assignment_id}/state" if key.assignment_id else None,
    }
