"""The part of the MTurk client that deals with workers: qualifications, blocks and messages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from crowdops.errors import AlreadyExists, NotFound, ProviderError, WrongState
from crowdops.providers.answers import brief
from crowdops.providers.mturk.retries import Calls

MOST_RECIPIENTS = 100  # workers that one NotifyWorkers call reaches
SUBJECT_LENGTH, MESSAGE_LENGTH = 200, 4096


class QualificationType(NamedTuple):
    """A qualification type of this account."""

    type_id: str
    name: str


class Block(NamedTuple):
    """A worker whom the account blocks, by the API's own block."""

    worker_id: str
    reason: str


class Workers(Calls):
    """Calls about workers."""

    def create_qualification_type(self, name: str, description: str) -> str:
        """Create a qualification type that nobody can ask for, and return its id.

        Safe to repeat: a name exists once, and the type that has it is found. ProviderError if it does not
        appear in the list yet, which lags behind by up to a minute.
        """
        try:
            created: str = self._call(
                "create_qualification_type",
                lambda answer: answer["QualificationType"]["QualificationTypeId"],
                Name=name,
                Description=description,
                QualificationTypeStatus="Active",
            )
        except AlreadyExists as error:
            if type_id := self.find_qualification_type(name):
                return type_id
            raise ProviderError(f"{error} It is not listed yet: try again in a minute.") from error
        return created

    def find_qualification_type(self, name: str) -> str | None:
        """Return the id of this account's qualification type of exactly this name, or None."""
        types = self.iter_qualification_types(name)
        return next((known.type_id for known in types if known.name == name), None)

    def iter_qualification_types(self, query: str) -> Iterator[QualificationType]:
        """Yield this account's qualification types whose texts match a query, by the API's own idea of it."""
        yield from self._items(
            "list_qualification_types",
            "QualificationTypes",
            lambda item: QualificationType(item["QualificationTypeId"], item["Name"]),
            Query=query,
            MustBeRequestable=False,
            MustBeOwnedByCaller=True,
        )

    def is_qualification_active(self, type_id: str) -> bool:
        """Return whether HITs can ask for a qualification type. NotFound if there is none."""
        status: str = self._call(
            "get_qualification_type",
            lambda answer: answer["QualificationType"]["QualificationTypeStatus"],
            QualificationTypeId=type_id,
        )
        return status == "Active"

    def grant(self, type_id: str, worker_id: str, value: int = 1) -> None:
        """Give a worker a qualification, without a mail. Safe to repeat: the value is replaced."""
        self._call(
            "associate_qualification_with_worker",
            QualificationTypeId=type_id,
            WorkerId=worker_id,
            IntegerValue=value,
            SendNotification=False,
        )

    def revoke(self, type_id: str, worker_id: str) -> bool:
        """Take a qualification from a worker. False if the worker did not have it: safe to repeat."""
        try:
            self._call(
                "disassociate_qualification_from_worker", QualificationTypeId=type_id, WorkerId=worker_id
            )
        except (NotFound, WrongState):
            return False
        return True

    def iter_workers_with(self, type_id: str) -> Iterator[tuple[str, int]]:
        """Yield each worker who has a qualification, and the value."""
        yield from self._items(
            "list_workers_with_qualification_type",
            "Qualifications",
            lambda item: (item["WorkerId"], item.get("IntegerValue", 1)),
            QualificationTypeId=type_id,
            Status="Granted",
        )

    def block(self, worker_id: str, reason: str) -> None:
        """Block a worker from all work of the account. Safe to repeat."""
        self._call("create_worker_block", WorkerId=worker_id, Reason=reason)

    def unblock(self, worker_id: str) -> None:
        """End a worker's block. Safe to repeat."""
        with contextlib.suppress(NotFound):  # nobody by that id is blocked
            self._call("delete_worker_block", WorkerId=worker_id)

    def iter_blocks(self) -> Iterator[Block]:
        """Yield the account's blocks."""
        yield from self._items(
            "list_worker_blocks",
            "WorkerBlocks",
            lambda item: Block(item["WorkerId"], item.get("Reason", "")),
        )

    def notify(self, subject: str, text: str, worker_ids: Sequence[str]) -> dict[str, str]:
        """Send a message to at most 100 workers. Returns why it did not reach those whom it did not reach.

        Not safe to repeat, and therefore sent once: after Unreachable nobody knows who has got it, but after
        NotSent nobody has.
        """
        failures: dict[str, str] = self._call(
            "notify_workers",
            _read_failures,
            once=True,
            Subject=subject,
            MessageText=text,
            WorkerIds=list(worker_ids),
        )
        return failures


def _read_failures(answer: dict[str, Any]) -> dict[str, str]:
    return {
        item["WorkerId"]: brief(item.get("NotifyWorkersFailureMessage") or item["NotifyWorkersFailureCode"])
        for item in answer.get("NotifyWorkersFailureStatuses", [])
    }
