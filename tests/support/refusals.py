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
def refused(code: str, turk_code: str | None, message: str, status: int = 400) -> Iterator[None]:
    """Expect an API error: its type, its TurkErrorCode and its text, exactly."""
    with pytest.raises(ClientError) as caught:
        yield
    assert read(caught.value) == Refusal(code, turk_code, message, status)


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
