"""Who may see the page of a unit, and the page."""

from collections.abc import Mapping

from taskserver.leases import Holder, Leases
from taskserver.pages import Pages
from taskserver.responses import Answer, Answers
from taskserver.rows import Rows
from taskserver.run import Run
from taskserver.signing import Keys
from taskserver.visit import Visit, read


class Units:
    """The units of one run."""

    def __init__(
        self, run: Run, keys: Keys, rows: Rows, pages: Pages, leases: Leases, answers: Answers
    ) -> None:
        self._run = run
        self._keys = keys
        self._rows = rows
        self._pages = pages
        self._leases = leases
        self._answers = answers

    def show(self, index: int, query: Mapping[str, str]) -> Answer:
        """The page, to whoever has the unit's link and, once accepted, a lease; else why not.

        BadLink, DatabaseError and PageError are left to the caller. Safe to repeat: it renews the lease.
        """
        if problem := self.closed(index, query):
            return problem
        visit = self.visit(query)
        page = self._pages.task(
            self._rows[index], visit, self._keys.lease(visit.assignment_id, visit.worker_id)
        )
        if visit.is_preview:
            return self._answers.drained() if self._leases.is_draining() else self._answers.task(page)
        if self._leases.take(
            Holder(visit.assignment_id, visit.worker_id), hit_id=visit.hit_id, unit_index=index
        ):
            return self._answers.task(page)
        return self._refused(visit)

    def closed(self, index: int, query: Mapping[str, str]) -> Answer | None:
        """Why this link opens nothing. The key comes first: without one nobody learns how many units exist."""
        if not self._keys.opens_unit(query.get("key", ""), index):
            return self._answers.forbidden()
        if index >= len(self._rows):
            return self._answers.no_such_unit(index)
        return None

    def visit(self, query: Mapping[str, str]) -> Visit:
        """The visit that this query belongs to. BadLink when no worker site could have sent it."""
        return read(query, self._run.submit_origins)

    def _refused(self, visit: Visit) -> Answer:
        held = [
            (lease, self._keys.lease(lease.assignment_id, visit.worker_id))
            for lease in self._leases.held(visit.worker_id)
            if lease.assignment_id != visit.assignment_id
        ]
        cap = self._run.allowed_concurrent
        if (not cap or len(held) < cap) and self._leases.is_draining():
            return self._answers.drained()
        return self._answers.refused(cap, held)
