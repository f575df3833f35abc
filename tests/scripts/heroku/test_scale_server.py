"""scale_server: a living run's app gets other dynos, and a restart and the next deploy know of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crowdops.context import Context
from crowdops.registry import Run
from crowdops.servers.heroku import backend
from tests.support.fixtures import COLLEAGUE, COLLEAGUE_TOKEN
from tests.support.heroku.sources import FILES
from tests.support.servers import HerokuServers, marked

SCALE = "PATCH /apps/{app}/formation/{process_type}"  # as the emulator counts it
STANDARD = 'dyno_size = "standard-1x"\n'


@pytest.fixture
def run(heroku: HerokuServers) -> Run:
    """A run that needs no process, and has an app of its own on one standard-1x dyno: it starts quickly."""
    made = heroku.add_run(state="detached", server=f'{STANDARD}app_dir = "{write_app(heroku)}"\n')
    heroku.launch_app(made)
    return made


def write_app(heroku: HerokuServers) -> Path:
    folder = heroku.folder / "own-app"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def app_of(heroku: HerokuServers, run: Run) -> str:
    (row,) = (row for row in heroku.rows("up") if row.run_id == run.run_id)
    return row.name


def dynos(heroku: HerokuServers, name: str) -> tuple[int, str]:
    """What Heroku has."""
    entries = heroku.emulator.get(f"/apps/{name}/formation")
    web = next(entry for entry in entries if entry["type"] == "web")
    return web["quantity"], web["size"].lower()


def scale(heroku: HerokuServers, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
    return dict(heroku.world.json("heroku/scale_server", "--yes", *arguments, exit_code=exit_code))


def known(heroku: HerokuServers, run: Run) -> list[Any]:
    """What the registry has: with the server, and with the run."""
    (row,) = (row for row in heroku.rows("up") if row.run_id == run.run_id)
    parameters = heroku.world.run(run.run_id).parameters
    return [(row.detail["dynos"], row.detail["size"]), (parameters.dynos, parameters.dyno_size)]


def test_number_and_size_change_and_are_known_from_then_on(heroku: HerokuServers, run: Run) -> None:
    name = app_of(heroku, run)
    document = scale(heroku, "--run", run.run_id, "--dynos", "2", "--dyno-size", "Standard-2X")
    assert (document["selected"], document["done"], document["failed"]) == (1, 1, [])
    assert document["servers"] == [
        {
            "name": name,
            "run_id": run.run_id,
            "dynos_before": 1,
            "dyno_size_before": "standard-1x",
            "dynos": 2,
            "dyno_size": "standard-2x",
            "dollars_an_hour": "0.1389",
        }
    ]
    assert dynos(heroku, name) == (2, "standard-2x")
    assert known(heroku, run) == [(2, "standard-2x")] * 2
    (server,) = heroku.status()["servers"]
    assert (server["scaled"], server["answers"]) == (2, True)
    assert heroku.world.sql("SELECT detail FROM events WHERE kind = 'server-scaled'") == [
        (f"{name}: 2 x standard-2x",)
    ]


def test_what_is_not_given_stays_and_a_second_time_nothing_is_to_do(heroku: HerokuServers, run: Run) -> None:
    name = app_of(heroku, run)
    assert scale(heroku, name, "--dynos", "3")["done"] == 1
    assert dynos(heroku, name) == (3, "standard-1x")
    assert scale(heroku, name, "--dyno-size", "standard-2x")["done"] == 1
    assert dynos(heroku, name) == (3, "standard-2x")
    changes = heroku.emulator.calls()[SCALE]
    again = scale(heroku, name, "--dynos", "3", "--dyno-size", "STANDARD-2X")
    assert (again["done"], again["already"]) == (0, 1)
    assert heroku.emulator.calls()[SCALE] == changes


def test_a_restart_by_whoever_attends_the_run_keeps_the_new_dynos(heroku: HerokuServers, run: Run) -> None:
    name = app_of(heroku, run)
    (as_launched,) = heroku.rows("up")
    scale(heroku, name, "--dynos", "2")
    with Context.open(heroku.settings, quiet=True) as context:
        backend.restart(context, as_launched)
    assert dynos(heroku, name) == (2, "standard-1x")


def test_a_server_that_is_deployed_later_has_the_new_dynos(heroku: HerokuServers, run: Run) -> None:
    scale(heroku, "--run", run.run_id, "--dynos", "2")
    heroku.emulator.call("DELETE", f"/apps/{app_of(heroku, run)}")
    assert dynos(heroku, heroku.launch_app(run)) == (2, "standard-1x")


def test_a_dry_run_shows_the_plan_and_its_price_and_only_reads(heroku: HerokuServers, run: Run) -> None:
    before = heroku.emulator.calls()
    result = heroku.invoke("scale_server", "--run", run.run_id, "--dynos", "2", "--dry-run")
    assert result.exit_code == 0, result.stderr
    (row,) = (line for line in result.stdout.splitlines() if run.run_id in line)
    assert row.split()[2:] == ["1", "x", "standard-1x", "$0.0347", "2", "x", "standard-1x", "$0.0694"]
    assert "1 would be scaled" in result.stderr
    after = heroku.emulator.calls()
    assert all(name.startswith("GET ") for name in after if after[name] != before.get(name))
    assert known(heroku, run) == [(1, "standard-1x")] * 2


REFUSED: list[tuple[list[str], str]] = [
    (["NAME"], "--dynos N, --dyno-size SIZE, or both"),
    (["--dynos", "2"], "Say which server"),
    (["NAME", "--dynos", "0"], "not in the range"),
    (["NAME", "--dynos", "1.5"], "not a valid int"),
    (["--run", "20250101-000000-zzzz", "--dynos", "2"], "20250101-000000-zzzz"),
    (["NAME", "--dyno-size", "basic", "--dynos", "2"], "Heroku allows one"),
    (["NAME", "--dyno-size", "standard1x"], "Did you mean standard-1x?"),
    (["blog", "--dynos", "2"], "blog is none of our servers"),
    (["crowdops-none-00000001", "--dynos", "2"], "none of our servers"),
    (["THEIRS", "--dynos", "2"], f"left alone: it was created by {COLLEAGUE}"),
    (["BARE", "--dynos", "2"], "left alone: it has our prefix and not our marks"),
    (["UNKNOWN", "--dynos", "2"], "this registry does not know it"),
]


def test_what_cannot_be_is_refused_and_nothing_changes(heroku: HerokuServers, run: Run) -> None:
    names = {
        "NAME": app_of(heroku, run),
        "THEIRS": "crowdops-theirs-0000000e",
        "BARE": "crowdops-bare-0000000b",
        "UNKNOWN": "crowdops-pilot-1-00000001",
    }
    heroku.add_app(names["THEIRS"], marked(creator=COLLEAGUE), team="lab", token=COLLEAGUE_TOKEN)
    heroku.add_app(names["BARE"], {})
    heroku.add_app(names["UNKNOWN"], marked())
    changes = heroku.emulator.calls()[SCALE]
    for arguments, text in REFUSED:
        result = heroku.invoke("scale_server", "--yes", *(names.get(word, word) for word in arguments))
        assert (result.exit_code, text in result.stderr) == (2, True), (arguments, result.stderr)
    assert heroku.emulator.calls()[SCALE] == changes
    assert known(heroku, run) == [(1, "standard-1x")] * 2


@pytest.mark.parametrize(
    "state,then", [("running", "make recover ends it"), ("finished", "make heroku-kill NAME=")]
)
def test_only_a_living_runs_server_is_scaled(heroku: HerokuServers, state: str, then: str) -> None:
    run = heroku.add_run(state=state, server=f'{STANDARD}app_dir = "{write_app(heroku)}"\n')
    name = heroku.launch_app(run)
    for selector in ([name], ["--run", run.run_id]):
        result = heroku.invoke("scale_server", "--yes", "--dynos", "2", *selector)
        assert result.exit_code == 2
        assert then in result.stderr
    assert dynos(heroku, name) == (1, "standard-1x")


def test_an_app_that_lost_its_marks_is_left_alone(heroku: HerokuServers, run: Run) -> None:
    name = app_of(heroku, run)
    heroku.emulator.call("PATCH", f"/apps/{name}/config-vars", {"CROWDOPS_CREATOR": COLLEAGUE})
    result = heroku.invoke("scale_server", "--yes", "--dynos", "2", name)
    assert result.exit_code == 2
    assert f"left alone: it was created by {COLLEAGUE}" in result.stderr
    assert dynos(heroku, name) == (1, "standard-1x")


def test_a_cap_that_one_dyno_keeps_forbids_a_second(heroku: HerokuServers) -> None:
    run = heroku.add_run(state="detached", server=STANDARD, allowed_concurrent=1)
    name = heroku.launch_app(run)
    result = heroku.invoke("scale_server", "--yes", "--dynos", "2", name)
    assert result.exit_code == 2
    assert "allowed_concurrent" in result.stderr and "--dyno-size" in result.stderr
    assert scale(heroku, name, "--dyno-size", "standard-2x")["done"] == 1


def test_a_refusal_leaves_the_registry_as_heroku_has_it(heroku: HerokuServers, run: Run) -> None:
    operation = "PATCH /apps/{app}/formation/*"
    heroku.emulator.order("error-before", operation=operation, status=422, id="invalid_params")
    document = scale(heroku, "--run", run.run_id, "--dynos", "2", exit_code=1)
    assert [failure["id"] for failure in document["failed"]] == [app_of(heroku, run)]
    assert known(heroku, run) == [(1, "standard-1x")] * 2


def test_a_lost_answer_is_settled_by_reading_and_the_same_command_ends_it(
    heroku: HerokuServers, run: Run
) -> None:
    heroku.emulator.order("drop-after", operation="PATCH /apps/{app}/formation/*")
    scale(heroku, "--run", run.run_id, "--dynos", "2", exit_code=1)
    assert known(heroku, run) == [(2, "standard-1x")] * 2
    again = scale(heroku, "--run", run.run_id, "--dynos", "2")
    assert (again["done"], again["already"], again["failed"]) == (0, 1, [])


def test_a_process_that_died_before_the_call_is_made_good_by_the_same_command(
    heroku: HerokuServers, run: Run
) -> None:
    struck = ("SIGKILL", "after", "1")
    arguments = ("--yes", "--run", run.run_id, "--dynos", "2")
    assert heroku.world.start("heroku/scale_server", *arguments, struck=struck).end() == -9
    assert known(heroku, run) == [(2, "standard-1x")] * 2
    assert dynos(heroku, app_of(heroku, run)) == (1, "standard-1x")
    assert scale(heroku, *arguments[1:])["done"] == 1
    assert dynos(heroku, app_of(heroku, run)) == (2, "standard-1x")


def test_without_a_terminal_yes_is_required(heroku: HerokuServers, run: Run) -> None:
    result = heroku.invoke("scale_server", "--run", run.run_id, "--dynos", "2")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
