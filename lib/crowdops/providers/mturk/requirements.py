"""Qualification requirements, checked as the API would check them, without a call.

Shapes and words come from botocore's own model of the service; what the model does not know is in the MTurk
API reference, article QualificationRequirement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from crowdops.errors import UsageError, nearest

MOST_REQUIREMENTS = 10
LOCALE = "00000000000000000071"
_MOST_VALUES = {"IntegerValues": 15, "LocaleValues": 30}
_WITHOUT_VALUES = ("Exists", "DoesNotExist")
_MANY_VALUES = ("In", "NotIn")
_FOR_LOCALE = ("EqualTo", "NotEqualTo", *_MANY_VALUES)
_EXAMPLES = {"IntegerValues": "[95]", "LocaleValues": '[{ Country = "US" }]'}
_TYPES = {"string": str, "boolean": bool, "integer": int, "list": list, "structure": dict}
_SIGNS = {
    "<": "LessThan",
    "<=": "LessThanOrEqualTo",
    ">": "GreaterThan",
    ">=": "GreaterThanOrEqualTo",
    "=": "EqualTo",
    "==": "EqualTo",
    "!=": "NotEqualTo",
    "<>": "NotEqualTo",
}


def check(source: object, requirements: Sequence[dict[str, Any]]) -> None:
    """UsageError names the source, the first requirement that the API would refuse, and how to write it."""
    if len(requirements) > MOST_REQUIREMENTS:
        raise UsageError(
            f"{source}: {len(requirements)} qualifications; a HIT can have at most {MOST_REQUIREMENTS}."
        )
    for number, requirement in enumerate(requirements, start=1):
        for problem in _problems(requirement):
            raise UsageError(f"{source}: qualification {number}: {problem}")
        if requirement in requirements[: number - 1]:
            first = requirements.index(requirement) + 1
            raise UsageError(f"{source}: qualification {number} is the same as {first}. Take one out.")


def _problems(requirement: dict[str, Any]) -> Iterator[str]:
    yield from _of_shape(_shape(), "", requirement)
    type_id, comparator = requirement["QualificationTypeId"], requirement["Comparator"]
    if not re.fullmatch(r"[A-Z0-9]{1,64}", type_id):
        yield (
            f"QualificationTypeId is {type_id!r}; write the id of a qualification type, of A-Z and 0-9, not"
            ' its name: QualificationTypeId = "000000000000000000L0".'
        )
    yield from _of_values(type_id, comparator, requirement)
    if requirement.get("RequiredToPreview") and requirement.get("ActionsGuarded") == "Accept":
        yield "RequiredToPreview and ActionsGuarded contradict each other. Take RequiredToPreview out."


def _of_values(type_id: str, comparator: str, requirement: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the values, which depend on the comparator and on what is compared."""
    is_locale = type_id == LOCALE
    name, other = ("LocaleValues", "IntegerValues") if is_locale else ("IntegerValues", "LocaleValues")
    example = f"{name} = {_EXAMPLES[name]}"
    values = requirement.get(name, [])
    if is_locale and comparator not in _FOR_LOCALE:
        yield f"Comparator is {comparator!r}; a locale can be compared by {', '.join(_FOR_LOCALE)}."
    if other in requirement:
        yield f"{other} does not go with {type_id}. Write: {example}."
    if comparator in _WITHOUT_VALUES and values:
        yield f"Comparator {comparator} takes no values. Take {name} out."
    if comparator in _WITHOUT_VALUES:
        return
    if not values:
        yield f"Comparator {comparator} needs a value. Write: {example}."
    yield from _of_number(comparator, name, len(values))
    if is_locale:
        for value in values:
            yield from _of_locale(value, example)


def _of_number(comparator: str, name: str, count: int) -> Iterator[str]:
    """Yield that there are more values than the comparator takes, if so."""
    most = _MOST_VALUES[name] if comparator in _MANY_VALUES else 1
    if count > most:
        instead = {"EqualTo": "In", "NotEqualTo": "NotIn"}.get(comparator)
        hint = f' Write: Comparator = "{instead}".' if instead else ""
        yield f"{name} has {count} values; with {comparator} at most {most} can be given.{hint}"


def _of_locale(value: dict[str, str], example: str) -> Iterator[str]:
    """Yield which codes of a locale are none (ISO 3166)."""
    for key in ("Country", "Subdivision"):
        if key in value and not re.fullmatch("[A-Z]{2}", value[key]):
            yield f"{key} is {value[key]!r}; write its code of two capital letters: {example}."


def _of_shape(shape: Any, name: str, value: object) -> Iterator[str]:
    """Yield how a value differs from the model's shape, most important first."""
    kind = _TYPES[shape.type_name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        yield f"{name} is {_toml(value)}; write {_example(name, shape, value)}."
        return
    if isinstance(value, dict):
        yield from _of_members(shape, value)
    elif isinstance(value, list):
        for item in value:
            yield from _of_shape(shape.member, name, item)
    elif isinstance(value, str):
        yield from _of_text(shape, name, value)
    elif isinstance(value, int) and not -(2**31) <= value < 2**31:
        yield f"{name} holds {value}; a value has at most 32 bits."


def _of_members(shape: Any, value: dict[str, Any]) -> Iterator[str]:
    for key in value:
        if key not in shape.members:
            yield f"unknown key {key!r}.{nearest(key, shape.members)}"
    for key in shape.required_members:
        if key not in value:
            yield f"{key} is missing."
    for key in shape.members:
        if key in value:
            yield from _of_shape(shape.members[key], key, value[key])


def _of_text(shape: Any, name: str, value: str) -> Iterator[str]:
    words = shape.metadata.get("enum")
    if words and value not in words:
        meant = f" Did you mean {_SIGNS[value]}?" if value in _SIGNS else nearest(value, words)
        yield f"{name} is {value!r}; it can be {', '.join(words)}.{meant}"
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
    if not least <= len(value) <= most:
        yield f"{name} is {value!r}; it must have {least} characters, as in US or CA."


def _example(name: str, shape: Any, value: object) -> str:
    if shape.type_name == "integer":
        return f"whole numbers: {name} = [95]"
    if shape.type_name == "list" and isinstance(value, int) and not isinstance(value, bool):
        return f"it as a list: {name} = [{value}]"
    if shape.type_name in ("list", "structure"):
        return f"it as a list: {name} = {_EXAMPLES[name]}"
    return "it as true or false" if shape.type_name == "boolean" else "it as a string in quotes"


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


@cache
def _shape() -> Any:
    from botocore.loaders import create_loader
    from botocore.model import ServiceModel

    model = create_loader().load_service_model("mturk", "service-2")
    return ServiceModel(model, "mturk").shape_for("QualificationRequirement")
