"""expire_hits: takes down what is chosen, and nothing else."""

import pytest

from tests.support.world import World

SCRIPT = "mturk/expire_hits"


def test_it_expires_the_chosen_runs_only(world: World) -> None:
    one, two, other = world.crash("pilot-1"), world.crash("pilot-2", units=3), world.crash("main-1")
    foreign = world.add_foreign_hits()
    result = world.invoke(SCRIPT, "--task-name", "pilot-*", "--yes")
    assert result.exit_code == 0
    assert "5 expired, 0 were so already, 0 failed." in result.stderr.splitlines()
    assert world.statuses([*world.hit_ids(one), *world.hit_ids(two)]) == ["Reviewable"] * 5
    assert world.statuses([*world.hit_ids(other), *foreign]) == ["Assignable"] * 4


def test_the_plan_is_shown_first(world: World) -> None:
    run = world.crash()
    result = world.invoke(SCRIPT, "--run", run.run_id, "--yes")
    assert run.run_id in result.stdout and "running, crashed" in result.stdout
    assert result.stdout.splitlines()[-1].split()[-1] == "2"


def test_a_dry_run_only_reads(world: World) -> None:
    run = world.crash(units=3)
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--dry-run")
    assert result.exit_code == 0
    assert result.stderr == "Dry run: 3 would be expired, 0 are so already. Nothing was changed.\n"
    assert set(calls) == {"ListHITs"}
    assert world.statuses(world.hit_ids(run)) == ["Assignable"] * 3
    assert world.sql("SELECT count(*) FROM units WHERE expired_at IS NOT NULL") == [(0,)]


def test_without_a_terminal_it_only_reads_and_needs_yes(world: World) -> None:
    run = world.crash()
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id)
    assert result.exit_code == 2 and set(calls) == {"ListHITs"}
    assert "There is no terminal to ask on" in result.stderr
    assert world.statuses(world.hit_ids(run)) == ["Assignable"] * 2


@pytest.mark.parametrize("answer,status", [("y\n", "Reviewable"), ("n\n", "Assignable")])
def test_on_a_terminal_it_asks(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: str, status: str
) -> None:
    run = world.crash()
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    result = world.invoke(SCRIPT, "--run", run.run_id, "--quiet", input=answer)
    assert f"Expire 2 HITs at {world.crowd.url}?" in result.stderr
    assert world.statuses(world.hit_ids(run)) == [status] * 2


def test_one_failure_does_not_stop_the_rest(world: World) -> None:
    from crowdops.errors import ProviderError
    from crowdops.providers.mturk.client import MTurk

    run = world.crash(units=4)
    hits = world.hit_ids(run)
    expire = MTurk.expire

    def failing(self: MTurk, hit_id: str) -> None:
        if hit_id == hits[1]:
            raise ProviderError("this one not")
        expire(self, hit_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MTurk, "expire", failing)
        found = world.json(SCRIPT, "--run", run.run_id, "--yes", exit_code=1)
    assert found == {
        "selected": 4,
        "done": 3,
        "already": 0,
        "failed": [{"id": hits[1], "error": "this one not"}],
        "dry_run": False,
        "attended_runs": [],
    }
    assert sorted(world.statuses(hits)) == ["Assignable", "Reviewable", "Reviewable", "Reviewable"]
    assert world.json(SCRIPT, "--run", run.run_id, "--yes")["done"] == 1


def test_a_second_run_is_a_no_op(world: World) -> None:
    run = world.crash()
    assert world.json(SCRIPT, "--run", run.run_id, "--yes")["done"] == 2
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--yes")
    assert result.exit_code == 0 and set(calls) == {"ListHITs"}
    assert "0 expired, 2 were so already, 0 failed." in result.stderr


def test_a_hit_that_is_gone_counts_as_done_already(world: World) -> None:
    run = world.crash()
    first = world.hit_ids(run)[0]
    world.client.update_expiration_for_hit(HITId=first, ExpireAt=0)
    world.client.delete_hit(HITId=first)
    found = world.json(SCRIPT, "--run", run.run_id, "--yes")
    assert (found["done"], found["already"], found["failed"]) == (1, 1, [])


def test_hits_that_the_list_does_not_show_yet_are_expired_too(world: World) -> None:
    world.crowd.control("lag", {"list_seconds": 60})
    run = world.crash(units=3)
    assert world.client.list_hits()["HITs"] == []
    assert world.json(SCRIPT, "--run", run.run_id, "--yes")["done"] == 3
    assert world.statuses(world.hit_ids(run)) == ["Reviewable"] * 3


def test_accepted_work_can_still_be_submitted(world: World) -> None:
    run = world.crash(units=2)
    hits = world.hit_ids(run)
    assignment = world.accept(hits[0])
    assert world.invoke(SCRIPT, "--run", run.run_id, "--yes").exit_code == 0
    assert world.statuses(hits) == ["Unassignable", "Reviewable"]
    world.submit(assignment, label="late")
    assert world.statuses(hits) == ["Reviewable", "Reviewable"]


def test_a_run_that_the_registry_lost_is_not_touched(world: World) -> None:
    run, other = world.crash("pilot-1"), world.crash("pilot-2")
    hits = world.hit_ids(run)
    for table in ("events", "units", "task_runs"):
        world.sql(f"DELETE FROM {table} WHERE run_id = ?", run.run_id)
    assert world.invoke(SCRIPT, "--all-runs", "--yes").exit_code == 0
    assert world.statuses(hits) == ["Assignable"] * 2
    assert world.statuses(world.hit_ids(other)) == ["Reviewable"] * 2


@pytest.mark.parametrize(
    "args,wanted",
    [
        ([], "error: Say which runs: --run RUN_ID, --task-name GLOB or --all-runs. See them: make runs\n"),
        (["--run", "nonsense"], "error: The registry has no run 'nonsense'. See them all: make runs\n"),
        (["--task-name", "nix-*"], "error: No run has a task_name like 'nix-*'. See them all: make runs\n"),
    ],
)
def test_a_wrong_selection_is_said_before_any_call(world: World, args: list[str], wanted: str) -> None:
    world.crash()
    result, calls = world.calls_of(SCRIPT, *args, "--yes")
    assert (result.exit_code, result.stderr, calls) == (2, wanted, {})


@pytest.mark.parametrize("chosen", [["--task-name", "pilot-*"], ["--all-runs"]])
def test_each_run_is_ended_at_its_own_server_and_what_is_out_of_reach_is_said(
    world: World, chosen: list[str]
) -> None:
    one, two = world.crash("pilot-1"), world.crash("pilot-2")
    world.put_elsewhere(two, "http://127.0.0.1:1")
    result = world.invoke(SCRIPT, *chosen, "--yes")
    assert result.exit_code == 1
    assert world.statuses(world.hit_ids(one)) == ["Reviewable"] * 2
    assert world.statuses(world.hit_ids(two)) == ["Assignable"] * 2
    assert "http://127.0.0.1:1: Nothing listens at" in result.stderr
    assert f"By the registry there is: run {two.run_id} (pilot-2)." in result.stderr
    assert "Not known: http://127.0.0.1:1." in result.stderr
    assert world.json(SCRIPT, *chosen, "--yes", exit_code=1)["failed"][0]["id"] == "http://127.0.0.1:1"


def test_a_run_is_ended_where_it_was_launched(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = world.crash()
    monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", "http://127.0.0.1:1")
    assert world.invoke(SCRIPT, "--run", run.run_id, "--yes").exit_code == 0
    assert world.statuses(world.hit_ids(run)) == ["Reviewable"] * 2
