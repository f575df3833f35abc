"""Each command that a message proposes works in the state that proposes it, as it is printed there.

The table has a row for each proposal in the sources: its file, and its text with … where a value stands. A
row puts a world into the state. The command is read from what is printed, typed, and has to succeed; then
the same look must not propose it again.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from inspect import signature
from pathlib import Path
from types import SimpleNamespace

import pytest

from crowdops.console import cli
from crowdops.registry import Run
from crowdops.runs import top_up_view
from crowdops.runs.lacks import Lacks
from tests.support import advice, makes, messages
from tests.support.advice import State
from tests.support.copies import damage
from tests.support.forks import REPOSITORY
from tests.support.processes import free_port, wait_until
from tests.support.scripts import Script
from tests.support.servers import LocalServers
from tests.support.world import World

STATUS, DIAGNOSE, BROKEN = (
    "mturk/print_outstanding_hit_status",
    "local/diagnose_run",
    "mturk/identify_broken_units",
)
CHECK = ("local/check_runs", "-v", "--timeout", "600")
TOP_UP = "mturk/top_up_run"
LAUNCH, RECOVER, REBUILD = "mturk/launch_run", "local/recover", "local/rebuild_registry"
Make = Callable[..., State]  # takes a world, and the servers of its home if it starts some
Key = tuple[str, str]

ROWS: dict[Make, list[Key]] = {}

# Commands that only look, and work in every state.
LOOKS = (
    "make runs",
    "make workers",
    "make wut",
    "make wut NAME=task_reward",
    "make account",
    "make account RUN=…",
    "make status RUN=…",
    "make status ARGS=--all",
    "make status RUN=… ARGS='--watch 10'",
    "make status RUN=… ARGS=--hits",
    "make runs RUN=…",
    "make earnings",
    "make keys",
    "make servers",
    "make diagnose RUN=…",
    "make servers RUN=…",
    "make broken RUN=…",
    "make recover ARGS=--dry-run",
    "make rebuild ARGS='--all-runs --dry-run'",
)
# Tested where it costs less, with the test that types it.
ELSEWHERE = {
    ("payments/budgets.py", "make raise-max-cost RUN=… ARGS=…"): (
        "scripts/local/test_raise_max_cost.py",
        "test_refused_bonuses_are_paid_after_the_command_that_their_refusal_names",
    ),
    ("workers/inbox.py", "make notify FILE=answer.txt ARGS=…"): (
        "scripts/local/test_print_messages.py",
        "test_what_workers_wrote_is_shown_and_the_printed_command_answers_it",
    ),
    ("runs/outage.py", "make recover"): (
        "scripts/mturk/test_launch_run.py",
        "test_two_presses_end_a_run_whose_endpoint_is_silent_and_say_what_is_left_to_do",
    ),
    ("runs/outage.py", "make resume RUN=…"): (
        "scripts/mturk/test_launch_run.py",
        "test_two_presses_end_a_run_whose_endpoint_is_silent_and_say_what_is_left_to_do",
    ),
    ("servers/view.py", "make heroku-kill"): (
        "scripts/heroku/test_print_server_status.py",
        "test_the_command_that_takes_leftovers_down_does_so",
    ),
    ("servers/heroku/scale.py", "make heroku-kill NAME=…"): (
        "scripts/heroku/test_print_server_status.py",
        "test_the_command_that_takes_leftovers_down_does_so",
    ),
}
# The same commands in states that are dear to come to: which row stands for them.
SAME = {
    ("config/environments.py", "make crowd ARGS='--port …'"): "the test of its own, below",
    ("registry/summary.py", "make recover"): "crashed",
    ("payments/budgets.py", "make launch FILE=RUN.TOML ARGS='--resume …'"): "rebuilt_and_topped_up",
    ("recovery/view.py", "make recover ARGS='--orphans …'"): "a row of its own, where a terminal is",
    ("runs/attended.py", "make kill-servers"): "leftover_server",
    ("runs/attended.py", "make heroku-kill"): "leftovers at Heroku",
    ("servers/heroku/deploy.py", "make heroku-kill"): "leftovers at Heroku",
    ("servers/heroku/scale.py", "make recover"): "crashed",
    ("servers/heroku/scale.py", "make rebuild"): "resumed_by_a_wrong_id",
    ("registry/database.py", "make rebuild"): "damaged_registry",
    ("watching/rules.py", "make heroku-kill NAME=…"): "the test of print_server_status, above",
}
# Not typed by a test: why.
NOT_TYPED = {
    "make demo": "takes half a minute",
    "make invite ARGS='--name Ada'": "stands beside make crowd: the server is not up by then",
    "make launch FILE=examples/run.toml": "stands beside make crowd, and is what the README's tests do",
    "make crowd": "takes the port 8730 of this machine; the row of another port stands for it",
    "make review RUN=…": "asks about each assignment at a terminal",
    "make launch FILE=RUN.TOML": "nobody knows where the run.toml lies",
    "make heroku-check": "looks at Heroku's emulator, where its own tests do",
    "make heroku-status": "looks at Heroku's emulator, where its own tests do",
    "make heroku-status RUN=…": "looks at Heroku's emulator, where its own tests do",
}
# What only explains, and proposes nothing in a state.
EXPLAINING = ("config/declarations.py", "config/variables.py", "config/vocabulary.py")


def proposes(file: str, *texts: str) -> Callable[[Make], Make]:
    """A state in which messages of a file propose commands."""

    def register(make: Make) -> Make:
        ROWS.setdefault(make, []).extend((file, text) for text in texts)
        return make

    return register


def look(world: World, script: str, *arguments: str) -> Callable[[], str]:
    return lambda: advice.said(world.invoke(script, *arguments))


def do_all(world: World, run: Run) -> None:
    for hit_id in world.open_hits(run.run_id):
        world.do(hit_id)


# Crashed runs


@proposes("watching/rules.py", "make recover")
def crashed_and_checked(world: World) -> State:
    run = world.crash()
    return State(look(world, *CHECK), meanwhile=lambda: do_all(world, run))


@proposes("hits/view.py", "make resume RUN=…", "make recover")
def crashed(world: World) -> State:
    run = world.crash()
    return State(look(world, STATUS), meanwhile=lambda: do_all(world, run))


@proposes("diagnosis/rules.py", "make resume RUN=…")
def crashed_and_diagnosed(world: World) -> State:
    run = world.crash()
    return State(look(world, DIAGNOSE, run.run_id), meanwhile=lambda: do_all(world, run))


@proposes("diagnosis/rules.py", "make recover")
def crashed_when_all_was_done(world: World) -> State:
    run = world.crash()
    do_all(world, run)
    world.invoke("mturk/download_results", "--run", run.run_id)
    world.set_state(run, "running")
    return State(look(world, DIAGNOSE, run.run_id))


@proposes("runs/living.py", "make resume RUN=…", "make recover")
def crashed_and_launched_again(world: World) -> State:
    run = world.crash()
    path = world.write_run(2)
    again = look(world, LAUNCH, str(path), "--yes", "--detach")
    return State(again, meanwhile=lambda: do_all(world, run), stays=True)


@proposes("runs/remainder.py", "make recover")
def cut_off_before_its_data_was_read(world: World) -> State:
    run = world.crash()
    for hit_id in world.hit_ids(run):
        world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))
        world.client.delete_hit(HITId=hit_id)
    world.sql("DELETE FROM units WHERE run_id = ?", run.run_id)
    world.set_state(run, "launching")
    run.parameters.data.unlink()
    return State(look(world, LAUNCH, "--resume", run.run_id, "--yes"))


@proposes("runs/resume.py", "make resume RUN=RUN_ID")
def resumed_without_an_id(world: World) -> State:
    run = world.crash()
    do_all(world, run)
    return State(look(world, LAUNCH, "--resume", ""), stays=True, known={"RUN_ID": run.run_id})


# Detached runs


@proposes("hits/view.py", "make expire RUN=…")
def detached(world: World) -> State:
    world.launch()
    return State(look(world, STATUS))


@proposes("runs/view.py", "make expire RUN=…", "make results RUN=…")
def just_detached(world: World) -> State:
    path = world.write_run(2)
    return State(look(world, LAUNCH, str(path), "--yes", "--detach", "--again"), stays=True)


@proposes("runs/living.py", "make expire RUN=…")
def detached_and_launched_again(world: World) -> State:
    world.launch()
    return State(look(world, LAUNCH, str(world.write_run(2)), "--yes", "--detach"), stays=True)


@proposes("hits/differences_view.py", "make results RUN=…")
def crashed_and_done(world: World) -> State:
    run = world.crash()
    do_all(world, run)
    return State(look(world, BROKEN))


def for_nobody(world: World) -> str:
    """Lines of a run.toml whose work nobody may do."""
    type_id = world.client.create_qualification_type(
        Name="nobody", Description="nobody has it", QualificationTypeStatus="Active"
    )["QualificationType"]["QualificationTypeId"]
    return f'\n[[qualifications]]\nQualificationTypeId = "{type_id}"\nComparator = "Exists"\n'


@proposes("diagnosis/next_commands.py", "make expire RUN=…")
def nobody_qualifies(world: World) -> State:
    run = world.launch(more=for_nobody(world))
    return State(look(world, DIAGNOSE, run.run_id))


@proposes("diagnosis/next_commands.py", "make expire RUN=… ARGS=--stop-run")
@proposes("hits/view.py", "make expire RUN=… ARGS=--stop-run")
def attended_and_nobody_qualifies(world: World) -> State:
    launch = world.launch_run(units=1, more=for_nobody(world))
    wait_until(lambda: bool(world.open_hits()), 30)

    def both() -> str:
        if not world.open_hits():
            launch.end()
        return look(world, DIAGNOSE, launch.run_id)() + look(world, STATUS)()

    return State(both)


@proposes("hits/expire.py", "make results RUN=…")
def expired_with_answers(world: World) -> State:
    run = world.launch()
    world.do(world.hit_ids(run)[0])
    return State(look(world, "mturk/expire_hits", "--run", run.run_id, "--yes"))


@proposes("results/endings.py", "make recover")
def expired_with_a_server(world: World, local: LocalServers) -> State:
    run = local.add_run(state="detached")
    local.launch(run)
    return State(look(world, "mturk/expire_hits", "--run", run.run_id, "--yes"))


# Runs that have ended


@proposes("diagnosis/rules.py", "make expire RUN=…")
def open_after_the_end(world: World) -> State:
    run = world.launch()
    world.set_state(run, "stopped")
    return State(look(world, DIAGNOSE, run.run_id))


@proposes("watching/rules.py", "make expire RUN=…")
def open_after_the_end_and_checked(world: World) -> State:
    run = world.launch()
    world.set_state(run, "stopped")
    return State(look(world, *CHECK))


@proposes("watching/rules.py", "make results RUN=…")
def submitted_after_the_end_and_checked(world: World) -> State:
    run = world.launch()
    do_all(world, run)
    world.set_state(run, "stopped")
    return State(look(world, *CHECK))


@proposes("hits/view.py", "make results RUN=…")
def in_hand_after_the_end(world: World) -> State:
    run = world.launch(units=1)
    held = world.accept(world.hit_ids(run)[0])
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    world.set_state(run, "stopped")
    return State(look(world, STATUS), meanwhile=lambda: world.submit(held))


@proposes("diagnosis/rules.py", "make results RUN=…")
def submitted_after_the_end(world: World) -> State:
    run = world.launch()
    do_all(world, run)
    world.set_state(run, "stopped")
    return State(look(world, DIAGNOSE, run.run_id), stays=True)  # the results are there to be written


@proposes("recovery/recover.py", "make results RUN=…")
def recovered_without_waiting(world: World) -> State:
    run = world.crash(units=1)
    held = world.accept(world.hit_ids(run)[0])
    return State(look(world, RECOVER, "--yes", "--no-wait"), meanwhile=lambda: world.submit(held), stays=True)


@proposes("runs/remainder.py", "make results RUN=…")
def resumed_when_over(world: World) -> State:
    run = world.launch()
    do_all(world, run)
    world.set_state(run, "finished")
    world.invoke("mturk/download_results", "--run", run.run_id)
    return State(look(world, LAUNCH, "--resume", run.run_id, "--yes"), stays=True)


def half_launched(world: World) -> Script:
    """A launch of which one unit is out and one is not launched."""
    launch = world.launch_run(units=2, max_num_concurrent_units=1)
    wait_until(lambda: bool(world.open_hits()), 30)
    return launch


@proposes("watching/rules.py", "make resume RUN=…")
def crashed_and_checked_with_nothing_out(world: World) -> State:
    launch = half_launched(world)
    launch.kill()
    do_all(world, world.run(launch.run_id))
    at_work = advice.workers(world, 1)
    return State(look(world, *CHECK), meanwhile=at_work.start)


@proposes("recovery/recover.py", "make resume RUN=…")
def recovered_half_launched(world: World) -> State:
    launch = half_launched(world)
    launch.kill()
    do_all(world, world.run(launch.run_id))
    at_work = advice.workers(world, 1)
    return State(look(world, RECOVER, "--yes"), meanwhile=at_work.start, stays=True)


@proposes("runs/view.py", "make resume RUN=…")
def stopped_half_launched(world: World) -> State:
    launch = half_launched(world)
    held = world.accept(world.open_hits()[0])
    launch.press()
    launch.hear("Waiting for accepted work")
    world.submit(held)
    launch.end()
    at_work = advice.workers(world, 1)
    return State(lambda: launch.said, meanwhile=at_work.start, stays=True)


# Registry and provider


@proposes("hits/differences_view.py", "make broken RUN=… ARGS=--mend")
@proposes("diagnosis/rules.py", "make broken RUN=… ARGS=--mend")
def a_hit_was_deleted(world: World) -> State:
    run = world.launch(units=3)
    hit_id = world.hit_ids(run)[0]
    world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))
    world.client.delete_hit(HITId=hit_id)
    world.sql("UPDATE units SET created_at = '2026-01-01T00:00:00.000000Z'")  # lists have it by now

    def both() -> str:
        return look(world, BROKEN)() + look(world, DIAGNOSE, run.run_id)()

    return State(both)


@proposes("watching/rules.py", "make backup")
def never_backed_up(world: World) -> State:
    world.launch()
    world.sql("UPDATE task_runs SET created_at = '2026-01-01T00:00:00.000000Z'")
    return State(look(world, *CHECK))


@proposes("watching/check.py", "make rebuild")
def checked_after_the_loss(world: World) -> State:
    without_a_registry(world)
    return State(look(world, *CHECK))


@proposes("registry/troubles.py", "make rebuild")
def damaged_registry(world: World) -> State:
    world.launch()
    damage(world)
    return State(look(world, "local/print_runs"))


def lost_while_it_runs(world: World) -> Script:
    """A launch whose registry was deleted under it, at its end."""
    launch = world.launch_run(units=2, variables={"CROWDOPS_REGISTRY_PATIENCE": "1"})
    world.wait_for_units("outstanding", 2)
    for path in world.home.glob("registry.db*"):
        path.unlink()
    world.do(world.open_hits()[0])
    launch.end()
    return launch


@proposes("registry/database.py", "make rebuild")
@proposes("runs/without_registry.py", "make rebuild")
def registry_deleted_under_a_run(world: World) -> State:
    launch = lost_while_it_runs(world)
    return State(lambda: launch.said, stays=True)


@proposes("runs/without_registry.py", "make recover")
def registry_rebuilt_after_that(world: World) -> State:
    launch = lost_while_it_runs(world)
    return State(lambda: launch.said, meanwhile=lambda: world.invoke(REBUILD), stays=True)


@proposes("registry/backups.py", "make rebuild", "make recover")
def restored(world: World) -> State:
    run = world.crash()
    path = world.json("local/back_up")["backup"]
    do_all(world, run)
    return State(look(world, "local/restore_backup", path, "--yes"), stays=True)


@proposes("runs/remainder.py", "make rebuild")
def resumed_by_a_wrong_id(world: World) -> State:
    world.crash()
    return State(look(world, LAUNCH, "--resume", "20260101-000000-aaaa", "--yes"), stays=True)


def lost(world: World, *arguments: str) -> tuple[Run, Path]:
    """A home without a registry that rebuilds one, from marks."""
    run = world.crash(units=1)
    run_toml = world.folder / "pilot-1" / "run.toml"
    home = world.folder / "other"
    world.hand_over_key(home)
    world.setenv(CROWDOPS_HOME=str(home))
    return run, run_toml


@proposes("recovery/view.py", "make rebuild RUN='…'")
def rebuilt_without_a_folder(world: World) -> State:
    lost(world)
    return State(look(world, REBUILD))


@proposes("recovery/view.py", "make launch FILE=RUN.TOML ARGS='--resume …'", "make recover")
def rebuilt(world: World) -> State:
    run, run_toml = lost(world)
    rebuild = look(world, REBUILD, "--run", run.run_id)
    known = {"RUN.TOML": str(run_toml)}
    return State(rebuild, meanwhile=lambda: do_all(world, run), stays=True, known=known)


@proposes("runs/remainder.py", "make launch FILE=RUN.TOML ARGS='--resume …'")
def rebuilt_and_resumed(world: World) -> State:
    run, run_toml = lost(world)
    world.invoke(REBUILD, "--run", run.run_id)
    resume = look(world, LAUNCH, "--resume", run.run_id, "--dry-run")
    known = {"RUN.TOML": str(run_toml)}
    return State(resume, meanwhile=lambda: do_all(world, run), stays=True, known=known)


@proposes("runs/top_up_view.py", "make launch FILE=RUN.TOML ARGS='--resume …'")
def rebuilt_and_topped_up(world: World) -> State:
    run, run_toml = lost(world)
    do_all(world, run)
    world.invoke(REBUILD, "--run", run.run_id)
    return State(look(world, TOP_UP, "--run", run.run_id, "--yes"), known={"RUN.TOML": str(run_toml)})


@proposes("results/votes.py", "make results RUN=…")
def topped_up_where_no_answer_has_the_field(world: World) -> State:
    page = "<script></script><form><input name='label'><button>Submit</button></form>"
    run = world.launch(units=1, page=page, more='[quality]\nanswer_field = "lable"\n')
    world.do(world.hit_ids(run)[0], label="a")
    world.invoke("mturk/download_results", "--run", run.run_id)
    return State(look(world, TOP_UP, "--run", run.run_id, "--yes"), stays=True)


@proposes("runs/extension_view.py", "make top-up RUN=…")
def extended_after_its_end(world: World) -> State:
    run = world.launch(units=1)
    world.do(world.hit_ids(run)[0])
    world.invoke("mturk/download_results", "--run", run.run_id)
    extend = look(world, "mturk/extend_hits", "--run", run.run_id, "--assignments", "1", "--yes")
    return State(extend, stays=True)


@proposes("runs/top_up.py", "make resume RUN=…")
def crashed_and_topped_up(world: World) -> State:
    run = world.crash()
    result = look(world, TOP_UP, "--run", run.run_id, "--yes")
    return State(result, meanwhile=lambda: do_all(world, run))


def ended_unanswered(world: World) -> Run:
    run = world.launch(units=2)
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    world.invoke("mturk/download_results", "--run", run.run_id)
    return run


@proposes("runs/top_up_view.py", "make results RUN=…")
def opened_by_hand_and_topped_up(world: World) -> State:
    run = ended_unanswered(world)
    later = datetime.now(UTC) + timedelta(hours=1)
    world.client.update_expiration_for_hit(HITId=world.hit_ids(run)[0], ExpireAt=later)
    result = look(world, TOP_UP, "--run", run.run_id, "--dry-run")
    return State(result, meanwhile=lambda: do_all(world, run))


@proposes("runs/top_up.py", "make top-up RUN=…")
def topped_up_while_it_came_to_lack_more(world: World) -> State:
    run = world.launch(units=1, assignments=2)
    world.do(world.hit_ids(run)[0])
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    world.invoke("mturk/download_results", "--run", run.run_id)
    asked = top_up_view.question

    def meanwhile(due: Sequence[Lacks]) -> str:
        world.client.reject_assignment(AssignmentId=world.collected(run.run_id).pop(), RequesterFeedback="no")
        world.invoke("mturk/download_results", "--run", run.run_id)
        return asked(due)

    def ask() -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(top_up_view, "question", meanwhile)
            return look(world, TOP_UP, "--run", run.run_id, "--yes")()

    def work() -> None:
        for worker in ("AWORKER2", "AWORKER3"):
            wait_until(lambda: bool(world.open_hits()), 100)
            world.do(world.open_hits()[0], worker)

    return State(ask, meanwhile=threading.Thread(target=work, daemon=True).start)


@proposes("runs/remainder.py", "make top-up RUN=…")
def resumed_where_nothing_is_left_to_launch(world: World) -> State:
    run = world.crash()
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    world.invoke("mturk/download_results", "--run", run.run_id)
    at_work = advice.workers(world, run.units)
    return State(look(world, LAUNCH, "--resume", run.run_id), meanwhile=at_work.start)


def without_a_registry(world: World) -> Run:
    """A crashed run whose home has lost its registry."""
    run = world.crash()
    for path in world.home.glob("registry.db*"):
        path.unlink()
    return run


@proposes("registry/selection.py", "make rebuild")
def asked_for_a_run_after_the_loss(world: World) -> State:
    run = without_a_registry(world)
    return State(look(world, "mturk/expire_hits", "--run", run.run_id, "--yes"))


@proposes("scripts/local/print_runs.py", "make rebuild")
def listed_after_the_loss(world: World) -> State:
    without_a_registry(world)
    return State(look(world, "local/print_runs"))


# Money and workers


@proposes("diagnosis/next_commands.py", "make launch FILE=…")
def failed(world: World) -> State:
    run = world.launch("pilot-1")
    world.set_state(run, "failed", "the data file changed while it was read")
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    at_work = advice.workers(world, 2)
    return State(look(world, DIAGNOSE, run.run_id), meanwhile=at_work.start, stays=True)


@proposes("runs/view.py", "make preview FILE=…")
def planned(world: World) -> State:
    path = world.write_run(2)
    path.parent.rename(world.folder / "it's a $folder")
    run_toml = world.folder / "it's a $folder" / "run.toml"
    return State(look(world, LAUNCH, str(run_toml), "--dry-run"), stays=True)


@proposes("diagnosis/next_commands.py", "make invite ARGS='--name …'")
def nobody_comes(world: World) -> State:
    run = world.launch()
    world.sql("UPDATE task_runs SET created_at = '2026-01-01T00:00:00.000000Z'")
    return State(look(world, DIAGNOSE, run.run_id), stays=True)


@proposes("diagnosis/rules.py", "make raise-max-cost RUN=… ARGS=…")
def max_cost_is_reached(world: World) -> State:
    run = world.launch(max_cost="0.13")
    with world.registry() as registry:
        registry.add_units(run.run_id, [(2, {"text": "later"})])
    return State(look(world, DIAGNOSE, run.run_id))


@proposes("reporting/outcome.py", "make results RUN=…")
def reported(world: World) -> State:
    run = world.launch()
    do_all(world, run)
    world.invoke("mturk/review_assignments", "--run", run.run_id, "--approve-all", "--yes")
    return State(look(world, "local/render_report", "--run", run.run_id, "--json"), stays=True)


@proposes("reporting/bonus_file.py", "make bonuses FILE=… RUN=…")
def paid_too_little(world: World) -> State:
    run = world.launch()
    do_all(world, run)
    world.invoke("mturk/review_assignments", "--run", run.run_id, "--approve-all", "--yes")
    moments = "accepted_at = '2026-01-01T00:00:00.000000Z', submitted_at = '2026-01-01T00:01:00.000000Z'"
    world.sql(f"UPDATE assignments SET {moments}")
    path = str(world.folder / "the bonuses.csv")
    return State(look(world, "local/render_report", "--run", run.run_id, "--json", "--topup-file", path))


# Task servers on this machine


@proposes("servers/capacity.py", "make serve RUN=…")
def no_server_to_measure(world: World, local: LocalServers) -> State:
    run = local.add_run()
    return State(look(world, "local/find_capacity", run.run_id, "--seconds", "0.1", "--most", "1"))


@proposes("servers/view.py", "make kill-servers")
def leftover_server(world: World, local: LocalServers) -> State:
    local.launch(local.add_run())
    return State(look(world, "local/print_server_status"))


@proposes("watching/rules.py", "make kill-servers NAME=…")
def leftover_server_and_checked(world: World, local: LocalServers) -> State:
    local.launch(local.add_run())
    return State(look(world, *CHECK))


@proposes("servers/local/backend.py", "make kill-servers NAME=…")
def server_that_was_kept(world: World, local: LocalServers) -> State:
    folder = local.write_app(command="exit 3")
    return State(look(world, "local/launch_server", "--app-dir", str(folder), "--keep"), stays=True)


@pytest.fixture
def typed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which whoever watches stops after the first look, and whatever serves is ended."""

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "time", SimpleNamespace(sleep=stop))  # not everybody's
    return world


CASES = [
    pytest.param(make, text, id=f"{make.__name__}: {text}")
    for make, keys in ROWS.items()
    for text in dict.fromkeys(text for _, text in keys)
]


@pytest.mark.parametrize(("make", "proposed"), CASES)
def test_a_proposed_command_works_in_its_state(
    make: Make, proposed: str, world: World, request: pytest.FixtureRequest
) -> None:
    takes_servers = len(signature(make).parameters) > 1
    state = make(world, request.getfixturevalue("local")) if takes_servers else make(world)
    text = state.look()
    commands = advice.printed(text, proposed)
    assert commands, f"{proposed} was not proposed, but: {text}"
    state.meanwhile()
    result = advice.type_in(world, commands[0], state.known)
    assert result.exit_code == 0, advice.said(result)
    if not state.stays:
        assert commands[0] not in state.look()


def test_commands_that_look_work(typed: World) -> None:
    run = typed.crash()
    for text in LOOKS:
        result = advice.type_in(typed, text.replace(messages.HIDDEN, run.run_id), {})
        assert result.exit_code == (130 if "--watch" in text else 0), advice.said(result)


def test_the_crowd_server_is_started_where_the_run_was(world: World) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    world.setenv(AWS_ENDPOINT_URL_MTURK=url, CROWDOPS_HOME=str(world.folder / "other"))
    serve = ("local/serve_crowd", "--port", url.rpartition(":")[2])
    serving = world.start(*serve)
    wait_until(lambda: url in serving.output, 30)
    run_id = world.json(LAUNCH, str(world.write_run(1)), "--detach", "--yes")["run_id"]
    serving.kill()
    diagnose = look(world, DIAGNOSE, run_id, "--timeout", "1")
    command, *_ = advice.printed(diagnose(), "make crowd ARGS='--port …'")
    script, *arguments = makes.started_by(world.folder, *shlex.split(command)[1:])
    again = world.start(script, *arguments)
    wait_until(lambda: url in again.output, 30)
    assert command not in diagnose()


def test_every_proposal_has_its_row() -> None:
    typed = {key for keys in ROWS.values() for key in keys} | set(ELSEWHERE) | set(SAME)
    missing = []
    for place, text, _, _ in messages.proposals():
        file = place.removeprefix("lib/crowdops/").rpartition(":")[0]
        if file not in EXPLAINING and text not in (*LOOKS, *NOT_TYPED) and (file, text) not in typed:
            missing.append((place, text))
    assert missing == [], "give each a row here, or mend the message"


def test_the_tests_that_type_elsewhere_exist() -> None:
    for path, name in ELSEWHERE.values():
        assert f"def {name}" in (REPOSITORY / "tests" / path).read_text()


def test_the_makefile_is_that_of_this_repository() -> None:
    assert makes.MAKEFILE == REPOSITORY / "Makefile"
