"""Pages with their status and headers, ready to be sent; also what people read instead of a task."""

from __future__ import annotations

import time
from typing import NamedTuple

from taskserver.errors import BadLink
from taskserver.leases import Lease
from taskserver.pages import Pages
from taskserver.sites import Sites

Headers = list[tuple[str, str]]

# Scripts, styles and pictures of a task are the requester's own affair. form-action would be wrong: browsers
# apply it to redirects too, and Amazon redirects after a submission.
_TASK_POLICY = "base-uri 'none'; object-src 'none'"
_OWN_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
_FRAME_ANCESTORS = (
    "https://www.mturk.com",
    "https://worker.mturk.com",
    "https://workersandbox.mturk.com",
    "http://127.0.0.1:*",
    "http://localhost:*",
    "http://[::1]:*",
)


class PageResponse(NamedTuple):
    """What is sent: a status line such as "200 OK", the headers but Content-Length, the page."""

    status: str
    headers: Headers
    page: str


class PageResponses:
    """The responses of one run that are pages for people."""

    def __init__(self, pages: Pages, sites: Sites) -> None:
        self._pages, self._sites = pages, sites
        self._headers = _headers_for(sites.known)

    @property
    def own_headers(self) -> Headers:
        """The headers of pages that are this server's own."""
        return self._current().own

    def task(self, page: str) -> PageResponse:
        """Return a unit's page."""
        return PageResponse("200 OK", self._current().task, page)

    def refused(self, cap: int, leases: list[tuple[Lease, str]]) -> PageResponse:
        """Say that the worker has too many units open.

        409 and not 200: people see the same page, and programs can tell it from a task.
        """
        return PageResponse("409 CONFLICT", self.own_headers, self._pages.refused(cap, leases, time.time()))

    def drained(self) -> PageResponse:
        """Say that there are no new units any more."""
        return self.say(
            "503 SERVICE UNAVAILABLE",
            "No more units for now",
            "The requester is ending this run, so this unit cannot be started any more.",
            "If you have accepted it, please return it: that does not count against you. Thank you!",
        )

    def forbidden(self) -> PageResponse:
        """Say that a key or a signature is missing or wrong."""
        return self.say(
            "403 FORBIDDEN", "This link does not work", "Please open the task from the worker site again."
        )

    def no_such_unit(self, index: int) -> PageResponse:
        """Say that the link was made for a unit, but not for one of this run's rows."""
        return self.say("404 NOT FOUND", "There is no such unit", f"This run has no unit {index}.")

    def bad_link(self, error: BadLink) -> PageResponse:
        """Say that the worker site's part of the link cannot be right."""
        return self.say(
            "400 BAD REQUEST",
            "This link does not work",
            str(error),
            "Please open the task from the worker site again.",
        )

    def database_down(self) -> PageResponse:
        """Say that the leases cannot be reached."""
        return self.say(
            "503 SERVICE UNAVAILABLE", "Please try again in a minute", "A part of this server is down."
        )

    def faulty(self) -> PageResponse:
        """Say that the template does not fit the row, or that this server has a bug."""
        return self.say(
            "500 INTERNAL SERVER ERROR",
            "This unit cannot be shown",
            "The fault is ours, not yours. Please return it.",
        )

    def say(self, status: str, title: str, *paragraphs: str) -> PageResponse:
        """Return a plain page that says one thing."""
        return PageResponse(status, self.own_headers, self._pages.message(title, *paragraphs))

    def _current(self) -> _PageHeaders:
        if self._headers.sites is not self._sites.known:
            self._headers = _headers_for(self._sites.known)
        return self._headers


class _PageHeaders(NamedTuple):
    """The headers of pages that these sites may frame."""

    sites: tuple[str, ...]
    task: Headers
    own: Headers


def _headers_for(sites: tuple[str, ...]) -> _PageHeaders:
    hosts = ["/".join(site.split("/")[:3]) for site in sites]  # a policy knows no paths
    frames = " ".join(["frame-ancestors", *_FRAME_ANCESTORS, *hosts])
    return _PageHeaders(sites, _headers(f"{_TASK_POLICY}; {frames}"), _headers(f"{_OWN_POLICY}; {frames}"))


def _headers(policy: str) -> Headers:
    # Made once: to set them one by one takes longer than to render a page.
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        # A link's key must not get to a site that a page links to.
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    ]
