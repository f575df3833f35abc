"""Simulated workers on a real crowd server, through its worker site."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crowdops.config.settings import Settings
from crowdops.errors import UsageError
from crowdops.simulation import simulate as rehearsal
from crowdops.simulation.worker import Behaviour, Totals
from tests.support.crowds import Crowd
from tests.support.offers import external_question, html_question, offer
from tests.support.pages import served
from tests.support.processes import wait_until

HASTY = Behaviour(seed=1, until_idle=0.4)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "crowd").mkdir(mode=0o700)
    return home


@pytest.fixture(scope="module")
def crowd(home: Path) -> Iterator[Crowd]:
    with Crowd(home / "crowd") as running:
        yield running


@pytest.fixture
def settings(crowd: Crowd, home: Path) -> Settings:
    crowd.empty()
    return Settings("local", crowd.url, home, 10.0, poll_interval=1, threads=4)


def simulate(
    settings: Settings,
    workers: int,
    behaviour: Behaviour,
    stop: threading.Event | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Totals:
    links = rehearsal.hire(settings, workers, behaviour.seed)
    return rehearsal.simulate(links, behaviour, stop=stop or threading.Event(), report=report)


def test_workers_do_all_the_work_and_each_unit_once_each(settings: Settings, crowd: Crowd) -> None:
    first, second = offer(crowd.client(), 4, assignments=2), offer(crowd.client(), 3)
    totals = simulate(settings, 3, HASTY)
    assert (totals.workers, totals.submitted, totals.returned, totals.abandoned) == (3, 11, 0, 0)
    assert first.statuses() + second.statuses() == ["Reviewable"] * 7
    done = Counter((one["HITId"], one["WorkerId"]) for one in first.submissions())
    assert len(done) == 8
    expected = {rehearsal.worker_id(1, number) for number in (1, 2, 3)}
    assert {one["WorkerId"] for one in first.submissions() + second.submissions()} <= expected


def test_a_seed_gives_the_same_answers_again_and_another_seed_others(
    settings: Settings, crowd: Crowd
) -> None:
    answers = []
    for seed in (7, 7, 8):
        offered = offer(crowd.client(), 6)
        simulate(settings, 1, HASTY._replace(seed=seed, return_rate=0.3))
        answers.append(offered.answers())
    assert len(answers[0]) == 6
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


def test_what_is_returned_is_done_in_the_end(settings: Settings, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 8)
    totals = simulate(settings, 2, HASTY._replace(return_rate=0.4))
    assert totals.returned > 0
    assert (totals.submitted, offered.statuses()) == (8, ["Reviewable"] * 8)


def test_what_is_abandoned_stays_in_hand_until_its_time_is_over(settings: Settings, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 3, AssignmentDurationInSeconds=60)
    totals = simulate(settings, 2, HASTY._replace(abandon_rate=1.0))
    assert (totals.abandoned, totals.submitted) == (3, 0)
    assert offered.statuses() == ["Unassignable"] * 3
    crowd.advance(61)
    assert offered.statuses() == ["Assignable"] * 3
    offered.withdraw()


def test_a_page_that_cannot_be_filled_in_is_given_back_and_left_alone(
    settings: Settings, crowd: Crowd
) -> None:
    strange = offer(crowd.client(), 2, question=html_question("<!doctype html><div id=app></div>"))
    plain = offer(crowd.client(), 2)
    lines: list[str] = []
    patient = HASTY._replace(until_idle=4.0)  # a unit given back is none done, however long that took
    totals = simulate(settings, 2, patient, report=lines.append)
    assert {line.partition(": ")[2] for line in lines} == {
        "The task page has no form, so nobody can submit it."
    }
    assert (totals.submitted, totals.errors) == (2, [])
    assert 2 <= totals.refused <= 4
    assert strange.statuses() == ["Assignable"] * 2
    assert plain.statuses() == ["Reviewable"] * 2
    strange.withdraw()


def test_a_look_that_takes_longer_than_the_patience_ends_no_work(settings: Settings, crowd: Crowd) -> None:
    strange = offer(crowd.client(), 1, question=html_question("<!doctype html><div id=app></div>"))
    offer(crowd.client(), 1)
    totals = simulate(settings, 1, HASTY._replace(until_idle=0.001))  # less than any request takes
    assert (totals.submitted, totals.refused) == (1, 1)
    strange.withdraw()


def test_pages_on_the_requesters_own_server_are_done_too(settings: Settings, crowd: Crowd) -> None:
    page = (
        "<form><input type=hidden name=assignmentId><select name=label><option>cat<option>dog</select>"
        "<button>Submit</button></form><script>form.action = given.get('turkSubmitTo') + path</script>"
    )
    with served(page) as url:
        offered = offer(crowd.client(), 3, question=external_question(f"{url}/unit?index=1"))
        totals = simulate(settings, 2, HASTY)
    assert totals.submitted == 3
    assert {answer for fields in offered.answers() for _, answer in fields} <= {"cat", "dog"}


def test_a_requesters_server_that_is_down_is_an_error_and_nothing_stays_in_hand(
    settings: Settings, crowd: Crowd
) -> None:
    with served("") as url:
        gone = url.replace("127.0.0.1", "localhost")  # as pages of this machine are shown
    offered = offer(crowd.client(), 2, question=external_question(url))
    totals = simulate(settings, 2, HASTY)
    assert totals.submitted == 0
    assert [error.partition(": ")[2] for error in totals.errors] == [
        f"{gone} cannot be reached: Connection refused"
    ] * 2
    assert offered.statuses() == ["Assignable"] * 2
    offered.withdraw()


def test_stopped_workers_return_what_is_in_hand(settings: Settings, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    stop = threading.Event()

    def stop_when_both_are_taken() -> None:
        wait_until(lambda: offered.statuses() == ["Unassignable"] * 2)
        stop.set()

    watcher = threading.Thread(target=stop_when_both_are_taken)
    watcher.start()
    totals = simulate(settings, 2, HASTY._replace(seconds_per_task=60.0), stop)
    watcher.join()
    assert (totals.returned, totals.submitted, totals.errors) == (2, 0, [])
    assert offered.statuses() == ["Assignable"] * 2
    offered.withdraw()


def test_workers_carry_on_after_the_server_was_killed_and_started_again(home: Path) -> None:
    own = home / "again" / "crowd"
    own.mkdir(parents=True)
    with Crowd(own) as crowd:
        offered = offer(crowd.client(), 12)
        settings = Settings("local", crowd.url, own.parent, 10.0, poll_interval=1, threads=4)
        links = rehearsal.hire(settings, 2, 1)
        all_totals: list[Totals] = []
        behaviour = HASTY._replace(seconds_per_task=0.2, until_idle=6.0)
        stop = threading.Event()
        working = threading.Thread(
            target=lambda: all_totals.append(
                rehearsal.simulate(links, behaviour, stop=stop, report=lambda line: None)
            )
        )
        working.start()
        wait_until(lambda: len(offered.submissions()) >= 2)
        crowd.kill()
        crowd.start()
        offered.client = crowd.client()
        wait_until(lambda: offered.statuses() == ["Reviewable"] * 12, 30)
        stop.set()
        working.join()
        assert all_totals[0].errors == []
        assert len(offered.submissions()) == 12


def test_a_server_that_is_gone_ends_the_rehearsal_with_errors(settings: Settings, home: Path) -> None:
    own = home / "gone" / "crowd"
    own.mkdir(parents=True)
    with Crowd(own) as crowd:
        gone = settings._replace(endpoint=crowd.url, home=own.parent)
        links = rehearsal.hire(gone, 2, 1)
    lines: list[str] = []
    totals = rehearsal.simulate(links, HASTY, stop=threading.Event(), report=lines.append)
    assert totals.submitted == 0
    assert sorted(totals.errors) == sorted(lines)
    assert all(
        re.fullmatch(r"worker \d: http://127.0.0.1:\d+ cannot be reached: Connection refused", e)
        for e in lines
    )
    assert len(lines) == 2


def test_a_rehearsal_hires_the_same_workers_again(settings: Settings) -> None:
    ids = [rehearsal.worker_id(seed, number) for seed in (1, 2) for number in (1, 2, 3)]
    assert len(set(ids)) == 6
    assert all(re.fullmatch(r"A[A-Z0-9]{13}", worker_id) for worker_id in ids)
    first, second = rehearsal.hire(settings, 2, 5), rehearsal.hire(settings, 2, 5)
    assert not set(first) & set(second), "each link replaces the one before"


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ("sandbox", "https://mturk-requester-sandbox.us-east-1.amazonaws.com"),
        ("production", "http://127.0.0.1:8730"),
        ("local", "https://mturk-requester.us-east-1.amazonaws.com"),
    ],
)
def test_nobody_is_simulated_on_a_marketplace(settings: Settings, environment: str, endpoint: str) -> None:
    with pytest.raises(
        UsageError, match=f"in the environment local only, not on {environment}.*Nothing was done"
    ):
        rehearsal.hire(settings._replace(environment=environment, endpoint=endpoint), 2, 1)
