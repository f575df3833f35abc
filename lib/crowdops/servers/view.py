"""How task servers and their capacity are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from crowdops.config.settings import Selection, Settings
from crowdops.console import columns, output, unseen
from crowdops.console.colour import bad_if_yes, bad_unless_yes, of_words
from crowdops.console.columns import Column, Show, yes_or_no
from crowdops.context import Context
from crowdops.formats import words
from crowdops.registry import Server
from crowdops.servers import backend, orphans
from crowdops.servers.capacity import Advice, Step, Target
from crowdops.servers.status import ServerStatus

if TYPE_CHECKING:  # it brings requests and an HTML parser
    from crowdops.providers.crowd_server.people import NewKey

LAUNCHED: list[Column[Server]] = [
    Column(name, None, attrgetter(name)) for name in ("name", "kind", "run_id", "state", "url", "created_at")
]


def _orphan_cell(status: ServerStatus) -> str:
    return yes_or_no(status.orphan) if status.marked or status.orphan else "unmarked"


def _cost_cell(status: ServerStatus) -> str:
    return "" if status.cost_so_far is None else f"${status.cost_so_far}"


def _run_cell(status: ServerStatus) -> str | None:
    return "(a crowd server)" if status.is_crowd else status.run_id


def _brief_state(status: ServerStatus) -> str:
    if not status.exists:
        return "gone"
    return (status.dyno_state or "down") + ("" if status.answers else ", silent")


def _urgency(status: ServerStatus) -> int:
    return 0 if status.orphan else 1


STATUS: list[Column[ServerStatus]] = [
    Column("name", "server", lambda status: status.name, is_id=True),
    Column("kind", None, lambda status: status.server.kind),
    Column("run_id", "run", lambda status: status.run_id, _run_cell, is_id=True),
    Column("crowd", None, lambda status: status.is_crowd),
    Column("task_name", "task_name", lambda status: status.task_name, show=Show.WIDE),
    Column("url", None, lambda status: status.server.url),
    Column(
        "exists",
        "exists",
        lambda status: status.exists,
        lambda status: yes_or_no(status.exists),
        Show.WIDE,
    ),
    Column("scaled", "scaled", lambda status: status.scaled, show=Show.WIDE),
    Column("dyno_state", "state", lambda status: status.dyno_state, show=Show.WIDE, meaning=of_words),
    Column(None, "state", _brief_state, show=Show.BRIEF, meaning=of_words),
    Column(
        "answers",
        "answers",
        lambda status: status.answers,
        lambda status: yes_or_no(status.answers),
        Show.WIDE,
        meaning=bad_unless_yes,
    ),
    Column("leftover", "leftover", lambda status: status.orphan, _orphan_cell, meaning=bad_if_yes),
    Column("created_at", "created", lambda status: status.server.created_at, show=Show.WIDE),
    Column("cost_so_far", "cost", lambda status: status.cost_so_far, _cost_cell),
    Column(None, "url", lambda status: status.server.url, show=Show.WIDE),
    Column("marked", None, lambda status: status.marked),
    Column("note", None, lambda status: status.note),
]


def show_crowd(server: Server, key: NewKey, invitation: str | None, settings: Settings) -> None:
    """Write to stdout, this once, where a crowd server is, its first key, and a worker's link."""
    url = (server.url or "").rstrip("/")
    if not settings.quiet:
        output.say(
            "The key is shown this once; it stands in the app's config vars as well. To use the server:"
            f" export AWS_ENDPOINT_URL_MTURK={url}, and keep the key as crowd/credentials in a home of its"
            " own (chmod 600). The link is one worker's."
        )
    document = {**columns.document(LAUNCHED, server), **key.pair, "invitation": invitation}
    output.either(settings.as_json, document, f"{url}\n{key.as_file()}{invitation or ''}".rstrip("\n"))


def show_servers(context: Context, kind: str, selection: Selection) -> int:
    """Show the servers of a kind that belong to the selected runs, and how many others there are.

    Returns the exit code: 1 if something could not be looked at.
    """
    survey = backend.survey(context, kind)
    selection = orphans.with_ids(context, selection, survey.statuses)
    statuses = orphans.of_runs(survey.statuses, selection)
    unseen.say(survey.unseen)
    if context.settings.as_json:
        servers = columns.documents(STATUS, statuses)
        not_looked_at = unseen.documents(survey.unseen)
        document = {"servers": servers, "foreign_apps": survey.foreign, "not_looked_at": not_looked_at}
        output.document(document)
        return unseen.conclude(0, survey.unseen)
    columns.table(STATUS, statuses, urgency=_urgency)
    for status in statuses:
        if status.note:
            context.say(f"{status.name}: {status.note}")
    count = sum(status.orphan for status in statuses)
    foreign = "not known how many" if survey.foreign is None else survey.foreign
    are = words.choose(count, "is a leftover", "are leftovers")
    context.say(f"{count} of {words.count(len(statuses), 'server')} {are}; {foreign} foreign.")
    for line in _advice(context, kind, [status for status in statuses if status.orphan]):
        context.say(line)
    return unseen.conclude(0, survey.unseen)


def _advice(context: Context, kind: str, orphans: Sequence[ServerStatus]) -> Iterator[str]:
    """Yield what to type about leftovers: those of unknown runs may be a colleague's."""
    command = "make heroku-kill" if kind == "heroku" else "make kill-servers"
    known = [status for status in orphans if status.run_id and context.registry.run(status.run_id)]
    if known:
        yield f"Take the leftovers down: {command}"
    if len(known) < len(orphans):
        yield f"Leftovers of runs that this home does not know: {command} ARGS='--all-runs --dry-run'"


def step_columns(bound: float) -> list[Column[Step]]:
    """Return what is shown of a step of a measurement; `bound` is what a page may take, in milliseconds."""
    return [
        Column("workers", "workers", lambda step: step.workers),
        Column("pages", "pages", lambda step: step.pages),
        Column("errors", "errors", lambda step: step.errors),
        _tenths("pages_per_second", "pages/s", lambda step: step.per_second),
        _tenths("median_ms", "median ms", lambda step: step.median),
        _tenths("percentile_95_ms", "95 % within ms", lambda step: step.percentile_95),
        Column("keeps_up", None, lambda step: step.keeps_up(bound)),
    ]


def _tenths(key: str, heading: str, value: Callable[[Step], float]) -> Column[Step]:
    return Column(key, heading, lambda step: round(value(step), 1), lambda step: f"{value(step):.1f}")


def capacity_document(target: Target, steps: Sequence[Step], advice: Advice, bound: float) -> dict[str, Any]:
    """Return what was measured, and what it means, as a JSON object."""
    return {
        "run_id": target.run.run_id,
        "server": target.server.name,
        "url": target.server.url,
        "bound_ms": bound,
        "steps": columns.documents(step_columns(bound), steps),
        "max_num_concurrent_units": advice.max_num_concurrent_units,
        "dynos": advice.dynos,
    }
