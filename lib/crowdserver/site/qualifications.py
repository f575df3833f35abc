"""The page of a qualification: what it is, how the worker stands with it, and its test."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.protocol import question_form
from crowdserver.protocol.question_form import NotAnswered
from crowdserver.site import responses, signin, submissions
from crowdserver.site.signin import crowd
from crowdserver.worker import qualifications

blueprint = Blueprint("qualifications", __name__, url_prefix="/qualifications")

# A test's own pictures may come from anywhere.
_POLICY = responses.PAGE_POLICY.replace("img-src 'self'", "img-src http: https:; media-src http: https:")


@blueprint.get("/<type_id>")
@blueprint.get("/<type_id>/test")  # where a test that is not sent yet is shown again
def show(type_id: str) -> ResponseReturnValue:
    """Show a qualification, and its test while the worker takes it."""
    return _show(type_id, {}, {})


@blueprint.post("/<type_id>")
def ask(type_id: str) -> ResponseReturnValue:
    """Ask for a qualification, or begin its test."""

    def ask_it(tx: Connection, now: float) -> None:
        qualifications.ask(tx, now, signin.visit(tx, now).worker.worker_id, type_id)

    crowd().write(ask_it)
    return responses.go_to(f"/qualifications/{type_id}")


@blueprint.post("/<type_id>/test")
def submit(type_id: str) -> ResponseReturnValue:
    """Submit the test, or show it again with what is to be mended."""
    fields = submissions.fields(request)

    def submit_it(tx: Connection, now: float) -> None:
        worker_id = signin.visit(tx, now).worker.worker_id
        qualifications.submit(tx, now, worker_id, type_id, fields)

    try:
        crowd().write(submit_it)
    except NotAnswered as refusal:
        return _show(type_id, refusal.given, refusal.problems)
    return responses.go_to(f"/qualifications/{type_id}")


def _show(type_id: str, given: dict[str, list[str]], problems: dict[str, str]) -> ResponseReturnValue:
    with crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        here = qualifications.standing(tx, now, visit.worker.worker_id, type_id)
    form = question_form.read(here.test) if here.test else None
    page = responses.show(
        "qualification.html", visit, _POLICY, here=here, questions_form=form, given=given, problems=problems
    )
    page.status_code = 422 if problems else 200
    return page
