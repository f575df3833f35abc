"""One of the other sides, in a process of its own: python requester.py SIDE WORK --url URL --ids FILE

Does a piece of work on every item with a boto3 client, a pool of threads, or the functions of a program
that people use, and prints what its own clock says, as JSON. Imports nothing of ours: it runs under any
Python that has boto3, and the peer that it drives. Keys come from the environment, as AWS's own tools want
them.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PAGE = "<!DOCTYPE html><p>message</p><form><input name='label'><button>Submit</button></form>"
QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
    f'HTMLQuestion.xsd"><HTMLContent><![CDATA[{PAGE}]]></HTMLContent><FrameHeight>0</FrameHeight>'
    "</HTMLQuestion>"
)
HIT_TYPE = {"Title": "Look", "Description": "Look", "Reward": "0.05", "AssignmentDurationInSeconds": 600}
FIRST_PAGE = "-"
LONG_AGO = datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC)


def import_part(package: str, module: str) -> Any:
    """Import one module of a peer without its package's beginning, which wants all of its dependencies."""
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed"
    stub = types.ModuleType(package)
    stub.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[package] = stub
    return importlib.import_module(f"{package}.{module}")


class Boto3:
    """A boto3 client, one call an item."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = boto3.client(
            "mturk", endpoint_url=url, region_name="us-east-1", config=Config(max_pool_connections=64)
        )
        self.hit_type_id = ""
        self.prepared = 0  # calls that are made once

    def prepare(self, work: str) -> None:
        """Do what the work needs once."""
        if work == "create":
            self.hit_type_id = self.client.create_hit_type(**HIT_TYPE)["HITTypeId"]
            self.prepared += 1

    def create(self, _: str) -> None:
        self.client.create_hit_with_hit_type(
            HITTypeId=self.hit_type_id, Question=QUESTION, LifetimeInSeconds=86400, MaxAssignments=1
        )

    def status(self, hit_id: str) -> None:
        self.client.get_hit(HITId=hit_id)

    def expire(self, hit_id: str) -> None:
        self.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)

    def download(self, hit_id: str) -> None:
        self.client.list_assignments_for_hit(HITId=hit_id)

    def approve(self, assignment_id: str) -> None:
        self.client.approve_assignment(AssignmentId=assignment_id)

    def delete(self, hit_id: str) -> None:
        self.client.delete_hit(HITId=hit_id)

    def list(self, _: str) -> None:
        for _page in self.client.get_paginator("list_hits").paginate(MaxResults=100):
            pass

    def page(self, token: str) -> None:
        more = {} if token == FIRST_PAGE else {"NextToken": token}
        self.client.list_hits(MaxResults=100, **more)


class Mephisto(Boto3):
    """Mephisto's own functions around the client, without its database, which its own run writes too."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.utils = import_part("mephisto", "abstractions.providers.mturk.mturk_utils")

    def create(self, _: str) -> None:
        self.utils.create_hit_with_hit_type(self.client, 600, "https://x.example/?a=1&b=2", self.hit_type_id)

    def status(self, hit_id: str) -> None:
        self.utils.get_hit(self.client, hit_id)

    def expire(self, hit_id: str) -> None:
        self.utils.expire_hit(self.client, hit_id)

    def download(self, hit_id: str) -> None:
        self.utils.get_assignments_for_hit(self.client, hit_id)

    def approve(self, assignment_id: str) -> None:
        self.utils.approve_work(self.client, assignment_id)

    def delete(self, hit_id: str) -> None:
        self.utils.expire_and_dispose_hits(self.client, [{"HITId": hit_id}], quiet=True)


class Dallinger(Boto3):
    """Dallinger's MTurkService, sent here."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        mturk = import_part("dallinger", "mturk")
        recruiters = types.ModuleType("dallinger.recruiters")  # the real one wants Dallinger's whole server
        recruiters.handle_and_raise_recruitment_error = _raise  # type: ignore[attr-defined]
        sys.modules["dallinger.recruiters"] = recruiters
        keys = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        self.service = type("Service", (mturk.MTurkService,), {"host": url})(*keys, "us-east-1")
        self.external = mturk.MTurkQuestions.external

    def create(self, _: str) -> None:
        self.service.create_hit(
            "experiment", "Look", "Look", "look", 0.05, 1, 1, self.external("https://x.example/"), 1,
            do_subscribe=False,
        )  # fmt: skip

    def status(self, hit_id: str) -> None:
        self.service.get_hit(hit_id)

    def expire(self, hit_id: str) -> None:
        self.service.expire_hit(hit_id)

    def approve(self, assignment_id: str) -> None:
        self.service.approve_assignment(assignment_id)

    def list(self, _: str) -> None:
        for _hit in self.service.get_hits():
            pass


class PsiTurk(Boto3):
    """psiTurk's MTurkServices, sent here."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        services = import_part("psiturk", "amt_services")
        client = self.client
        here = {"setup_mturk_connection": lambda self: setattr(self, "mtc", client)}
        self.service = type("Services", (services.MTurkServices,), here)(config={"x": "x"})
        self.prepared += 1  # it looks at the balance first
        self.hit = {
            "title": "Look", "description": "Look", "keywords": "look", "reward": 0.05,
            "duration": datetime.timedelta(minutes=10), "lifetime": datetime.timedelta(days=1),
            "max_assignments": 1, "ad_location": "https://x.example/", "approve_requirement": 0,
            "number_hits_approved": 0, "require_master_workers": False, "us_only": False,
            "require_qualification_ids": [], "block_qualification_ids": [], "advanced_qualifications": [],
        }  # fmt: skip

    def create(self, _: str) -> None:
        _check(self.service.create_hit(self.hit))

    def status(self, hit_id: str) -> None:
        _check(self.service.get_hit(hit_id))

    def expire(self, hit_id: str) -> None:
        _check(self.service.expire_hit(hit_id))

    def download(self, hit_id: str) -> None:
        _check(self.service.get_assignments(hit_ids=[hit_id]))

    def approve(self, assignment_id: str) -> None:
        _check(self.service.approve_assignment(assignment_id))

    def delete(self, hit_id: str) -> None:
        _check(self.service.delete_hit(hit_id))

    def list(self, _: str) -> None:
        _check(self.service.get_all_hits())


class AwsCli(Boto3):
    """The AWS CLI, a process an item."""

    def create(self, _: str) -> None:
        self._run(
            "create-hit-with-hit-type", "--hit-type-id", self.hit_type_id, "--question", QUESTION,
            "--lifetime-in-seconds", "86400", "--max-assignments", "1",
        )  # fmt: skip

    def status(self, hit_id: str) -> None:
        self._run("get-hit", "--hit-id", hit_id)

    def expire(self, hit_id: str) -> None:
        self._run("update-expiration-for-hit", "--hit-id", hit_id, "--expire-at", "2015-01-01T00:00:00Z")

    def download(self, hit_id: str) -> None:
        self._run("list-assignments-for-hit", "--hit-id", hit_id)

    def approve(self, assignment_id: str) -> None:
        self._run("approve-assignment", "--assignment-id", assignment_id)

    def delete(self, hit_id: str) -> None:
        self._run("delete-hit", "--hit-id", hit_id)

    def _run(self, *arguments: str) -> None:
        program = str(Path(sys.executable).with_name("aws"))
        subprocess.run(
            [program, "mturk", *arguments, "--endpoint-url", self.url], check=True, stdout=subprocess.DEVNULL
        )


def _raise(error: Exception) -> None:
    raise error


def _check(response: Any) -> None:
    if not response.success:
        raise response.exception


SIDES = {
    "boto3": Boto3,
    "mephisto": Mephisto,
    "dallinger": Dallinger,
    "psiturk": PsiTurk,
    "awscli": AwsCli,
}


def measure(side: Boto3, work: str, items: list[str], threads: int) -> dict[str, float]:
    """Do the work on the items; seconds, CPU seconds, and how many failed."""
    do = getattr(side, work)

    def attempt(item: str) -> int:
        try:
            do(item)
        except (BotoCoreError, ClientError):
            return 1
        return 0

    started, before = time.perf_counter(), os.times()
    if threads == 1:
        failed = sum(map(attempt, items))
    else:
        with ThreadPoolExecutor(threads) as pool:
            failed = sum(pool.map(attempt, items))
    seconds, after = time.perf_counter() - started, os.times()
    return {
        "seconds": seconds,
        "cpu": sum(after[:4]) - sum(before[:4]),
        "items": len(items),
        "failed": failed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("work")
    parser.add_argument("--url", required=True)
    parser.add_argument("--ids", type=Path, required=True, help="a file with an item a line")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    items = options.ids.read_text().split()
    side = SIDES[options.side](options.url)
    side.prepare(options.work)
    measured = measure(side, options.work, items, options.threads)
    print(json.dumps({**measured, "prepared": side.prepared}))


if __name__ == "__main__":
    main()
