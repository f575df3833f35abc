"""Page tokens: they say where a list goes on, and nobody can make one up."""

from collections.abc import Sequence
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from crowdserver.protocol import errors


class PageTokens:
    """Writes and reads page tokens for one key pair."""

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt="page")

    def token(self, scope: str, position: Sequence[float | str]) -> str:
        """Return the token for what follows a position. scope: which list, with its filters."""
        return str(self._serializer.dumps([scope, *position]))

    def position(self, scope: str, token: str | None) -> list[Any] | None:
        """Return where the page of a token begins, None for the first page.

        Raises an ApiError for a token of another list.
        """
        if token is None:
            return None
        try:
            token_scope, *position = self._serializer.loads(token)
        except BadSignature as error:
            raise errors.bad_page_token() from error
        if token_scope != scope:
            raise errors.bad_page_token()
        return list(position)
