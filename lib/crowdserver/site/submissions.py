"""What a page in the frame submits: read whole, or refused in words before anything counts."""

from __future__ import annotations

from flask import Request

from crowdserver.worker.refusals import Refused

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def fields(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a submitted form, in their order; an input for files that was left empty is one.

    Refused: by_get, unreadable, and files when there is one.
    """
    if request.method != "POST":
        raise Refused("by_get", "The page sent its answers in its address. Nothing was recorded.")
    if request.mimetype not in _FORMS:
        kind = request.mimetype or "no form"
        raise Refused(
            "unreadable", f"This site cannot read what the page sent ({kind}). Nothing was recorded."
        )
    files = list(request.files.items(multi=True))
    chosen = [f"{name} ({file.filename})" for name, file in files if file.filename or file.stream.read(1)]
    if chosen:
        raise Refused(
            "files",
            f"This site takes no files, and the page sent one: {', '.join(chosen)}. Nothing was recorded, and"
            " the task is still yours. Go back, take the file out and submit again, or return the task.",
        )
    return [*request.form.items(multi=True), *((name, "") for name, _ in files)]
