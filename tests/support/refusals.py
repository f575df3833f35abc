"""What an API error says, without the time at the end of its text."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError


class Refusal(NamedTuple):
    """An API error as a client sees it. turk_code: without AWS.MechanicalTurk."""

    code: str
    turk_code: str | None
    message: str
    status: int


@contextmanager
def refused(
    code: str, turk_code: str | None, message: str = "", status: int = 400, containing: str = ""
) -> Iterator[None]:
    """Expect an API error: its type, its TurkErrorCode and its text, exactly, or what it contains."""
    with pytest.raises(ClientError) as caught:
        yield
    refusal = read(caught.value)
    assert refusal == Refusal(code, turk_code, message or refusal.message, status)
    assert containing in refusal.message


def read(error: ClientError) -> Refusal:
    response: Any = error.response
    code = response["Error"]["Code"]
    message = response["Error"]["Message"]
    if code in ("RequestError", "ServiceFault", "ParameterValidationError"):
        message, stamps = re.subn(r" \(\d{13}\)$", "", message)
        assert stamps == 1, f"no time in milliseconds at the end of {message!r}"
    turk_code = response.get("TurkErrorCode")
    return Refusal(
        code,
        turk_code.removeprefix("AWS.").removeprefix("MechanicalTurk.") if turk_code else None,
        message,
        response["ResponseMetadata"]["HTTPStatusCode"],
    )
