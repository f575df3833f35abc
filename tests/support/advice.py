"""What messages propose to type, typed: read from what is printed, through the real make, in a real world."""

from __future__ import annotations

import importlib
import re
import shlex
import threading
from collections.abc import Callable
from typing import NamedTuple

from tests.support import makes, messages
from tests.support.processes import wait_until
from tests.support.scripts import Invoked
from tests.support.world import World

PLACEHOLDER = re.compile(r"RUN\.TOML|RUN_ID")  # what only the reader knows


class State(NamedTuple):
    """A world in a state in which a message proposes a command.

    `look` says the message. `meanwhile` is what happens before somebody types the command; `stays`: the same
    look may propose it again, since the command only looks, or what it did is not for the look to see.
    `known` are values for placeholders.
    """

    look: Callable[[], str]
    meanwhile: Callable[[], object] = lambda: None
    stays: bool = False
    known: dict[str, str] = {}  # noqa: RUF012 - nobody changes it


def said(result: Invoked) -> str:
    """Return all that a script wrote."""
    return f"{result.stdout}\n{result.stderr}"


def printed(text: str, template: str) -> list[str]:
    """Return the commands in a printed text that a template of the sources, with HIDDEN for values, fits."""
    within, without = r"[^']+", rf"(?:{messages.PIECE})+"
    parts = template.split(messages.HIDDEN)
    pattern = re.escape(parts[0])
    for number, part in enumerate(parts[1:], start=1):
        is_quoted = "".join(parts[:number]).count("'") % 2
        pattern += (within if is_quoted else without) + re.escape(part)
    found = messages.proposed_in("", text)
    return [proposal.text for proposal in found if re.fullmatch(pattern, proposal.text)]


def type_in(world: World, command: str, known: dict[str, str]) -> Invoked:
    """Type a printed command, and yes to its question; the script runs in this process."""
    for placeholder, value in known.items():
        command = command.replace(placeholder, value)
    assert not PLACEHOLDER.search(command), f"the reader cannot know what stands for: {command}"
    script, *arguments = makes.started_by(world.folder, *shlex.split(command)[1:])
    main = importlib.import_module(f"scripts.{script.replace('/', '.')}").main
    options = {option for parameter in main.params for option in parameter.opts}
    acts = {"--mend", "--revoke"} & options  # without which its script only looks
    only_looks = "--dry-run" in arguments or (acts and not acts & set(arguments))
    asks = "--yes" in options and not only_looks
    return world.invoke(script, *arguments, *(["--yes"] if asks else []))


def workers(world: World, units: int) -> threading.Thread:
    """Return what does so many units as they come, beside the test, once it is started."""
    done: set[str] = set()

    def work() -> bool:
        for hit_id in set(world.open_hits()) - done:
            world.do(hit_id)
            done.add(hit_id)
        return len(done) == units

    return threading.Thread(target=wait_until, args=(work, 100), daemon=True)
