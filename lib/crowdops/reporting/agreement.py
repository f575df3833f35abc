"""Whether the workers of a unit say the same, field by field."""

from __future__ import annotations

from typing import NamedTuple


class ValueCount(NamedTuple):
    """A value that was answered, cut to EXCERPT characters, and how often."""

    value: str
    number: int


class DisputedUnit(NamedTuple):
    """A unit whose workers disagree: the chance (0 to 1) that two of its answers are the same.

    `answers` are at most MOST_ANSWERS different ones, the most frequent first, and `others` count the rest.
    `input` is its data row, cut.
    """

    run_id: str
    task_name: str
    unit_index: int
    agreement: float
    answers: list[ValueCount]
    others: int
    input: dict[str, str]


class FieldAgreement(NamedTuple):
    """How far the answers of a field agree. Blank is missing; rejected and unreadable work does not count.

    `answers` are given and `missing` are not; `units` have two or more. `percent` (0 to 1) is the chance that
    another worker's answer to the same unit is the same: one minus Krippendorff's observed disagreement.
    `alpha` is Krippendorff's for nominal data. Both are None where no unit has two answers, alpha also where
    all are alike. `values` counts the different answers, None where they are more than MOST_VALUES: that is
    free text, of which there is no alpha. `top` are the most frequent answers, `disputed` the units with the
    least agreement.
    """

    field: str
    answers: int
    missing: int
    units: int
    percent: float | None
    alpha: float | None
    values: int | None
    top: list[ValueCount]
    disputed: list[DisputedUnit]


class Agreement(NamedTuple):
    """All fields. `other_fields` were sent beyond MOST_FIELDS, and `unreadable` answers have no fields."""

    fields: list[FieldAgreement]
    other_fields: int
    unreadable: int
    rejected: int
