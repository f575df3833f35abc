"""Questions that nobody would ask; what is taken is looked at, accepted and submitted by a worker."""

from __future__ import annotations

import json

from hypothesis import given

from tests.fuzz.questions import questions
from tests.fuzz.targets import Target
from tests.fuzz.visitors import Visitor
from tests.support import fuzzing
from tests.support.fuzzing import Record


def test_no_question_is_an_error_to_the_worker_who_looks_at_it(
    target: Target, record_property: Record
) -> None:
    client = target.crowd.client()
    hit_type_id = client.create_hit_type(
        Title="Fuzz", Description="Fuzz", Reward="0.01", AssignmentDurationInSeconds=3600
    )["HITTypeId"]
    worker = Visitor(target, "AQUESTION")

    @fuzzing.examples(20, 8_000)
    @given(questions())
    def feed(question: str) -> None:
        if ask(target, hit_type_id, question):
            do(worker, hit_type_id)

    feed()
    target.end(record_property, "requests for questions")


def ask(target: Target, hit_type_id: str, question: str) -> bool:
    """Create a HIT with a question; False if it is refused in words."""
    members = {"HITTypeId": hit_type_id, "LifetimeInSeconds": 3600, "MaxAssignments": 1, "Question": question}
    body = json.dumps(members).encode()
    answer = target.send("POST", "/", target.sign("CreateHITWithHITType", body), body)
    if answer is None:
        return False
    assert answer.status == 200 or json.loads(answer.text)["Message"]
    return answer.status == 200


def do(worker: Visitor, hit_type_id: str) -> None:
    """Find the HIT in the list, preview it, accept it, look at it and submit it."""
    assert f"/groups/{hit_type_id}" in worker.get("/").text
    worker.open_frame(worker.get(f"/groups/{hit_type_id}"))
    assignment_id = worker.accept(hit_type_id)
    worker.open_frame(worker.get(f"/tasks/{assignment_id}"))
    answer = worker.post("/mturk/externalSubmit", assignmentId=assignment_id, label="cat")
    assert answer.status == 200, answer.text
