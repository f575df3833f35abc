"""Taking down task servers that outlived their runs: orphans, and whatever else is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from crowdops.bulk import Action, BulkResult, Outcome
from crowdops.config.settings import Selection
from crowdops.console import columns, unseen
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.errors import NotFound, WrongState
from crowdops.registry import Registry
from crowdops.servers import backend as backends
from crowdops.servers import orphans, view
from crowdops.servers.backend import Backend
from crowdops.servers.orphans import Choice
from crowdops.servers.status import ServerStatus


def kill_servers(
    context: Context,
    kind: str,
    selection: Selection,
    names: Sequence[str],
    ask: Callable[[Sequence[ServerStatus]], bool],
    what: str,
) -> tuple[int, BulkResult[ServerStatus], Sequence[Unseen]]:
    """Show the servers of a kind that a command means, ask, and take them down.

    `ask` gets them, and returns whether to go on; `what` is the word for one that is through. Returns
    how many were meant, what came of it, and what could not be looked at. Raises as orphans.choose() does.
    Safe to repeat.
    """
    backend = backends.backend_of(kind)
    choice = orphans.choose(context, backend, backends.survey(context, kind), selection, names)
    unseen.say(choice.unseen)
    if not context.settings.as_json:
        columns.table(view.STATUS, choice.servers)
    for remark in choice.remarks:
        context.say(remark)
    result: BulkResult[ServerStatus] = BulkResult(already=choice.gone, failed=list(choice.left))
    if choice.servers and ask(choice.servers):
        result += kill(context, backend, choice, what)
    return len(choice.servers) + choice.gone + len(choice.left), result, choice.unseen


def kill(context: Context, backend: Backend, choice: Choice, what: str) -> BulkResult[ServerStatus]:
    """Take the chosen servers down. Whether a run has come to life meanwhile is asked again before each."""

    def check(status: ServerStatus) -> None:
        if status.name not in choice.typed and status.run_id and orphans.is_living(context, status.run_id):
            raise WrongState(f"run {status.run_id} has come to life meanwhile")

    def take_down(status: ServerStatus) -> bool:
        with Registry.open(context.settings.home) as registry:  # each thread needs a connection of its own
            own = replace(context, registry=registry)
            return backend.take_down(own, status.server, named=status.name in choice.typed)

    def was_gone(outcome: Outcome[ServerStatus, bool]) -> bool:
        return isinstance(outcome.error, NotFound) or not outcome.get()

    action = Action(take_down, was_gone, lambda status, why: (status.name, str(why)), intend=check)
    return context.carry_out(action, choice.servers, what)
