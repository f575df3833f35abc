"""Workers who go through the worker site as browsers do, until all work is done; whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from urllib.parse import urlsplit

from tests.load.connections import Answer, Browser, Log

# How long somebody looks at a page that shows no work, or waits for a site that does not answer, in seconds.
_PAUSE = 0.2
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_TASK = re.compile(r'href="/tasks/([A-Z0-9]+)"')
_GROUP = re.compile(r'href="/groups/([A-Z0-9]+)"')
_HIT = re.compile(r'name="hit_id" value="([A-Z0-9]+)"')
_FRAME = re.compile(r'<iframe id="frame" [^>]*src="([^"]+)"')


class Work:
    """What all workers share: how much there is to do, and what of it the site has thanked them for.

    answers: by assignment, what was sent. thanked: of which the site said that it was submitted.
    """

    def __init__(self, url: str, goal: int) -> None:
        self.url, self.goal = url, goal
        self.log = Log()
        self.answers: dict[str, str] = {}
        self.thanked: set[str] = set()
        self.surprises: list[str] = []

    @property
    def is_done(self) -> bool:
        """Whether everything is submitted."""
        return len(self.thanked) >= self.goal


class Worker:
    """One of them. return_rate: how many of the accepted assignments are returned."""

    def __init__(self, work: Work, link: str, *, return_rate: float = 0.05, seed: int = 1) -> None:
        self._work, self._link = work, link
        self._return_rate = return_rate
        self._chance = random.Random(seed)
        self._browser = Browser(work.url, work.log)
        self._number = seed
        self._form_token = ""

    async def run(self) -> None:
        """Sign in and work until all is done."""
        with contextlib.closing(self._browser):
            await self._sign_in()
            while not self._work.is_done:
                try:
                    await self._choose()
                except ConnectionError:
                    await asyncio.sleep(_PAUSE)  # and look at the list again

    async def _sign_in(self) -> None:
        while True:
            with contextlib.suppress(ConnectionError):
                answer = await self._browser.get("sign in", urlsplit(self._link).path)
                if answer.status == 303:
                    return
            await asyncio.sleep(_PAUSE)

    async def _choose(self) -> None:
        """Look at the list, and do what is in progress, or else a task of one of its groups."""
        page = await self._browser.get("list", "/")
        if page.status != 200:
            await asyncio.sleep(_PAUSE)
            return
        self._form_token = _FORM_TOKEN.findall(page.text)[0]
        tasks, groups = _TASK.findall(page.text), _GROUP.findall(page.text)
        if tasks:
            await self._do(tasks[0])
        elif groups:
            await self._accept(self._chance.choice(groups))
        else:
            await asyncio.sleep(_PAUSE)

    async def _accept(self, group: str) -> None:
        page = await self._browser.get("preview", f"/groups/{group}")
        if page.status != 200:
            return
        await self._open_frame(page, "preview's frame")
        fields = {"form_token": self._form_token, "hit_id": _HIT.findall(page.text)[0]}
        await self._follow(await self._browser.post("accept", f"/groups/{group}/accept", fields))

    async def _follow(self, answer: Answer) -> None:
        path = answer.headers.get("location", "").partition("?")[0]
        if path.startswith("/tasks/"):
            await self._do(path.rpartition("/")[2])

    async def _do(self, assignment_id: str) -> None:
        """Open a task, and submit or return it; then the next one, as often as not."""
        page = await self._browser.get("task", f"/tasks/{assignment_id}")
        if page.status != 200:
            return
        frame = await self._open_frame(page, "task's frame")
        if frame.status == 200 and f'value="{assignment_id}"' not in frame.text:
            self._work.surprises.append(f"{assignment_id} was shown a page of another one")
        if self._chance.random() < self._return_rate:
            path, fields = f"/tasks/{assignment_id}/return", {"form_token": self._form_token}
            await self._browser.post("return", path, fields)
            return
        if await self._submit(assignment_id) and self._chance.random() < 0.5:
            group = re.findall(r'name="hit_type_id" value="([A-Z0-9]+)"', page.text)[0]
            fields = {"form_token": self._form_token, "hit_type_id": group}
            path = f"/tasks/{assignment_id}/next"
            await self._follow(await self._browser.post("next", path, fields))

    async def _open_frame(self, page: Answer, what: str) -> Answer:
        (address,) = _FRAME.findall(page.text)
        return await self._browser.get(what, address.replace("&amp;", "&"))

    async def _submit(self, assignment_id: str) -> bool:
        """Submit until the site says how it ended; returns whether it has thanked for it."""
        answer = f"worker {self._number} says {self._chance.random()}"
        self._work.answers[assignment_id] = answer
        fields = {"assignmentId": assignment_id, "label": answer}
        while True:
            try:
                page = await self._browser.post_from_frame("submit", "/mturk/externalSubmit", fields)
            except ConnectionError:
                await asyncio.sleep(_PAUSE)
                continue
            if page.status == 200 or "submitted this assignment already" in page.text:
                self._work.thanked.add(assignment_id)
                return True
            if page.status < 500:
                self._work.surprises.append(f"{assignment_id} could not be submitted: {page.status}")
                return False
            await asyncio.sleep(_PAUSE)
