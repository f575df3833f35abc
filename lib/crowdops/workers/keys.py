"""The named key pairs of a crowd server's account."""

from __future__ import annotations

from collections.abc import Sequence

from crowdops.bulk import BulkResult
from crowdops.config.settings import Settings
from crowdops.console import output
from crowdops.console.columns import Column
from crowdops.errors import UsageError
from crowdops.providers.crowd_server import people
from crowdops.providers.crowd_server.people import Key
from crowdops.providers.mturk.session import credentials_path

FIRST = "first"

COLUMNS: Sequence[Column[Key]] = [
    Column("name", "name", lambda key: key.name, is_id=True),
    Column("access_key_id", "key id", lambda key: key.access_key_id, is_id=True),
    Column("created_at", "made", lambda key: key.created_at),
    Column("revoked_at", "revoked", lambda key: key.revoked_at),
]


def existing(settings: Settings) -> list[Key]:
    """Return the named keys, revoked ones as well."""
    return people.keys(settings)[0]


def make(settings: Settings, name: str) -> None:
    """Make a key and write it to stdout, this once, in the form of AWS's own file or as JSON."""
    _, new = people.keys(settings, new=name)
    if new is None:
        raise UsageError(f"The crowd server made no key by the name of {name}.")
    if not settings.quiet:
        output.say(
            f"The key {new.name}, shown this once. Whoever uses it keeps it as crowd/credentials in a home of"
            " their own (chmod 600)."
        )
    output.either(settings.as_json, new._asdict(), new.as_file().rstrip("\n"))


def where_the_first_is(settings: Settings) -> str:
    """Return in a sentence where the key lies that is in no list."""
    return f"Beside these there is the first key, in {credentials_path(settings.home)} of the server's home."


def find(settings: Settings, name: str) -> Key:
    """Return the key of a name. UsageError for the first one, and where there is none."""
    if name == FIRST:
        raise UsageError(
            "The first key cannot be revoked here: nobody locks the account out. For another one, stop"
            f" the server, move {credentials_path(settings.home)} away and start it: all other keys end, too."
        )
    for key in existing(settings):
        if key.name == name:
            return key
    raise UsageError(f"There is no key by the name of {name or repr(name)}. See them: make keys")


def revoke(settings: Settings, key: Key) -> BulkResult[str]:
    """Revoke a key that is not yet. Safe to repeat."""
    people.keys(settings, revoke=key.name)
    return BulkResult([key.name], done=1)
