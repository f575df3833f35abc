"""A worker whose browser goes through the worker site, and shows to nobody what it sees."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from tests.fuzz.targets import Answer, Target
from tests.support.offers import invite

_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_FRAME = re.compile(r'<iframe id="frame" [^>]*src="([^"]*)"')
_OWN_FRAME = re.compile(r"/frame/[^?]+")


class Visitor:
    """A signed-in worker."""

    def __init__(self, target: Target, worker_id: str) -> None:
        self._target = target
        self.link = urlsplit(invite(target.crowd, worker_id=worker_id)["url"]).path
        answer = self.get(self.link)
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        self.form_token = _FORM_TOKEN.findall(self.get("/").text)[0]

    cookie = ""

    def get(self, path: str) -> Answer:
        """Open a page."""
        answer = self._target.send("GET", path, {"Cookie": self.cookie})
        assert answer is not None
        return answer

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form of the site, or of a page in the frame."""
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({"form_token": self.form_token, **fields}).encode()
        answer = self._target.send("POST", path, headers, body)
        assert answer is not None
        return answer

    def accept(self, hit_type_id: str) -> str:
        """Accept a HIT of a type; returns the assignment's id, or nothing if there is none."""
        answer = self.post(f"/groups/{hit_type_id}/accept")
        return answer.headers.get("location", "").rpartition("/")[2]

    def open_frame(self, page: Answer) -> str:
        """Look at the frame of a page, if it is the site's own; returns its address."""
        assert page.status == 200, page.text
        (address,) = _FRAME.findall(page.text)
        own = _OWN_FRAME.match(address)
        if own:
            assert self.get(address.replace("&amp;", "&")).status == 200
        return own[0] if own else ""
