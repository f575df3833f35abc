"""Which function answers which operation: all that the service model has."""

from collections.abc import Callable
from typing import Any, NamedTuple

from crowdserver.operations import (
    assignments,
    blocks,
    bonuses,
    create_hits,
    end_hits,
    grants,
    hit_types,
    hits,
    list_hits,
    messages,
    notifications,
    qualification_requests,
    qualification_types,
    review_policies,
)
from crowdserver.protocol.call import Call
from crowdserver.storage import account


class Operation(NamedTuple):
    """How to run an operation. writes: whether it needs a transaction for writing."""

    run: Callable[[Call], dict[str, Any]]
    writes: bool


def get_account_balance(call: Call) -> dict[str, Any]:
    """Answer GetAccountBalance: what can be spent, and what is held for assignments to come."""
    balance = account.balance(call.tx)
    return {
        "AvailableBalance": str(account.dollars(balance.available)),
        "OnHoldBalance": str(account.dollars(balance.held)),
    }


OPERATIONS = {
    "AcceptQualificationRequest": Operation(qualification_requests.accept, True),
    "ApproveAssignment": Operation(assignments.approve, True),
    "AssociateQualificationWithWorker": Operation(grants.associate, True),
    "CreateAdditionalAssignmentsForHIT": Operation(create_hits.add_assignments, True),
    "CreateHIT": Operation(create_hits.create_hit, True),
    "CreateHITType": Operation(hit_types.create, True),
    "CreateHITWithHITType": Operation(create_hits.create_hit_with_hit_type, True),
    "CreateQualificationType": Operation(qualification_types.create, True),
    "CreateWorkerBlock": Operation(blocks.create, True),
    "DeleteHIT": Operation(end_hits.delete, True),
    "DeleteQualificationType": Operation(qualification_types.delete, True),
    "DeleteWorkerBlock": Operation(blocks.remove, True),
    "DisassociateQualificationFromWorker": Operation(grants.disassociate, True),
    "GetAccountBalance": Operation(get_account_balance, False),
    "GetAssignment": Operation(assignments.get, False),
    "GetFileUploadURL": Operation(assignments.get_file, False),
    "GetHIT": Operation(hits.get, False),
    "GetQualificationScore": Operation(grants.score, False),
    "GetQualificationType": Operation(qualification_types.get, False),
    "ListAssignmentsForHIT": Operation(list_hits.list_assignments, False),
    "ListBonusPayments": Operation(bonuses.list_payments, False),
    "ListHITs": Operation(list_hits.list_hits, False),
    "ListHITsForQualificationType": Operation(list_hits.list_hits_for_qualification_type, False),
    "ListQualificationRequests": Operation(qualification_requests.list_requests, False),
    "ListQualificationTypes": Operation(qualification_types.list_types, False),
    "ListReviewPolicyResultsForHIT": Operation(review_policies.list_results, False),
    "ListReviewableHITs": Operation(list_hits.list_reviewable_hits, False),
    "ListWorkerBlocks": Operation(blocks.list_blocks, False),
    "ListWorkersWithQualificationType": Operation(grants.list_workers, False),
    "NotifyWorkers": Operation(messages.notify_workers, True),
    "RejectAssignment": Operation(assignments.reject, True),
    "RejectQualificationRequest": Operation(qualification_requests.reject, True),
    "SendBonus": Operation(bonuses.send, True),
    "SendTestEventNotification": Operation(notifications.send_test, False),
    "UpdateExpirationForHIT": Operation(end_hits.update_expiration, True),
    "UpdateHITReviewStatus": Operation(end_hits.update_review_status, True),
    "UpdateHITTypeOfHIT": Operation(create_hits.change_hit_type, True),
    "UpdateNotificationSettings": Operation(notifications.change, True),
    "UpdateQualificationType": Operation(qualification_types.change, True),
}
