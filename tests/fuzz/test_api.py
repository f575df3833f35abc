"""Requests to the API that no client sends; all signed as they should be, or nearly."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from hypothesis import given

from tests.fuzz import strategies
from tests.fuzz.strategies import ApiRequest, Name
from tests.fuzz.targets import API_TYPE, Target
from tests.support import fuzzing
from tests.support.fuzzing import Record
from tests.support.offers import external_question, html_question, invite, offer
from tests.support.workers import Workers


class Requester:
    """Signs what it is given; what answers name stands for names in what it is given later."""

    def __init__(self, target: Target) -> None:
        self._target, self._crowd = target, target.crowd
        self._known: dict[str, list[Any]] = defaultdict(list)

    def prepare(self) -> None:
        """Make some of everything that there can be."""
        client = self._crowd.client()
        worker_ids = [invite(self._crowd, worker_id=f"AFUZZ{number}")["worker_id"] for number in range(4)]
        lot = offer(client, 4, assignments=4)
        workers = Workers(self._crowd)
        assignment_ids = [workers.do(hit_id, worker) for hit_id in lot.hits[:2] for worker in worker_ids]
        qualification = client.create_qualification_type(
            Name="Fuzz", Description="Fuzz", QualificationTypeStatus="Active"
        )
        self._known |= {
            "HITId": lot.hits,
            "HITTypeId": [lot.hit_type_id],
            "WorkerId": worker_ids,
            "AssignmentId": assignment_ids,
            "QualificationTypeId": [
                qualification["QualificationType"]["QualificationTypeId"],
                "00000000000000000071",
            ],
            "Question": [html_question(), external_question("https://tasks.example.org/page")],
        }

    def send(self, request: ApiRequest) -> None:
        """Send a request. Asserts that its answer is one that clients of the API can read."""
        body = (
            request.body
            if isinstance(request.body, bytes)
            else json.dumps(self._named(request.body)).encode()
        )
        signed = self._target.sign(request.operation, body, request.signed, request.path)
        answer = self._target.send("POST", request.path, {**signed, **request.changed}, body)
        if answer is None or answer.headers.get("content-type") != API_TYPE:
            # The web server itself has refused it, or it was for one of the addresses beside the API.
            assert answer is None or request.changed or request.path != "/", answer
            return
        document = json.loads(answer.text)
        assert answer.status == 200 or document["__type"]
        self._learn(document)

    def _named(self, value: Any) -> Any:
        """Put what is known in the place of names."""
        if isinstance(value, Name):
            known = self._known[value.member]
            return known[value.number % len(known)] if known else "nothing"
        if isinstance(value, dict):
            return {key: self._named(inner) for key, inner in value.items()}
        return [self._named(inner) for inner in value] if isinstance(value, list) else value

    def _learn(self, document: Any) -> None:
        """Keep the names in an answer, the latest of each kind."""
        for key, value in document.items() if isinstance(document, dict) else ():
            if isinstance(value, str) and key in (
                "HITId",
                "HITTypeId",
                "AssignmentId",
                "QualificationTypeId",
                "NextToken",
            ):
                self._known[key] = [*self._known[key][-7:], value]
            for inner in value if isinstance(value, list) else [value]:
                self._learn(inner)


def test_no_request_to_the_api_is_an_error(target: Target, record_property: Record) -> None:
    requester = Requester(target)
    requester.prepare()

    @fuzzing.examples(120, 20_000)
    @given(strategies.api_requests())
    def feed(request: ApiRequest) -> None:
        requester.send(request)

    feed()
    target.end(record_property, "requests to the API")
