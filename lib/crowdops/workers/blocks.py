"""Soft blocks: workers who are kept out by a qualification that they hold, and who are not told.

A block is for a task_name or for everything; runs that are launched afterwards ask for its absence. The
API's own block, which counts against a worker's account, is here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from crowdops import errors
from crowdops.bulk import Action, BulkResult, Errand, Outcome
from crowdops.console import combinations
from crowdops.console.columns import Column
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import marks
from crowdops.providers.mturk.client import MTurk
from crowdops.workers import eligibility

EVERYWHERE = "*"
HARD = "!"  # like EVERYWHERE no task_name
_PREFIX = f"{marks.PREFIX}block:"
_QUERY = "crowdops"  # the search is by word; which type it is, its exact name says

Reading = Errand[str, list[dict[str, Any]]]


class BlockedWorker(NamedTuple):
    """A worker who is blocked, and what for, in words."""

    worker_id: str
    blocked_for: str
    reason: str


COLUMNS: Sequence[Column[BlockedWorker]] = [
    Column("worker_id", "worker", lambda blocked: blocked.worker_id, is_id=True),
    Column("blocked_for", "blocked for", lambda blocked: blocked.blocked_for),
    Column("reason", "reason", lambda blocked: blocked.reason),
]


class BlockOptions(NamedTuple):
    """What the options of a command say about a block."""

    task_name: str | None
    everywhere: bool
    hard: bool
    reason: str
    unblock: bool
    ahead: bool

    def scope(self, *, required: bool) -> str | None:
        """Return what the block is for; None if no option says so and it is not `required`.

        UsageError unless it is one of a task_name, EVERYWHERE and HARD.
        """
        scopes = [self.task_name, EVERYWHERE * self.everywhere, HARD * self.hard]
        given = [scope for scope in scopes if scope]
        if len(given) > 1 or (required and not given):
            raise UsageError("Say what for, once: --task-name NAME, --everywhere or --hard.")
        if not given:
            return None
        if self.task_name and not marks.TASK_NAME.fullmatch(self.task_name):
            raise UsageError(
                f"--task-name {self.task_name}: a block is for one task_name, or for all with --everywhere."
            )
        if self.hard and required and not self.unblock and not self.reason.strip():
            raise UsageError("--hard needs a --reason, for your own records.")
        return given[0]

    def check(self, *, is_list: bool, **given: object) -> None:
        """UsageError for options that do not go together; `given` are those that a list has no use for."""
        if is_list:
            combinations.refuse("with --list", **given, unblock=self.unblock)
        if is_list or self.unblock:
            combinations.refuse("with --list or --unblock", reason=self.reason, ahead=self.ahead)
        if not self.hard:
            combinations.refuse("without --hard", reason=self.reason)
        if not self.task_name:
            combinations.refuse("without --task-name", ahead=self.ahead)


def check_task_name(context: Context, options: BlockOptions, *, is_known: bool) -> None:
    """UsageError for a task_name that no run has, unless the block is --ahead of its first run.

    `is_known`: it need not have a run if it has a block. One walk over the qualification types, then.
    """
    name = options.task_name
    task_names = {run.task_name for run in context.registry.runs()}
    if name is None or options.ahead or name in task_names:
        return
    if is_known and context.provider.find_qualification_type(_PREFIX + name) is not None:
        return
    ahead = "" if is_known else " To block before its first run is launched, add --ahead."
    raise UsageError(
        f"No run has the task_name {name!r}.{errors.nearest(name, task_names)}{ahead}"
        " See them all: make runs. Nothing was done."
    )


def requirements(provider: MTurk, task_name: str) -> list[dict[str, Any]]:
    """Return the requirements that keep blocked workers from a run. One walk over the qualification types."""
    names = {_PREFIX + EVERYWHERE, _PREFIX + task_name}
    return [
        eligibility.requirement(kind.type_id, "DoesNotExist")
        for kind in provider.iter_qualification_types(_QUERY)
        if kind.name in names
    ]


def read_ahead(provider: MTurk, task_name: str) -> Reading:
    """Begin to read requirements(), for whoever has another call to wait for meanwhile."""
    return Errand(partial(requirements, provider), task_name)


def block(context: Context, scope: str, worker_ids: Sequence[str], reason: str = "") -> BulkResult[str]:
    """Block workers for a scope. Safe to repeat; a worker whom the endpoint does not know failed.

    The qualification type is made if it is missing. `reason` is kept with a HARD block.
    """
    provider = context.provider
    grant: Callable[[str], None]
    if scope == HARD:
        blocked = {held.worker_id for held in provider.iter_blocks()}
        grant = partial(provider.block, reason=reason)
    else:
        description = "Holders are not offered work" + ("." if scope == EVERYWHERE else f" of {scope}.")
        type_id = provider.create_qualification_type(_PREFIX + scope, description)
        blocked = {worker_id for worker_id, _ in provider.iter_workers_with(type_id)}
        grant = partial(provider.grant, type_id)

    def call(worker_id: str) -> bool:
        if worker_id in blocked:
            return True
        grant(worker_id)
        return False

    return _carry_out(context, call, worker_ids, "blocked", _for(scope, reason))


def unblock(context: Context, scope: str, worker_ids: Sequence[str]) -> BulkResult[str]:
    """End the block of workers for a scope. Safe to repeat."""
    provider = context.provider
    if scope == HARD:
        blocked = {held.worker_id for held in provider.iter_blocks()}

        def call(worker_id: str) -> bool:
            if worker_id in blocked:
                provider.unblock(worker_id)
            return worker_id not in blocked
    else:
        type_id = provider.find_qualification_type(_PREFIX + scope)

        def call(worker_id: str) -> bool:
            return type_id is None or not provider.revoke(type_id, worker_id)

    return _carry_out(context, call, worker_ids, "unblocked", _for(scope))


def _for(scope: str, reason: str = "") -> tuple[str, str]:
    """Return what the journal says of a block: what for, and the reason of one that has one."""
    return f"for {describe(scope)}", f": {reason.strip()}" if reason.strip() and scope == HARD else ""


def _carry_out(
    context: Context,
    call: Callable[[str], bool],
    worker_ids: Sequence[str],
    verb: str,
    detail: tuple[str, str],
) -> BulkResult[str]:
    """Call for each worker, which returns whether that was so already, and write it down."""

    def settle(outcome: Outcome[str, bool]) -> bool:
        was_so = outcome.get()
        context.registry.note_block(outcome.item, f"worker-{verb}", *detail, was_so=was_so)
        return was_so

    action = Action(call, settle, lambda worker_id, why: (worker_id, str(why)))
    return context.carry_out(action, worker_ids, verb)


def describe(scope: str) -> str:
    """Return in words what a block is for."""
    words = {EVERYWHERE: "every task_name", HARD: "the whole account, by the API's own block"}
    return words.get(scope, scope)


def blocked_workers(provider: MTurk, scope: str | None) -> list[BlockedWorker]:
    """Return who is blocked, for one scope or for any."""
    workers = []
    for kind in provider.iter_qualification_types(_QUERY):
        type_scope = kind.name.removeprefix(_PREFIX)
        if kind.name.startswith(_PREFIX) and scope in (None, type_scope):
            holders = provider.iter_workers_with(kind.type_id)
            workers += [BlockedWorker(worker_id, describe(type_scope), "") for worker_id, _ in holders]
    if scope in (None, HARD):
        blocks = provider.iter_blocks()
        workers += [BlockedWorker(held.worker_id, describe(HARD), held.reason) for held in blocks]
    return sorted(workers)
