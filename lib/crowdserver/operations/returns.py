"""What workers accepted and did not submit: the API has no word for it, and it tells of a broken page."""

from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select

from crowdserver.protocol.call import texts_in
from crowdserver.protocol.identifiers import is_id
from crowdserver.storage.schema import assignments

MOST_HITS = 1000

_OF_HITS = select(
    func.coalesce(func.sum(case((assignments.c.status == "Returned", 1), else_=0)), 0),
    func.coalesce(func.sum(case((assignments.c.status == "Abandoned", 1), else_=0)), 0),
    func.count(assignments.c.worker_id.distinct()),
    func.max(assignments.c.accepted_at),
).where(
    assignments.c.hit_id.in_(bindparam("hits", expanding=True)),
    assignments.c.submitted_at.is_(None),
    assignments.c.status.in_(["Returned", "Abandoned"]),
)


def count(tx: Connection, _now: float, body: object) -> dict[str, Any]:
    """Return how many assignments of HITs were returned and abandoned, by how many workers.

    `body`: a JSON object with the list hit_ids. last_accept is the latest moment at which one of these
    assignments was accepted, in seconds since the epoch, or None. Raises InvalidRequest.
    """
    hit_ids = [hit_id for hit_id in texts_in(body, "hit_ids", MOST_HITS) if is_id(hit_id)]
    returned, abandoned, workers, last_accept = tx.execute(_OF_HITS, {"hits": hit_ids}).one()
    return {"returned": returned, "abandoned": abandoned, "workers": workers, "last_accept": last_accept}
