"""Qualification requirements: checks what the service model cannot say, and fills in what Amazon fills in."""

from typing import Any

from crowdserver.operations.eligibility import LOCALE
from crowdserver.protocol import errors

_MOST_REQUIREMENTS = 10
_MOST_VALUES = {"IntegerValues": 15, "LocaleValues": 30}
_WITHOUT_VALUES = frozenset({"Exists", "DoesNotExist"})
_MANY_VALUES = frozenset({"In", "NotIn"})
_FOR_LOCALE = frozenset({"EqualTo", "NotEqualTo", "In", "NotIn"})


def completed(requirements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return checked requirements as the API shows them, with both members that say what is guarded.

    Raises ParameterValidationError.
    """
    if len(requirements) > _MOST_REQUIREMENTS:
        raise errors.parameter(
            f"A HIT type can have {_MOST_REQUIREMENTS} QualificationRequirements at most,"
            f" not {len(requirements)}."
        )
    return [_completed(requirement) for requirement in requirements]


def _completed(requirement: dict[str, Any]) -> dict[str, Any]:
    _check_values(requirement)
    to_preview = requirement.get("RequiredToPreview", False)
    guarded = requirement.get("ActionsGuarded", "PreviewAndAccept" if to_preview else "Accept")
    if to_preview and guarded == "Accept":
        raise errors.parameter(
            "RequiredToPreview and ActionsGuarded contradict each other; give ActionsGuarded only."
        )
    return {**requirement, "ActionsGuarded": guarded, "RequiredToPreview": to_preview}


def _check_values(requirement: dict[str, Any]) -> None:
    comparator = requirement["Comparator"]
    is_locale = requirement["QualificationTypeId"] == LOCALE
    name, other = ("LocaleValues", "IntegerValues") if is_locale else ("IntegerValues", "LocaleValues")
    number = len(requirement.get(name, []))
    if is_locale and comparator not in _FOR_LOCALE:
        raise errors.not_valid_for("Comparator", comparator)
    if comparator in _WITHOUT_VALUES:
        fits = number == 0
    else:
        fits = 1 <= number <= (_MOST_VALUES[name] if comparator in _MANY_VALUES else 1)
    if not fits or requirement.get(other):
        raise errors.parameter(
            f"The number of {name} does not fit the Comparator {comparator} "
            f"of qualification {requirement['QualificationTypeId']}."
        )
