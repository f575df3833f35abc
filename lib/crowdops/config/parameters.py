"""A run's parameters: run.toml read, completed and checked before anything is created."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from crowdops import errors
from crowdops.config import addresses, declarations, settings
from crowdops.config.declarations import Setting
from crowdops.config.environments import MANY_ASSIGNMENTS
from crowdops.errors import UsageError, files_explained
from crowdops.formats import durations, files, marks, money

_TABLES = {
    "task": declarations.PARAMETERS,
    "server": declarations.SERVER_PARAMETERS,
    "quality": declarations.QUALITY_PARAMETERS,
}
# Ranges of the API (MTurk API reference, CreateHIT): lowest, highest.
_RANGES = {
    "assignments_per_unit": (1, 1_000_000_000),
    "assignment_duration_in_seconds": (30, 31_536_000),
    "task_lifetime_in_seconds": (30, 31_536_000),
    "auto_approval_delay_in_seconds": (0, 2_592_000),
    "no_submission_patience": (1, 31_536_000),
    "dynos": (1, 100),
    "agree": (2, 1_000_000_000),
    "at_most": (2, 1_000_000_000),
}
_LENGTHS = {"task_title": 128, "task_description": 2000, "task_tags": 1000}
_REQUIREMENT_KEYS = (
    "QualificationTypeId",
    "Comparator",
    "IntegerValues",
    "LocaleValues",
    "RequiredToPreview",
    "ActionsGuarded",
)


class Parameters(NamedTuple):
    """Everything that defines a run. Paths are absolute, money is in dollars, times are in seconds."""

    task_name: str
    task_title: str
    task_description: str
    task_reward: Decimal
    task_tags: str
    data: Path
    template: Path
    assignments_per_unit: int
    assignment_duration_in_seconds: int
    task_lifetime_in_seconds: int
    auto_approval_delay_in_seconds: int
    max_num_concurrent_units: int
    allowed_concurrent: int
    maximum_units_per_worker: int
    no_submission_patience: int
    max_cost: Decimal | None
    server_kind: str
    url: str
    app_dir: Path | None
    dyno_size: str
    dynos: int
    team: str
    qualifications: list[dict[str, Any]]
    answer_field: str = ""
    agree: int = 3
    at_most: int = 7

    @property
    def most_answers(self) -> int:
        """How many answers that are not rejected a unit gets at the most."""
        return self.at_most if self.answer_field else self.assignments_per_unit

    def as_json(self) -> str:
        """Return the parameters as JSON text, money and paths as strings."""
        return json.dumps(self._asdict(), default=str, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Parameters:
        """Return parameters that as_json() wrote."""
        values = json.loads(text)
        values.update(
            task_reward=Decimal(values["task_reward"]),
            max_cost=None if values["max_cost"] is None else Decimal(values["max_cost"]),
            data=Path(values["data"]),
            template=Path(values["template"]),
            app_dir=None if values["app_dir"] is None else Path(values["app_dir"]),
        )
        return cls(**values)


def load(path: Path, overrides: Mapping[str, str]) -> Parameters:
    """Return what a run.toml says, and the --set flags, `overrides`. UsageError says what cannot stand."""
    for name in overrides:
        if settings.find(name) in declarations.SETTINGS:
            raise UsageError(f"--set {name}: that is a setting, not a run parameter.")
    document = _read(path)
    values: dict[str, Any] = {
        declared.name: _value(path, declared, document.get(section, {}), overrides)
        for section, table in _TABLES.items()
        for declared in table
    }
    values["server_kind"] = values.pop("kind")
    for name in ("data", "template", "app_dir"):
        given = values[name]
        values[name] = (path.parent / Path(given).expanduser()).absolute() if given else None
    parameters = Parameters(**values, qualifications=document.get("qualifications", []))
    _check_together(path, parameters)
    _check_quality(path, parameters, document.get("quality", {}))
    return parameters


def given_in(path: Path) -> dict[str, str]:
    """Return what a run.toml says, by parameter name, as text and unchecked."""
    document = _read(path)
    return {key: str(value) for section in _TABLES for key, value in document.get(section, {}).items()}


def _read(path: Path) -> dict[str, Any]:
    """Return a run.toml whose sections and keys are all known."""
    import tomllib

    try:
        document = tomllib.loads(files.read_text(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Start from examples/run.toml.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start + 1}). Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}.") from error
    for section, value in document.items():
        _check_section(path, section, value)
    for number, requirement in enumerate(document.get("qualifications", []), start=1):
        _check_requirement(path, number, requirement)
    return document


def _check_section(path: Path, section: str, value: object) -> None:
    sections = (*_TABLES, "qualifications")
    if section not in sections:
        hint = _proper_place(section) or errors.nearest(section, sections)
        raise UsageError(f"{path}: unknown section or key {section!r}.{hint}")
    if not isinstance(value, list if section == "qualifications" else dict):
        raise UsageError(
            f"{path}: write [{section}] as a section, or [[qualifications]] for each requirement."
        )
    if isinstance(value, dict):
        _check_keys(path, value, [declared.name for declared in _TABLES[section]], f"[{section}]")


def _check_requirement(path: Path, number: int, requirement: object) -> None:
    if not isinstance(requirement, dict):
        raise UsageError(
            f"{path}: qualification {number} is not a table: write [[qualifications]] above its lines."
        )
    _check_keys(path, requirement, _REQUIREMENT_KEYS, f"qualification {number}")
    for key in ("QualificationTypeId", "Comparator"):
        if key not in requirement:
            raise UsageError(f"{path}: qualification {number} lacks {key}.")


def _check_keys(path: Path, keys: Iterable[str], known: Collection[str], place: str) -> None:
    for key in keys:
        if key not in known:
            hint = _proper_place(key) or errors.nearest(key, known)
            raise UsageError(f"{path}: unknown key {key!r} in {place}.{hint}")


def _proper_place(key: str) -> str:
    """Return where a key would be right, or nothing."""
    if key == "qualifications" or key in _REQUIREMENT_KEYS:
        return " It belongs below [[qualifications]]."
    for section, table in _TABLES.items():
        if key in [declared.name for declared in table]:
            return f" It belongs below [{section}]."
    return ""


def _value(path: Path, declared: Setting, table: Mapping[str, Any], overrides: Mapping[str, str]) -> Any:
    """Return the value of one parameter, of its kind and within its limits."""
    name = declared.name
    given = {name: _toml_text(path, declared, table[name])} if name in table else {}
    text, source = settings.lookup(declared, overrides, given)
    place = f"{path}: {name}" if source == "run.toml" else f"{name} (from {source})"
    if text is None:
        if name == "max_cost":
            return None
        raise UsageError(f"{path}: {name} is missing from [task]. {declared.help}")
    if declared.kind in ("integer", "duration"):
        return _integer(place, name, text, declared.kind)
    if declared.kind == "money":
        return _money(place, text)
    words = declared.kind.split("|")
    if len(words) > 1 and text not in words:
        raise UsageError(f"{place} is {text!r}; it can be {', '.join(words)}.")
    if len(text) > _LENGTHS.get(name, len(text)):
        raise UsageError(f"{place} has {len(text)} characters; at most {_LENGTHS[name]} are allowed.")
    if "\0" in text:
        raise UsageError(f"{place} holds a NUL character.")
    if control := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text):
        raise UsageError(f"{place} holds the control character U+{ord(control[0]):04X}. Take it out.")
    if not text.strip() and declared.default is None:
        raise UsageError(f"{place} is empty. {declared.help}")
    return text


def _toml_text(path: Path, declared: Setting, value: object) -> str:
    kinds = {"integer": (int,), "duration": (int, str)}.get(declared.kind, (str,))
    if isinstance(value, bool) or not isinstance(value, kinds):
        examples = {
            "money": '"0.25"',
            "integer": "a whole number",
            "duration": f"whole seconds, or in words such as {durations.EXAMPLES}",
        }
        example = examples.get(declared.kind, "a string in quotes")
        raise UsageError(f"{path}: {declared.name} is {value!r}; write it as {example}.")
    return str(value)


def _integer(place: str, name: str, text: str, kind: str) -> int:
    lowest, highest = _RANGES.get(name, (0, 1_000_000_000))
    if kind == "duration" and not re.fullmatch(r"-?[0-9]*", text):
        text = _seconds(place, text)
    if not re.fullmatch(r"-?[0-9]{1,12}", text) or not lowest <= int(text) <= highest:
        raise UsageError(f"{place} is {text}; it must be a whole number from {lowest} to {highest}.")
    return int(text)


def _seconds(place: str, text: str) -> str:
    """Return a duration in words as seconds."""
    try:
        return str(durations.seconds(text))
    except ValueError:
        raise UsageError(
            f"{place} is {text!r}; write whole seconds, or words such as {durations.EXAMPLES}."
        ) from None


def _money(place: str, text: str) -> Decimal:
    try:
        if set(text) <= set("0123456789."):  # $ and a decimal comma are how spreadsheets write, not TOML
            return money.dollars(text)
    except ValueError:
        pass
    raise UsageError(f'{place} is {text!r}; it must be dollars such as "0.25", at least 0.01, two decimals.')


def _check_together(path: Path, parameters: Parameters) -> None:
    for file in (parameters.data, parameters.template):
        with files_explained(file):
            if file.exists():
                files.check(file)
    if not marks.TASK_NAME.fullmatch(parameters.task_name):
        raise UsageError(
            f"{path}: task_name {parameters.task_name!r} breaks the rule: 1 to 128 of A-Z a-z 0-9 . _ - only."
        )
    kind = parameters.server_kind
    if kind == "none" and parameters.allowed_concurrent:
        raise UsageError(
            f'{path}: allowed_concurrent needs a server to refuse pages, and kind = "none" has none.'
            ' Take it out, or serve the pages: kind = "local" in [server].'
        )
    if (kind == "url") != bool(parameters.url):
        raise UsageError(f'{path}: url goes with kind = "url" in [server], and only with it.')
    if parameters.url:
        addresses.check(parameters.url, f"{path}: url {parameters.url!r}")
    with files_explained(str(parameters.app_dir)):
        has_procfile = parameters.app_dir is None or (parameters.app_dir / "Procfile").is_file()
    if not has_procfile:
        raise UsageError(f"{path}: app_dir {parameters.app_dir} has no Procfile.")


def _check_quality(path: Path, parameters: Parameters, given: Collection[str]) -> None:
    if not parameters.answer_field:
        if given and "answer_field" not in given:
            raise UsageError(
                f"{path}: [quality] names no answer_field, so nothing would have to agree. Name the field of"
                " the answers that has to, or leave [quality] out."
            )
        return
    first, agree, most = parameters.assignments_per_unit, parameters.agree, parameters.at_most
    if not max(first, agree) <= most:
        raise UsageError(
            f"{path}: at_most is {most}; it cannot be less than agree, which is {agree}, nor than"
            f" assignments_per_unit, which is {first}."
        )
    if first < MANY_ASSIGNMENTS <= most:
        raise UsageError(
            f"{path}: at_most is {most}; it can be {MANY_ASSIGNMENTS - 1} at most, because a HIT that is made"
            f" with fewer than {MANY_ASSIGNMENTS} assignments can never have so many."
        )
