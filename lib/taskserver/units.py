"""Who may see the page of a unit, and the page."""

from collections.abc import Mapping

from taskserver.leases import Holder, Leases
from taskserver.pages import Pages
from taskserver.responses import PageResponse, PageResponses
from taskserver.rows import Rows
from taskserver.signing import Signer
from taskserver.sites import Sites
from taskserver.visit import Visit, read_visit


class Units:
    """The units of one run."""

    def __init__(
        self,
        sites: Sites,
        signer: Signer,
        rows: Rows,
        pages: Pages,
        leases: Leases,
        responses: PageResponses,
    ) -> None:
        self._sites = sites
        self._signer = signer
        self._rows = rows
        self._pages = pages
        self._leases = leases
        self._responses = responses

    def show(self, index: int, query: Mapping[str, str]) -> PageResponse:
        """Return the page, to whoever has the unit's link and, once accepted, a lease; else why not.

        Raises BadLink, DatabaseError and PageError. Safe to repeat: it renews the lease.
        """
        if refusal := self.why_closed(index, query):
            return refusal
        visit = self.visit(query)
        signature = self._signer.lease_signature(visit.assignment_id, visit.worker_id)
        page = self._pages.task(self._rows[index], visit, signature)
        if visit.is_preview:
            is_draining = self._leases.is_draining()
            return self._responses.drained() if is_draining else self._responses.task(page)
        holder = Holder(visit.assignment_id, visit.worker_id)
        if self._leases.take(holder, hit_id=visit.hit_id, unit_index=index):
            return self._responses.task(page)
        return self._refused(visit)

    def why_closed(self, index: int, query: Mapping[str, str]) -> PageResponse | None:
        """Return why this link opens nothing, or None.

        The key comes first: without one nobody learns how many units exist.
        """
        if not self._signer.opens_unit(query.get("key", ""), index):
            return self._responses.forbidden()
        if index >= len(self._rows):
            return self._responses.no_such_unit(index)
        return None

    def visit(self, query: Mapping[str, str]) -> Visit:
        """Return the visit that this query belongs to. BadLink when no worker site could have sent it."""
        return read_visit(query, self._sites)

    def _refused(self, visit: Visit) -> PageResponse:
        others = [
            (lease, self._signer.lease_signature(lease.assignment_id, visit.worker_id))
            for lease in self._leases.open_leases(visit.worker_id)
            if lease.assignment_id != visit.assignment_id
        ]
        cap = self._leases.cap
        if (not cap or len(others) < cap) and self._leases.is_draining():
            return self._responses.drained()
        return self._responses.refused(cap, others)
