"""Ctrl-C and SIGTERM, sent to a real launch at exactly known moments."""

import signal
from collections.abc import Callable

import pytest

from tests.support import sweeps
from tests.support.gates import Call
from tests.support.processes import wait_until
from tests.support.scripts import Script
from tests.support.terminals import Terminal
from tests.support.world import World

pytestmark = pytest.mark.gated

# A run of eight units, four at once, makes about thirty calls: 1 and 2 ask side by side for the balance and
# for who is blocked, before there is a run, 3 makes the HIT type, 4 to 7 create, 8 looks.
MOMENTS = list(range(3, 31)) if sweeps.FULL else [3, 5, 8, 10, 13, 22]
COMMITS = (
    [(when, n) for n in range(1, 23) for when in ("before", "after")]  # a run makes 22 commits
    if sweeps.FULL
    else [
        ("after", 1),
        ("before", 3),
        ("after", 9),
        ("after", 14),
    ]
)


class Crew:
    """Workers who do two HITs whenever the run looks, and hold a third until the run has expired its HITs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: str | None = None
        self._accepted: set[str] = set()

    def work(self, call: Call) -> None:
        """Do what is to be done when a call arrives."""
        if call.operation != "ListReviewableHITs":
            return
        gate = self._world.gate
        if self._held and gate.count("UpdateExpirationForHIT"):
            self._world.submit(self._held)
            self._held = None
        free = [hit_id for hit_id in self._world.open_hits() if hit_id not in self._accepted]
        for hit_id in free[:2]:
            self._world.do(hit_id)
        if not self._held and len(free) > 2 and not gate.count("UpdateExpirationForHIT"):
            self._held = self._world.accept(free[2])
            self._accepted.add(free[2])
        elif self._held and not free:
            self._world.submit(self._held)
            self._held = None


def press_at(world: World, number: int, sign: signal.Signals = signal.SIGINT) -> Script:
    """Launch a run and press once when its call of that number arrives."""
    return _press_at(world, lambda call: call.number >= number, "Stopping", sign)


def _press_at(
    world: World, is_due: Callable[[Call], bool], answer: str, sign: signal.Signals = signal.SIGINT
) -> Script:
    """Launch a run and press once when a call arrives that is due. It is answered after the launch has."""
    crew, pressed, started = Crew(world), [], []

    def strike(call: Call) -> None:
        crew.work(call)
        if is_due(call) and not pressed:
            pressed.append(call)
            wait_until(lambda: bool(started))
            started[0].press(sign)
            started[0].hear(answer)

    world.gate.before = strike
    started.append(world.launch_run(max_num_concurrent_units=4))
    return started[0]


def assert_ended_cleanly(world: World, launch: Script) -> None:
    assert launch.end() == 0, launch.said
    assert world.open_hits() == []
    assert world.collected() == world.submitted()
    assert world.doubled_units() == []
    assert [state for (state,) in world.sql("SELECT state FROM task_runs")] == ["finished"]
    assert not {"creating", "outstanding"} & set(world.units(launch.run_id))
    assert "Traceback" not in launch.said


@pytest.mark.parametrize("number", MOMENTS)
def test_one_press_ends_a_run_cleanly_at_whatever_call_it_comes(world: World, number: int) -> None:
    assert_ended_cleanly(world, press_at(world, number))


@pytest.mark.parametrize("number", MOMENTS[::2] if sweeps.FULL else [5, 11])
def test_sigterm_is_like_one_press(world: World, number: int) -> None:
    assert_ended_cleanly(world, press_at(world, number, signal.SIGTERM))


def test_a_closed_terminal_is_like_one_press(world: World) -> None:
    crew = Crew(world)
    path = str(world.write_run(4, assignment_duration_in_seconds=600))
    with Terminal("mturk/launch_run", path, "--yes") as terminal:
        world.wait_for_units("outstanding", 4)
        world.gate.before = crew.work
        wait_until(lambda: len(world.submitted()) > 1)
        assert terminal.close() == 0
    assert world.open_hits() == []
    assert world.collected() == world.submitted()
    assert world.sql("SELECT state FROM task_runs") == [("finished",)]
    assert not (world.home / "crash.log").exists()


@pytest.mark.parametrize("script", ["mturk/print_outstanding_hit_status", "local/simulate_workers"])
def test_a_closed_terminal_interrupts_any_other_command_without_a_word_of_bugs(
    world: World, script: str
) -> None:
    world.setenv(AWS_ENDPOINT_URL_MTURK=world.crowd.url)  # the gate has no worker site behind it
    run = world.launch(units=3)
    more = ("--watch", "0.2") if "status" in script else ("--workers", "1", "--seconds-per-task", "30")
    with Terminal(script, *more) as terminal:
        if "status" in script:
            terminal.expect(run.run_id)
        else:
            wait_until(lambda: any(hit.pending for hit in world.hits()))
        code = terminal.close()
    assert code == 130
    assert [hit for hit in world.hits() if hit.pending] == []
    assert not (world.home / "crash.log").exists()


@pytest.mark.parametrize(("when", "number"), COMMITS)
def test_one_press_ends_a_run_cleanly_at_whatever_commit_it_comes(
    world: World, when: str, number: int
) -> None:
    crew = Crew(world)
    world.gate.before = crew.work
    launch = world.launch_run(struck=("SIGINT", when, str(number)), max_num_concurrent_units=4)
    assert_ended_cleanly(world, launch)
    assert "Stopping" in launch.said


def test_a_press_before_the_run_exists_creates_nothing(world: World) -> None:
    launch = _press_at(world, lambda call: call.operation == "GetAccountBalance", "Interrupted")
    assert launch.end() == 130
    assert "Interrupted." in launch.said
    assert world.run_ids() == []
    assert world.hits() == []


def test_a_press_after_the_last_unit_changes_nothing(world: World) -> None:
    def work(call: Call) -> None:
        if call.operation == "ListReviewableHITs":
            for hit_id in world.open_hits():
                world.do(hit_id)

    world.gate.before = work
    launch = world.launch_run(units=2)
    assert launch.end() == 0
    commits = world.sql("SELECT count(*) FROM events")[0][0]
    late = world.launch_run(units=2, struck=("SIGINT", "after", str(commits + 3)))
    assert late.end() == 0, late.said
    assert len(world.collected(late.run_id)) == 2


@pytest.fixture
def waiting(world: World) -> Script:
    """A run of which two workers hold a HIT each, which was told to stop and says that it is waiting."""
    launch = world.launch_run(units=5)
    wait_until(lambda: len(world.open_hits()) == 5, 30)
    first, second, third, *_ = world.open_hits()
    world.held = [world.accept(first), world.accept(second)]
    world.do(third)
    launch.press()
    launch.hear("Press Ctrl-C again to stop now.")
    return launch


def test_two_presses_stop_and_name_the_work_in_flight_which_can_be_collected_later(
    world: World, waiting: Script
) -> None:
    waiting.press()
    assert waiting.end() == 130
    assert "Stopping now." in waiting.said
    held = [hit.hit_id for hit in world.hits() if hit.pending]
    assert len(held) == 2
    for hit_id in held:
        line = next(line for line in waiting.said.splitlines() if f"HIT {hit_id}" in line)
        assert "1 accepted, not submitted; possible until 20" in line
        assert line.endswith("Z at the latest.")
    run_id = waiting.run_id
    assert f"make results RUN={run_id}" in waiting.said
    assert waiting.document()["state"] == "stopped"
    assert world.open_hits() == []
    assert len(world.collected()) == 1
    for assignment_id in world.held:
        world.submit(assignment_id)
    assert world.invoke("mturk/download_results", "--run", run_id).exit_code == 0
    assert world.collected() == world.submitted()
    assert len(world.collected()) == 3


def test_what_is_submitted_while_the_run_waits_is_in_the_results(world: World, waiting: Script) -> None:
    first, second = world.held
    world.submit(first)
    world.give_back(second)
    assert_ended_cleanly(world, waiting)
    assert len(world.collected()) == 2
    assert waiting.document()["assignments"] == 2


def test_abandoned_work_is_waited_for_until_its_deadline_and_no_longer(world: World, waiting: Script) -> None:
    world.crowd.advance(601)
    assert_ended_cleanly(world, waiting)
    assert len(world.collected()) == 1


def press_while_expiring(world: World) -> Script:
    """Press a second time when the first expiry is on its way, while five HITs are out, and one is held."""
    presses: list[Call] = []

    def strike(call: Call) -> None:
        if call.operation == "UpdateExpirationForHIT" and not presses:
            presses.append(call)
            launch.press()
            launch.hear("Noted.")

    launch = world.launch_run(units=5, variables={"CROWDOPS_THREADS": "1"})
    world.wait_for_units("outstanding", 5)
    world.accept(world.open_hits()[0])
    world.gate.before = strike
    launch.press()
    return launch


def test_a_press_while_hits_are_expired_takes_effect_only_afterwards(world: World) -> None:
    launch = press_while_expiring(world)
    assert launch.end() == 130
    assert (
        "The HITs are being expired first; this takes effect when none can be accepted any more."
        in launch.said
    )
    assert world.gate.count("UpdateExpirationForHIT") == 5
    assert world.open_hits() == []
    assert launch.said.count("1 accepted, not submitted") == 1


def test_a_press_that_was_noted_does_not_spoil_a_run_that_has_nothing_to_wait_for(world: World) -> None:
    launch = world.launch_run(units=3, variables={"CROWDOPS_THREADS": "1"})
    wait_until(lambda: len(world.open_hits()) == 3, 30)
    presses: list[Call] = []

    def strike(call: Call) -> None:
        if call.operation == "UpdateExpirationForHIT" and not presses:
            presses.append(call)
            world.do(world.open_hits()[-1])
            launch.press()
            launch.hear("Noted.")

    world.gate.before = strike
    launch.press()
    assert_ended_cleanly(world, launch)
    assert len(world.collected()) == 1
