"""One request to the API, as its operation gets it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Connection, Select

from crowdserver.protocol import errors

_DEFAULT_PAGE_SIZE = 10


class InvalidRequest(ValueError):
    """What a request beside Amazon's API asks for cannot be done; the message says why."""


def texts_in(body: object, name: str, most: int) -> list[str]:
    """Return a list of texts that is a member of a request's body. Raises InvalidRequest."""
    texts = body.get(name) if isinstance(body, dict) else None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidRequest(f"Send a JSON object with {name}, a list of texts.")
    if len(texts) > most:
        raise InvalidRequest(f"At most {most} {name} at once.")
    return texts


class Call(NamedTuple):
    """An operation's input, with the transaction and the moment it happens in.

    page_tokens: writes and reads them, which say where a list goes on; nobody else can make one up.
    list_lag, counter_lag: how many seconds the lists and the counters stay behind (control API).
    """

    tx: Connection
    now: float
    input: dict[str, Any]
    request_id: str
    page_tokens: URLSafeSerializer
    list_lag: float = 0.0
    counter_lag: float = 0.0

    @property
    def page_size(self) -> int:
        """How many members a page of a list has at most."""
        size: int = self.input.get("MaxResults", _DEFAULT_PAGE_SIZE)
        return size

    def position(self, scope: str) -> list[Any] | None:
        """Return where the page begins that was asked for, None for the first one.

        scope: which list, with its filters. Raises an ApiError for the token of another one.
        """
        if "NextToken" not in self.input:
            return None
        try:
            token_scope, *position = self.page_tokens.loads(self.input["NextToken"])
        except BadSignature:
            token_scope = None
        if token_scope != scope:
            raise errors.request("InvalidParameterValue", "The NextToken is not valid for this list.")
        return list(position)

    def rows(
        self, scope: str, statement: Select[Any], values: Mapping[str, Any], first: float | str = 0
    ) -> Sequence[Any]:
        """Return the rows of the page that was asked for.

        statement: takes the `size` of the page, and a position that it begins `after`. first: what the first
        page begins after. Raises an ApiError for the token of another list.
        """
        (after,) = self.position(scope) or (first,)
        return self.tx.execute(statement, {**values, "after": after, "size": self.page_size}).all()

    def page(
        self,
        scope: str,
        name: str,
        rows: Sequence[Any],
        members: list[dict[str, Any]],
        keys: Sequence[str] = ("serial",),
    ) -> dict[str, Any]:
        """Return a page of a list: rows, as members. keys: the columns that say where the next page begins.

        Every page that holds something carries a NextToken, also the last one; the page after it is empty and
        carries none. That is how Amazon's lists end, and what clients must cope with.
        """
        page: dict[str, Any] = {"NumResults": len(members), name: members}
        if rows:
            position = [getattr(rows[-1], key) for key in keys]
            page["NextToken"] = str(self.page_tokens.dumps([scope, *position]))
        return page
