"""The errors that the API answers with, in the form and the words of Amazon's.

An error's own texts end in the time in milliseconds, as Amazon's do; those of the layers in front do not.
"""

import time
from collections.abc import Iterable


class ApiError(Exception):
    """An error that is sent to the client as it is.

    kind: the error's type, which boto3 shows as Error.Code. turk_code: TurkErrorCode, if the service itself
    says no.
    """

    def __init__(self, kind: str, message: str, turk_code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.turk_code = turk_code
        self.status = status

    def as_json(self) -> dict[str, str]:
        """Return the error as the members of its JSON body."""
        if self.kind not in ("RequestError", "ServiceFault", "ParameterValidationError"):
            return {"__type": self.kind, "message": self.message}
        members = {"__type": self.kind, "Message": f"{self.message} ({time.time_ns() // 1_000_000})"}
        if self.turk_code:
            members["TurkErrorCode"] = "AWS." + self.turk_code
        return members


def _request_error(code: str, message: str) -> ApiError:
    return ApiError("RequestError", message, f"MechanicalTurk.{code}")


def hit_does_not_exist(hit_id: str) -> ApiError:
    """Return the error for a HIT that does not exist or was disposed of."""
    return _request_error("HITDoesNotExist", f"Hit {hit_id} does not exist.")


def hit_type_does_not_exist(hit_type_id: str) -> ApiError:
    """Return the error for a HIT type that does not exist."""
    return _request_error("HITTypeDoesNotExist", f"HITType {hit_type_id} does not exist.")


def layout_does_not_exist(layout_id: str) -> ApiError:
    """Return the error for a HIT layout; this server has none at all."""
    return _request_error("HITLayoutDoesNotExist", f"HITLayout {layout_id} does not exist.")


def assignment_does_not_exist(assignment_id: str) -> ApiError:
    """Return the error for an assignment that does not exist, was returned, or is of a disposed HIT."""
    return _request_error("AssignmentDoesNotExist", f"Assignment {assignment_id} does not exist.")


def not_the_assignments_worker(worker_id: str, assignment_id: str) -> ApiError:
    """Return the error for an assignment of another worker."""
    return parameter(f"Worker {worker_id} did not submit assignment {assignment_id}.")


def assignment_state(allowed: str) -> ApiError:
    """Return the error for an assignment in the wrong state; allowed: the states that would be right."""
    return _request_error(
        "InvalidAssignmentState", f"This operation can be called with a status of: {allowed}"
    )


def hit_state(status: str, allowed: Iterable[str]) -> ApiError:
    """Return the error for a HIT in the wrong state; allowed: the states that would be right."""
    # The two spaces are Amazon's.
    return _request_error(
        "InvalidHITState",
        f"This HIT is currently in the state '{status}'.  "
        f"This operation can be called with a status of: {', '.join(allowed)}",
    )


def qualification_type_exists() -> ApiError:
    """Return the error for the name of a new qualification type that is taken."""
    return _request_error(
        "QualificationTypeAlreadyExists",
        "You have already created a QualificationType with this name. A QualificationType's name must be "
        "unique among all of the QualificationTypes created by the same user.",
    )


def qualification_type_does_not_exist(type_id: str) -> ApiError:
    """Return the error for a qualification type that does not exist."""
    return _request_error("QualificationTypeDoesNotExist", f"QualificationType {type_id} does not exist.")


def qualification_type_state(allowed: str) -> ApiError:
    """Return the error for a qualification type in the wrong state; allowed: the right ones."""
    return _request_error(
        "InvalidQualificationTypeState", f"This operation can be called with a status of: {allowed}"
    )


def qualification_does_not_exist() -> ApiError:
    """Return the error for a qualification that the worker never had."""
    return _request_error("QualificationDoesNotExist", "You requested a Qualification that does not exist.")


def qualification_revoked() -> ApiError:
    """Return the error for a qualification that the worker has no longer."""
    return _request_error(
        "InvalidQualificationState", "This operation can be called with a status of: Granted"
    )


def qualification_request_does_not_exist(request_id: str) -> ApiError:
    """Return the error for a request for a qualification that no worker made."""
    return _request_error(
        "QualificationRequestDoesNotExist", f"QualificationRequest {request_id} does not exist."
    )


def qualification_request_state() -> ApiError:
    """Return the error for a request for a qualification that is decided, or whose test is not submitted."""
    return _request_error(
        "InvalidQualificationRequestState", "This operation can be called with a status of: Submitted"
    )


def hit_is_accepted(hit_id: str) -> ApiError:
    """Return the error for a HIT whose type cannot change any more."""
    return _request_error("InvalidHITState", f"An assignment of the HIT {hit_id} has been accepted.")


def worker_is_gone(worker_id: str) -> ApiError:
    """Return the error for a worker who cannot get a bonus any more."""
    return _request_error(
        "DoesNotMeetRequirements",
        f"Worker {worker_id} has not completed an assignment for you in the last six months.",
    )


def insufficient_funds() -> ApiError:
    """Return the error for an account that has less available than this would hold or pay."""
    return _request_error(
        "InsufficientFunds",
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs.",
    )


def hit_already_exists(hit_id: str) -> ApiError:
    """Return the error for a token that was used within a day, to make this HIT."""
    return _request_error(
        "HitAlreadyExists", f"A HIT was already created with this UniqueRequestToken. HITId: {hit_id}"
    )


def duplicate_call(request_id: str) -> ApiError:
    """Return the error for a token that was used within a day, by this request."""
    return _request_error(
        "DuplicateCall",
        f"A request with this UniqueRequestToken was already processed. Request ID: {request_id}",
    )


def token_processed(token: str, code: str) -> ApiError:
    """Return the error for a token that was used within a day; the text names nothing but the token."""
    return _request_error(code, f'The idempotency token "{token}" has already been processed.')


def invalid_increase(message: str) -> ApiError:
    """Return the error for a HIT that cannot get that many assignments."""
    return _request_error("InvalidMaximumAssignmentsIncrease", message)


def bad_page_token() -> ApiError:
    """Return the error for a page token of another list, or of none."""
    return _request_error("InvalidParameterValue", "The NextToken is not valid for this list.")


def parameter(message: str, code: str = "InvalidParameterValue") -> ApiError:
    """Return the error for a value that the model allows and the service does not."""
    return ApiError("ParameterValidationError", message, f"MechanicalTurk.{code}")


def out_of_range(name: str, value: object, low: int, high: int) -> ApiError:
    """Return the error for a number outside of its range."""
    return parameter(f"The value {value} is invalid for {name}. Valid values range from {low} to {high}.")


def too_long(name: str, length: int, most: int) -> ApiError:
    """Return the error for a text longer than it may be."""
    return parameter(f"The value of {name} has {length} characters. The greatest length is {most}.")


def not_valid_for(name: str, value: str) -> ApiError:
    """Return the error for a value that means nothing for this parameter."""
    return parameter(f'The value "{value}" is not valid for the parameter {name}.')


def bad_question(details: str) -> ApiError:
    """Return the error for a question that cannot be shown; details: what is wrong with it."""
    return parameter(
        "There was an error parsing the XML question or answer data in your request.  Please make sure the "
        f"data is well-formed and validates against the appropriate schema. Details: {details}",
        "XMLParseError",
    )


def validation(problems: list[str]) -> ApiError:
    """Return the error for values that break constraints of the model; problems: one text for each."""
    noun = "error" if len(problems) == 1 else "errors"
    return ApiError(
        "ValidationException", f"{len(problems)} validation {noun} detected: {'; '.join(problems)}"
    )


def serialization(message: str) -> ApiError:
    """Return the error for a body that is no JSON, or a value of the wrong type."""
    return ApiError("SerializationException", message)


def unknown_operation(target: str) -> ApiError:
    """Return the error for an operation that this server does not have."""
    return ApiError("UnknownOperationException", f"{target!r} is not an operation of this crowd server.")


def other_server(server_id: str, meant_for: str) -> ApiError:
    """Return the error for a request that names another server than this one as its recipient."""
    return ApiError(
        "OtherServerException", f"This is the crowd server {server_id}, not {meant_for}.", status=409
    )


def throttled() -> ApiError:
    """Return the error for more requests than are allowed."""
    return ApiError("ThrottlingException", "Rate exceeded")


def request_too_large() -> ApiError:
    """Return the error for a body that is larger than the server takes."""
    return ApiError("RequestEntityTooLargeException", "The body of the request is too large.", status=413)


def service_fault() -> ApiError:
    """Return an error of the service itself."""
    return ApiError(
        "ServiceFault",
        "There was an error with this request. Try your call again.",
        "ServiceUnavailable",
        status=500,
    )
