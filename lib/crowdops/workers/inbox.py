"""What workers wrote to the requester, as it is shown, and the command that answers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from crowdops.config.settings import Settings
from crowdops.console import output
from crowdops.console.columns import Column, Show
from crowdops.formats import marks, moments
from crowdops.providers.crowd_server import people
from crowdops.providers.crowd_server.people import Letter

_PANEL_PREFIX = "APANEL"  # of a panel's participants, who read no messages on the site
_MOST_COMMANDS = 5


def _run_id(letter: Letter) -> str | None:
    mark = marks.parse_annotation(letter.annotation)
    return mark.run_id if mark else None


def _answer(letter: Letter) -> str:
    if letter.worker_id.startswith(_PANEL_PREFIX):
        return "on the panel's own site"
    arguments = shlex.quote(f"--subject Answer --worker {letter.worker_id}")
    return f"make notify FILE=answer.txt ARGS={arguments}"


COLUMNS: Sequence[Column[Letter]] = [
    Column("sent_at", "written", lambda letter: letter.sent_at),
    Column("worker_id", "worker", lambda letter: letter.worker_id, is_id=True),
    Column("name", "name", lambda letter: letter.name),
    Column("run_id", "run", _run_id, show=Show.WIDE),
    Column("hit_id", "HIT", lambda letter: letter.hit_id, show=Show.WIDE),
    Column("title", "about", lambda letter: letter.title),
    Column("text", "text", lambda letter: letter.text),
    Column("answered_at", "answered", lambda letter: letter.answered_at),
    Column("answer", None, _answer),
]


def read(settings: Settings, since: str | None, *, unanswered: bool) -> list[Letter]:
    """Return what workers wrote, the oldest first; since when, as people type a moment. UsageError."""
    moment = moments.read(since, "--since", datetime.now(UTC)) if since else people.ALWAYS[0]
    letters = people.letters(settings, moment)
    return [letter for letter in letters if not (unanswered and letter.answered_at)]


def say_how_to_answer(letters: Sequence[Letter]) -> None:
    """Say with which command each worker is answered who waits for that."""
    waiting = dict.fromkeys(_answer(letter) for letter in letters if letter.answered_at is None)
    if waiting:
        output.say("Write the answer into answer.txt. Each worker has a command of its own:")
    for command in list(waiting)[:_MOST_COMMANDS]:
        output.say(f"  {command}")
    if len(waiting) > _MOST_COMMANDS:
        output.say(f"  and {len(waiting) - _MOST_COMMANDS} more: --json")
