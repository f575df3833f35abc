"""Plausible answers to whatever a form asks."""

from __future__ import annotations

import random
from datetime import date

import pytest

from crowdops.providers.crowd_server.forms import FIXED, ONE_OF, SOME_OF, Control, Form
from crowdops.simulation.answers import fill


def answers(control: Control, times: int = 200) -> list[list[str]]:
    form = Form("http://crowd.example/mturk/externalSubmit", "POST", (control,))
    return [[value for _, value in fill(form, random.Random(number))] for number in range(times)]


def test_the_same_seed_gives_the_same_answers_in_the_order_of_the_form() -> None:
    form = Form(
        "x", "POST", (Control("z", "text"), Control("id", FIXED, ("3A",)), Control("a", ONE_OF, ("1", "2")))
    )
    first, second = (fill(form, random.Random("7:1")) for _ in range(2))
    assert first == second
    assert [name for name, _ in first] == ["z", "id", "a"]
    assert any(fill(form, random.Random(f"7:{number}")) != first for number in range(5))


def test_one_of_several_options_is_chosen_and_each_in_its_turn() -> None:
    given = answers(Control("label", ONE_OF, ("cat", "dog", "cow")))
    assert all(len(values) == 1 for values in given)
    assert {values[0] for values in given} == {"cat", "dog", "cow"}


def test_some_options_are_chosen_and_at_least_one_where_it_is_required() -> None:
    free, required = (
        answers(Control("c", SOME_OF, ("a", "b"))),
        answers(Control("c", SOME_OF, ("a", "b"), True)),
    )
    assert {tuple(values) for values in free} == {(), ("a",), ("b",), ("a", "b")}
    assert {tuple(values) for values in required} == {("a",), ("b",), ("a", "b")}


@pytest.mark.parametrize(("low", "high"), [(None, None), (18, 99), (-5, 5), (1, 1), (0.5, 1.5)])
def test_numbers_keep_their_limits(low: float | None, high: float | None) -> None:
    numbers = [float(values[0]) for values in answers(Control("n", "number", (), False, low, high))]
    assert min(numbers) >= (0 if low is None else low)
    assert max(numbers) <= (100 if high is None else high)


def test_texts_keep_their_length() -> None:
    assert all(0 < len(values[0]) <= 5 for values in answers(Control("t", "text", length=5)))
    assert all(" " in values[0] for values in answers(Control("t", "text")))


def test_dates_and_addresses_have_their_form() -> None:
    assert all(date.fromisoformat(values[0]).year >= 2020 for values in answers(Control("d", "date")))
    assert all("@example.org" in values[0] for values in answers(Control("e", "email")))
