"""What a worker may not do, each with a sentence that the worker can act on."""

from typing import Literal

Code = Literal[
    "unknown",
    "gone",
    "not_qualified",
    "not_now",
    "blocked",
    "already_done",
    "in_progress",
    "hands_full",
    "preview",
    "late",
    "not_yours",
    "over",
    "empty",
    "files",
    "unreadable",
    "too_large",
    "by_get",
    "signed_out",
    "foreign_form",
    "not_a_page",
]

# What a blocked worker reads. The requester's reason is not meant for the worker.
BLOCKED = (
    "The requester does not offer you new work any more. What you have in hand you can still submit or"
    " return, and what you have earned stays yours."
)


class Refused(Exception):
    """Something that a worker may not do; the message is meant for the worker."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def gone() -> Refused:
    """Return the refusal of a HIT that nobody can accept any more."""
    return Refused("gone", "This work is no longer available.")


def unknown() -> Refused:
    """Return the refusal of an assignment that does not exist."""
    return Refused("unknown", "There is no such assignment.")
