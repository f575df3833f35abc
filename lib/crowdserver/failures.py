"""What is answered to a request that cannot be served: an API error in its form, or a page in words.

The last line of defence: what the rules refuse, ApiError and Refused say before it comes to this.
"""

import uuid

from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from crowdserver import api
from crowdserver.protocol import errors
from crowdserver.protocol.errors import ApiError
from crowdserver.site import responses
from crowdserver.storage.group_commit import NotCommitted
from crowdserver.storage.turns import NoTurn

_WORDS = {
    400: "The browser sent something that this site cannot read. Nothing was changed.",
    404: "There is no such page. The address may be incomplete.",
    405: "This address cannot be used in that way. Nothing was changed.",
    413: "The page sent more than this site takes, and it takes no files. Nothing was recorded.",
    503: "The site cannot reach its data at this moment. Please try again in a minute.",
}
_TOO_LARGE = ApiError("RequestEntityTooLargeException", "The body of the request is too large.", status=413)
_FAILED = "Something went wrong on this site, not in what you did. Please try again in a minute."


def register(app: Flask) -> None:
    """Let an application answer in this way."""
    app.register_error_handler(Exception, _answer)


def _answer(error: Exception) -> ResponseReturnValue:
    status = _status_of(error)
    if isinstance(error, HTTPException) and status < 400:
        return error  # a redirection
    if status >= 500:
        # Not the address: it may hold a worker's link.
        current_app.logger.error("%s failed", request.endpoint, exc_info=error)
    if request.blueprint == "api":
        return api.refuse(_TOO_LARGE if status == 413 else errors.service_fault(), str(uuid.uuid4()))
    return responses.failure(_WORDS.get(status, _FAILED), status)


def _status_of(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.code or 500
    return 503 if isinstance(error, DBAPIError | NoTurn | NotCommitted) else 500
