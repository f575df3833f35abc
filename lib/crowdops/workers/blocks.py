"""Soft blocks: workers who are kept out by a qualification that they hold, and who are not told.

A block is for a task_name or for everything; runs that are launched afterwards ask for its absence. The
API's own block, which counts against a worker's account, is here too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crowdops import bulk
from crowdops.bulk import Tally
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import csv_files, marks
from crowdops.providers.mturk.client import MTurk

EVERYWHERE = "*"
HARD = "!"  # like EVERYWHERE no task_name
LIST_HEADERS = ("worker", "blocked for", "reason")
_PREFIX = f"{marks.PREFIX}block:"
_QUERY = "crowdops"  # the search is by word; which type it is, its exact name says


class Listed(NamedTuple):
    """A worker who is blocked, and what for, in words."""

    worker_id: str
    blocked_for: str
    reason: str


def scope(
    reason: str, *, needed: bool, unblock: bool, task_name: str | None, everywhere: bool, hard: bool
) -> str | None:
    """Return what a block is for, by the options; None if it is not `needed` and none was given.

    UsageError unless it is one of a task_name, EVERYWHERE and HARD.
    """
    given = [value for value in (task_name, EVERYWHERE * everywhere, HARD * hard) if value]
    if len(given) > 1 or (needed and not given):
        raise UsageError("Say what for, once: --task-name NAME, --everywhere or --hard.")
    if not given:
        return None
    if task_name and not marks.TASK_NAME.fullmatch(task_name):
        raise UsageError(
            f"--task-name {task_name}: a block is for one task_name, or for all with --everywhere."
        )
    if hard and needed and not unblock and not reason.strip():
        raise UsageError("--hard needs a --reason, for your own records.")
    return given[0]


def requirements(provider: MTurk, task_name: str) -> list[dict[str, Any]]:
    """Return the requirements that keep blocked workers from a run. One walk over the qualification types."""
    names = {_PREFIX + EVERYWHERE, _PREFIX + task_name}
    return [
        {
            "QualificationTypeId": found.type_id,
            "Comparator": "DoesNotExist",
            "ActionsGuarded": "DiscoverPreviewAndAccept",
        }
        for found in provider.iter_qualification_types(_QUERY)
        if found.name in names
    ]


def soft_block(provider: MTurk, scope: str) -> Callable[[str], bool]:
    """Return what blocks a worker for a scope; the qualification type is made if it is missing."""
    words = "Holders are not offered work" + ("." if scope == EVERYWHERE else f" of {scope}.")
    type_id = provider.create_qualification_type(_PREFIX + scope, words)
    held = {worker_id for worker_id, _ in provider.iter_workers_with(type_id)}

    def block(worker_id: str) -> bool:
        if worker_id in held:
            return False
        provider.grant(type_id, worker_id)
        return True

    return block


def soft_unblock(provider: MTurk, scope: str) -> Callable[[str], bool]:
    """Return what ends a worker's block for a scope: True if there was one."""
    type_id = provider.find_qualification_type(_PREFIX + scope)
    return lambda worker_id: type_id is not None and provider.revoke(type_id, worker_id)


def hard_block(provider: MTurk, reason: str) -> Callable[[str], bool]:
    """Return what blocks a worker by the API's own block."""
    held = {block.worker_id for block in provider.iter_blocks()}

    def block(worker_id: str) -> bool:
        if worker_id in held:
            return False
        provider.block(worker_id, reason)
        return True

    return block


def hard_unblock(provider: MTurk) -> Callable[[str], bool]:
    """Return what ends the API's own block of a worker."""
    held = {block.worker_id for block in provider.iter_blocks()}

    def unblock(worker_id: str) -> bool:
        if worker_id in held:
            provider.unblock(worker_id)
        return worker_id in held

    return unblock


def each(
    context: Context, act: Callable[[str], bool], worker_ids: Sequence[str], kind: str, *, progress: Progress
) -> Tally[str]:
    """Do one of the above to every worker. Safe to repeat; a worker whom the endpoint does not know failed."""
    tally: Tally[str] = Tally()
    waiting = dict.fromkeys(worker_ids)
    for number, outcome in enumerate(bulk.each(act, worker_ids, threads=context.settings.threads), start=1):
        del waiting[outcome.item]
        if outcome.error:
            tally.failed.append((outcome.item, str(outcome.error)))
        else:
            tally.settled.append(outcome.item)
            tally.already += not outcome.result
            context.registry.record(kind, outcome.item)
        progress.update(number)
    progress.close()
    tally.add_untried(waiting)
    return tally


def action(provider: MTurk, scope: str, reason: str, *, unblock: bool) -> Callable[[str], bool]:
    """Return what blocks a worker for a scope, or ends that; it says whether anything had to be done."""
    if scope == HARD:
        return hard_unblock(provider) if unblock else hard_block(provider, reason)
    return soft_unblock(provider, scope) if unblock else soft_block(provider, scope)


def describe(scope: str) -> str:
    """Return in words what a block is for."""
    words = {EVERYWHERE: "every task_name", HARD: "the whole account, by the API's own block"}
    return words.get(scope, scope)


def survey(provider: MTurk, scope: str | None) -> list[Listed]:
    """Return who is blocked, for one scope or for any."""
    found = []
    for kind in provider.iter_qualification_types(_QUERY):
        of = kind.name.removeprefix(_PREFIX)
        if kind.name.startswith(_PREFIX) and scope in (None, of):
            found += [
                Listed(worker, describe(of), "") for worker, _ in provider.iter_workers_with(kind.type_id)
            ]
    if scope in (None, HARD):
        found += [Listed(block.worker_id, describe(HARD), block.reason) for block in provider.iter_blocks()]
    return sorted(found)


def gather(named: Sequence[str], path: Path | None) -> list[str]:
    """Return the workers of the arguments and of a file, each once; "-" among the arguments is stdin.

    UsageError if that is nobody.
    """
    found = [worker_id for worker_id in named if worker_id != "-"]
    if "-" in named:
        found += _lines(sys.stdin.read())
    if path:
        found += read_workers(path)
    if not found:
        raise UsageError("Say which workers: as arguments, in a --file, or on stdin as -. Nothing was done.")
    return list(dict.fromkeys(found))


def read_workers(path: Path) -> list[str]:
    """Return the worker ids of a file: one a line, or a CSV with a column worker_id."""
    if path.suffix.lower() == ".csv":
        return [row.text("worker_id") for row in csv_files.read(path, ("worker_id",))]
    try:
        return _lines(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
