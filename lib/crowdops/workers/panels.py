"""Links by which a panel's participants do the work of a run, and what is entered in the panel's form."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from crowdops.config.settings import Settings
from crowdops.errors import UsageError
from crowdops.formats import marks
from crowdops.providers import fields
from crowdops.providers.crowd_server.client import ask
from crowdops.registry.rows import Run

PROLIFIC = "https://app.prolific.com/submissions/complete?cc={code}"
# What Prolific puts in place of these in a study's address.
_OF_PROLIFIC = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")


class Wish(NamedTuple):
    """What the options of a command say about a link; `minutes` and `back` may be left to us."""

    units: int
    minutes: int | None
    panel: str
    participant: str
    back: str | None
    complete_code: str
    none_code: str


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
    """Make the link of a panel to a run, or change what is given at it. UsageError for what cannot be."""
    if run.hit_type_id is None:
        raise UsageError(f"Run {run.run_id} has no HIT yet, so there is no work to link to: make runs")
    seconds = (
        wish.minutes * 60 if wish.minutes else wish.units * run.parameters.assignment_duration_in_seconds
    )
    members = {
        "name": wish.panel,
        "hit_type_id": run.hit_type_id,
        "annotation": f"{marks.PREFIX}{run.run_id}:",
        "units": wish.units,
        "seconds": min(seconds, 30 * 86_400),
        "participant": wish.participant,
        "back": _back(wish),
        "complete_code": wish.complete_code,
        "none_code": wish.none_code,
    }
    return ask(settings, "/panels", members, lambda document: _link(document, wish))


def _back(wish: Wish) -> str:
    if wish.back is None and wish.panel != "prolific":
        raise UsageError(
            f"Say where participants of {wish.panel} go: --back 'https://…{{code}}', or --back '' where they"
            " copy the code."
        )
    return PROLIFIC if wish.back is None else wish.back


def _link(document: Any, wish: Wish) -> Link:
    codes = [fields.text(document, name) for name in ("complete_code", "none_code")]
    back = fields.text(document, "back")
    urls = [back.replace("{code}", code) for code in codes]
    return Link(
        url=f"{fields.text(document, 'url')}?{_query(wish)}",
        panel=fields.text(document, "name"),
        units=fields.number(document, "units"),
        seconds=fields.number(document, "seconds"),
        complete_code=codes[0],
        none_code=codes[1],
        complete_url=urls[0],
        none_url=urls[1],
    )


def _query(wish: Wish) -> str:
    """Return the link's parameters, with what Prolific fills in; of other panels the participant's alone."""
    if wish.participant == _OF_PROLIFIC[0]:
        return "&".join(f"{name}={{{{%{name}%}}}}" for name in _OF_PROLIFIC)
    return f"{quote(wish.participant)}=..."


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
