"""The list of work."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from crowdserver.operations import blocks
from crowdserver.site import responses, signin, visits
from crowdserver.worker import assignments, groups, panels
from crowdserver.worker.refusals import BLOCKED

blueprint = Blueprint("work", __name__)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Show what the worker has accepted and can do; `words` and `order` choose among the latter."""
    words, order = request.args.get("words", "")[:100], request.args.get("order", "")
    with signin.crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        worker_id = visit.worker.worker_id
        if panels.is_participant(worker_id):
            return responses.go_to(visits.address())
        available = groups.available(tx, now, worker_id)
        values: dict[str, Any] = {
            "groups": groups.chosen(available, words, order),
            "is_any": bool(available),
            "in_progress": assignments.in_progress(tx, now, worker_id),
            "blocked": BLOCKED if blocks.is_blocked(tx, worker_id) else None,
        }
    return responses.show("work.html", visit, words=words, order=order, orders=groups.ORDERS, **values)
