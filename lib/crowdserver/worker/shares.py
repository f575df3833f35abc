"""A panel's share of a HIT type, which several runs may have: the HITs of one of them, up to a moment."""

from typing import NamedTuple

from sqlalchemy import and_, bindparam, func

from crowdserver.storage.indexes import BEGINNING, BEGINS_SO
from crowdserver.storage.schema import hits

# The first reads an index; the second is for annotations that begin alike up to there.
IS_OF_SHARE = and_(BEGINS_SO, func.substr(hits.c.annotation, 1, bindparam("length")) == bindparam("prefix"))


class Share(NamedTuple):
    """What a panel's participants get of a HIT type: HITs whose annotation begins so, and until when.

    The annotation has at least BEGINNING characters.
    """

    annotation: str
    ends_at: float

    @property
    def values(self) -> dict[str, str | int]:
        """The values of IS_OF_SHARE."""
        prefix = self.annotation
        return {"beginning": prefix[:BEGINNING], "prefix": prefix, "length": len(prefix)}
