"""The marks of our HITs, the ids of runs, and the tokens that make a call count once.

A mark must suffice to rebuild the registry: it names the run, the unit and the task_name.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime
from typing import NamedTuple

PREFIX = "crowdops:1:"
TASK_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9]{4}")
_ANNOTATION = re.compile(rf"{PREFIX}({RUN_ID.pattern}):([0-9]{{1,12}}):({TASK_NAME.pattern})")
_SUFFIX_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1: they are read aloud


class Mark(NamedTuple):
    """Which unit of which run a HIT is for, as its RequesterAnnotation says."""

    run_id: str
    unit_index: int
    task_name: str


def annotation(mark: Mark) -> str:
    """Return the RequesterAnnotation for a unit's HIT: ASCII, at most 255 characters.

    The annotation is the only tag that the API gives back with every HIT and never shows to workers.
    """
    return f"{PREFIX}{mark.run_id}:{mark.unit_index}:{mark.task_name}"


def parse_annotation(text: str | None) -> Mark | None:
    """Return the mark in a RequesterAnnotation, or None if the HIT is not ours."""
    match = _ANNOTATION.fullmatch(text or "")
    return Mark(match[1], int(match[2]), match[3]) if match else None


def token(operation: str, run_id: str, unit: int | str) -> str:
    """Return the UniqueRequestToken of (operation, run, unit): 64 characters, the same in every process."""
    return hashlib.sha256(f"{operation}:{run_id}:{unit}".encode()).hexdigest()


def new_run_id(now: datetime | None = None) -> str:
    """Return an id that sorts by time, such as 20261122-114502-k3f9."""
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y%m%d-%H%M%S-") + "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(4))
