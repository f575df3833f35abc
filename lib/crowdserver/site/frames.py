"""What the worker's frame shows: a requester's page.

An HTMLQuestion is served from here, filled in for one assignment; an ExternalQuestion stays where it is
and gets the same query parameters. Either way the frame is a sandbox: the page is not this site's own.
"""

import html
import re
import socket
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from sqlalchemy import Connection, bindparam, select

from crowdserver.protocol import question_xml
from crowdserver.protocol.question_xml import Question
from crowdserver.storage.schema import hits
from crowdserver.worker.assignments import PREVIEW_ID
from crowdserver.worker.refusals import gone

# Without allow-same-origin the page gets an origin of its own: no cookie, no look at the page around it.
# Without allow-top-navigation it cannot lead the worker away.
SANDBOX = "allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox allow-modals allow-downloads"

_QUESTION = select(hits.c.question).where(hits.c.id == bindparam("hit"), hits.c.disposed_at.is_(None))


# The names of this machine for itself. Browsers keep cookies by the name, whatever the port.
_OTHER_NAMES = {"127.0.0.1": "localhost", "::1": "localhost", "localhost": "127.0.0.1"}


def question_of(tx: Connection, hit_id: str) -> Question:
    """Return the question of a HIT. Refused: gone if the HIT was disposed of."""
    xml = tx.execute(_QUESTION, {"hit": hit_id}).scalar()
    if xml is None:
        raise gone()
    return question_xml.read(xml)


def parameters(assignment_id: str | None, hit_id: str, worker_id: str, submit_to: str) -> dict[str, str]:
    """Return the query parameters of a frame; in a preview (no assignment) without worker and address."""
    if assignment_id is None:
        return {"assignmentId": PREVIEW_ID, "hitId": hit_id}
    return {"assignmentId": assignment_id, "hitId": hit_id, "workerId": worker_id, "turkSubmitTo": submit_to}


def with_parameters(url: str, values: dict[str, str]) -> str:
    """Return the URL with the values appended; what it had already stays as it was, to the letter."""
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode(values)]))
    return urlunsplit(parts._replace(query=query))


def apart(url: str, site: str) -> str:
    """Return the address of a page under another name than the site's, where both are on this machine.

    Browsers send a cookie to every port of a host (RFC 6265, 8.5): under the site's own name the server of
    the page would get the worker's session.
    """
    parts, own = urlsplit(url), urlsplit(site)
    host = _canonical(parts.hostname)
    if host != _canonical(own.hostname) or host not in _OTHER_NAMES or _origin(url) == _origin(site):
        return url
    user, at, _ = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port is not None else ""
    return urlunsplit(parts._replace(netloc=f"{user}{at}{_OTHER_NAMES[host]}{port}"))


def _canonical(host: str | None) -> str:
    """Return a host as browsers understand it: 127.1 and 0x7f000001 are 127.0.0.1."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host or ""))
    except OSError:
        return host or ""


def sandbox_for(url: str, site: str) -> str:
    """Return the sandbox of a page: one that is served elsewhere may keep its own origin and storage.

    Both rights together on an address of this site would let the page climb out.
    """
    return SANDBOX if _origin(urljoin(site, url)) == _origin(site) else f"{SANDBOX} allow-same-origin"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def fill(page: str, assignment_id: str, root: str = "") -> str:
    """Return the page with what a script would do at load done already, for workers without JavaScript.

    The empty hidden input `assignmentId` gets its value, and a form that posts to /mturk/externalSubmit, or
    to one of Amazon's closed worker sites by name, posts to this site, which may lie below a path of its
    host: `root`. Amazon's two scripts, which are gone, come from this site. Every other character stays.
    """
    finder = _Edits(page, assignment_id, root)
    for start, old, new in reversed(finder.edits):
        page = page[:start] + new + page[start + len(old) :]
    return page


_WITHOUT_SCRIPTS = "<noscript><p>This task needs JavaScript. Allow it, or return the task.</p></noscript>"


class _Edits(HTMLParser):
    """Finds the tags to change. A parser, not a pattern: scripts and comments may hold the same text."""

    _SUBMIT = re.compile(
        r"""(\s(?:form)?action\s*=\s*["']?\s*)(?:https?://(?:www|worker|workersandbox)\.mturk\.com)?"""
        r"(?=/mturk/externalSubmit)",
        re.IGNORECASE,
    )

    _SCRIPT = re.compile(
        r"""(\ssrc\s*=\s*["']?\s*)(?:https?:)?//"""
        r"(?:assets\.crowd\.aws|s3\.amazonaws\.com/mturk-public)/"
        r"(crowd-html-elements|externalHIT_v1)(?=\.js)",
        re.IGNORECASE,
    )

    def __init__(self, page: str, assignment_id: str, root: str) -> None:
        super().__init__()
        self._root = root
        self.edits: list[tuple[int, str, str]] = []
        self._value = f' value="{html.escape(assignment_id)}"'
        # The parser tells lines by "\n" alone, whatever else the page uses.
        self._line_starts = [0, *(newline.end() for newline in re.finditer("\n", page))]
        self.feed(page)  # not closed: a tag that is cut off is none, and to look for its end takes the square

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the change that this tag needs, if any."""
        values = dict(attrs)
        old = self.get_starttag_text() or ""
        if tag == "input" and values.get("name") == "assignmentId" and not values.get("value"):
            bare = re.sub(r"""(?i)\svalue\s*=\s*(""|'')""", "", old)
            self._note(old, re.sub(r"(?i)^<input", lambda name: name[0] + self._value, bare))
        elif tag in ("form", "button", "input"):
            self._note(old, self._SUBMIT.sub(lambda action: action[1] + self._root, old))
        elif tag == "script":
            new = self._SCRIPT.sub(lambda src: f"{src[1]}{self._root}/static/{src[2]}", old)
            self._note(old, new if new == old else _WITHOUT_SCRIPTS + new)

    def parse_html_declaration(self, i: int) -> int:
        """Read "<![" as browsers do, as a comment up to the next ">"; the library fails at most of these."""
        if self.rawdata.startswith("<![", i):
            return self.parse_bogus_comment(i)
        return super().parse_html_declaration(i)

    def _note(self, old: str, new: str) -> None:
        if new != old:
            line, column = self.getpos()
            self.edits.append((self._line_starts[line - 1] + column, old, new))
