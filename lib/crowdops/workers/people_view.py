"""How a crowd's people are shown, and what is said and asked about them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence

from crowdops.config.settings import Settings
from crowdops.console import columns, combinations, output, prompts, streams
from crowdops.console.columns import Column, Show
from crowdops.errors import UsageError
from crowdops.formats import csv_files, words
from crowdops.providers.crowd_server.client import Invitation
from crowdops.providers.crowd_server.people import Person
from crowdops.workers.removals import Plan


def _place(person: Person) -> str:
    return "-".join(filter(None, (person.country, person.subdivision)))


def _adult(person: Person) -> str:
    return "" if person.adult is None else columns.yes_or_no(person.adult)


def _masters(person: Person) -> str:
    return "" if person.masters is None else columns.yes_or_no(person.masters)


COLUMNS: Sequence[Column[Person]] = [
    Column("worker_id", "worker", lambda person: person.worker_id, is_id=True),
    Column("name", "name", lambda person: person.name),
    Column("country", "lives in", lambda person: person.country, _place, show=Show.WIDE),
    Column("subdivision", None, lambda person: person.subdivision),
    Column("adult", "adult", lambda person: person.adult, _adult, show=Show.WIDE),
    Column("masters", "Masters", lambda person: person.masters, _masters, show=Show.WIDE),
    Column("panel", None, lambda person: person.panel),
    Column("last_seen", "last seen", lambda person: person.last_seen),
    Column("done", "done", lambda person: person.done),
    Column("in_hand", "in hand", lambda person: person.in_hand, show=Show.WIDE),
    Column("approved", "approved", lambda person: person.approved, show=Show.WIDE),
    Column("rewards", None, lambda person: person.rewards),
    Column("bonuses", None, lambda person: person.bonuses),
    Column("earned", "earned", lambda person: person.earned),
    Column("agreed_at", "agreed", lambda person: person.agreed_at, show=Show.WIDE),
    Column("removed_at", "removed", lambda person: person.removed_at),
]
LINKS: Sequence[Column[Invitation]] = [
    Column("worker_id", "worker_id", lambda link: link.worker_id),
    Column("name", "name", lambda link: link.name),
    Column("url", "url", lambda link: link.url),
    Column("ends_at", "ends_at", lambda link: link.ends_at),
]
_MOST_NAMED = 5  # in a question


def when_taken(*, renew: bool, yes: bool) -> str:
    """Return what is to become of names that others have, in the crowd server's word for it."""
    if renew:
        combinations.refuse("with --renew", yes=yes)
    return "renew" if renew else "new" if yes else "refuse"


def invites_others(taken: Mapping[str, Sequence[str]]) -> bool:
    """Ask whether other people of these names are invited. Without a terminal: UsageError, what to type."""
    named = [
        f"{name} ({', '.join(ids)})" if ids else f"{name} (given twice)"
        for name, ids in list(taken.items())[:_MOST_NAMED]
    ]
    more = f" and {len(taken) - _MOST_NAMED} more" if len(taken) > _MOST_NAMED else ""
    what = words.choose(len(taken), "This name is", "These names are")
    text = f"{what} taken: {', '.join(named)}{more}."
    if not sys.stdin.isatty() or streams.is_abandoned(2):
        raise UsageError(
            f"{text} Nobody was invited. Add --yes for other people of the same name, or --renew for new"
            " links for those who have it."
        )
    output.say(text)
    return prompts.is_confirmed("Invite others of the same name?")


def invited_words(made: Sequence[Invitation]) -> str:
    """Return what is said beside the links."""
    if not made:
        return "Nobody was invited. New links for those who have the name: --renew"
    if len(made) > 1:
        return f"{len(made)} workers sign in with these links. Send each to its own worker only."
    named = f" ({made[0].name})" if made[0].name else ""
    return f"Worker {made[0].worker_id}{named} signs in with this link:"


def links(made: Sequence[Invitation], *, as_json: bool) -> None:
    """Write links to stdout, as CSV or as JSON."""
    if as_json:
        output.document({"invitations": columns.documents(LINKS, made)})
    elif made:
        write_csv(LINKS, made)


def write_csv(shown: Sequence[Column[columns.Thing]], things: Sequence[columns.Thing]) -> None:
    """Write things to stdout as CSV that no spreadsheet takes for formulas."""
    with output.destination(None) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.key for column in shown])
        for thing in things:
            cells = (column.value(thing) for column in shown)
            writer.writerow([csv_files.cell("" if value is None else str(value)) for value in cells])


def say_nobody(settings: Settings) -> None:
    """Say what to do where there is no worker yet."""
    if not (settings.quiet or settings.as_json):
        output.say("Nobody is invited yet. Invite somebody: make invite ARGS='--name Ada'")


def removal_words(plan: Plan) -> str:
    """Return what a removal does with work and money."""
    if not plan.leaving:
        return "Nobody is there to be removed."
    in_hand = sum(person.in_hand for person in plan.leaving)
    owed = sum(person.earned for person in plan.leaving)
    return (
        f"{words.count(in_hand, 'assignment')} in hand would go back to the others. What is submitted is"
        f" reviewed as ever, and the ${owed:,.2f} earned so far stay on the books: make earnings"
    )
