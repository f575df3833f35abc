"""Amounts of dollars: what is plainly dollars and cents is read, and nothing is guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdops.formats import money


@pytest.mark.parametrize(
    "text,amount",
    [
        ("0.5", "0.50"),
        ("0,50", "0.50"),
        ("$1,5", "1.50"),
        ("$1.25", "1.25"),
        ("$ 1.25", "1.25"),
        ("3", "3.00"),
        (" 1.5 ", "1.50"),
        ("1250", "1250.00"),
        ("007", "7.00"),
    ],
)
def test_dollars_are_read_as_they_are_written(text: str, amount: str) -> None:
    assert str(money.dollars(text)) == amount


THOUSANDS = [
    "1,250",
    "1.250",
    "$1,250",
    "0.100",
    "1,000.00",
    "1.000,50",
    "1'250",
    "1 250",
    "1,250,000",
    "0,001",
]
NONE = ["", " ", ".5", "2.", "1e2", "1_000", "NaN", "Infinity", "-1", "+1", "0x10", "1.2.3", "1,2,3", "1..5"]
NONE += ["1 5", "١", "\uff11\uff12", "€1", "1 USD", "US$1", "1.5c", "1/2", "$", "1234567", "1.5\n2", "--1"]
NONE += ["(1.50)"]


@pytest.mark.parametrize("text", THOUSANDS)
def test_what_may_be_thousands_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="separates thousands: write dollars and cents"):
        money.dollars(text)


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of dollars, such as 0.50"):
        money.dollars(text)


@pytest.mark.parametrize("text", ["0", "0.00", "0,0", "$0"])
def test_nothing_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="the amount is 0; the smallest is 0.01"):
        money.dollars(text)


@given(st.decimals(min_value="0.01", max_value="999999.99", places=2))
def test_every_amount_comes_back(amount: Decimal) -> None:
    assert money.dollars(str(amount)) == money.dollars(f"${amount}".replace(".", ",")) == amount
