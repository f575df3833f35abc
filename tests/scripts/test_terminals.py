"""What people see at terminals of 80 by 24 and 120 by 40, from a launch over a crash to the review.

The screens are kept as text beside this file, in screens/.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from crowdops.registry import Run
from tests.support import screens
from tests.support.terminals import Terminal
from tests.support.works import Work
from tests.support.world import World

SIZES = [(80, 24), (120, 40)]
WIDE_IS_LONG = [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.long)]
STATUS = "mturk/print_outstanding_hit_status"
LONG_NAME = "my-new-task-pilot-1"
PAGE = (
    '<!DOCTYPE html><p>{{ text }}</p><form method="post" action="{{ submit_url }}">'
    '<input type="hidden" name="assignmentId" value="{{ assignmentId }}">'
    "<input name='label'><button>Submit</button></form>"
)
COLOUR = re.compile(r"\x1b\[3[0-9]m")

Size = tuple[int, int]


def seen(size: Size, script: str, *arguments: str, code: int = 0, keep: str = "") -> str:
    """Run a script at a terminal to its end; what it shows must fit, and look as the screen that is kept."""
    with Terminal(script, *arguments, size=size) as terminal:
        assert terminal.end() == code, terminal.screen
    screens.assert_fits(terminal.screen, size[0])
    if keep:
        screens.keep(keep, terminal.screen, *size)
    return terminal.screen


def launch(world: World, size: Size, **parts: Any) -> Terminal:
    parts = {"page": PAGE, "assignment_duration_in_seconds": 3600, **parts}
    path = world.write_run(6, task_name=LONG_NAME, **parts)
    return Terminal("mturk/launch_run", str(path), "--yes", "--again", size=size)


def answer(world: World, count: int) -> None:
    for hit_id in world.open_hits()[:count]:
        world.do(hit_id)


def crash(world: World, size: Size) -> Run:
    """Launch, have a part of it done, and pull the plug; returns the run."""
    with launch(world, size, max_num_concurrent_units=3) as terminal:
        world.wait_for_units("outstanding", 3)
        answer(world, 2)
        terminal.expect(r"2 of 6 answered · outstanding 3 · planned 1")
        world.wait_for_units("outstanding", 3)  # none of them is only intended
        terminal.kill()
    screens.assert_fits(terminal.screen, size[0])
    [(run_id,)] = world.sql("SELECT run_id FROM task_runs WHERE task_name = ?", LONG_NAME)
    return world.run(run_id)


@pytest.mark.parametrize("size", WIDE_IS_LONG, ids=str)
def test_a_crash_and_what_is_done_about_it(world: World, size: Size) -> None:
    ended = world.launch("pilot-0", units=1)
    answer(world, 1)
    world.invoke("mturk/download_results", "--run", ended.run_id)
    run = crash(world, size)
    status = seen(size, STATUS, keep="status")
    assert "\x1b[31mcrashed" in status and "1 crashed: make recover" in status
    assert ended.run_id not in status and "1 ended run is not shown: make status ARGS=--all" in status
    assert ended.run_id in seen(size, STATUS, "--all")
    seen(size, STATUS, "--wide", keep="status-wide")
    seen(size, STATUS, "--hits")
    runs = seen(size, "local/print_runs", keep="runs")
    assert runs.index(run.run_id) < runs.index(ended.run_id), "what has crashed comes first"
    seen(size, "local/diagnose_run", run.run_id)
    seen(size, "mturk/print_account")
    seen(size, "local/recover", "--dry-run", keep="recover-dry-run")
    world.accept(world.open_hits(run.run_id)[0])
    with Terminal("local/recover", "--yes", size=size) as terminal:
        terminal.expect("Waiting for accepted work on at most 1 HIT;")
        terminal.expect(r"2 of 6 answered · outstanding 1 · planned 1 .*· until \d\d:\d\d")
        terminal.interrupt()
        assert terminal.end() == 130
    screens.assert_fits(terminal.screen, size[0])
    seen(size, STATUS, keep="status-after-recover")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_ctrl_c_once_and_twice(world: World, size: Size) -> None:
    for is_patient in (True, False):
        with launch(world, size) as terminal:
            world.wait_for_units("outstanding", 6)
            held = world.accept(world.open_hits()[-1])
            terminal.expect("outstanding 6")
            terminal.interrupt()
            terminal.expect("Waiting for accepted work on at most 1 HIT;")
            terminal.expect("outstanding 1")
            if is_patient:
                world.submit(held)
            else:
                terminal.interrupt()
            assert terminal.end() == (0 if is_patient else 130), terminal.screen
        screens.assert_fits(terminal.screen, size[0])
        screens.keep("ctrl-c-once" if is_patient else "ctrl-c-twice", terminal.screen, *size)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_an_assignment_is_reviewed(world: World, size: Size) -> None:
    work = Work(world, units=2, done=False)
    world.do(work.hits[0], "AWORKER1", label="日本語のラベル", reason="x" * 300, more="one\ntwo\n" * 20)
    world.do(work.hits[1], "AWORKER2")
    with Terminal("mturk/review_assignments", "--run", work.run.run_id, size=size) as terminal:
        terminal.expect(r"1 of 2 [\s\S]*\[q\]uit ")
        terminal.press("?")
        terminal.expect(r"o  open the page with the answers[\s\S]*1 of 2 [\s\S]*\[q\]uit ")
        screens.assert_fits(terminal.screen, size[0])
        screens.keep("review", terminal.screen, *size)
        terminal.resize(60, 20)
        terminal.expect(r"\x1b\[H\x1b\[J[\s\S]*1 of 2 [\s\S]*\[q\]uit ")
        screens.assert_fits(terminal.screen.rpartition("\x1b[J")[2], 60)
        terminal.press("q")
        assert terminal.end() == 0


def test_what_is_watched_is_shown_in_place(world: World) -> None:
    world.crash()
    with Terminal(STATUS, "--watch", "0.2", size=(80, 24)) as terminal:
        for _ in range(2):
            terminal.expect(r"\x1b\[H\x1b\[J\d\d:\d\d:\d\d · Every 0.2 s. Ctrl-C ends this.\n\nIt is")
            terminal.expect("1 crashed: make recover")
        terminal.interrupt()
        assert terminal.end() == 130
    assert len(screens.lines(terminal.screen)) < 24


def test_a_rehearsal_tells_how_far_it_is(world: World) -> None:
    world.launch(units=2, page=PAGE)
    arguments = ("--workers", "1", "--seconds-per-task", "0", "--until-idle", "1")
    with Terminal("local/simulate_workers", *arguments, size=(80, 24)) as terminal:
        terminal.expect(r"1 worker · 2 submitted")
        assert terminal.end() == 0
    screens.assert_fits(terminal.screen, 80)


def test_whoever_starts_a_crowd_hears_how_to_go_on(world: World) -> None:
    with Terminal("local/serve_crowd", "--port", "0", size=(80, 24)) as terminal:
        terminal.expect(r"The key is in\s\S*credentials,\s")
        terminal.expect(r"Ctrl-C stops the server\.[\s\S]*make invite ARGS='--name Ada'")
    screens.assert_fits(terminal.screen, 80)


def test_through_a_pipe_nothing_has_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    ended, run = world.launch("pilot-0", units=1), world.crash(units=3)
    answer(world, 1)
    world.invoke("mturk/download_results", "--run", ended.run_id)
    result = world.invoke(STATUS)
    heading = (
        "run task_name state units answered unanswered not launched assignable unassignable ended missing"
    )
    table = result.stdout.partition("\n\n")[2].splitlines()
    assert table[0].split() == [
        *heading.split(),
        "available",
        "pending",
        "submitted",
        "reviewed",
        "safe",
    ]
    # By id: two of one second are in any order.
    assert [line.split()[0] for line in table[2:]] == sorted([ended.run_id, run.run_id])
    assert world.invoke(STATUS, "--wide").stdout == result.stdout
    assert "\x1b" not in result.stdout + result.stderr and "not shown" not in result.stderr
    assert "\x1b[31m" in world.invoke(STATUS, "--color", "always").stdout


@pytest.mark.parametrize(("term", "flags"), [("xterm", ("--color", "never")), ("dumb", ()), ("xterm", ())])
def test_colour_can_be_declined(
    world: World, monkeypatch: pytest.MonkeyPatch, term: str, flags: tuple[str, ...]
) -> None:
    world.crash()
    if term == "xterm" and not flags:
        monkeypatch.setenv("NO_COLOR", "1")
    with Terminal("local/print_runs", *flags, size=(80, 24), term=term) as terminal:
        assert terminal.end() == 0
    assert "crashed" in terminal.screen and not COLOUR.search(terminal.screen)
