"""The walls to providers, fed with hostile answers in a process of its own, whose memory is measured.

`python -m tests.support.walls WALL NUMBER` prints a JSON object: what was fed, what it cost, and what came
through that should not have.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crowdops.config.settings import Settings
from crowdops.errors import Error
from crowdops.providers import task_server
from crowdops.providers.crowd_server import client as crowd_server
from crowdops.providers.crowd_server import pages
from crowdops.providers.heroku.client import Heroku
from crowdops.providers.mturk import identity
from crowdops.providers.mturk.client import MTurk
from tests.support import fuzzing
from tests.support.hostile import HostileServer, Reply, Request, distort

TIMEOUT = 1.0  # seconds, of a call
KEY_ID, SECRET = "AKIDEXAMPLEOFAWALL12", "a secret that no message may have"
HEROKU_KEY = "HRKU-01234567-89ab-cdef-0123-456789abcdef"
SIGN_IN, TOKEN = "a-token-of-a-link", "a-token-of-a-server"
LONGEST_MESSAGE = 3000  # characters

Call = Callable[[], object]

_HIT = {
    "HITId": "3HIT",
    "HITTypeId": "3TYPE",
    "CreationTime": 1.79e9,
    "Expiration": 1.8e9,
    "HITStatus": "Assignable",
    "MaxAssignments": 1,
    "NumberOfAssignmentsAvailable": 1,
    "NumberOfAssignmentsPending": 0,
    "NumberOfAssignmentsCompleted": 0,
    "Reward": "0.05",
    "Title": "t",
    "Description": "d",
    "RequesterAnnotation": "crowdops:1:20261122-114502-k3f9:0:pilot-1",
    "Question": "<x/>",
    "QualificationRequirements": [],
    "AssignmentDurationInSeconds": 60,
}
_ASSIGNMENT = {
    "AssignmentId": "3A",
    "WorkerId": "AW",
    "HITId": "3HIT",
    "AssignmentStatus": "Submitted",
    "AcceptTime": 1.79e9,
    "SubmitTime": 1.79e9,
    "Answer": "<QuestionFormAnswers><Answer><QuestionIdentifier>a</QuestionIdentifier>"
    "<FreeText>b</FreeText></Answer></QuestionFormAnswers>",
}
# One answer for all operations: each takes from it what it knows.
_API = {
    "NumResults": 1,
    "NextToken": "more",
    "HITs": [_HIT],
    "HIT": _HIT,
    "HITTypeId": "3TYPE",
    "Assignments": [_ASSIGNMENT],
    "Assignment": _ASSIGNMENT,
    "AvailableBalance": "1.00",
    "BonusPayments": [{"AssignmentId": "3A", "WorkerId": "AW", "BonusAmount": "0.10", "Reason": "r"}],
    "QualificationTypes": [{"QualificationTypeId": "3Q", "Name": "n"}],
    "QualificationType": {"QualificationTypeId": "3Q", "Name": "n", "QualificationTypeStatus": "Active"},
    "Qualifications": [{"WorkerId": "AW", "IntegerValue": 1}],
    "WorkerBlocks": [{"WorkerId": "AW", "Reason": "r"}],
    "NotifyWorkersFailureStatuses": [
        {"WorkerId": "AW", "NotifyWorkersFailureCode": "SoftFailure", "NotifyWorkersFailureMessage": "m"}
    ],
}
_APP = {
    "id": "01234567-89ab",
    "name": "crowdops-x-01234567",
    "owner": {"email": "a@example.org"},
    "team": {"name": "lab"},
    "web_url": "https://x.example.org/",
    "created_at": "2026-11-22T12:00:00Z",
    "maintenance": False,
    "email": "a@example.org",
    "verified": True,
    "remaining": 4500,
    "status": "succeeded",
    "output_stream_url": "",
    "release": {"id": "r"},
    "source_blob": {"put_url": "", "get_url": ""},
    "logplex_url": "",
    "type": "web",
    "quantity": 1,
    "size": "eco",
    "state": "up",
}
_PAGE = """<main><form id=working action=/return method=post><input name=csrf value=x></form>
<form id=next action=/next method=post><input name=hit_type_id value=3TYPE></form><iframe src=/frame></iframe>
<div data-group=3TYPE><h3>t</h3><form action=/accept method=post><input name=a value=b></form></div>
<div data-assignment=3A></div>
<form method=post action=/mturk/externalSubmit><input type=hidden name=assignmentId value=3A>
<input name=number type=number min=1 max=9 step=2 required><input name=text minlength=3 maxlength=9>
<select name=choice><option>a<option>b</select><textarea name=words></textarea><button>Send</button></form>
</main>"""


class Wall(NamedTuple):
    """A wall: the calls that pass it, an honest answer to them, and the secrets that it has."""

    calls: Callable[[str, Path], Sequence[Call]]
    honest: bytes
    secrets: tuple[str, ...]


class Result(NamedTuple):
    """What came of feeding a wall."""

    inputs: int
    slowest: float
    memory: float
    errors: int  # of ours, as they should be
    faults: list[str]  # anything else


def _settings(url: str, home: Path) -> Settings:
    return Settings("local", url, home, TIMEOUT, 1, 4, 14, False, False, False)  # noqa: FBT003


def _mturk_calls(url: str, home: Path) -> Sequence[Call]:
    api = MTurk(_settings(url, home), sleep=lambda seconds: None)
    return [
        api.account,
        lambda: list(api.iter_hits()),
        lambda: list(api.iter_hits_asking_for("3Q")),
        lambda: list(api.iter_reviewable("3TYPE")),
        lambda: api.hit("3HIT"),
        lambda: api.definition("3HIT"),
        lambda: api.submissions("3HIT", 3),
        lambda: api.submission("3A"),
        lambda: api.create_hit(
            hit_type_id="3TYPE", question="<x/>", annotation="a", assignments=1, lifetime=60, token="t"
        ),
        lambda: api.expire("3HIT"),
        lambda: api.approve("3A", None),
        lambda: api.delete_hit("3HIT"),
        lambda: list(api.iter_bonuses("3A")),
        lambda: api.find_qualification_type("n"),
        lambda: api.is_qualification_active("3Q"),
        lambda: list(api.iter_workers_with("3Q")),
        lambda: list(api.iter_blocks()),
        lambda: api.notify("s", "m", ["AW"]),
        lambda: api.create_qualification_type("n", "d"),
        lambda: api.clock_ahead,
        lambda: identity.ask(_settings(url, home)),
    ]


def _heroku_calls(url: str, home: Path) -> Sequence[Call]:
    api = Heroku(HEROKU_KEY, url, TIMEOUT, sleep=lambda seconds: None)
    tarball = home / "source.tgz"
    tarball.write_bytes(b"x")
    return [
        api.account,
        api.rate_limit,
        lambda: list(api.apps()),
        lambda: api.find_app("x"),
        lambda: api.create_app("x"),
        lambda: api.delete_app("x"),
        lambda: api.config_vars("x"),
        lambda: api.set_config("x", {"A": "b"}),
        lambda: api.upload_source(tarball),
        lambda: api.create_build("x", "u", tarball, "v"),
        lambda: api.wait_for_release("x", "b", 0),
        lambda: api.scale("x", "web", 1),
        lambda: api.restart("x"),
        lambda: api.formation("x"),
        lambda: api.dynos("x"),
        lambda: api.log_tail("x"),
    ]


def _door_calls(url: str, home: Path) -> Sequence[Call]:
    settings = _settings(url, home)
    return [
        lambda: crowd_server.invite(settings, name="n"),
        lambda: crowd_server.returns(settings, ["3HIT"]),
    ]


def _site_calls(url: str, _home: Path) -> Sequence[Call]:
    worker = crowd_server.WorkerSession(f"{url}/sign-in/{SIGN_IN}", TIMEOUT)
    button = pages.Button(f"{url}/x", [("a", "b")])
    task = pages.Task("3A", "3TYPE", f"{url}/frame?turkSubmitTo={url}&assignmentId=3A", button)
    return [
        worker.sign_in,
        worker.work,
        worker.in_hand,
        lambda: worker.resume("3A"),
        lambda: worker.accept_next(pages.Group("3TYPE", "t", button)),
        lambda: worker.read(task),
        lambda: worker.give_back(task),
    ]


def _task_server_calls(url: str, home: Path) -> Sequence[Call]:
    return [
        lambda: task_server.health(url, TIMEOUT),
        lambda: task_server.trouble(url, TIMEOUT),
        lambda: task_server.is_answering(url, TIMEOUT),
        lambda: task_server.release(url, TOKEN, [("3A", "AW")], TIMEOUT),
        lambda: list(task_server.load([(f"{url}/unit/0", {"a": "b"})] * 2, TIMEOUT)),
    ]


WALLS = {
    "mturk": Wall(_mturk_calls, json.dumps(_API).encode(), (KEY_ID, SECRET)),
    "heroku": Wall(_heroku_calls, json.dumps(_APP).encode(), (HEROKU_KEY,)),
    "heroku lists": Wall(_heroku_calls, json.dumps([_APP]).encode(), (HEROKU_KEY,)),
    "worker site": Wall(_site_calls, _PAGE.encode(), (SIGN_IN,)),
    "crowd server's door": Wall(
        _door_calls,
        json.dumps(
            {"worker_id": "AW", "name": "n", "url": "u", "returned": 1, "abandoned": 1, "workers": 1}
            | {"last_accept": 1.79e9, "message": "m"}
        ).encode(),
        (KEY_ID, SECRET),
    ),
    "task server": Wall(
        _task_server_calls,
        json.dumps({"status": "ok", "run_id": "r", "active": 1, "draining": False}).encode(),
        (TOKEN,),
    ),
}


def feed(name: str, number: int, home: Path) -> Result:
    """Feed a wall with so many hostile answers, each to one of its calls."""
    wall = WALLS[name]
    _write_key(home)
    chance, faults, errors, slowest = random.Random(name), [], 0, 0.0

    def answer(request: Request) -> Reply:
        return distort(chance, wall.honest, " ".join((*wall.secrets, str(request.headers))))

    with HostileServer(answer) as server:
        calls = wall.calls(server.url, home)
        for index in range(number):
            chance.seed(f"{name} {index}")
            call = chance.choice(calls)
            began = time.monotonic()
            try:
                call()
            except Error as error:
                errors += 1
                faults += [
                    f"{index}: {why}: {str(error)[:300]}" for why in _reasons(str(error), wall.secrets)
                ]
            except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
                faults.append(f"{index}: {traceback.format_exc(limit=-6)}")
            slowest = max(slowest, time.monotonic() - began)
    return Result(number, slowest, fuzzing.peak_memory(os.getpid()), errors, faults)


def _reasons(message: str, secrets: Sequence[str]) -> list[str]:
    """Return what is wrong with a message: a secret in it, its length, characters that a terminal obeys."""
    reasons = [f"it tells {secret}" for secret in secrets if secret in message]
    reasons += ["it is too long"] if len(message) > LONGEST_MESSAGE else []
    return reasons + ([] if message.replace("\n", "").isprintable() else ["it controls the terminal"])


def _write_key(home: Path) -> None:
    folder = home / "crowd"
    folder.mkdir(parents=True)
    file = folder / "credentials"
    file.touch(mode=0o600)
    file.write_text(f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")


def main(name: str, number: int) -> None:
    """Feed a wall, or all with as many each, and print what came of it."""
    results: dict[str, Any] = {}
    for wall in WALLS if name == "all" else [name]:
        with tempfile.TemporaryDirectory() as folder:
            results[wall] = feed(wall, number, Path(folder))._asdict()
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
