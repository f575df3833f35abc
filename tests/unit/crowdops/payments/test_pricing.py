"""What work costs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdops.payments import pricing
from crowdops.payments.pricing import Estimate, fee
from tests.support.run_parameters import some_parameters


def estimate(reward: Decimal, assignments: int, units: int) -> Estimate:
    """What so many units with such HITs cost."""
    parameters = some_parameters(task_reward=reward, assignments_per_unit=assignments)
    return pricing.estimate(parameters, units, "local")


MONEY = st.integers(1, 100_000).map(lambda cents: Decimal(cents) / 100)


@pytest.mark.parametrize(
    "reward,assignments,wanted",
    [
        ("0.01", 1, "0.01"),
        ("0.01", 9, "0.01"),
        ("0.01", 10, "0.01"),
        ("0.02", 1, "0.01"),
        ("0.50", 9, "0.10"),
        ("0.50", 10, "0.20"),
        ("0.05", 1, "0.01"),
        ("0.07", 1, "0.01"),
        ("0.08", 1, "0.02"),
        ("0.52", 1, "0.10"),
        ("0.53", 1, "0.11"),
        ("1.00", 12, "0.40"),
    ],
)
def test_the_fee_is_a_share_of_the_reward_and_at_least_a_cent(
    reward: str, assignments: int, wanted: str
) -> None:
    assert fee(Decimal(reward), assignments) == Decimal(wanted)


def test_half_a_cent_is_rounded_up() -> None:
    assert fee(Decimal("0.525"), 1) == Decimal("0.11")  # 0.105
    assert fee(Decimal("0.52"), 1) == Decimal("0.10")  # 0.104


def test_an_estimate_counts_every_assignment() -> None:
    found = estimate(Decimal("0.05"), 3, 60)
    assert (found.units, found.assignments) == (60, 180)
    assert (found.reward, found.fee, found.total) == (Decimal("9.00"), Decimal("1.80"), Decimal("10.80"))
    assert found.describe() == "60 units, 180 assignments: $9.00 in rewards + $1.80 in fees (20%) = $10.80"
    assert "(40%) = $7.00" in estimate(Decimal("0.50"), 10, 1).describe()


@given(MONEY, st.integers(1, 20), st.integers(1, 1000))
def test_totals_are_whole_cents_and_the_sum_of_their_parts(
    reward: Decimal, assignments: int, units: int
) -> None:
    found = estimate(reward, assignments, units)
    assert found.total == found.total.quantize(Decimal("0.01"))
    assert found.total == (reward + fee(reward, assignments)) * units * assignments
