"""What the crowd server has beside the API: invitations of workers, what they return, and their site.

A WorkerSession does what a browser without JavaScript would: it reads pages, follows their links, fills in
their forms. The page in the frame is fetched without the site's cookie, as a browser's sandbox does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from bs4 import BeautifulSoup

from crowdops.config.settings import Settings
from crowdops.errors import CredentialsRefused, NotFound, ProviderError, Unreachable, UsageError, WrongState
from crowdops.formats.html_forms import FILE
from crowdops.providers import connections
from crowdops.providers.crowd_server.forms import TaskForm, Values, read_form
from crowdops.providers.mturk.session import REGION, key_source, read_credentials

MOST_HITS = 1000  # that one request may name


class Invitation(NamedTuple):
    """A worker and the link that signs this worker in; the link is a secret."""

    worker_id: str
    name: str
    url: str


class Returns(NamedTuple):
    """How many assignments were accepted and not submitted, and by how many workers.

    `last_accept` is the latest moment at which one of them was accepted.
    """

    returned: int
    abandoned: int
    workers: int
    last_accept: datetime | None


class Group(NamedTuple):
    """HITs of one type in the list of work. `accept` is its button; None: not for this worker."""

    hit_type_id: str
    title: str
    accept: Button | None


class Task(NamedTuple):
    """An assignment in the worker's hands."""

    assignment_id: str
    hit_type_id: str
    frame_url: str
    give_back: Button


class Button(NamedTuple):
    """A form of the site that has nothing to fill in."""

    url: str
    fields: Values


def invite(settings: Settings, *, name: str | None = None, worker_id: str | None = None) -> Invitation:
    """Make a sign-in link for a new worker, or for a known one, whose link before it ends.

    UsageError where no crowd server can be, or for a name or id that it cannot use.
    """
    if settings.environment != "local":
        raise UsageError(
            f"Workers are invited to a crowd server; the environment {settings.environment} has none."
        )
    given = {key: value for key, value in (("name", name), ("worker_id", worker_id)) if value is not None}
    return _invitation(settings, _post(settings, "/invites", given))


def returns(settings: Settings, hit_ids: Sequence[str]) -> Returns | None:
    """Return what workers gave back of these HITs; None where nobody tells, such as at Amazon's. One request.

    Of more than a thousand HITs the first thousand count.
    """
    if settings.environment != "local":
        return None
    try:
        answer = _post(settings, "/returns", {"hit_ids": hit_ids[:MOST_HITS]})
        document = answer.json() if answer.ok else {}
        last_accept = document["last_accept"]
        moment = None if last_accept is None else datetime.fromtimestamp(last_accept, UTC)
        return Returns(document["returned"], document["abandoned"], document["workers"], moment)
    except (ProviderError, ValueError, KeyError, TypeError):  # another kind of endpoint, or an older one
        return None


def _post(settings: Settings, path: str, members: Mapping[str, object]) -> requests.Response:
    body = json.dumps(members).encode()
    call = _signed(f"{settings.endpoint}{path}", body, read_credentials(settings.home))
    options = {"data": call.body, "headers": dict(call.headers), "allow_redirects": False}
    with connections.session(call.url) as session:
        return _send(session, "POST", call.url, timeout=settings.timeout, **options)


def _signed(url: str, body: bytes, credentials: tuple[str, str]) -> Any:
    """Return a POST request that is signed like a call of the API."""
    call = AWSRequest("POST", url, {"Content-Type": "application/json"}, body)
    SigV4Auth(Credentials(*credentials), "mturk-requester", REGION).add_auth(call)
    return call


def _invitation(settings: Settings, answer: requests.Response) -> Invitation:
    endpoint = settings.endpoint
    try:
        document = answer.json()
        if answer.status_code == 200:
            return Invitation(document["worker_id"], document["name"], document["url"])
        text, refused = str(document["message"]), "__type" in document
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ProviderError(
            f"{endpoint} answers, but not as a crowd server ({answer.status_code})."
        ) from None
    if refused:
        raise CredentialsRefused(f"{endpoint} refused the key: {text} {key_source(settings)}")
    raise UsageError(text) if answer.status_code == 400 else ProviderError(f"{endpoint}: {text}")


class WorkerSession:
    """One worker's browser. Not to be shared between threads."""

    def __init__(self, sign_in_url: str, timeout: float = 30.0) -> None:
        self._sign_in_url, self._timeout = sign_in_url, timeout
        self._home = sign_in_url.rpartition("/sign-in/")[0]  # the site may lie below a path of its host
        self._site, self._frame = connections.session(sign_in_url), connections.session(sign_in_url)

    def close(self) -> None:
        """Close the connections, and forget who was signed in."""
        self._site.close()
        self._frame.close()

    def sign_in(self) -> None:
        """Open the sign-in link. Safe to repeat. WrongState if there is a newer link."""
        self._get(self._sign_in_url)

    def work(self) -> list[Group]:
        """Return what the list of work shows, in its order."""
        url, page = self._get(f"{self._home}/")
        return [
            Group(str(card["data-group"]), card.h3.get_text(strip=True), _button(url, card.find("form")))
            for card in page.select("[data-group]")
        ]

    def accept_next(self, group: Group) -> Task:
        """Accept a HIT of a group. WrongState if another worker was faster or it is not for this worker."""
        if group.accept is None:
            raise WrongState(f"{group.title}: this worker may not accept it.")
        return _task(*self._press(group.accept))

    def in_hand(self) -> list[str]:
        """Return the ids of the worker's assignments that are not submitted, the most urgent first."""
        _, page = self._get(f"{self._home}/")
        return [str(card["data-assignment"]) for card in page.select("[data-assignment]")]

    def resume(self, assignment_id: str) -> Task:
        """Open an assignment in the worker's hands. WrongState if it is not there any more."""
        return _task(*self._get(f"{self._home}/tasks/{assignment_id}"))

    def read(self, task: Task) -> TaskForm:
        """Fetch the page in the frame, wherever it is served, and return the form to fill in.

        ProviderError if it has none that a browser could submit without JavaScript.
        """
        answer = _send(self._frame, "GET", task.frame_url, timeout=self._timeout)
        _check(answer)
        query = {name: values[0] for name, values in parse_qs(urlsplit(task.frame_url).query).items()}
        return read_form(answer.text, answer.url, query)

    def submit(self, form: TaskForm, values: Values) -> None:
        """Send a filled-in form. WrongState if it came too late or twice. Not safe to repeat."""
        body: dict[str, Any] = {"data": values}
        if form.is_multipart:
            files = {control.name for control in form.controls if control.kind == FILE}
            body = {"files": [(name, _part(value, is_file=name in files)) for name, value in values]}
        _check(_send(self._frame, "POST", form.action, timeout=self._timeout, **body))

    def give_back(self, task: Task) -> None:
        """Give an assignment back. WrongState if it is not in the worker's hands any more."""
        self._press(task.give_back)

    def _get(self, url: str) -> tuple[str, Any]:
        return _page(_send(self._site, "GET", url, timeout=self._timeout))

    def _press(self, button: Button) -> tuple[str, Any]:
        return _page(_send(self._site, "POST", button.url, data=button.fields, timeout=self._timeout))


def _send(session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
    where = urljoin(url, "/").rstrip("/")
    try:
        return session.request(method, url, **options)
    except requests.Timeout:
        raise Unreachable(f"{where} did not answer within {options['timeout']:g} seconds.") from None
    except requests.ConnectionError as error:
        explained = connections.explain(error, where)
        raise (explained or Unreachable(f"{where} cannot be reached: {_reason(error)}")) from error
    except requests.exceptions.ChunkedEncodingError:
        raise Unreachable(f"{where} broke off its answer.") from None
    except requests.RequestException as error:
        raise ProviderError(f"{where}: {error}") from error


def _reason(error: Exception) -> str:
    """Return the innermost reason, which is the one that a person can use."""
    cause: BaseException = error
    while cause.args and isinstance(cause.args[0], BaseException):
        cause = cause.args[0]
    cause = getattr(cause, "reason", None) or cause
    return re.sub(r"^\[Errno -?\d+\] ", "", str(cause).rpartition(": ")[2]) or type(cause).__name__


def _page(answer: requests.Response) -> tuple[str, Any]:
    _check(answer)
    return answer.url, BeautifulSoup(answer.text, "html.parser")


def _task(url: str, page: Any) -> Task:
    frame = page.find("iframe")
    give_back = _button(url, page.find("form", id="working"))
    accept_next = _button(url, page.find("form", id="next"))
    if frame is None or give_back is None or accept_next is None:
        raise ProviderError(f"{url} is no task page.")
    return Task(
        assignment_id=urlsplit(url).path.rpartition("/")[2],
        hit_type_id=dict(accept_next.fields)["hit_type_id"],
        frame_url=urljoin(url, str(frame["src"])),
        give_back=give_back,
    )


def _check(answer: requests.Response) -> None:
    """Raise what an answer's status says, in the words of its page."""
    if answer.status_code < 400:
        return
    body = BeautifulSoup(answer.text[:10_000], "html.parser")
    message = " ".join((body.find("main") or body.body or body).get_text(" ", strip=True).split())[:300]
    address = urlsplit(answer.url)
    text = f"{message or answer.reason} ({answer.status_code} at {address.netloc})"
    if "/sign-in/" in address.path or answer.status_code == 403:
        raise CredentialsRefused(text)
    if answer.status_code == 404:
        raise NotFound(text)
    raise WrongState(text) if answer.status_code in (400, 409, 410) else ProviderError(text)


def _part(value: str, *, is_file: bool) -> tuple[str | None, str]:
    """Return a field as a part of a multipart form: a file's part has a name, empty if none was chosen."""
    return ("", "") if is_file else (None, value)


def _button(page_url: str, form: Any) -> Button | None:
    if form is None:
        return None
    fields = [(str(field["name"]), str(field.get("value", ""))) for field in form.select("input[name]")]
    return Button(urljoin(page_url, str(form.get("action", ""))), fields)
