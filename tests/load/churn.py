"""Everything at once to the same few HITs: workers who cannot decide, and requesters who cannot, either."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import time
from collections.abc import Mapping
from typing import Any

from crowdserver.storage import clock
from tests.load.connections import Answer, Browser, Connection, Log
from tests.support.crowds import Crowd
from tests.support.offers import html_question, sign

_REQUESTERS = 6
_TYPES = 2
_HITS = 12
_PER_HIT = 20
_MOST_ACCEPTED = 4  # by one worker, mostly: to be at the limit all the time is no contention
# Short, so that assignments are abandoned and approved by time alone.
_DURATION, _APPROVAL = 30, 60
_DAY = 86_400
_LEAP = 10  # seconds
_LEAP_EVERY = 200  # requests
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_FRAME = re.compile(r'<iframe id="frame" [^>]*src="([^"]+)"')
_HIT = re.compile(r'name="hit_id" value="([A-Z0-9]+)"')


async def run(crowd: Crowd, links: list[str], requests: int, log: Log) -> None:
    """Let a worker for each link, and some requesters, make so many requests together."""
    market = Market(crowd, requests, log)
    first = Requester(market, 0)
    for number in range(_TYPES):
        await first.create_type(number)
    for _ in range(_HITS):
        await first.create_hit()
    async with asyncio.TaskGroup() as group:
        group.create_task(market.let_time_pass())
        for number in range(1, _REQUESTERS + 1):
            group.create_task(Requester(market, number).run())
        for number, link in enumerate(links):
            group.create_task(UndecidedWorker(market, link, number).run())


class Market:
    """What all of them share: what there is to do, and how many requests are still to be made."""

    def __init__(self, crowd: Crowd, requests: int, log: Log) -> None:
        self.crowd, self.log = crowd, log
        self.credentials = crowd.credentials
        self._requests = requests
        self.types: list[str] = []
        self.hits: list[str] = []
        self.submitted: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether all requests are made."""
        return self.log.requests >= self._requests

    async def let_time_pass(self) -> None:
        """Move the server's clock on now and then: deadlines fall due in the middle of it all."""
        done = 0
        while not self.is_over:
            await asyncio.sleep(0.05)
            if self.log.requests - done >= _LEAP_EVERY:
                done = self.log.requests
                await asyncio.to_thread(self._leap)

    def _leap(self) -> None:
        with self.crowd.database.write() as tx:
            clock.advance(tx, _LEAP)


class UndecidedWorker:
    """Previews, accepts, returns, submits, goes on and looks around, in any order and now and then twice."""

    def __init__(self, market: Market, link: str, seed: int) -> None:
        self._market, self._link = market, link
        self._chance = random.Random(seed)
        self._browsers = [Browser(market.crowd.url, market.log), Browser(market.crowd.url, market.log)]
        self._form_token = ""
        self._accepted: list[str] = []

    async def run(self) -> None:
        """Sign in, and do something again and again."""
        for browser in self._browsers:
            await browser.get("sign in", self._link)
        page = await self._browsers[0].get("list", "/")
        self._form_token = _FORM_TOKEN.findall(page.text)[0]
        while not self._market.is_over:
            act = self._chance.choices(
                [self._look, self._preview, self._accept, self._submit, self._give_back, self._go_on],
                [2, 4, 6, 4, 4, 2],
            )[0]
            with contextlib.suppress(ConnectionError):  # the log has it
                await act()
        for browser in self._browsers:
            browser.close()

    async def _look(self) -> None:
        if self._accepted and self._chance.random() < 0.7:
            path = f"/tasks/{self._chance.choice(self._accepted)}"
            await self._browsers[0].get("state", f"{path}/state")
            page = await self._browsers[0].get("task", path)
            await self._open_frame(page, "task's frame")
        else:
            await self._browsers[0].get("list", "/")

    async def _preview(self) -> None:
        group = self._chance.choice(self._market.types)
        page = await self._browsers[0].get("preview", f"/groups/{group}")
        if page.status == 200:
            await self._open_frame(page, "preview's frame")
            hit_id = _HIT.findall(page.text)
            if hit_id and self._chance.random() < 0.7:
                await self._take("accept previewed", f"/groups/{group}/accept", {"hit_id": hit_id[0]})

    async def _accept(self) -> None:
        if len(self._accepted) < _MOST_ACCEPTED or self._chance.random() < 0.1:
            group = self._chance.choice(self._market.types)
            await self._take("accept", f"/groups/{group}/accept", {})

    async def _submit(self) -> None:
        if self._accepted:
            assignment_id = self._accepted.pop(self._chance.randrange(len(self._accepted)))
            fields = {"assignmentId": assignment_id, "label": "cat", "why": "x" * self._chance.randrange(500)}
            for page in await self._post_from_frame("submit", "/mturk/externalSubmit", fields):
                if page.status == 200:
                    self._market.submitted.append(assignment_id)

    async def _give_back(self) -> None:
        if self._accepted:
            assignment_id = self._accepted.pop(self._chance.randrange(len(self._accepted)))
            await self._post("return", f"/tasks/{assignment_id}/return", {})

    async def _go_on(self) -> None:
        if self._accepted:
            path = f"/tasks/{self._accepted[-1]}/next"
            await self._take("next", path, {"hit_type_id": self._chance.choice(self._market.types)})

    async def _open_frame(self, page: Answer, what: str) -> None:
        for address in _FRAME.findall(page.text):
            await self._browsers[0].get(what, address.replace("&amp;", "&"))

    async def _take(self, what: str, path: str, fields: Mapping[str, str]) -> None:
        for answer in await self._post(what, path, fields):
            assignment_id = answer.headers.get("location", "").partition("?")[0].rpartition("/")[2]
            if assignment_id and assignment_id not in self._accepted:
                self._accepted.append(assignment_id)

    async def _post(self, what: str, path: str, fields: Mapping[str, str]) -> list[Answer]:
        body = {"form_token": self._form_token, **fields}
        return await asyncio.gather(
            *(browser.post(what, path, body) for browser in self._browsers[: self._clicks()])
        )

    async def _post_from_frame(self, what: str, path: str, fields: Mapping[str, str]) -> list[Answer]:
        return await asyncio.gather(
            *(browser.post_from_frame(what, path, fields) for browser in self._browsers[: self._clicks()])
        )

    def _clicks(self) -> int:
        return 2 if self._chance.random() < 0.15 else 1


class Requester:
    """Creates, extends, expires, reviews, pays and deletes, and reads in between."""

    def __init__(self, market: Market, seed: int) -> None:
        self._market = market
        self._chance = random.Random(1000 + seed)
        self._connection = Connection(market.crowd.url, market.log)

    async def run(self) -> None:
        """Do something again and again."""
        reading = [self._list_hits, self._list_assignments, self._list_reviewable, self._get]
        changing = [
            self._expire,
            self._extend,
            self._review,
            self._mark,
            self._delete,
            *2 * [self.create_hit],
        ]
        besides = [self._pay, self._qualify, self._block, self._invite]
        while not self._market.is_over:
            kind = self._chance.choices([reading, changing, besides], [4, 3, 1])[0]
            with contextlib.suppress(ConnectionError):  # the log has it
                await self._chance.choice(kind)()
        self._connection.close()

    async def create_type(self, number: int) -> None:
        """Create a HIT type."""
        answer = await self._call(
            "CreateHITType",
            Title=f"Label pictures, lot {number}",
            Description="Say what is in the picture.",
            Reward="0.05",
            AssignmentDurationInSeconds=_DURATION,
            AutoApprovalDelayInSeconds=_APPROVAL,
        )
        self._market.types.append(answer["HITTypeId"])

    async def create_hit(self) -> None:
        """Create a HIT; the oldest is no longer looked at where there are enough of them."""
        if len(self._market.hits) >= 2 * _HITS:
            del self._market.hits[0]
        answer = await self._call(
            "CreateHITWithHITType",
            HITTypeId=self._chance.choice(self._market.types),
            MaxAssignments=_PER_HIT,
            LifetimeInSeconds=self._chance.choice([60, 600, 6000]),
            Question=html_question(),
        )
        self._market.hits.append(answer["HIT"]["HITId"])

    async def _list_hits(self) -> None:
        await self._call("ListHITs", MaxResults=self._chance.choice([1, 10, 100]))

    async def _list_assignments(self) -> None:
        statuses = self._chance.choice([["Submitted"], ["Submitted", "Approved", "Rejected"]])
        answer = await self._call(
            "ListAssignmentsForHIT", HITId=self._hit(), AssignmentStatuses=statuses, MaxResults=100
        )
        self._market.submitted += [shown["AssignmentId"] for shown in answer.get("Assignments", [])]

    async def _list_reviewable(self) -> None:
        await self._call("ListReviewableHITs", HITTypeId=self._chance.choice(self._market.types))

    async def _get(self) -> None:
        await self._call("GetHIT", HITId=self._hit())
        await self._call("GetAccountBalance")

    async def _expire(self) -> None:
        moment = self._chance.choice([0, *3 * [int(time.time()) + _DAY]])
        await self._call("UpdateExpirationForHIT", HITId=self._hit(), ExpireAt=moment)

    async def _extend(self) -> None:
        await self._call(
            "CreateAdditionalAssignmentsForHIT", HITId=self._hit(), NumberOfAdditionalAssignments=1
        )

    async def _review(self) -> None:
        if self._market.submitted:
            chosen = self._market.submitted.pop(self._chance.randrange(len(self._market.submitted)))
            if self._chance.random() < 0.7:
                await self._call("ApproveAssignment", AssignmentId=chosen)
            else:
                await self._call("RejectAssignment", AssignmentId=chosen, RequesterFeedback="No picture.")

    async def _mark(self) -> None:
        await self._call("UpdateHITReviewStatus", HITId=self._hit(), Revert=self._chance.random() < 0.5)

    async def _delete(self) -> None:
        hit_id = self._hit()
        await self._call("UpdateExpirationForHIT", HITId=hit_id, ExpireAt=0)
        answer = await self._call("DeleteHIT", HITId=hit_id)
        if not answer and hit_id in self._market.hits and len(self._market.hits) > _HITS // 2:
            self._market.hits.remove(hit_id)

    async def _pay(self) -> None:
        if self._market.submitted:
            await self._call(
                "SendBonus",
                WorkerId=self._worker(),
                AssignmentId=self._chance.choice(self._market.submitted),
                BonusAmount="0.01",
                Reason="Thank you",
            )

    async def _qualify(self) -> None:
        await self._call("NotifyWorkers", Subject="Hello", MessageText="Hello", WorkerIds=[self._worker()])

    async def _block(self) -> None:
        worker_id = self._worker()
        await self._call("CreateWorkerBlock", WorkerId=worker_id, Reason="Too fast")
        await self._call("DeleteWorkerBlock", WorkerId=worker_id)

    async def _invite(self) -> None:
        """Invite a worker of whom nobody has heard, and ask who returned what."""
        await self._post("invite", "/invites", {}, {"name": "Ada"})
        await self._post("returns", "/returns", {}, {"hit_ids": [self._hit()]})

    def _hit(self) -> str:
        return self._chance.choice(self._market.hits)

    def _worker(self) -> str:
        return f"ALOAD{self._chance.randint(1, 20)}"

    async def _call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation of the API; returns its answer, or nothing for an error."""
        target = {"X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}"}
        answer = await self._post(operation, "/", target, members)
        found: dict[str, Any] = json.loads(answer.text) if answer.status == 200 else {}
        return found

    async def _post(self, what: str, path: str, headers: Mapping[str, str], members: object) -> Answer:
        body = json.dumps(members).encode()
        more = {"Content-Type": "application/x-amz-json-1.1", **headers}
        signed = sign(self._market.crowd.url + path, body, self._market.credentials, more)
        return await self._connection.ask(what, "POST", path, signed, body)
