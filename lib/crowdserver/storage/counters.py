"""A HIT's counters. Each of its assignments is counted in exactly one, and these statements move one on.

Each takes the id of the HIT as `hit`; given a list of them, it counts one assignment for each.
"""

from sqlalchemy import Update

from crowdserver.storage.schema import UPDATE_HIT, hits


def _move(source: str, target: str) -> Update:
    return UPDATE_HIT.values({source: hits.c[source] - 1, target: hits.c[target] + 1})


ACCEPTED = _move("available", "pending")
# By the worker, or by time alone.
GIVEN_BACK = _move("pending", "available")
SUBMITTED = _move("pending", "submitted")
REVIEWED = _move("submitted", "completed")
