"""Who opens a page, and for what: the four parameters that a worker site appends to a unit's link."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from taskserver.errors import BadLink
from taskserver.sites import Sites

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"
SUBMIT_PATH = "/mturk/externalSubmit"
_AMAZON = ("https://www.mturk.com", "https://workersandbox.mturk.com")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

_ENTITY = re.compile(r"[A-Z0-9]{1,64}")
_WORKER = re.compile(r"A[A-Z0-9]{1,63}")


class Visit(NamedTuple):
    """One opening of a page. In a preview there is no assignment, and nothing else is promised either."""

    assignment_id: str
    hit_id: str
    worker_id: str
    submit_to: str

    @property
    def is_preview(self) -> bool:
        """Whether the worker has yet to accept."""
        return self.assignment_id == PREVIEW

    @property
    def submit_url(self) -> str:
        """Where the page's form goes; in a preview a path of this server that says to accept first."""
        return self.submit_to + SUBMIT_PATH

    def template_names(self) -> dict[str, object]:
        """Return the names that a template can use for it."""
        return {
            "assignmentId": self.assignment_id,
            "hitId": self.hit_id,
            "workerId": self.worker_id,
            "turkSubmitTo": self.submit_to,
            "submit_url": self.submit_url,
            "preview": self.is_preview,
        }


def read_visit(query: Mapping[str, str], sites: Sites) -> Visit:
    """Return the visit in a query string. BadLink when a real worker site could not have sent it.

    A preview needs nothing but the link, and trusts nothing in it.
    """
    assignment_id = query.get("assignmentId", PREVIEW)
    if assignment_id == PREVIEW:
        return Visit(PREVIEW, "", "", "")
    return Visit(
        _entity(assignment_id, "assignmentId"),
        _entity(query.get("hitId", ""), "hitId"),
        _worker(query.get("workerId", "")),
        _origin(query.get("turkSubmitTo", ""), sites),
    )


def _entity(text: str, name: str) -> str:
    if not _ENTITY.fullmatch(text):
        raise BadLink(f"Its {name} is not one that a worker site gives out.")
    return text


def _worker(text: str) -> str:
    # Some workers arrive as "W,W": the same id twice.
    first, *others = text.split(",")
    if not _WORKER.fullmatch(first) or any(other != first for other in others):
        raise BadLink("Its workerId is not one that a worker site gives out.")
    return first


def _origin(url: str, sites: Sites) -> str:
    """Return a known site's address: else a made-up link would send a worker's answers to anybody."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadLink("Its turkSubmitTo is not an address.") from None
    host = parts.hostname or ""
    host_text = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{host_text}" + (f":{port}" if port is not None else "")
    is_loopback = host in _LOOPBACK and parts.scheme in ("http", "https")
    site = url.rstrip("/")
    # No user, and no path but that of a known site; with or without a slash at its end.
    if (site == origin and (origin in _AMAZON or is_loopback)) or site in sites:
        return site
    raise BadLink("It would send the answers to a site that this task does not know.")
