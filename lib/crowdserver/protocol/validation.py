"""Checks an operation's input against botocore's own model of the service.

Types first: a wrong one is a SerializationException. Then the constraints, all of them at once, in one
ValidationException with the texts that Amazon's services use. botocore itself checks only some of this
before it sends, so the rest arrives here.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import create_loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from crowdserver.protocol import errors

# What stands before the operation in the header X-Amz-Target.
VERSION = "MTurkRequesterServiceV20170117"

# What the databases and the XML of answers cannot hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
# The end of the year 9999, in seconds since the epoch: what is later, or as long before it, is no time.
_LATEST = 253_402_300_799
# What stands in JSON for each type of the model, and how Amazon's services name the two.
_TYPES: dict[str, tuple[list[type], str]] = {
    "structure": ([dict], "structure"),
    "list": ([list], "list"),
    "string": ([str], "String"),
    "boolean": ([bool], "Boolean"),
    "integer": ([int], "Long"),
    "long": ([int], "Long"),
    "timestamp": ([int, float], "Timestamp"),
}
_JSON_NAMES = {
    bool: "TRUE_VALUE",
    int: "NUMBER_VALUE",
    float: "DECIMAL_VALUE",
    str: "STRING_VALUE",
    dict: "START_OBJECT",
}


@cache
def model() -> ServiceModel:
    """Return the service model, read once."""
    return ServiceModel(create_loader().load_service_model("mturk", "service-2"), "mturk")


@cache
def known_operations() -> frozenset[str]:
    """Return the names of all operations that the API has, whether or not this server has them."""
    return frozenset(model().operation_names)


def read_input(operation: str, body: bytes) -> dict[str, Any]:
    """Return an operation's input from a request's body; members that the model does not know are left out.

    Raises SerializationException, ValidationException or ParameterValidationError.
    """
    try:
        value = json.loads(body)
    except ValueError as error:
        raise errors.serialization("The body of the request is not JSON.") from error
    except RecursionError as error:
        raise errors.serialization("The body of the request is nested too deep.") from error
    shape = _input_shape(operation)
    if not isinstance(value, dict):
        raise errors.serialization("The body of the request is not a JSON object.")
    members: dict[str, Any] = _typed(shape, value)
    problems = list(_problems(shape, members, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        text = f"{len(problems)} validation {noun} detected: {'; '.join(problems)}"
        raise errors.ApiError("ValidationException", text)
    return members


@cache
def _input_shape(operation: str) -> StructureShape:
    shape = model().operation_model(operation).input_shape
    assert shape is not None
    return shape


def _typed(shape: Shape, value: Any) -> Any:
    """Return the value as the shape's type, without unknown members and without nulls."""
    types, type_name = _TYPES[shape.type_name]
    if type(value) not in types or (type_name == "Timestamp" and not abs(value) <= _LATEST):
        json_name = _JSON_NAMES.get(type(value), "START_ARRAY")
        raise errors.serialization(f"{json_name} can not be converted to a {type_name}")
    if isinstance(shape, StructureShape):
        members = shape.members.items()
        return {name: _typed(member, value[name]) for name, member in members if value.get(name) is not None}
    if isinstance(shape, ListShape):
        return [_typed(shape.member, item) for item in value]
    if type_name == "String" and _FORBIDDEN.search(value):
        raise errors.parameter("A text contains control characters, which are not allowed.")
    return value


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield which constraints a typed value breaks, member by member."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            inner = f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
            if name in value:
                yield from _problems(member, value[name], inner)
            elif name in shape.required_members:
                yield _problem("null", inner, "must not be null", quoted=False)
    elif isinstance(shape, ListShape):
        yield from _size_problems(shape, value, len(value), "length", path)
        for number, item in enumerate(value, start=1):
            yield from _problems(shape.member, item, f"{path}.{number}.member")
    elif isinstance(value, str):
        yield from _text_problems(shape, value, path)
    elif isinstance(value, int | float):
        yield from _size_problems(shape, value, value, "value", path)


def _text_problems(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _size_problems(shape, value, len(value), "length", path)
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value, re.ASCII):
        yield _problem(value, path, f"must satisfy regular expression pattern: {pattern}")
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        yield _problem(value, path, f"must satisfy enum value set: [{', '.join(choices)}]")


def _size_problems(shape: Shape, value: Any, size: float, noun: str, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _problem(value, path, f"must have {noun} greater than or equal to {least}")
    if most is not None and size > most:
        yield _problem(value, path, f"must have {noun} less than or equal to {most}")


def _problem(value: Any, path: str, rule: str, quoted: bool = True) -> str:
    text = f"'{value}'" if quoted else value
    return f"Value {text} at '{path}' failed to satisfy constraint: Member {rule}"
