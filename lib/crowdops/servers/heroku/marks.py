"""How an app of ours at Heroku is told from everybody else's.

Heroku has no tags. An app is ours when its name has our prefix, its config vars carry our marks, and the
account that created it, by those marks, is the account of the key. Only such an app is ever deleted.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from crowdops.providers.heroku.models import App
from crowdops.registry import Server

KIND = "heroku"
PREFIX = "crowdops-"
SLUG_LENGTH = 12  # Heroku allows 30 characters: the prefix, this, and the tail
CLOCK_SKEW = timedelta(minutes=5)
UNMARKED = "it has our prefix and not our marks; it is taken down only by its name"
_NAME = re.compile(rf"{PREFIX}[a-z0-9-]{{1,{SLUG_LENGTH}}}-[0-9a-f]{{8}}")


class Marks(NamedTuple):
    """What the config vars of an app of ours say.

    `own_app` is somebody's app in place of our task server, `crowd` a crowd server.
    """

    run_id: str | None
    task_name: str | None
    creator: str
    own_app: bool = False
    crowd: bool = False


def new_name(task_name: str) -> str:
    """Return a fresh name that says what the app is for; names are one space for all of Heroku."""
    slug = re.sub(r"[^a-z0-9]+", "-", task_name.lower()).strip("-")[:SLUG_LENGTH].strip("-")
    return f"{PREFIX}{slug or 'task'}-{secrets.token_hex(4)}"


def is_our_name(name: str) -> bool:
    """Return whether a name has the form of those that new_name makes."""
    return _NAME.fullmatch(name) is not None


def mark_vars(marks: Marks) -> dict[str, str]:
    """Return the config vars that mark an app."""
    values = {
        "CROWDOPS_MANAGED": "1",
        "CROWDOPS_RUN_ID": marks.run_id or "",
        "CROWDOPS_TASK_NAME": marks.task_name or "",
        "CROWDOPS_CREATOR": marks.creator,
        "CROWDOPS_OWN_APP": "1" if marks.own_app else "",
        "CROWDOPS_CROWD": "1" if marks.crowd else "",
    }
    return {name: value for name, value in values.items() if value}


def read_marks(config: Mapping[str, str] | None) -> Marks | None:
    """Return the marks in config vars, or None if they are not all there."""
    if config is None or config.get("CROWDOPS_MANAGED") != "1" or not config.get("CROWDOPS_CREATOR"):
        return None
    run_id, task_name = config.get("CROWDOPS_RUN_ID") or None, config.get("CROWDOPS_TASK_NAME") or None
    own_app, crowd = (config.get(f"CROWDOPS_{name}") == "1" for name in ("OWN_APP", "CROWD"))
    return Marks(run_id, task_name, config["CROWDOPS_CREATOR"], own_app, crowd)


def of_row(row: Server, email: str) -> Marks:
    """Return the marks that the registry says an app of this account would have."""
    own_app, crowd = (bool(row.detail.get(name)) for name in ("own_app", "crowd"))
    return Marks(row.run_id, row.detail.get("task_name"), email, own_app, crowd)


def refusal(app: App, config: Mapping[str, str] | None, email: str) -> str | None:
    """Return why an app is not ours to delete, or None if it has all three signs."""
    marks = read_marks(config)
    if not app.name.startswith(PREFIX):
        return f"the app was renamed: its name does not begin with {PREFIX}"
    if app.team is None and app.owner != email:
        return f"it belongs to {app.owner}"
    if config is None:
        return "its config vars may not be read, so it is not known whose it is"
    if marks is None:
        return UNMARKED
    if marks.creator != email:
        return f"it was created by {marks.creator}"
    return None


def created_elsewhere(row: Server, email: str) -> str | None:
    """Return why the account of this key cannot tell of a server; None if that account has created it."""
    creator = row.detail.get("creator")
    if creator in (None, email):
        return None
    return f"it was created by {creator}, and the key in HEROKU_API_KEY is {email}'s"


def was_intended(app: App, config: Mapping[str, str], row: Server | None, email: str) -> bool:
    """Return whether this is an app that a launch of ours had created and not yet marked when it was cut off.

    The name was written down before the app existed, and nobody else knew its random tail. An app that
    anybody has configured since is not meant.
    """
    if row is None or config or app.name != row.name or not is_our_name(app.name):
        return False
    at_home = app.team == (row.detail.get("team") or None) and (app.team is not None or app.owner == email)
    return at_home and app.created_at >= row.created_at - CLOCK_SKEW
