"""The journal as people and programs read it: a line an entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import IO, NamedTuple

from crowdops.config.settings import Selection, Settings
from crowdops.console import layout, output, streams, terminal
from crowdops.errors import UsageError
from crowdops.formats import json_text
from crowdops.registry import Registry
from crowdops.registry import archive as archive_file
from crowdops.registry.journal import Filter
from crowdops.registry.rows import Event, as_document
from crowdops.registry.selection import select

FOLLOW_SECONDS = 1.0  # between two looks
FOLLOW_LAST = 10  # entries that are shown before those to come


class Manner(NamedTuple):
    """How entries are shown: the newest so many of them or all, as JSON, and those to come as well.

    Those to come are also of the runs that will be launched under these `task_names`, which may be globs.
    """

    last: int | None = None
    follow: bool = False
    as_json: bool = False
    task_names: Sequence[str] = ()


def show(registry: Registry, settings: Settings, meant: Filter, manner: Manner) -> None:
    """Write entries to stdout, the newest last, each as it is read, and say where older ones are.

    To follow ends with Ctrl-C, or when nobody reads any more.
    """
    text, newest, count = _text(manner), registry.last_event_id(), 0
    with output.destination(None) as file:
        for event in _present(registry, meant, manner, newest):
            file.write(text(event))
            count += 1
        while manner.follow:
            file.flush()
            if streams.reader_has_left(FOLLOW_SECONDS):
                return
            meant = _with_new_runs(registry, meant, manner.task_names, newest)
            newest = _write_new(registry, meant, newest, file, text)
    archived = settings.home / archive_file.NAME
    if settings.quiet or manner.as_json:
        return
    if not count:
        output.say("The journal has nothing of that.")
    if archived.exists():
        output.say(f"Older entries of ended runs were archived: {archived}")


def _present(registry: Registry, meant: Filter, manner: Manner, newest: int) -> Iterable[Event]:
    """Return the entries there are, up to the newest by its number."""
    if manner.last is not None:
        return registry.latest_events(meant, manner.last, newest)
    if manner.follow and meant.since is None:
        return registry.latest_events(meant, FOLLOW_LAST, newest)
    return registry.iter_events(meant, 0, newest)


def _with_new_runs(registry: Registry, meant: Filter, task_names: Sequence[str], newest: int) -> Filter:
    """Return what is meant by now: if something was written, a run may have come that is selected."""
    if meant.run_ids is None or not task_names or registry.last_event_id() == newest:
        return meant
    run_ids = [run.run_id for run in select(registry, Selection(task_names=tuple(task_names)))]
    return meant._replace(run_ids=list(dict.fromkeys([*meant.run_ids, *run_ids])))


def _write_new(
    registry: Registry, meant: Filter, after: int, file: IO[str], text: Callable[[Event], str]
) -> int:
    """Write the entries that have come after one. Returns the number of the newest entry of all."""
    newest = registry.last_event_id()
    if newest > after:
        for event in registry.iter_events(meant, after, newest):
            file.write(text(event))
    return max(newest, after)


def _text(manner: Manner) -> Callable[[Event], str]:
    if manner.as_json:
        return lambda event: f"{json_text.dumps(as_document(event))}\n"
    if terminal.is_wide() or not terminal.is_one(terminal.STDOUT):
        return lambda event: f"{line(event)}\n"
    width = terminal.columns(terminal.STDOUT)
    return lambda event: f"{_cut(_short_line(event), width)}\n"


def line(event: Event) -> str:
    """Return an entry in full on one line: when, what, to what, by whom, of which run and worker."""
    run, worker = _beside(event)
    command = f"{event.command.removesuffix('.py')}[{event.pid}]"
    return _line(event, f"{output.timestamp(event.at)}", command, run, worker, event.detail)


def _short_line(event: Event) -> str:
    """Return what matters most of an entry first: the end of the line is cut off."""
    run, worker = _beside(event)
    return _line(event, f"{event.at.astimezone():%m-%d %H:%M:%S}", event.detail, run, worker)


def _beside(event: Event) -> tuple[str | None, str | None]:
    """Return the run and the worker of an entry, unless they are what it is about."""
    run = event.run_id if event.run_id != event.target else None
    worker = event.worker_id if event.worker_id != event.target else None
    return run, worker


def _line(event: Event, moment: str, *more: str | None) -> str:
    parts = [moment, f"{event.kind:<12}", event.target, *more]
    return output.clean("  ".join(part for part in parts if part))


def _cut(text: str, width: int) -> str:
    return text if layout.width(text) <= width else f"{layout.cut(text, width - 1)}{layout.ELLIPSIS}"


def archive(registry: Registry, settings: Settings) -> None:
    """Move the old entries of ended runs to a file, and say how many. UsageError unless told what is old."""
    if settings.events_keep is None:
        raise UsageError(
            "The journal keeps everything. To move old entries out, say how many days are kept, such as"
            " CROWDOPS_EVENTS_KEEP=90 in the environment or in .env. Nothing was done."
        )
    before = datetime.now(UTC) - timedelta(days=settings.events_keep)
    archived = registry.archive_events(settings.home, before)
    if settings.as_json:
        document = {"archived": archived.entries, "known": archived.known, "before": before}
        output.document(document | {"file": archived.path})
    elif not settings.quiet:
        output.say(
            f"{archived.path}: {archived.entries} entries of ended runs from before"
            f" {output.timestamp(before)} are there, and no longer in the journal."
        )
