"""The pace of calls under a limit, on a clock of its own: 32 callers, and an endpoint with a token bucket."""

import pytest

from crowdops.registry import Pace
from tests.support.paced_calls import CALLERS, Limited, Rush


@pytest.mark.parametrize(
    ("limit", "reply_seconds", "most_throttled"),
    [(20, 0.004, 0.03), (20, 0.05, 0.03), (20, 0.15, 0.035), (100, 0.004, 0.03), (100, 0.05, 0.03)],
)
def test_a_limit_is_reached_with_few_refusals(
    limit: float, reply_seconds: float, most_throttled: float
) -> None:
    rush = Rush(Limited(limit), reply_seconds).make(1000)
    assert rush.answered / rush.now > 0.98 * limit
    assert rush.share_throttled < most_throttled


@pytest.mark.parametrize("reply_seconds", [0.004, 0.05, 0.15])
@pytest.mark.parametrize("limit", [20, 100])
def test_who_begins_where_the_last_one_stood_is_hardly_refused(limit: float, reply_seconds: float) -> None:
    first = Rush(Limited(limit), reply_seconds).make(1000)
    assert first.pacer.pace == Pace(pytest.approx(limit, rel=0.25), is_limit=True)
    next_one = Rush(Limited(limit), reply_seconds, known=first.pacer.pace).make(1000)
    assert next_one.answered / next_one.now > 0.98 * limit
    assert next_one.share_throttled < 0.02


@pytest.mark.parametrize("reply_seconds", [0.004, 0.05, 0.15])
@pytest.mark.parametrize("limit", [20, 100])
@pytest.mark.parametrize("share", [0.8, 1.25])
def test_a_pace_that_was_noted_right_after_a_cut_is_soon_corrected(
    share: float, limit: float, reply_seconds: float
) -> None:
    rush = Rush(Limited(limit), reply_seconds, known=Pace(share * limit, is_limit=True)).make(1000)
    assert rush.answered / rush.now > 0.98 * limit
    assert rush.share_throttled < 0.03


def test_a_first_call_that_is_refused_does_not_refute_a_known_limit() -> None:
    """Another command has just used up what the endpoint had saved."""
    endpoint = Limited(100)
    endpoint.tokens = 0
    rush = Rush(endpoint, 0.05, known=Pace(100.0, is_limit=True)).make(1000)
    assert rush.answered / rush.now > 0.85 * 100
    assert rush.share_throttled < 0.03


@pytest.mark.parametrize("is_limit", [True, False])
def test_an_endpoint_that_got_slower_is_found_out_by_its_first_refusals(is_limit: bool) -> None:
    rush = Rush(Limited(20), 0.05, known=Pace(400.0, is_limit)).make(500)
    assert rush.answered / rush.now > 0.95 * 20
    assert rush.throttled < 2 * CALLERS
    assert rush.pacer.pace == Pace(pytest.approx(20, rel=0.25), is_limit=True)


def test_an_endpoint_that_got_faster_is_climbed() -> None:
    rush = Rush(Limited(1e9), 0.05, known=Pace(20.0, is_limit=True)).make(1000)
    assert rush.now < 20  # at 20 calls a second it would have been 50
    assert rush.throttled == 0
    assert rush.pacer.pace.rate > 100


@pytest.mark.parametrize("pause", [(0.1, 1.3), (10.0, 11.5)])
def test_a_pause_of_this_machine_does_not_slow_the_rest(pause: tuple[float, float]) -> None:
    rush = Rush(Limited(20), 0.01, pause=pause).make(1000)
    assert rush.answered / rush.now > 0.95 * 20
    assert rush.share_throttled < 0.03


def test_without_a_limit_the_pace_is_no_brake() -> None:
    most = CALLERS / 0.05
    first = Rush(Limited(1e9), 0.05).make(1000)
    assert first.throttled == 0
    assert first.now < 1000 / most + 1
    again = Rush(Limited(1e9), 0.05, known=first.pacer.pace).make(1000)
    assert again.now < 1000 / most + 0.1


@pytest.mark.parametrize("reply_seconds", [0.016, 0.05, 0.15, 0.5])  # the first: 2,000/s, beyond any client
@pytest.mark.parametrize("share", [0.6, 1.0])
def test_an_endpoint_that_never_refused_is_used_by_every_thread_at_once(
    share: float, reply_seconds: float
) -> None:
    """What it bore was set by our own threads and its replies: the machine may have been busy, too."""
    bore = share * CALLERS / reply_seconds
    rush = Rush(Limited(1e9), reply_seconds, known=Pace(bore, is_limit=False))
    rush.go_on(until=1)
    assert rush.all_under_way < reply_seconds
    before, begin = rush.answered, rush.now
    rush.go_on(until=2)
    assert rush.answered - before >= 0.97 * CALLERS / reply_seconds * (rush.now - begin) - CALLERS
    assert rush.throttled == 0


def test_a_rest_proves_nothing() -> None:
    """A pool that is looked at now and then begins each of its launches at the rate that was found."""
    rush = Rush(Limited(20), 0.05).make(500)
    before = rush.throttled
    for _ in range(5):
        rush.now += 600  # nobody asks
        rush.make(rush.answered + 100)
    assert rush.throttled - before <= 10
