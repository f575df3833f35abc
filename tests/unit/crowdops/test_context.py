"""What an operation works with, and how a command carries out many calls."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crowdops.bulk import Action, Outcome
from crowdops.config.settings import Selection, Settings
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.registry import Run
from tests.support.run_parameters import some_run

MOMENT = datetime(2026, 11, 22, 11, 45, tzinfo=UTC)


def settings(home: Path, *, quiet: bool = True) -> Settings:
    return Settings("local", "http://127.0.0.1:1", home, 5.0, 5.0, 2, quiet=quiet)


def run(run_id: str, endpoint: str) -> Run:
    return some_run(run_id=run_id, task_name="pilot", endpoint=endpoint, state="running")


def action(call: Callable[[int], None]) -> Action[int, None]:
    def settle(outcome: Outcome[int, None]) -> bool:
        return False

    return Action(call, settle, lambda item, error: (str(item), str(error)))


def press(item: int) -> None:
    """Press Ctrl-C while the third item is under way."""
    if item == 2:
        os.kill(os.getpid(), signal.SIGINT)


def test_a_context_closes_its_registry(tmp_path: Path) -> None:
    with Context.open(settings(tmp_path)) as context:
        assert context.registry.runs() == []
    with pytest.raises(Exception, match="closed"):
        context.registry.runs()


def test_what_operations_say_is_dropped_on_request(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for quiet in (True, False):
        with Context.open(settings(tmp_path), quiet=quiet) as context:
            context.say(f"quiet is {quiet}")
    assert capfd.readouterr().err == "quiet is False\n"


def test_choosing_runs_leads_to_their_own_endpoint_with_the_same_registry_and_interrupts(
    tmp_path: Path,
) -> None:
    with Context.open(settings(tmp_path)) as context:
        context.registry.add_run(run("20261122-114502-aaaa", "http://127.0.0.1:2"))
        context.registry.add_run(run("20261122-114502-bbbb", "http://127.0.0.1:3"))
        there, runs = context.choose(Selection(runs=("20261122-114502-bbbb",)))
        assert [run.endpoint for run in runs] == [there.settings.endpoint] == ["http://127.0.0.1:3"]
        assert there.provider is not context.provider
        assert (there.registry, there.interrupts) == (context.registry, context.interrupts)
        with pytest.raises(UsageError, match="not at one endpoint"):
            context.choose(Selection(task_names=("pilot",)))


def test_ctrl_c_lets_the_calls_under_way_end_and_starts_no_more(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Context.open(settings(tmp_path, quiet=False)) as context:
        result = context.carry_out(action(press), range(100), "stopped")
    assert result.interrupted
    assert 3 <= result.done < 10
    assert not result.failed
    said = capfd.readouterr().err
    assert "\nStopping: the calls under way are finished.\n" in said
    assert f"stopped: {result.done}/100" in said


def test_what_was_interrupted_once_does_not_begin_another_time(tmp_path: Path) -> None:
    with Context.open(settings(tmp_path)) as context:
        assert context.carry_out(action(press), range(100), "stopped").interrupted
        again = context.carry_out(action(press), range(100), "begun")
    assert (again.done, again.interrupted) == (0, True)


def test_within_entered_interrupts_nothing_is_carried_out_for_a_command(tmp_path: Path) -> None:
    with (
        Context.open(settings(tmp_path)) as context,
        context.interrupts,
        pytest.raises(AssertionError, match="look at `count`"),
    ):
        context.carry_out(action(press), [1, 2], "done")
