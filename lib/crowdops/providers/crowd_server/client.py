"""What the crowd server has beside the API: invitations of workers, what they return, and their site.

A WorkerSession does what a browser without JavaScript would: it reads pages, follows their links, fills in
their forms. The page in the frame is fetched without the site's cookie, as a browser's sandbox does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from crowdops.config.settings import Settings
from crowdops.errors import CredentialsRefused, NotSent, ProviderError, Unreachable, UsageError, WrongState
from crowdops.formats.html_forms import FILE
from crowdops.providers import answers, connections, fields, limits, sessions
from crowdops.providers.crowd_server import pages
from crowdops.providers.crowd_server.forms import TaskForm, Values, read_form
from crowdops.providers.crowd_server.pages import Button, Group, Task
from crowdops.providers.mturk.failures import nobody_listens
from crowdops.providers.mturk.session import REGION, key_source, read_credentials

_T = TypeVar("_T")

MOST_HITS = 1000  # that one request may name
MOST_PAGE = 4_000_000  # bytes, with all that is written into it


class _NobodyListens(NotSent):
    """An address takes no connection."""


class Invitation(NamedTuple):
    """A worker and the link that signs this worker in; the link is a secret.

    `ends_at` is when it stops to do so, in ISO 8601; None where the server does not say.
    """

    worker_id: str
    name: str
    url: str
    ends_at: str | None


class Returns(NamedTuple):
    """How many assignments were accepted and not submitted, and by how many workers.

    `last_accept` is the latest moment at which one of them was accepted.
    """

    returned: int
    abandoned: int
    workers: int
    last_accept: datetime | None


class Qualified(NamedTuple):
    """How many workers a crowd has, and whether one of them may accept certain work."""

    workers: int
    somebody: bool

    @property
    def problem(self) -> str:
        """Return in words that nobody may, and why."""
        if not self.workers:
            return "no worker of this crowd qualifies: nobody has been invited yet"
        which = "the one worker does not" if self.workers == 1 else f"none of the {self.workers} workers does"
        return f"no worker of this crowd qualifies: {which}"


def invite(
    settings: Settings,
    *,
    name: str | None = None,
    worker_id: str | None = None,
    key: tuple[str, str] | None = None,
) -> Invitation:
    """Make a sign-in link for a new worker, or for a known one, whose link before it ends.

    key: its id and secret, in place of those that the home has.

    UsageError where no crowd server can be, or for a name or id that it cannot use.
    """
    given = {key: value for key, value in (("name", name), ("worker_id", worker_id)) if value is not None}
    return ask(settings, "/invites", given, read_invitation, key)


def returns(settings: Settings, hit_ids: Sequence[str]) -> Returns | None:
    """Return what workers gave back of these HITs; None where nobody tells, such as at Amazon's. One request.

    Of more than a thousand HITs the first thousand count.
    """
    if settings.environment != "local":
        return None
    try:
        answer = _post(settings, "/returns", {"hit_ids": hit_ids[:MOST_HITS]})
        with answers.taken_apart(settings.endpoint, "what was returned"):
            return _read_returns(answers.parse(answer.content)) if answer.ok else None
    except ProviderError:  # another kind of endpoint, or an older one
        return None


def qualified(settings: Settings, requirements: Sequence[Mapping[str, Any]]) -> Qualified | None:
    """Return whether a worker of the crowd meets requirements; None where nobody tells. One request."""
    if settings.environment != "local":
        return None
    try:
        answer = _post(settings, "/qualified", {"requirements": requirements})
        with answers.taken_apart(settings.endpoint, "who qualifies"):
            document = answers.parse(answer.content) if answer.ok else None
            if document is None:
                return None
            return Qualified(fields.number(document, "workers"), bool(document["somebody"]))
    except (ProviderError, Unreachable):  # another kind of endpoint, an older one, or none
        return None


def _read_returns(document: Any) -> Returns:
    last_accept = document["last_accept"]
    moment = None if last_accept is None else datetime.fromtimestamp(last_accept, UTC)
    return Returns(
        returned=fields.number(document, "returned"),
        abandoned=fields.number(document, "abandoned"),
        workers=fields.number(document, "workers"),
        last_accept=moment,
    )


def _post(
    settings: Settings, path: str, members: Mapping[str, object], key: tuple[str, str] | None = None
) -> requests.Response:
    body = json.dumps(members).encode()
    call = _signed(f"{settings.endpoint}{path}", body, key or read_credentials(settings.home))
    options = {"data": call.body, "headers": dict(call.headers), "allow_redirects": False}
    with connections.session(call.url) as session:
        try:
            return _send(session, "POST", call.url, timeout=settings.timeout, **options)
        except _NobodyListens as error:
            raise nobody_listens(settings) from error


def _signed(url: str, body: bytes, credentials: tuple[str, str]) -> Any:
    """Return a POST request that is signed like a call of the API."""
    call = AWSRequest("POST", url, {"Content-Type": "application/json"}, body)
    SigV4Auth(Credentials(*credentials), "mturk-requester", REGION).add_auth(call)
    return call


def read_invitation(document: Any) -> Invitation:
    """Take an invitation apart. answers.MISREAD for what is none."""
    return Invitation(
        worker_id=fields.text(document, "worker_id"),
        name=fields.text(document, "name"),
        url=fields.text(document, "url"),
        ends_at=fields.text_or_none(document, "ends_at"),
    )


def ask(
    settings: Settings,
    path: str,
    members: Mapping[str, object],
    read: Callable[[Any], _T],
    key: tuple[str, str] | None = None,
) -> _T:
    """Ask a crowd server what Amazon's API has no word for, and return what `read` makes of the answer.

    UsageError where no crowd server can be, and for what it cannot do, in its words.
    """
    if settings.environment != "local":
        raise UsageError(
            f"A crowd's people are a crowd server's; the environment {settings.environment} has none."
            " For the crowd server: --environment local"
        )
    key = key or read_credentials(settings.home)
    answer = _post(settings, path, members, key)
    endpoint, redaction = settings.endpoint, answers.Redaction(*key)
    try:
        document = redaction.value(answers.parse(answer.content))
        if answer.status_code == 200:
            return read(document)
        text, refused = answers.brief(fields.text(document, "message")), "__type" in document
    except answers.MISREAD:
        raise ProviderError(
            f"{endpoint} answers, but not as a crowd server ({answer.status_code})."
        ) from None
    if refused:
        raise CredentialsRefused(f"{endpoint} refused the key: {text} {key_source(settings)}")
    raise UsageError(text) if answer.status_code in (400, 403) else ProviderError(f"{endpoint}: {text}")


class WorkerSession:
    """One worker's browser. Not to be shared between threads."""

    def __init__(self, sign_in_url: str, timeout: float = 30.0) -> None:
        self._sign_in_url, self._timeout = sign_in_url, timeout
        # The site may lie below a path of its host.
        self._home, _, token = sign_in_url.rpartition("/sign-in/")
        self._redaction = answers.Redaction(token)
        self._site, self._frame = connections.session(sign_in_url), connections.session(sign_in_url)

    def close(self) -> None:
        """Close the connections, and forget who was signed in."""
        self._site.close()
        self._frame.close()

    def sign_in(self) -> None:
        """Open the sign-in link, and agree to the lab's text. Safe to repeat. WrongState for an old link."""
        agree = self._get(self._sign_in_url, pages.consent)
        if agree:
            self._press(agree, lambda url, page: None)

    def work(self) -> list[Group]:
        """Return what the list of work shows, in its order."""
        return self._get(f"{self._home}/", pages.groups)

    def accept_next(self, group: Group) -> Task:
        """Accept a HIT of a group. WrongState if another worker was faster or it is not for this worker."""
        if group.accept is None:
            raise WrongState(f"{group.title}: this worker may not accept it.")
        return self._press(group.accept, pages.task)

    def in_hand(self) -> list[str]:
        """Return the ids of the worker's assignments that are not submitted, the most urgent first."""
        return self._get(f"{self._home}/", pages.assignment_ids)

    def resume(self, assignment_id: str) -> Task:
        """Open an assignment in the worker's hands. WrongState if it is not there any more."""
        return self._get(f"{self._home}/tasks/{assignment_id}", pages.task)

    def read(self, task: Task) -> TaskForm:
        """Fetch the page in the frame, wherever it is served, and return the form to fill in.

        ProviderError if it has none that a browser could submit without JavaScript.
        """

        def read(answer: requests.Response) -> TaskForm:
            query = {name: values[0] for name, values in parse_qs(urlsplit(task.frame_url).query).items()}
            return read_form(pages.read_text(answer), answer.url, query)

        return self._exchange(self._frame, "GET", task.frame_url, read)

    def submit(self, form: TaskForm, values: Values) -> None:
        """Send a filled-in form. WrongState if it came too late or twice. Not safe to repeat."""
        body: dict[str, Any] = {"data": values}
        if form.is_multipart:
            files = {control.name for control in form.controls if control.kind == FILE}
            body = {"files": [(name, _part(value, is_file=name in files)) for name, value in values]}
        self._exchange(self._frame, "POST", form.action, bool, **body)

    def give_back(self, task: Task) -> None:
        """Give an assignment back. WrongState if it is not in the worker's hands any more."""
        self._press(task.give_back, lambda url, page: None)

    def _get(self, url: str, read: Callable[[str, Any], _T], method: str = "GET", **body: Any) -> _T:
        def read_answer(answer: requests.Response) -> _T:
            return read(answer.url, pages.read_page(answer))

        return self._exchange(self._site, method, url, read_answer, **body)

    def _press(self, button: Button, read: Callable[[str, Any], _T]) -> _T:
        return self._get(button.url, read, "POST", data=button.fields)

    def _exchange(
        self,
        session: requests.Session,
        method: str,
        url: str,
        read: Callable[[requests.Response], _T],
        **body: Any,
    ) -> _T:
        """Send a request and return what `read` makes of the answer. One page of a size is read at a time."""
        site = sessions.site(url)
        with limits.within(site, self._timeout, most=MOST_PAGE), answers.taken_apart(site, "with a page"):
            answer = _send(session, method, url, timeout=self._timeout, **body)
            pages.check(answer, self._redaction)
            return read(answer)


def _send(session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
    where = sessions.site(url)
    try:
        return session.request(method, url, **options)
    except requests.Timeout:
        raise Unreachable(f"{where} did not answer within {options['timeout']:g} seconds.") from None
    except requests.ConnectionError as error:
        explained = connections.explain(error, where)
        kind = _NobodyListens if connections.is_refused(error) else Unreachable
        raise (explained or kind(f"{where} cannot be reached: {_reason(error)}")) from error
    except requests.exceptions.ChunkedEncodingError:
        raise Unreachable(f"{where} broke off its answer.") from None
    except requests.RequestException as error:  # its own words may hold the whole address, a secret
        raise ProviderError(f"{where} cannot be used: {type(error).__name__}.") from error


def _reason(error: Exception) -> str:
    """Return the innermost reason, which is the one that a person can use."""
    cause: BaseException = error
    while cause.args and isinstance(cause.args[0], BaseException):
        cause = cause.args[0]
    cause = getattr(cause, "reason", None) or cause
    reason = re.sub(r"^\[Errno -?\d+\] ", "", str(cause).rpartition(": ")[2]) or type(cause).__name__
    return answers.brief(reason)


def _part(value: str, *, is_file: bool) -> tuple[str | None, str]:
    """Return a field as a part of a multipart form: a file's part has a name, empty if none was chosen."""
    return ("", "") if is_file else (None, value)
