"""The numbers of a report are those of numpy and krippendorff, missing answers included."""

import math
import random
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdops.registry import Assignment, Result, Run
from crowdops.reporting import agreement, durations, pay, spread
from crowdops.reporting.agreement import Agreement, Answers, FieldAgreement
from crowdops.reporting.excerpts import as_is
from crowdops.reporting.pay import Earnings, Work
from crowdops.reporting.worker_table import Workers, WorkerTally
from tests.support.run_parameters import some_parameters, some_run

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SEEDS = range(8)
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def result(unit: int, worker: str, answer: dict[str, object], **values: object) -> Result:
    """A collected assignment, approved an hour after its submission and done in a minute."""
    assignment = Assignment(
        assignment_id=f"{unit}-{worker}",
        worker_id=worker,
        hit_id=f"H{unit}",
        status="Approved",
        accepted_at=NOW,
        submitted_at=NOW + timedelta(minutes=1),
        auto_approval_at=None,
        approved_at=NOW + timedelta(hours=1),
        rejected_at=None,
        answer=answer,
    )
    return Result("run-1", "pilot-1", unit, {"text": f"message {unit}"}, assignment._replace(**values))


def agree(rows: list[list[str | None]], workers: Workers | None = None) -> Agreement:
    """The agreement on a field `label`; a row has the answers to a unit, None for a missing one."""
    workers, answers = workers or Workers(), Answers((), as_is)
    for unit, row in enumerate(rows):
        for number, value in enumerate(row):
            answer = {} if value is None else {"label": value}
            worker = workers.of(f"W{number}")
            answers.add(result(unit, f"W{number}", answer), worker)
    return answers.agreement()


def only(found: Agreement) -> FieldAgreement:
    [field] = found.fields
    return field


def random_rows(seed: int) -> list[list[str | None]]:
    """Answers to 40 units by as many as six workers, of which a third is missing."""
    chance = random.Random(seed)
    labels = [f"label {number}" for number in range(1, chance.randint(3, 9))]
    return [
        [
            None if chance.random() < 0.33 else chance.choice([labels[0], *labels])
            for _ in range(chance.randint(1, 6))
        ]
        for _ in range(40)
    ]


def coded(rows: list[list[str | None]]) -> np.ndarray:
    """Workers by units, as krippendorff takes them: numbers, and nan for what is missing."""
    labels = sorted({value for row in rows for value in row if value})
    table = np.full((max(map(len, rows)), len(rows)), np.nan)
    for unit, row in enumerate(rows):
        for worker, value in enumerate(row):
            if value is not None:
                table[worker, unit] = labels.index(value)
    return table


@given(NUMBERS)
def test_quartiles_and_median_are_those_of_numpy(values: list[float]) -> None:
    found = spread.spread(values)
    assert found is not None
    quartiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    assert found[1:] == pytest.approx(list(quartiles), rel=1e-9, abs=1e-9)
    assert found.number == len(values)
    assert spread.median(values) == pytest.approx(statistics.median(values), rel=1e-9, abs=1e-9)


@given(NUMBERS)
def test_bars_hold_every_number_once(values: list[float]) -> None:
    bars = spread.bars(values)
    assert sum(bar.number for bar in bars) == len(values) and len(bars) <= spread.MOST_BARS
    assert (bars[0].start, bars[-1].end) == (min(values), max(values))
    assert all(one.end == other.start for one, other in zip(bars, bars[1:], strict=False))


def test_nothing_has_no_spread() -> None:
    assert spread.spread([]) is None and spread.bars([]) == [] and spread.median([]) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_alpha_is_that_of_krippendorff(seed: int) -> None:
    rows = random_rows(seed)
    field = only(agree(rows))
    expected = krippendorff.alpha(coded(rows), level_of_measurement="nominal")
    assert field.alpha == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_percent_is_the_chance_that_another_answer_is_the_same(seed: int) -> None:
    rows = random_rows(seed)
    chances: list[float] = []
    for row in rows:
        given = [value for value in row if value is not None]
        for number, value in enumerate(given):
            others = given[:number] + given[number + 1 :]
            chances += [np.mean([other == value for other in others])] if others else []
    field = only(agree(rows))
    assert field.percent == pytest.approx(np.mean(chances), rel=1e-9, abs=1e-9)
    assert field.answers == sum(value is not None for row in rows for value in row)
    assert field.answers + field.missing == sum(map(len, rows))


def test_units_with_the_least_agreement_come_first_with_their_answers() -> None:
    rows: list[list[str | None]] = [["cat"] * 4 for _ in range(30)]
    rows[7], rows[20] = ["cat", "dog", "bird", None], ["cat", "cat", "dog", "cat"]
    first, second = only(agree(rows)).disputed
    assert (first.unit_index, first.agreement, first.input) == (7, 0.0, {"text": "message 7"})
    assert [tuple(answer) for answer in first.answers] == [("cat", 1), ("dog", 1), ("bird", 1)]
    assert (second.unit_index, second.agreement) == (20, 0.5)
    assert [tuple(answer) for answer in second.answers] == [("cat", 3), ("dog", 1)]


def test_disputed_units_are_bounded_and_the_worst_are_kept() -> None:
    rows: list[list[str | None]] = [["cat", "cat", "dog"] for _ in range(50)]
    for unit in (3, 44):
        rows[unit] = ["cat", "dog", "bird"]
    disputed = only(agree(rows)).disputed
    assert len(disputed) == agreement.MOST_UNITS
    assert [unit.unit_index for unit in disputed[:3]] == [3, 44, 0]


def test_without_two_answers_to_a_unit_there_is_no_agreement() -> None:
    field = only(agree([["cat"], ["dog"], [None, "cat"]]))
    assert (field.percent, field.alpha, field.units, field.answers) == (None, None, 0, 3)
    assert [tuple(value) for value in field.top] == [("cat", 2), ("dog", 1)]


def test_where_all_say_the_same_alpha_is_not_defined() -> None:
    field = only(agree([["cat", "cat"], ["cat", "cat"]]))
    assert (field.percent, field.alpha, field.values) == (1.0, None, 1)


def test_blanks_are_missing_and_rejected_or_unreadable_work_does_not_count() -> None:
    answers, worker = Answers((), as_is), WorkerTally()
    for unit, (text, values) in enumerate(
        [(" cat ", {}), ("cat", {}), ("  ", {}), ("dog", {"status": "Rejected"})]
    ):
        answers.add(result(0, f"W{unit}", {"label": text}, **values), worker)
    answers.add(result(0, "W9", {"unreadable_answer": "<a"}), worker)
    found = answers.agreement()
    assert (only(found).percent, only(found).answers, only(found).missing) == (1.0, 2, 1)
    assert (found.rejected, found.unreadable) == (1, 1)


def test_fields_are_bounded_and_those_that_are_asked_for_are_taken() -> None:
    many = {f"field {number}": "x" for number in range(agreement.MOST_FIELDS + 7)}
    answers = Answers((), as_is)
    answers.add(result(0, "W1", {**many}), WorkerTally())
    found = answers.agreement()
    assert (len(found.fields), found.other_fields) == (agreement.MOST_FIELDS, 7)
    answers = Answers(("field 55",), as_is)
    answers.add(result(0, "W1", {**many}), WorkerTally())
    assert [field.field for field in answers.agreement().fields] == ["field 55"]


def test_a_field_with_too_many_values_is_free_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "MOST_VALUES", 20)
    field = only(agree([[f"text {unit}", f"text {unit + 1}"] for unit in range(30)]))
    assert (field.values, field.alpha, field.top) == (None, None, [])
    assert (field.percent, field.answers) == (0.0, 60)


def test_a_long_text_is_cut_and_compared_whole() -> None:
    texts = ["x" * 5000 + end for end in ("a", "b")]
    field = only(agree([[texts[0], texts[1]], [texts[0], texts[0]]]))
    assert field.values == 2
    assert [(len(value.value), value.number) for value in field.top] == [(200, 3), (200, 1)]


def test_workers_are_held_against_what_more_than_half_of_their_unit_say() -> None:
    workers = Workers()
    agree(
        [
            ["cat", "cat", "dog"],  # W2 does not agree
            ["cat", "dog", None],  # nobody is more than half
            ["cat", "cat", "dog", "dog"],
            ["dog", "dog", None, "cat"],
            ["cat"],
        ],
        workers,
    )
    found = {worker: (tally.agreed, tally.compared) for worker, tally in workers.tallies.items()}
    assert found == {"W0": (2, 2), "W1": (2, 2), "W2": (0, 1), "W3": (0, 1)}


# Pay


def run(reward: str) -> Run:
    return some_run(run_id="run-1", parameters=some_parameters(task_reward=Decimal(reward)))


def random_work(chance: random.Random) -> Iterator[Result]:
    """Work of nine workers, some of it without moments, with bonuses, rejected or not reviewed."""
    for number in range(120):
        seconds = chance.choice([0, chance.uniform(1, 900), chance.uniform(1, 60)])
        submitted = None if chance.random() < 0.1 else NOW + timedelta(seconds=seconds)
        status = chance.choice(["Approved", "Approved", "Submitted", "Rejected"])
        bonus = Decimal(chance.randint(1, 90)).scaleb(-2) if chance.random() < 0.2 else None
        yield result(
            number, f"W{chance.randint(1, 9)}", {}, submitted_at=submitted, status=status, bonus=bonus
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_pay_is_what_a_worker_got_by_the_time_of_all_of_it(seed: int) -> None:
    chance, launched = random.Random(seed), run("0.31")
    workers, reference = Workers(), []
    for done in random_work(chance):
        assignment = done.assignment
        time = durations.time_on(assignment)
        workers.of(assignment.worker_id).add(done, launched, time, is_right=None)
        if time:
            got = float(assignment.bonus or 0) + (0.31 if assignment.status != "Rejected" else 0)
            reference.append((int(assignment.worker_id[1:]), assignment.status, time.total_seconds(), got))
    table = np.array([(w, s == "Rejected", t, g) for w, s, t, g in reference])
    hourly, every = [], []
    for number in range(1, 10):
        mine = table[table[:, 0] == number]
        kept = mine[mine[:, 1] == 0]
        hourly += [3600 * kept[:, 3].sum() / kept[:, 2].sum()] if len(kept) else []
        every += [3600 * mine[:, 3].sum() / mine[:, 2].sum()] if len(mine) else []
    earnings = [earned for _, earned in workers.earnings()]
    found = pay.pay(earnings, [], {}, pay.LINE, pay.Counts(0, 0, 0))
    for values, numbers in ((hourly, found.by_worker), (every, found.with_rejected)):
        assert numbers is not None
        assert numbers[1:] == pytest.approx(list(np.quantile(values, [0, 0.25, 0.5, 0.75, 1])), rel=1e-9)
    assert found.below_line == sum(value < 12 for value in hourly)
    assert found.below_floor == sum(value < 8 for value in hourly)


@given(
    time=st.timedeltas(timedelta(seconds=1), timedelta(days=9)),
    cents=st.integers(0, 10_000),
    line=st.integers(1, 20_000).map(lambda number: Decimal(number).scaleb(-2)),
)
def test_a_lift_is_the_least_number_of_cents_that_reaches_the_line(
    time: timedelta, cents: int, line: Decimal
) -> None:
    work = Work(time, Decimal(cents).scaleb(-2))
    lift = work.lift(line)
    hours = Decimal(time // timedelta(microseconds=1)) / Decimal(3_600_000_000)
    cent = Decimal("0.01")
    assert work.pay + lift >= line * hours - Decimal("1e-20")
    assert lift == 0 or work.pay + lift - cent < line * hours
    assert lift == lift.quantize(cent)
    assert Work(time, work.pay + lift).lift(line) == 0


def test_a_lift_goes_with_the_assignment_that_was_approved_last_and_counts_what_may_be_sent() -> None:
    earned, launched = Earnings(Work()), run("0.05")
    for number, hour in ((1, 3), (2, 9), (3, 5)):
        done = result(number, "W1", {}, approved_at=NOW + timedelta(hours=hour))
        earned.add(done, launched, timedelta(minutes=1))
    waiting = result(4, "W1", {}, status="Submitted", approved_at=None)
    earned.add(waiting, launched, timedelta(minutes=1))
    [top_up] = pay.top_ups([("W1", earned)], pay.LINE, pay.Given({}, {}))
    assert top_up == ("W1", "run-1", "2-W1", Decimal("0.45"), 0)
    assert earned.kept.lift(pay.LINE) == Decimal("0.60")
    for sent, rest in (("0.40", [Decimal("0.05")]), ("0.45", [])):
        given = pay.Given({"W1": Decimal(sent)}, {})
        assert [due.amount for due in pay.top_ups([("W1", earned)], pay.LINE, given)] == rest
    given = pay.Given({}, {("2-W1", "W1", Decimal("0.45")): 1})
    assert [due.twins for due in pay.top_ups([("W1", earned)], pay.LINE, given)] == [1]


# Time on task


def test_moments_that_lack_or_contradict_make_no_time_and_less_than_a_second_is_one() -> None:
    done = result(1, "W1", {}).assignment
    assert durations.time_on(done) == timedelta(minutes=1)
    assert durations.time_on(done._replace(submitted_at=NOW)) == timedelta(seconds=1)
    for values in ({"accepted_at": None}, {"submitted_at": None}, {"submitted_at": NOW - timedelta(1)}):
        assert durations.time_on(done._replace(**values)) is None


def test_who_needs_less_than_a_third_of_the_usual_time_is_fast_among_five() -> None:
    seconds = {"W1": 100, "W2": 90, "W3": 110, "W4": 33, "W5": 34}

    def fast(names: list[str]) -> list[str]:
        workers = Workers()
        for name in names:
            done, launched = result(1, name, {}), run("0.05")
            workers.of(name).add(done, launched, timedelta(seconds=seconds[name]), is_right=None)
        return [row.worker_id for row in workers.rows(pay.LINE) if row.is_fast]

    seconds["W4"] = 29
    assert math.isclose(90 / 3, 30)
    assert fast(list(seconds)) == ["W4"]
    assert fast(["W1", "W2", "W3", "W4"]) == []
