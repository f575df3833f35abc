"""HITs for tests to work on, made with boto3, workers who do them, and what came of them."""

from __future__ import annotations

import itertools
import json
from typing import Any
from xml.etree import ElementTree

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PAGE = """<!doctype html><html><head><title>A task</title></head><body>
<form action="/mturk/externalSubmit" method="post">
<input type="hidden" name="assignmentId" value="">
<p>{text}</p>
<label><input type="radio" name="label" value="cat" required> cat</label>
<label><input type="radio" name="label" value="dog"> dog</label>
<label>Why? <textarea name="why"></textarea></label>
<button>Submit</button>
</form></body></html>"""

_FORM = "<!DOCTYPE html><form><input name='label'></form>"
_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
_titles = itertools.count(1)


def html_question(page: str = _FORM, height: int = 0) -> str:
    """Return the XML of a question whose page is in the HIT."""
    return (
        f'<HTMLQuestion xmlns="{_SCHEMAS}/2011-11-11/HTMLQuestion.xsd">'
        f"<HTMLContent><![CDATA[{page}]]></HTMLContent><FrameHeight>{height}</FrameHeight></HTMLQuestion>"
    )


def external_question(url: str) -> str:
    """Return the XML of a question whose page is at a URL."""
    escaped = url.replace("&", "&amp;")
    return (
        f'<ExternalQuestion xmlns="{_SCHEMAS}/2006-07-14/ExternalQuestion.xsd">'
        f"<ExternalURL>{escaped}</ExternalURL><FrameHeight>600</FrameHeight></ExternalQuestion>"
    )


def offer(
    client: Any, count: int = 2, *, question: str | None = None, assignments: int = 1, **properties: Any
) -> Offer:
    """Create `count` HITs of a type of their own; each unit's page says its number, unless given."""
    wanted = {
        "Title": f"Label pictures, lot {next(_titles)}",
        "Description": "Say what is in the picture.",
        "Reward": "0.25",
        "AssignmentDurationInSeconds": 1800,
        "AutoApprovalDelayInSeconds": 86400,
        **properties,
    }
    hit_type_id = client.create_hit_type(**wanted)["HITTypeId"]
    hits = [
        client.create_hit_with_hit_type(
            HITTypeId=hit_type_id,
            MaxAssignments=assignments,
            LifetimeInSeconds=3600,
            Question=question or html_question(PAGE.format(text=f"Picture number {number}")),
        )["HIT"]["HITId"]
        for number in range(1, count + 1)
    ]
    return Offer(client, hit_type_id, wanted["Title"], hits)


class Offer:
    """Some HITs of one type."""

    def __init__(self, client: Any, hit_type_id: str, title: str, hits: list[str]) -> None:
        self.client, self.hit_type_id, self.title, self.hits = client, hit_type_id, title, hits

    def submissions(self) -> list[dict[str, Any]]:
        """Return the submitted assignments of all HITs, as the API gives them."""
        return [
            assignment
            for hit_id in self.hits
            for assignment in self.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]
        ]

    def statuses(self) -> list[str]:
        """Return the status of each HIT."""
        return [self.client.get_hit(HITId=hit_id)["HIT"]["HITStatus"] for hit_id in self.hits]

    def withdraw(self) -> None:
        """Take what nobody accepted out of the list of work."""
        for hit_id in self.hits:
            self.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)

    def answers(self) -> list[list[tuple[str, str]]]:
        """Return the fields of each submission, in their order."""
        return [fields(submission["Answer"]) for submission in self.submissions()]


def fields(answer: str) -> list[tuple[str, str]]:
    """Return an Answer document's fields, in their order."""
    root = ElementTree.fromstring(answer.encode())
    texts = [part.text or "" for part in root.iter() if part.tag.endswith(("QuestionIdentifier", "FreeText"))]
    return list(zip(texts[::2], texts[1::2], strict=True))


def ask_for_invitation(url: str, credentials: tuple[str, str], body: bytes = b"{}") -> requests.Response:
    """Send a signed invitation request, as it is."""
    return ask(f"{url}/invites", credentials, body)


def ask(address: str, credentials: tuple[str, str], body: bytes) -> requests.Response:
    """Send a signed request to an address that is no part of the API."""
    headers = sign(address, body, credentials, {"Content-Type": "application/json"})
    return requests.post(address, data=body, headers=headers, timeout=10)


def sign(address: str, body: bytes, credentials: tuple[str, str], headers: dict[str, str]) -> dict[str, str]:
    """Return the headers of a POST request with its signature."""
    call = AWSRequest("POST", address, headers, body)
    SigV4Auth(Credentials(*credentials), "mturk-requester", "us-east-1").add_auth(call)
    return dict(call.headers)


def invite(crowd: Any, **wanted: str) -> dict[str, str]:
    """Invite a worker: worker_id, name and url."""
    answer = ask_for_invitation(crowd.url, crowd.credentials, json.dumps(wanted).encode())
    assert answer.status_code == 200, answer.text
    made: dict[str, str] = answer.json()
    return made
