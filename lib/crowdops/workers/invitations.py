"""Who is invited to a crowd server, and what becomes of names that somebody has already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from crowdops.config.settings import Settings
from crowdops.console import combinations
from crowdops.errors import UsageError
from crowdops.formats import csv_files
from crowdops.providers.crowd_server import people
from crowdops.providers.crowd_server.client import Invitation

DAY = 86_400
ATTRIBUTES = ("country", "subdivision", "adult", "masters")
YES_OR_NO = frozenset({"adult", "masters"})

Wish = Mapping[str, Any]
Taken = Mapping[str, Sequence[str]]  # names, each with the ids of those who have it


def wishes(names: Sequence[str], worker_ids: Sequence[str], file: Path | None) -> list[Wish]:
    """Return whom a command wants to invite: a new worker without a name if it says nobody.

    One name and one id are one worker. UsageError for a file that cannot be read or names nobody.
    """
    if file:
        combinations.refuse("with --file", name=names, worker_id=worker_ids)
        return _read(file)
    if len(names) == len(worker_ids) == 1 and names[0].strip():
        return [{"name": names[0], "worker_id": worker_ids[0]}]
    if not all(name.strip() for name in names):
        raise UsageError("A --name is empty. For a worker without a name leave --name out.")
    if names and worker_ids:
        raise UsageError("Several names and ids do not say who is who: write a CSV with both, --file FILE.")
    wanted: list[Wish] = [{"name": name} for name in names]
    wanted += [{"worker_id": worker_id} for worker_id in worker_ids]
    return wanted or [{}]


def describe(settings: Settings, wanted: Sequence[Wish]) -> int:
    """Keep the attributes of known workers, all or none; no link is made. Returns how many these are."""
    if not all("worker_id" in wish for wish in wanted):
        raise UsageError("--only-attributes is for known workers: give each row of --file a worker_id.")
    return people.describe(settings, wanted)


def _read(file: Path) -> list[Wish]:
    rows = csv_files.read(file, ("name",), ("worker_id", *ATTRIBUTES))
    if not rows:
        raise UsageError(f"{file} names nobody: it has no row below its header. Nothing was done.")
    if len(rows) > people.MOST_AT_ONCE:
        raise UsageError(
            f"{file} has {len(rows)} rows; at most {people.MOST_AT_ONCE} are invited at once. Split it."
        )
    texts = [{name: row.text(name) for name in ("name", "worker_id")} for row in rows]
    for row, text in zip(rows, texts, strict=True):
        if not any(text.values()):
            raise UsageError(f"{file}: row {row.number} has no name. Nothing was done.")
    wanted = [{name: value for name, value in text.items() if value} for text in texts]
    return [{**wish, **_attributes(file, row)} for wish, row in zip(wanted, rows, strict=True)]


def _attributes(file: Path, row: csv_files.Row) -> dict[str, Any]:
    """Return what a row says of where a worker lives, and of adult content and Masters: yes or no."""
    given = {name: row.text(name) for name in ATTRIBUTES if row.text(name)}
    if "subdivision" in given:  # ISO 3166-2 writes it behind its country's code: US-CA
        given["subdivision"] = given["subdivision"].removeprefix(f"{given.get('country')}-")
    for name in YES_OR_NO & given.keys():
        if given[name].lower() not in ("yes", "no"):
            raise UsageError(f"{file}: row {row.number}: {name} is {given[name]!r}; it can be yes or no.")
    return {name: text.lower() == "yes" if name in YES_OR_NO else text for name, text in given.items()}


def invite(
    settings: Settings, wanted: Sequence[Wish], days: int, taken: str, ask: Callable[[Taken], bool]
) -> list[Invitation]:
    """Invite all of these, or nobody, and return their links; none when the answer to `ask` was no.

    `taken` says what becomes of names that others have, as the crowd server takes it; with "refuse" it is
    asked whether they are other people of the same name.
    """
    invited = people.invite(settings, wanted, link_seconds=days * DAY, taken=taken)
    if not invited.taken or not ask(invited.taken):
        return invited.invitations
    return people.invite(settings, wanted, link_seconds=days * DAY, taken="new").invitations
