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


def request(code: str, message: str) -> ApiError:
    """Return an error with which the service itself says no; code: the last part of its TurkErrorCode."""
    return ApiError("RequestError", message, f"MechanicalTurk.{code}")


def does_not_exist(kind: str, name: str) -> ApiError:
    """Return the error for what does not exist, or not any more. kind: HIT, HITType, Assignment, ..."""
    noun = "Hit" if kind == "HIT" else kind  # as Amazon writes it
    return request(f"{kind}DoesNotExist", f"{noun} {name} does not exist.")


def wrong_state(kind: str, allowed: str) -> ApiError:
    """Return the error for something in the wrong state; allowed: the states that would be right."""
    return request(f"Invalid{kind}State", f"This operation can be called with a status of: {allowed}")


def hit_state(status: str, allowed: Iterable[str]) -> ApiError:
    """Return the error for a HIT in the wrong state; allowed: the states that would be right."""
    # The two spaces are Amazon's.
    return request(
        "InvalidHITState",
        f"This HIT is currently in the state '{status}'.  "
        f"This operation can be called with a status of: {', '.join(allowed)}",
    )


def qualification_does_not_exist() -> ApiError:
    """Return the error for a qualification that the worker never had."""
    return request("QualificationDoesNotExist", "You requested a Qualification that does not exist.")


def insufficient_funds() -> ApiError:
    """Return the error for an account that has less available than this would hold or pay."""
    return request(
        "InsufficientFunds",
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs.",
    )


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


def serialization(message: str) -> ApiError:
    """Return the error for a body that is no JSON, or a value of the wrong type."""
    return ApiError("SerializationException", message)


def throttled() -> ApiError:
    """Return the error for more requests than are allowed."""
    return ApiError("ThrottlingException", "Rate exceeded")


def service_fault() -> ApiError:
    """Return an error of the service itself."""
    return ApiError(
        "ServiceFault",
        "There was an error with this request. Try your call again.",
        "ServiceUnavailable",
        status=500,
    )
