"""The pages of a crowd server's worker site, as a worker's browser has them, and what they offer."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from bs4 import BeautifulSoup
from bs4.builder import ParserRejectedMarkup

from crowdops.errors import CredentialsRefused, NotFound, ProviderError, WrongState
from crowdops.formats.html_parser import whole_tags
from crowdops.providers import answers, sessions
from crowdops.providers.crowd_server.forms import Values

MOST_TAGS = 20_000  # of a page


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


# Each of the following takes an answer apart: answers.MISREAD for a page that is not as it should be.


def read_text(answer: requests.Response) -> str:
    """Return the text of a page. ValueError for one with more tags than memory should hold."""
    text = sessions.text(answer)
    if text.count("<") > MOST_TAGS:
        raise ValueError(f"it has more than {MOST_TAGS} tags")
    return text


def read_page(answer: requests.Response) -> Any:
    """Return the elements of a page."""
    return _parse(read_text(answer))


def _parse(html: str) -> Any:
    try:
        return BeautifulSoup(whole_tags(html), "html.parser")
    except ParserRejectedMarkup as error:
        raise ValueError("it is no page") from error


def groups(url: str, page: Any) -> list[Group]:
    """Return what the list of work shows, in its order."""
    return [
        Group(str(card["data-group"]), card.h3.get_text(strip=True), _button(url, card.find("form")))
        for card in page.select("[data-group]")
    ]


def assignment_ids(_url: str, page: Any) -> list[str]:
    """Return the ids of the assignments in the worker's hands, in the order of the page."""
    return [str(card["data-assignment"]) for card in page.select("[data-assignment]")]


def consent(url: str, page: Any) -> Button | None:
    """Return the button that agrees to the lab's text, where a page asks for that."""
    return _button(url, page.find("form", id="consent"))


def task(url: str, page: Any) -> Task:
    """Return the assignment that a page is for. ProviderError if it is for none."""
    frame = page.find("iframe")
    give_back = _button(url, page.find("form", id="working"))
    accept_next = _button(url, page.find("form", id="next"))
    if frame is None or give_back is None or accept_next is None:
        raise ProviderError(f"{answers.brief(url)} is no task page.")
    return Task(
        assignment_id=urlsplit(url).path.rpartition("/")[2],
        hit_type_id=dict(accept_next.fields)["hit_type_id"],
        frame_url=urljoin(url, str(frame["src"])),
        give_back=give_back,
    )


def check(answer: requests.Response, redaction: answers.Redaction) -> None:
    """Raise what an answer's status says, in the words of its page."""
    if answer.status_code < 400:
        return
    body = _parse(sessions.text(answer)[:10_000])
    words = (body.find("main") or body.body or body).get_text(" ", strip=True)
    message = answers.brief(redaction.text(words or answer.reason or ""), 300)
    address = urlsplit(answer.url)
    text = f"{message} ({answer.status_code} at {address.netloc})"
    if "/sign-in/" in address.path or answer.status_code == 403:
        raise CredentialsRefused(text)
    if answer.status_code == 404:
        raise NotFound(text)
    raise WrongState(text) if answer.status_code in (400, 409, 410) else ProviderError(text)


def _button(page_url: str, form: Any) -> Button | None:
    if form is None:
        return None
    fields = [(str(field["name"]), str(field.get("value", ""))) for field in form.select("input[name]")]
    return Button(urljoin(page_url, str(form.get("action", ""))), fields)
