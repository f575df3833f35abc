"""Requesters' own clients against a crowd server: run by the Python that has them, with AWS's variables set.

Only where each one's client connects is ours: they name Amazon's addresses, which are closed. Prints a line
for each that got through. Arguments: the crowd server's URL.
"""

import datetime
import importlib.util
import sys
import types
import uuid
from typing import Any, NoReturn

import boto3

URL = sys.argv[1]


def raise_it(error: Exception) -> NoReturn:
    raise error


def client() -> Any:
    return boto3.client("mturk", endpoint_url=URL, region_name="us-east-1")


def dallinger() -> None:
    """What stopped every experiment: a HIT with a subscription, as its recruiter makes it."""
    folders = importlib.util.find_spec("dallinger").submodule_search_locations
    for name in ("dallinger", "dallinger.recruiters"):  # the real ones want its whole server
        sys.modules[name] = types.ModuleType(name)
    sys.modules["dallinger"].__path__ = folders
    sys.modules["dallinger.recruiters"].handle_and_raise_recruitment_error = raise_it
    from dallinger.mturk import MTurkQualificationRequirements, MTurkQuestions, MTurkService

    class Topics:
        """In place of Amazon's SNS."""

        def create_subscription(self, experiment_id: str, _url: str) -> str:
            return f"arn:aws:sns:us-east-1:1:{experiment_id}"

        def cancel_subscription(self, experiment_id: str) -> None:
            pass

    class Service(MTurkService):
        mturk, sns, host = client(), Topics(), URL

    service = Service("key", "secret", "us-east-1")
    hit = service.create_hit(
        experiment_id=uuid.uuid4().hex,
        title=f"An experiment {uuid.uuid4()}",
        description="Take part",
        keywords=["a", "b"],
        reward=0.01,
        duration_hours=0.25,
        lifetime_days=1,
        question=MTurkQuestions.external("https://lab.example/ad"),
        max_assignments=1,
        notification_url="https://lab.example/mturk",
        do_subscribe=True,
        qualifications=[MTurkQualificationRequirements.min_approval(95)],
    )
    assert service.get_hit(hit["id"])["status"] == "Assignable", hit
    service.expire_hit(hit["id"])


def psiturk() -> None:
    """Its default HIT, for workers in the US."""
    from psiturk.amt_services import MTurkServices

    class Services(MTurkServices):
        def __init__(self) -> None:
            self.mtc, self.mode, self.valid_login = client(), "sandbox", True

    made = Services().create_hit(
        {
            "title": f"Stroop {uuid.uuid4()}",
            "description": "Judge the colour",
            "keywords": "psychology",
            "reward": 1.0,
            "duration": datetime.timedelta(hours=2),
            "lifetime": datetime.timedelta(hours=24),
            "max_assignments": 10,
            "ad_location": "https://lab.example/ad",
            "approve_requirement": 95,
            "number_hits_approved": 0,
            "require_master_workers": False,
            "us_only": True,
            "require_qualification_ids": [],
            "block_qualification_ids": [],
            "advanced_qualifications": [],
        }
    )
    assert made.success, made.exception


def larry() -> None:
    """Its helpers for notifications."""
    from larry import mturk

    mturk.client = client()
    kind = mturk.client.create_hit_type(
        Title=f"t {uuid.uuid4()}", Description="d", Reward="0.01", AssignmentDurationInSeconds=60
    )["HITTypeId"]
    mturk.add_notification(kind, "https://sqs.us-east-1.amazonaws.com/1/queue", ["AssignmentSubmitted"])
    assert list(mturk.list_hits()) is not None


for try_it in (dallinger, psiturk, larry):
    if len(sys.argv) < 3 or try_it.__name__ in sys.argv[2:]:
        try_it()
        print(f"{try_it.__name__} got through", flush=True)
