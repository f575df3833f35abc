"""What a page in the frame submits: read whole, or refused in words before anything counts.

Anybody can send something here. So a long body is parsed only when it names an assignment that waits for it,
and its fields are counted first.
"""

import re

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from crowdserver.worker.refusals import Refused

MOST_BYTES = 512 << 10
MOST_FIELDS = 2000
# What is no longer than a button's form costs less to parse than to look for.
_SHORT_BYTES = 16 << 10
_URL_ENCODED = "application/x-www-form-urlencoded"
_IN_PARTS = "multipart/form-data"
# Of a part's head browsers send two lines; the bounds keep the search from beginning anew at each line.
_CLAIMS = {
    _URL_ENCODED: re.compile(rb"(?:^|&)assignmentId=([^&]{0,100})"),
    _IN_PARTS: re.compile(
        rb'\bname="?assignmentId"?[^\r\n]{0,100}\r\n(?:[^\r\n]{1,300}\r\n){0,4}\r\n([^\r\n]{0,100})'
    ),
}
# The same words may stand in an answer: one of the first few has to be the assignment's.
_MOST_CLAIMS = 5
_KEPT = (
    " Nothing was recorded, and the task is still yours. Go back, {}, and submit again; or return the task."
)


def check(request: Request) -> None:
    """Refuse what can be refused unread: by_get, unreadable and too_large."""
    if request.method != "POST":
        raise Refused("by_get", "The page sent its answers in its address. Nothing was recorded.")
    if request.mimetype not in _CLAIMS:
        kind = request.mimetype or "no form"
        raise Refused(
            "unreadable", f"This site cannot read what the page sent ({kind}). Nothing was recorded."
        )
    length = request.content_length or 0
    if length > MOST_BYTES:
        what = f"{MOST_BYTES >> 10} kB of one task, and no files"
        raise _too_large(f"The page sent {length >> 10} kB, more than this site takes: {what}.")


def claims(request: Request) -> list[str]:
    """Return what a long body says that its assignment is; nothing for a short one, which is not searched."""
    if (request.content_length or 0) <= _SHORT_BYTES:
        return []
    matches = _CLAIMS[request.mimetype].finditer(request.get_data())
    return [match[1].decode("latin-1") for match, _ in zip(matches, range(_MOST_CLAIMS), strict=False)] or [
        ""
    ]


def fields(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a submitted form, in their order; an input for files that was left empty is one.

    Refused: too_large with too many fields, and files when there is one.
    """
    if request.mimetype == _URL_ENCODED and request.get_data().count(b"&") >= MOST_FIELDS:
        raise _too_many()
    request.max_form_parts = MOST_FIELDS
    try:
        return _read(request)
    except RequestEntityTooLarge as error:
        raise _too_many() from error


def _read(request: Request) -> list[tuple[str, str]]:
    files = list(request.files.items(multi=True))
    chosen = [f"{name} ({file.filename})" for name, file in files if file.filename or file.stream.read(1)]
    if chosen:
        raise Refused(
            "files",
            f"This site takes no files, and the page sent one: {', '.join(chosen)}. Nothing was recorded, and"
            " the task is still yours. Go back, take the file out and submit again, or return the task.",
        )
    return [*request.form.items(multi=True), *((name, "") for name, _ in files)]


def _too_many() -> Refused:
    return _too_large(f"The page sent more fields than this site takes: {MOST_FIELDS:,} of one task.")


def _too_large(what: str) -> Refused:
    return Refused("too_large", what + _KEPT.format("shorten what you can"))
