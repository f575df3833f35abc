"""Who may do a run's work, as far as the API lets a requester see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from crowdops.config.environments import MASTERS
from crowdops.config.settings import Settings
from crowdops.errors import NotFound, ProviderError, UsageError
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Registry, Run

# What the value of a qualification must be; a worker who does not have it meets none of these.
_COMPARATORS: dict[str, Callable[[int, Sequence[int]], bool]] = {
    "Exists": lambda value, integers: True,
    "EqualTo": lambda value, integers: value == integers[0],
    "GreaterThan": lambda value, integers: value > integers[0],
    "GreaterThanOrEqualTo": lambda value, integers: value >= integers[0],
    "LessThan": lambda value, integers: value < integers[0],
    "LessThanOrEqualTo": lambda value, integers: value <= integers[0],
    "In": lambda value, integers: value in integers,
}
_SYSTEM_PREFIX = "0000000000000000"  # how the ids of the API's own qualifications begin


class Requirement(NamedTuple):
    """A requirement on workers, and in words who meets it.

    `excludes_everybody` is None where nobody but the provider can tell.
    """

    text: str
    met_by: str
    excludes_everybody: bool | None


class CapUse(NamedTuple):
    """How many workers have handed something in under a task_name, and how many have reached its cap."""

    maximum: int
    workers: int
    at_cap: int


def requirement(type_id: str, comparator: str) -> dict[str, Any]:
    """Return the QualificationRequirement that hides a run's HITs from all workers who do not meet it."""
    return {
        "QualificationTypeId": type_id,
        "Comparator": comparator,
        "ActionsGuarded": "DiscoverPreviewAndAccept",
    }


def check_types(provider: MTurk, requirements: Sequence[dict[str, Any]]) -> None:
    """UsageError if no HIT can ask for one of these qualifications. One call for each that is not the API's.

    What goes wrong otherwise is no reason: the launch will say it.
    """
    type_ids = {requirement["QualificationTypeId"] for requirement in requirements}
    for type_id in sorted(type_ids):
        if type_id.startswith(_SYSTEM_PREFIX) or type_id in MASTERS:
            continue
        try:
            if provider.is_qualification_active(type_id):
                continue
        except NotFound:
            raise UsageError(
                f"There is no qualification type {type_id}, which run.toml asks for in [[qualifications]]."
                " Nothing was created."
            ) from None
        except ProviderError:
            continue
        raise UsageError(f"The qualification type {type_id} is inactive, so no HIT can ask for it.")


def check(provider: MTurk, requirement: dict[str, Any]) -> Requirement:
    """Return who meets a QualificationRequirement: one call, more if there are many holders."""
    type_id, comparator = requirement["QualificationTypeId"], requirement["Comparator"]
    integers = requirement.get("IntegerValues") or []
    text = " ".join([type_id, comparator, *map(str, integers)])
    if type_id.startswith(_SYSTEM_PREFIX) or type_id in MASTERS:
        return Requirement(text, "the provider's own: who meets it is not told", None)
    is_met = _COMPARATORS.get(comparator)
    if is_met is None or (comparator != "Exists" and not integers):
        return Requirement(text, "met by whoever does not have it", False)
    holders = 0
    try:
        for _, value in provider.iter_workers_with(type_id):
            holders += 1
            if is_met(value, integers):
                return Requirement(text, "somebody meets it", False)
    except NotFound:
        return Requirement(text, "there is no such qualification: nobody can meet it", True)
    except ProviderError as error:
        return Requirement(text, f"not told: {error}", None)
    met_by = f"{holders} have it, none with such a value" if holders else "nobody has it"
    return Requirement(text, met_by, True)


def of_crowd(settings: Settings, requirements: Sequence[dict[str, Any]]) -> Requirement | None:
    """Return that no worker of a crowd meets all of these; None if one does, or nobody can tell.

    Whoever is invited may meet them: it excludes everybody only where somebody has been invited.
    """
    if not requirements:
        return None
    from crowdops.providers.crowd_server import client  # it brings requests and an HTML parser

    qualified = client.qualified(settings, requirements)
    if qualified is None or qualified.somebody:
        return None
    return Requirement("it asks for qualifications", qualified.problem, qualified.workers > 0 or None)


def cap_use(registry: Registry, run: Run) -> CapUse | None:
    """Return how far workers are with maximum_units_per_worker, by the registry; None without such a cap."""
    maximum = run.parameters.maximum_units_per_worker
    if not maximum:
        return None
    run_ids = [other.run_id for other in registry.runs() if other.task_name == run.task_name]
    workers, at_cap = registry.workers_of(run_ids), registry.busiest_workers(run.task_name, maximum)
    return CapUse(maximum, len(workers), len(at_cap))
