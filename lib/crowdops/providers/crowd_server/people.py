"""The people of a crowd server, and the keys of its account: what Amazon's API has no word for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.config.settings import Settings
from crowdops.providers import fields
from crowdops.providers.crowd_server.client import Invitation, ask, read_invitation

MOST_AT_ONCE = 1000  # workers in one request
ALWAYS = (datetime.fromtimestamp(0, UTC), datetime(9999, 1, 1, tzinfo=UTC))


class Person(NamedTuple):
    """A worker of the crowd; attributes are None that nobody has said.

    `approved`, `rewards` and `bonuses` are those of a period that was asked for.
    """

    worker_id: str
    name: str
    last_seen: datetime | None
    done: int
    in_hand: int
    approved: int
    rewards: Decimal
    bonuses: Decimal
    removed_at: datetime | None
    agreed_at: datetime | None = None
    country: str | None = None
    subdivision: str | None = None
    adult: bool | None = None
    masters: bool | None = None
    panel: dict[str, str] | None = None

    @property
    def earned(self) -> Decimal:
        """What this worker gets for the period."""
        return self.rewards + self.bonuses


class Letter(NamedTuple):
    """What a worker wrote to the requester, about a HIT or in general. `annotation` is that HIT's."""

    worker_id: str
    name: str
    sent_at: datetime
    hit_id: str | None
    title: str | None
    annotation: str | None
    text: str
    answered_at: datetime | None


class Invited(NamedTuple):
    """Links that were made; none where names are taken, each by these workers or given twice."""

    invitations: list[Invitation]
    taken: dict[str, list[str]]


class Removal(NamedTuple):
    """Who was removed, was so already or is unknown, and how many assignments in hand went back."""

    removed: list[str]
    already: list[str]
    unknown: list[str]
    returned: int


class Key(NamedTuple):
    """A named key pair of the account, without its secret."""

    name: str
    access_key_id: str
    created_at: datetime
    revoked_at: datetime | None


class NewKey(NamedTuple):
    """A key pair that was just made. Its secret is told once; its repr does not."""

    name: str
    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"NewKey({self.name!r}, {self.access_key_id!r})"

    @property
    def pair(self) -> dict[str, str]:
        """Both by AWS's own names for them."""
        return {"aws_access_key_id": self.access_key_id, "aws_secret_access_key": self.secret_access_key}

    def as_file(self) -> str:
        """Return the text of AWS's own file with this key."""
        return "[default]\n" + "".join(f"{name} = {value}\n" for name, value in self.pair.items())


def invite(
    settings: Settings, wishes: Sequence[Mapping[str, Any]], *, link_seconds: int, taken: str
) -> Invited:
    """Make sign-in links for all of these, or for none. UsageError as ask().

    Of each its name, worker_id or both. `taken`: "new", "renew" or "refuse" names that others have.
    """

    def read(document: Any) -> Invited:
        made = [read_invitation(member) for member in fields.a_list(document["workers"])]
        return Invited(made, {name: _texts(ids) for name, ids in document["taken"].items()})

    return ask(settings, "/invites", {"workers": wishes, "link_seconds": link_seconds, "taken": taken}, read)


def describe(settings: Settings, workers: Sequence[Mapping[str, Any]]) -> int:
    """Keep what is said of known workers, of all or of none: country, subdivision, adult, masters."""
    return ask(settings, "/attributes", {"workers": workers}, lambda answer: fields.number(answer, "changed"))


def people(settings: Settings, since: datetime, until: datetime) -> Iterator[Person]:
    """Yield every worker by the id, with what was earned in [since, until). A request for a thousand."""
    period = {"since": since.timestamp(), "until": until.timestamp()}
    after: str | None = ""
    while after is not None:
        page, following = ask(settings, "/workers", {**period, "after": after}, _read_page)
        yield from page
        # The ids rise, so that even a server that does not know its pages comes to an end.
        after = following if following is not None and following > after else None


def letters(settings: Settings, since: datetime) -> Iterator[Letter]:
    """Yield what workers wrote since a moment, the oldest first. A request for a hundred."""
    after: int | None = 0
    while after is not None:
        page, following = ask(settings, "/inbox", {"since": since.timestamp(), "after": after}, _read_letters)
        yield from page
        after = following if following is not None and following > after else None


def remove(settings: Settings, worker_ids: Sequence[str]) -> Removal:
    """End the access of at most a thousand workers at once. Safe to repeat."""

    def read(document: Any) -> Removal:
        return Removal(
            removed=_texts(document["removed"]),
            already=_texts(document["already"]),
            unknown=_texts(document["unknown"]),
            returned=fields.number(document, "returned"),
        )

    return ask(settings, "/removals", {"worker_ids": worker_ids}, read)


def keys(settings: Settings, **change: str) -> tuple[list[Key], NewKey | None]:
    """Make a key (new=NAME), revoke one (revoke=NAME) or neither; return all, and the new one."""

    def read(document: Any) -> tuple[list[Key], NewKey | None]:
        made = document["new"]
        names = ("name", "access_key_id", "secret_access_key")
        new = None if made is None else NewKey(*(fields.text(made, name) for name in names))
        return [_key(member) for member in fields.a_list(document["keys"])], new

    return ask(settings, "/keys", change, read)


def _read_page(document: Any) -> tuple[list[Person], str | None]:
    page = [_person(member) for member in fields.a_list(document["workers"])]
    return page, fields.text_or_none(document, "next")


def _read_letters(document: Any) -> tuple[list[Letter], int | None]:
    page = [_letter(member) for member in fields.a_list(document["messages"])]
    return page, None if document["next"] is None else fields.number(document, "next")


def _letter(member: Any) -> Letter:
    return Letter(
        worker_id=fields.text(member, "worker_id"),
        name=fields.text_or_none(member, "name") or "",
        sent_at=_known_moment(member["sent_at"]),
        hit_id=fields.text_or_none(member, "hit_id"),
        title=fields.text_or_none(member, "title"),
        annotation=fields.text_or_none(member, "annotation"),
        text=fields.text(member, "text"),
        answered_at=_moment(member["answered_at"]),
    )


def _person(member: Any) -> Person:
    return Person(
        worker_id=fields.text(member, "worker_id"),
        name=fields.text(member, "name"),
        last_seen=_moment(member["last_seen"]),
        done=fields.number(member, "done"),
        in_hand=fields.number(member, "in_hand"),
        approved=fields.number(member, "approved"),
        rewards=_dollars(member, "rewards"),
        bonuses=_dollars(member, "bonuses"),
        removed_at=_moment(member["removed_at"]),
        agreed_at=_moment(member.get("agreed_at")),
        country=fields.text_or_none(member, "country"),
        subdivision=fields.text_or_none(member, "subdivision"),
        adult=_flag_or_none(member, "adult"),
        panel=_told(member.get("panel")),
        masters=_flag_or_none(member, "masters"),
    )


def _key(member: Any) -> Key:
    return Key(
        name=fields.text(member, "name"),
        access_key_id=fields.text(member, "key_id"),
        created_at=_known_moment(member["created_at"]),
        revoked_at=_moment(member["revoked_at"]),
    )


def _flag_or_none(member: Any, name: str) -> bool | None:
    return None if member.get(name) is None else fields.flag(member, name)


def _told(value: Any) -> dict[str, str] | None:
    """Return what a panel told of a participant at the latest visit; None for other workers."""
    return None if value is None else {name: fields.text(value, name) for name in fields.an_object(value)}


def _dollars(member: Any, name: str) -> Decimal:
    amount = Decimal(fields.text(member, name))
    if not 0 <= amount < 10**9 or amount != amount.quantize(Decimal("0.01")):
        raise ValueError(f"{name} is no amount")
    return amount


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _known_moment(seconds: Any) -> datetime:
    moment = _moment(seconds)
    if moment is None:
        raise ValueError("a moment is not said")
    return moment


def _texts(value: Any) -> list[str]:
    texts = fields.a_list(value)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("it is no list of texts")
    return texts
