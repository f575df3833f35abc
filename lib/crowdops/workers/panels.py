"""Links by which a panel's participants do the work of a run, and what is entered in the panel's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from crowdops.config import addresses
from crowdops.config.settings import Settings
from crowdops.errors import UsageError
from crowdops.formats import marks
from crowdops.providers import answers, fields
from crowdops.providers.crowd_server.client import ask
from crowdops.registry.rows import Run

PROLIFIC = "https://app.prolific.com/submissions/complete?cc={code}"
# What Prolific puts in place of these in a study's address.
_OF_PROLIFIC = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
_PROLIFIC = "prolific"
# What a new link has unless it is said.
_NEW: Mapping[str, Any] = {
    "units": 1,
    "seconds": None,
    "participant": _OF_PROLIFIC[0],
    "back": None,
    "complete_code": "",
    "none_code": "",
}


class Wish(NamedTuple):
    """What the options of a command say about a link; None for what stays as it is, or is left to us."""

    units: int | None
    minutes: int | None
    panel: str
    participant: str | None
    back: str | None
    complete_code: str | None
    none_code: str | None


class Link(NamedTuple):
    """A panel's link to a run. `url` is as the panel's form wants it; it is a secret."""

    url: str
    panel: str
    units: int
    seconds: int
    complete_code: str
    none_code: str
    complete_url: str
    none_url: str


def define(settings: Settings, run: Run, wish: Wish) -> Link:
    """Return the link of a panel to a run, made or changed as a wish says. UsageError for what cannot be.

    Where the link is there and the wish asks for nothing new, nothing is changed.
    """
    if run.hit_type_id is None:
        raise UsageError(f"Run {run.run_id} has no HIT yet, so there is no work to link to: make runs")
    target = {
        "name": wish.panel,
        "hit_type_id": run.hit_type_id,
        "annotation": f"{marks.PREFIX}{run.run_id}:",
    }
    document = ask(settings, "/panels", target, fields.an_object)
    terms = _terms(document, run, wish)
    if any(document.get(name) != value for name, value in terms.items()):
        document = ask(settings, "/panels", {**target, **terms}, fields.an_object)
    with answers.taken_apart(settings.endpoint, "the link of a panel"):
        return _link(document)


def _terms(document: Mapping[str, Any], run: Run, wish: Wish) -> dict[str, Any]:
    """Return what is to hold at a link: what the wish says, else what the link that is there has."""
    given = {
        name: getattr(wish, name)
        for name in ("units", "participant", "back", "complete_code", "none_code")
        if getattr(wish, name) is not None
    }
    if wish.minutes:
        given["seconds"] = wish.minutes * 60
    elif not document or given.get("units") not in (None, document.get("units")):
        units = wish.units or 1
        given["seconds"] = min(units * run.parameters.assignment_duration_in_seconds, 30 * 86_400)
    terms = {name: document.get(name, value) for name, value in _NEW.items()} | given
    if terms["back"] is None and wish.panel == _PROLIFIC:
        terms["back"] = PROLIFIC
    _check_back(terms["back"], wish.panel)
    return terms


def _check_back(back: object, panel: str) -> None:
    if back is None:
        raise UsageError(
            f"Say where participants of {panel} go: --back 'https://…{{code}}', or --back '' where they"
            " copy the code."
        )
    if back and "{code}" not in str(back):
        raise UsageError(
            f"--back {str(back)!r} has no {{code}} in it, so the panel would not be told who is done. Put"
            " {code} where the code belongs, or give --back '' where participants copy it."
        )


def remarks(run: Run, link: Link) -> list[str]:
    """Return what keeps participants from the work of a run, in words."""
    found = []
    if addresses.is_loopback(link.url):
        found.append(
            "Only browsers on this machine reach this address. For others start the server behind HTTPS, with"
            " --public-url: docs/crowd-server.md"
        )
    if run.state not in ("launching", "running"):
        found.append(
            f"Run {run.run_id} is {run.state}: who comes gets work only where a HIT is still open. See:"
            f" make status RUN={run.run_id}"
        )
    elif most := run.parameters.max_num_concurrent_units:
        found.append(
            f"This run has at most {most} units open at a time (max_num_concurrent_units): who comes while"
            " these are taken is sent back with the other code."
        )
    if run.replacement_type_id:
        found.append("HITs that took the place of others in a top-up are not given by this link.")
    return found


def _link(document: Mapping[str, Any]) -> Link:
    codes = [fields.text(document, name) for name in ("complete_code", "none_code")]
    back = fields.text(document, "back")
    urls = [back.replace("{code}", code) for code in codes]
    return Link(
        url=f"{fields.text(document, 'url')}?{_query(fields.text(document, 'participant'))}",
        panel=fields.text(document, "name"),
        units=fields.number(document, "units"),
        seconds=fields.number(document, "seconds"),
        complete_code=codes[0],
        none_code=codes[1],
        complete_url=urls[0],
        none_url=urls[1],
    )


def _query(participant: str) -> str:
    """Return the link's parameters, with what Prolific fills in; of other panels the participant's alone."""
    if participant == _OF_PROLIFIC[0]:
        return "&".join(f"{name}={{{{%{name}%}}}}" for name in _OF_PROLIFIC)
    return f"{quote(participant)}=..."


def form(link: Link) -> dict[str, object]:
    """Return what is entered in a panel's form, by what it is called there."""
    minutes = -(-link.seconds // 60)
    return {
        "study URL": link.url,
        "completion code": link.complete_code,
        "its address": link.complete_url or "none: participants copy the code",
        "code for no work left": link.none_code,
        "that one's address": link.none_url or "none: participants copy the code",
        "each participant": f"{link.units} of the run's units, within {minutes} min",
    }
