"""Who may do a run's work, as far as the API lets a requester see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from crowdops.config.environments import MASTERS
from crowdops.config.parameters import Parameters
from crowdops.errors import NotFound, ProviderError
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Registry, Run

# What a qualification that a worker does have must be; a worker without it meets none of these.
_MEETS: dict[str, Callable[[int, Sequence[int]], bool]] = {
    "Exists": lambda value, wanted: True,
    "EqualTo": lambda value, wanted: value == wanted[0],
    "GreaterThan": lambda value, wanted: value > wanted[0],
    "GreaterThanOrEqualTo": lambda value, wanted: value >= wanted[0],
    "LessThan": lambda value, wanted: value < wanted[0],
    "LessThanOrEqualTo": lambda value, wanted: value <= wanted[0],
    "In": lambda value, wanted: value in wanted,
}
_OF_THE_SYSTEM = "0000000000000000"  # how the ids of the API's own qualifications begin


class Requirement(NamedTuple):
    """A requirement on workers. `excludes_everybody` is None where nobody but the provider can tell."""

    text: str
    found: str
    excludes_everybody: bool | None


class Caps(NamedTuple):
    """How many workers have handed something in under the task_name, and how many of them have reached the cap."""

    maximum: int
    workers: int
    done: int


def requirements(provider: MTurk, given: Sequence[dict[str, Any]]) -> list[Requirement]:
    """Return these QualificationRequirements with who meets them: one call each, more for those with many holders."""
    return [_look(provider, requirement) for requirement in given]


def _look(provider: MTurk, requirement: dict[str, Any]) -> Requirement:
    type_id, comparator = requirement["QualificationTypeId"], requirement["Comparator"]
    wanted = requirement.get("IntegerValues") or []
    text = " ".join([type_id, comparator, *map(str, wanted)])
    if type_id.startswith(_OF_THE_SYSTEM) or type_id in MASTERS:
        return Requirement(text, "the provider's own: who meets it is not told", None)
    meets = _MEETS.get(comparator)
    if meets is None or (comparator != "Exists" and not wanted):
        return Requirement(text, "met by whoever does not have it", False)
    try:
        holders = 0
        for _, value in provider.iter_workers_with(type_id):
            holders += 1
            if meets(value, wanted):
                return Requirement(text, "somebody meets it", False)
    except NotFound:
        return Requirement(text, "there is no such qualification: nobody can meet it", True)
    except ProviderError as error:
        return Requirement(text, f"not told: {error}", None)
    who = f"{holders} have it, none with such a value" if holders else "nobody has it"
    return Requirement(text, who, True)


def caps(registry: Registry, run: Run, parameters: Parameters) -> Caps | None:
    """Return how far known workers are with maximum_units_per_worker, by the registry; None without such a cap."""
    maximum = parameters.maximum_units_per_worker
    if not maximum:
        return None
    run_ids = [other.run_id for other in registry.runs() if other.task_name == run.task_name]
    workers, done = registry.workers_of(run_ids), registry.busiest_workers(run.task_name, maximum)
    return Caps(maximum, len(workers), len(done))
