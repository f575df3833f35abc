"""The limits that the service model does not know, with the service's own texts."""

from typing import Any

from crowdserver.protocol import errors
from crowdserver.storage import account

_YEAR = 31_536_000

_RANGES = {
    "LifetimeInSeconds": (30, _YEAR),
    "AssignmentDurationInSeconds": (30, _YEAR),
    "AutoApprovalDelayInSeconds": (0, 2_592_000),
    "MaxAssignments": (1, 1_000_000_000),
    "NumberOfAdditionalAssignments": (1, 1_000_000_000),
    # Not a parameter of the API: how much later a new expiration date is.
    "ExpirationIncrementInSeconds": (60, _YEAR),
    "IntegerValue": (-(2**31), 2**31 - 1),
    "AutoGrantedValue": (-(2**31), 2**31 - 1),
    "TestDurationInSeconds": (1, _YEAR),
    "RetryDelayInSeconds": (0, 2**31 - 1),
}
_LENGTHS = {
    "Title": 128,
    "Description": 2_000,
    "Keywords": 1_000,
    "RequesterAnnotation": 255,
    "RequesterFeedback": 1_024,
    # Of a qualification type.
    "Name": 200,
    # Amazon names no limit; each word is looked for in each text.
    "Query": 1_000,
    "Subject": 200,
    "MessageText": 4_096,
    # Amazon names no limit; this is a message's.
    "Reason": 4_096,
}
_MOST_XML_BYTES = 65_535
_GREATEST_AMOUNT = 10_000_000_00


def number(name: str, value: int) -> int:
    """Return a number that is checked against its range. Raises ParameterValidationError."""
    low, high = _RANGES[name]
    if not low <= value <= high:
        raise errors.out_of_range(name, value, low, high)
    return value


def text(name: str, value: str | None) -> str | None:
    """Return a text that is checked against its greatest length. Raises ParameterValidationError."""
    if value is not None and len(value) > _LENGTHS[name]:
        raise errors.too_long(name, len(value), _LENGTHS[name])
    return value


def xml_text(name: str, value: str) -> None:
    """Check the size of a document. Raises ParameterValidationError."""
    size = len(value.encode())
    if size > _MOST_XML_BYTES:
        raise errors.bad_question(f"{name} has {size} bytes, {_MOST_XML_BYTES} are allowed")


def required_text(members: dict[str, Any], name: str) -> str:
    """Return a checked text that may not be blank. Raises ParameterValidationError."""
    value: str = members[name]
    if not value.strip():
        raise errors.not_valid_for(name, value)
    text(name, value)
    return value


def amount(name: str, value: str) -> int:
    """Return a checked reward or bonus in cents. Raises ParameterValidationError below one cent."""
    cents = account.cents(value)
    if not 1 <= cents <= _GREATEST_AMOUNT:
        raise errors.not_valid_for(name, value)
    return cents
