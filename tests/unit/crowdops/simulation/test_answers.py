"""Plausible answers to whatever a form asks."""

from __future__ import annotations

import random
import re
from datetime import date

import pytest

from crowdops.errors import ProviderError
from crowdops.formats.html_forms import BOX, FILE, FIXED, ONE_OF, SOME_OF, Control
from crowdops.providers.crowd_server.forms import TaskForm
from crowdops.simulation.answers import fill


def answers(control: Control, times: int = 200) -> list[list[str]]:
    form = TaskForm("http://crowd.example/mturk/externalSubmit", (control,))
    return [[value for _, value in fill(form, random.Random(number))] for number in range(times)]


def test_the_same_seed_gives_the_same_answers_in_the_order_of_the_form() -> None:
    form = TaskForm(
        "x", (Control("z", "text"), Control("id", FIXED, ("3A",)), Control("a", ONE_OF, ("1", "2")))
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


def test_a_box_is_ticked_or_not_and_always_where_it_must_be() -> None:
    assert {tuple(values) for values in answers(Control("c", BOX, ("a",)))} == {(), ("a",)}
    assert {tuple(values) for values in answers(Control("c", BOX, ("a",), True))} == {("a",)}


def test_one_of_the_buttons_is_pressed_and_what_has_no_name_is_not_sent() -> None:
    controls = (Control("", "text", required=True), Control("f", FILE))
    form = TaskForm("x", controls, ((("verdict", "yes"),), (("verdict", "no"),), ()))
    sent = {tuple(fill(form, random.Random(number))) for number in range(50)}
    assert sent == {(("f", ""), ("verdict", "yes")), (("f", ""), ("verdict", "no")), (("f", ""),)}


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [
        ("", "", ""),
        ("18", "99", ""),
        ("-5", "5", "5"),
        ("1", "1", ""),
        ("0.5", "1.5", "0.25"),
        ("", "-3", ""),
    ],
)
def test_numbers_keep_their_limits(low: str, high: str, step: str) -> None:
    control = Control("n", "number", low=low, high=high, step=step, required=True)
    numbers = [float(values[0]) for values in answers(control)]
    assert min(numbers) >= float(low or min(0, float(high or 0)))
    assert max(numbers) <= float(high or 100)
    assert all((number - float(low or 0)) % float(step or 1) == 0 for number in numbers)


def test_texts_keep_their_length() -> None:
    assert all(0 < len(values[0]) <= 5 for values in answers(Control("t", "text", longest=5)))
    assert all(
        60 <= len(values[0]) <= 64 for values in answers(Control("t", "text", shortest=60, longest=64))
    )
    assert all(" " in values[0] for values in answers(Control("t", "text")))


@pytest.mark.parametrize("pattern", ["[0-9]{5}", "[A-Z]{2,3}", r"A\d+", ".*"])
def test_texts_have_the_form_that_is_asked_for(pattern: str) -> None:
    given = answers(Control("t", "text", pattern=pattern, required=True), 20)
    assert all(re.fullmatch(pattern, values[0]) for values in given)


def test_what_nobody_can_think_of_is_said_or_left_empty_or_not_checked() -> None:
    control = Control("zip", "text", pattern="[0-9]{4} ?[A-Z]{2}-x", required=True)
    with pytest.raises(
        ProviderError, match=r"finds nothing to write into the field zip, which takes \[0-9\]"
    ):
        answers(control, 1)
    assert answers(control._replace(required=False), 1) == [[""]]
    form = TaskForm("x", (control,), is_checked=False)
    assert fill(form, random.Random(1))[0][1]


def test_days_keep_their_limits() -> None:
    given = answers(Control("d", "date", low="2024-01-01", high="2024-12-31", required=True), 20)
    assert all("2024-01-01" <= values[0] <= "2024-12-31" for values in given)


def test_dates_and_addresses_have_their_form() -> None:
    assert all(date.fromisoformat(values[0]).year >= 2020 for values in answers(Control("d", "date")))
    assert all("@example.org" in values[0] for values in answers(Control("e", "email")))
