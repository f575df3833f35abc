"""Review policies of HITs: checked, kept and returned. Nothing is reviewed by them.

Source of their parameters: MTurk API reference, articles Assignment Review Policies and HIT Review Policies.
"""

import json
import re
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from crowdserver.operations import hits
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.schema import review_policies

_SCORE, _ANY, _SECONDS = (0, 101), (0, 2**31 - 1), (60, 31_536_000)
# The parameters of each policy: what a whole number may be; None for a text.
_POLICIES: dict[str, dict[str, tuple[int, int] | None]] = {
    "ScoreMyKnownAnswers/2011-09-01": {
        "AnswerKey": None,
        **dict.fromkeys(["ApproveReason", "RejectReason"]),
        **dict.fromkeys(["ApproveIfKnownAnswerScoreIsAtLeast", "RejectIfKnownAnswerScoreIsLessThan"], _SCORE),
        "ExtendIfKnownAnswerScoreIsLessThan": _SCORE,
        "ExtendMaximumAssignments": (2, 25),
        "ExtendMinimumTimeInSeconds": _SECONDS,
    },
    "SimplePlurality/2011-09-01": {
        **dict.fromkeys(["QuestionIds", "DisregardAssignmentIfRejected", "RejectReason"]),
        **dict.fromkeys(["QuestionAgreementThreshold", "ExtendMaximumAssignments"], _ANY),
        "DisregardAssignmentIfKnownAnswerScoreIsLessThan": _ANY,
        "ApproveIfWorkerAgreementScoreIsAtLeast": _ANY,
        "RejectIfWorkerAgreementScoreIsLessThan": _ANY,
        "ExtendIfHITAgreementScoreIsLessThan": (1, 100),
        "ExtendMinimumTimeInSeconds": _SECONDS,
    },
}
_REQUIRED = frozenset({"AnswerKey", "QuestionIds", "QuestionAgreementThreshold"})
# By the level's name in the API.
_LEVELS = dict(zip(["Assignment", "HIT"], _POLICIES, strict=True))
_OF_HIT = select(review_policies.c.policies).where(review_policies.c.hit_id == bindparam("hit"))


def keep(tx: Connection, hit_id: str, members: dict[str, Any]) -> None:
    """Keep the policies in the input of an operation that makes a HIT. Raises ParameterValidationError."""
    given = {level: members[f"{level}ReviewPolicy"] for level in _LEVELS if f"{level}ReviewPolicy" in members}
    for level, policy in given.items():
        _check(level, policy)
    if given:
        tx.execute(insert(review_policies).values(hit_id=hit_id, policies=json.dumps(given)))


def list_results(call: Call) -> dict[str, Any]:
    """Answer ListReviewPolicyResultsForHIT: the policies, each with a report of nothing."""
    hit = hits.find(call.tx, call.input["HITId"])
    call.position("ListReviewPolicyResultsForHIT")  # there is one page: no token is right
    answer: dict[str, Any] = {"HITId": hit.id}
    kept = json.loads(call.tx.execute(_OF_HIT, {"hit": hit.id}).scalar() or "{}")
    for level in call.input.get("PolicyLevels") or _LEVELS:
        if level in kept:
            answer[f"{level}ReviewPolicy"] = kept[level]
            answer[f"{level}ReviewReport"] = {"ReviewResults": [], "ReviewActions": []}
    return answer


def _check(level: str, policy: dict[str, Any]) -> None:
    name = policy["PolicyName"]
    if name != _LEVELS[level]:
        raise errors.not_valid_for(f"{level}ReviewPolicy.PolicyName", name)
    parameters = {parameter.get("Key", ""): parameter for parameter in policy.get("Parameters", [])}
    for key in sorted(_REQUIRED & _POLICIES[name].keys() - parameters.keys()):
        raise errors.parameter(f"The parameter {key} is required for the policy {name}.")
    for key, parameter in parameters.items():
        values = parameter.get("MapEntries" if key == "AnswerKey" else "Values")
        if key not in _POLICIES[name] or not values:
            raise errors.not_valid_for(f"{level}ReviewPolicy.Parameters", key)
        if bounds := _POLICIES[name][key]:
            _check_numbers(key, values, *bounds)


def _check_numbers(key: str, values: list[str], low: int, high: int) -> None:
    for text in values:
        if not re.fullmatch("[0-9]{1,10}", text) or not low <= int(text) <= high:
            raise errors.out_of_range(key, text, low, high)
