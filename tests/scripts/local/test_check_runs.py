"""check_runs: one line, an exit code by the Monitoring Plugins' guidelines, and what to type next."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pynag.Utils import PerfData
from sqlalchemy import update

from crowdops.registry import Run
from crowdops.watching.measures import KINDS
from crowdserver.storage import schema
from tests.support.endpoints import Endpoint
from tests.support.processes import free_port, wait_until
from tests.support.scripts import Script, invoke
from tests.support.servers import HerokuServers
from tests.support.serving import SERVED_PAGE
from tests.support.silences import Silence
from tests.support.world import World

SCRIPT = "local/check_runs"
PATIENTLY = ("--timeout", "600")  # a loaded machine is no silent endpoint
STATES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
UNITS = ("", "s")


def check(world: World, *arguments: str) -> tuple[int, str]:
    """Check; return the exit code and the line without its performance data, which is read and held to it."""
    result = world.invoke(SCRIPT, *PATIENTLY, *arguments)
    assert result.stderr == ""
    line, _, numbers = result.stdout.splitlines()[0].partition(" | ")
    assert len(line) < 80 and line.split()[1] == f"{STATES[result.exit_code]}:"
    gravest = read_numbers(numbers)
    assert result.exit_code >= gravest or result.exit_code == 3
    return result.exit_code, line.partition(": ")[2]


def read_numbers(text: str) -> int:
    """Read performance data as a monitoring server does; return the gravest state of any of its numbers."""
    unknown = re.findall(r"(?:^| )(\w+)=U\S*", text)
    metrics = PerfData(re.sub(r"(?:^| )\w+=U\S*", "", text)).metrics
    labels = [*unknown, *(metric.label for metric in metrics)]
    assert sorted(labels) == sorted([*KINDS, "calls", "time"])
    assert len({label[:19] for label in labels}) == len(labels)
    assert all(metric.is_valid() and metric.uom in UNITS for metric in metrics)
    return max(metric.get_status() for metric in metrics)


def findings(world: World, *arguments: str) -> list[dict[str, Any]]:
    """Check; return what was found, as JSON."""
    document = json.loads(world.invoke(SCRIPT, *PATIENTLY, "--json", *arguments).stdout)
    return list(document["findings"])


def collect(world: World, run: Run) -> None:
    world.invoke("mturk/download_results", "--run", run.run_id)


# What is well


def test_a_living_run_is_ok(world: World) -> None:
    world.launch(units=2)
    assert check(world) == (0, "1 run with 2 HITs out")
    assert check(world, "--cached") == (0, "1 run with 2 HITs out")
    quiet = world.invoke(SCRIPT, *PATIENTLY, "--quiet")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")


def test_a_run_that_is_through_is_ended_and_stays_well(world: World) -> None:
    run = world.launch(units=2)
    for hit_id in world.hit_ids(run):
        world.do(hit_id)
    collect(world, run)
    assert check(world) == (0, "0 runs with 0 HITs out")
    assert world.run(run.run_id).state == "finished"


# What is CRITICAL


@pytest.fixture
def served(world: World) -> Script:
    """A run with two HITs out, whose pages are served on this machine."""
    launch = world.serve(units=2, task_name="pilot-2")
    world.wait_for_units("outstanding", 2)
    return launch


def test_a_suspended_process_a_server_that_is_down_and_what_a_crash_leaves_are_critical(
    world: World, served: Script
) -> None:
    assert check(world) == (0, "1 run with 2 HITs out")
    served.press(signal.SIGSTOP)
    wait_until(lambda: findings(world, "--cached"))
    [suspended] = findings(world)
    assert (suspended["code"], suspended["next"]) == ("suspended", f"kill -CONT {served.process.pid}")
    assert check(world, "--cached") == (2, "1 suspended run (pilot-2)")
    world.kill_server()
    assert check(world) == (2, "1 server down (pilot-2), 1 suspended run (pilot-2)")
    served.press(signal.SIGCONT)
    wait_until(lambda: world.server()["state"] == "up" and world.is_answering())
    served.kill()
    assert check(world) == (2, "1 crashed run with 2 HITs out (pilot-2), 1 orphaned server")
    assert check(world, "--cached") == check(world)
    assert {finding["next"] for finding in findings(world)} == {"make recover"}


def test_a_run_over_its_budget_is_critical(world: World) -> None:
    run = world.launch(units=1, max_cost="0.06")
    [hit_id] = world.hit_ids(run)
    world.client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)
    for worker_id in ("AWORKER1", "AWORKER2"):
        world.do(hit_id, worker_id)
    collect(world, run)
    assert check(world) == (2, "1 run over its budget (pilot-1)")


def test_a_refused_key_is_critical(world: World) -> None:
    world.launch()
    path = world.home / "crowd" / "credentials"
    secret = world.crowd.credentials[1]
    path.write_text(path.read_text().replace(secret, secret[::-1]))
    assert check(world) == (2, "1 refused key (pilot-1)")
    assert check(world, "--cached") == (0, "1 run with 2 HITs out")


def test_a_server_of_somebody_else_that_is_down_is_critical(world: World, endpoint: Endpoint) -> None:
    endpoint.say(status="ok")
    more = f'\n[server]\nkind = "url"\nurl = "{endpoint.url}"\n'
    world.launch("served", more=more, page=SERVED_PAGE)
    assert check(world)[0] == 0
    endpoint.status = 503
    assert check(world) == (2, "1 server down (served)")
    assert [finding["next"] for finding in findings(world)] == [f"curl {endpoint.url}/health"]


def test_an_orphan_at_heroku_a_refused_key_and_a_silent_heroku(world: World, heroku: HerokuServers) -> None:
    run = heroku.add_run("pilot-3")
    name = heroku.launch(run)["name"]
    assert check(world) == (2, "1 orphaned server (pilot-3)")
    assert [finding["next"] for finding in findings(world)] == [f"make heroku-kill NAME={name}"]
    assert check(world, "--cached") == (2, "1 orphaned server (pilot-3)")
    world.setenv(HEROKU_API_KEY="another")
    assert check(world) == (2, "1 refused key")
    world.setenv(HEROKU_HOST=f"http://127.0.0.1:{free_port()}")
    assert check(world) == (3, "1 thing not looked at")
    assert check(world, "--timeout-state", "warning") == (1, "1 thing not looked at")
    world.setenv(HEROKU_API_KEY="")
    assert check(world, "--timeout-state", "warning") == (3, "1 thing not looked at")


# What is a WARNING


def test_half_of_the_patience_without_a_submission_is_a_warning(world: World) -> None:
    run = world.launch("quiet", no_submission_patience=1)
    world.launch("patient")
    wait_until(lambda: check(world) == (1, "1 run without submissions (quiet)"))
    [finding] = findings(world)
    assert finding["next"] == f"make diagnose RUN={run.run_id}"
    world.do(world.hit_ids(run)[0])
    assert check(world)[0] == 0  # something came, and nobody has told when
    collect(world, run)
    wait_until(lambda: check(world) == (1, "1 run without submissions (quiet)"))


def test_hits_that_are_about_to_expire_with_work_left_are_a_warning(world: World) -> None:
    run = world.launch(units=4)
    world.accept(world.hit_ids(run)[0])
    soon = update(schema.hits).where(schema.hits.c.id.in_(world.hit_ids(run)[:3]))
    with world.crowd.database.write() as tx:  # the time of a day, for which no test waits
        tx.execute(soon.values(expiration=time.time() + 8000))  # less than a tenth of their lifetime
    assert check(world) == (1, "2 HITs about to expire (pilot-1)")


def test_units_that_ended_unanswered_are_a_warning(world: World) -> None:
    run = world.launch(units=2)
    world.crowd.advance(90000)
    assert check(world) == (1, "2 units unanswered (pilot-1)")
    assert world.run(run.run_id).state == "finished"
    assert check(world, "--cached") == (1, "2 units unanswered (pilot-1)")
    assert check(world, "-w", "unanswered=2")[0] == 0


def test_work_that_is_about_to_approve_itself_is_a_warning(world: World) -> None:
    soon = world.launch("soon", auto_approval_delay_in_seconds=80_000)
    late = world.launch("late", auto_approval_delay_in_seconds=90_000)
    for run in (soon, late):
        world.do(world.hit_ids(run)[0])
        collect(world, run)
    for arguments in ([], ["--cached"]):
        assert check(world, *arguments) == (1, "1 answer about to approve itself (soon)")
    world.invoke("mturk/review_assignments", "--run", soon.run_id, "--approve-all", "--yes")
    assert check(world)[0] == 0


def test_work_that_has_approved_itself_is_watched_no_more(world: World) -> None:
    run = world.launch(units=1)
    world.do(world.hit_ids(run)[0])
    collect(world, run)
    world.sql("UPDATE task_runs SET ended_at = '2026-01-01T00:00:00.000000Z'")
    document = world.json(SCRIPT, *PATIENTLY)
    assert (len(document["runs"]), document["measures"]["unreviewed"]["value"]) == (1, 1)
    world.sql("UPDATE assignments SET auto_approval_at = '2026-01-02T00:00:00.000000Z'")
    document = world.json(SCRIPT, *PATIENTLY)
    assert (document["runs"], document["measures"]["unreviewed"]["value"]) == ([], 0)


def test_a_balance_below_what_is_still_to_be_spent_is_a_warning(world: World) -> None:
    launch = world.launch_run(units=2, max_num_concurrent_units=1)
    world.wait_for_units("outstanding", 1)
    assert check(world)[0] == 0
    world.set_funds(6 + 5)  # cents: six are held for the HIT that is out
    assert check(world) == (1, "1 balance too low")
    launch.kill()


def test_an_old_backup_is_a_warning(world: World) -> None:
    world.launch()
    path = Path(world.json("local/back_up")["backup"])
    assert check(world)[0] == 0
    path.rename(path.with_name("registry-20260101-000000.db"))
    assert check(world) == (1, "old backup")
    assert check(world, "-w", "backup_age=~:")[0] == 0
    assert check(world, "-c", "backup_age=172800")[0] == 2


# What is not known


def test_a_silent_endpoint_counts_for_its_own_runs_only(world: World) -> None:
    silent, living = world.launch("silent"), world.launch("living")
    world.put_elsewhere(silent, f"http://127.0.0.1:{free_port()}")
    assert check(world) == (3, "1 silent endpoint (silent)")
    assert check(world, "--task-name", "living") == (0, "1 run with 2 HITs out")
    assert check(world, "--timeout-state", "critical") == (2, "1 silent endpoint (silent)")
    metrics = world.folder / "crowdops.prom"
    assert check(world, "--timeout-state", "ok", "--prometheus", str(metrics))[0] == 0
    assert "crowdops_check_duration_seconds" in metrics.read_text()
    assert "last_success" not in metrics.read_text()
    document = json.loads(world.invoke(SCRIPT, *PATIENTLY, "--json").stdout)
    assert {run["run_id"]: run["is_seen"] for run in document["runs"]} == {
        silent.run_id: False,
        living.run_id: True,
    }
    assert [account["endpoint"] for account in document["accounts"]] == [world.crowd.url]


@pytest.fixture(params=["never answers", "drips", "is down"])
def silence(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an endpoint that accepts and never answers, sends a byte a second, or is down."""
    if request.param == "is down":
        yield f"http://127.0.0.1:{free_port()}"
        return
    with Silence(drips=request.param == "drips") as silence:
        yield silence.url


def test_whoever_is_silent_costs_the_time_limit_whatever_the_number_of_runs(
    world: World, silence: str
) -> None:
    first = world.launch()
    with world.registry() as registry:
        for number in range(1, 20):
            run_id = f"{first.run_id[:-4]}{number:04d}"
            registry.add_run(first._replace(run_id=run_id))
            registry.add_units(run_id, [(0, {"text": "message"})])
    for number, run_id in enumerate(world.run_ids()):
        world.put_elsewhere(world.run(run_id), f"{silence}/{number}")
    ended = world.start(SCRIPT, "-t", "2", "--json", "--timeout-state", "critical")
    assert ended.end() == 2
    document = ended.document()
    assert document["seconds"] <= 2 + 1
    assert document["line"].startswith("CROWDOPS CRITICAL: 20 silent endpoints")
    assert ended.said == ""


# How it is said


def test_each_finding_has_a_line_with_what_to_type_and_each_run_one(world: World) -> None:
    run = world.crash("pilot-2")
    living = world.launch("pilot-1")
    result = world.invoke(SCRIPT, *PATIENTLY, "-vv")
    _, finding, *runs = result.stdout.splitlines()
    assert finding == (
        f"CRITICAL: pilot-2 ({run.run_id}) has crashed with 2 HITs out: nobody collects or expires them."
        " Next: make recover"
    )
    assert [line.partition(":")[0] for line in runs] == [
        f"{one.task_name} ({one.run_id})" for one in sorted([run, living], key=lambda run: run.run_id)
    ]
    assert "|" not in "".join([finding, *runs])


def test_a_line_of_many_findings_stays_short(world: World) -> None:
    for number in range(3):
        world.crash(f"a-task-with-quite-a-long-name-{number}", units=1)
    assert check(world, "-w", "2") == (2, "3 crashed runs with 3 HITs out, hits is 3")
    assert check(world, "-c", "2") == (2, "3 crashed runs with 3 HITs out, hits is 3")
    more = ("-w", "spent=1:", "-w", "2", "-w", "runs=1", "-w", "to_spend=0")
    assert check(world, *more) == (2, "3 crashed runs with 3 HITs out, runs is 3, hits is 3, 2 more")


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["--no-such"], "No such option"),
        (["-t", "soon"], "is not a valid float range"),
        (["-w", "1:0"], "'1:0' is no range: it begins above its end."),
        (["-w", "unanswerd=1"], "Did you mean unanswered?"),
        (["-c", "hits=1", "-c", "2"], "hits has a range already"),
        (["--run", "20260101-000000-aaaa"], "The registry has no run '20260101-000000-aaaa'"),
        (["--home", "/nowhere/at/all"], "no registry in /nowhere/at/all"),
        (["--help"], "Usage: "),
        (["--version"], "crowdops, version "),
    ],
)
def test_whatever_is_no_check_is_unknown(world: World, arguments: list[str], words: str) -> None:
    world.launch(units=1)
    result = world.invoke(SCRIPT, *arguments)
    assert (result.exit_code, result.stderr) == (3, "")
    assert words in result.stdout
    line = result.stdout.splitlines()[0]
    assert len(line) < 80
    if arguments[0] not in ("--help", "--version"):
        assert line.startswith("CROWDOPS UNKNOWN: ") and "|" not in line
    assert not Path("/nowhere").exists()


def test_a_check_that_fails_is_a_document_too(tmp_path: Path) -> None:
    result = invoke(SCRIPT, "--json", "--home", str(tmp_path / "none"))
    assert (result.exit_code, result.stderr) == (3, "")
    document = json.loads(result.stdout)
    assert (document["state"], document["exit_code"]) == ("UNKNOWN", 3)
    assert document["line"].startswith("CROWDOPS UNKNOWN: no registry in ")
    assert document["error"]["kind"] == "usage_error"


def test_a_broken_registry_is_unknown(world: World) -> None:
    world.launch(units=1)
    (world.home / "registry.db").write_bytes(b"This is no database, and never was one. " * 100)
    result = world.invoke(SCRIPT, *PATIENTLY)
    assert (result.exit_code, result.stderr) == (3, "")
    assert result.stdout.startswith("CROWDOPS UNKNOWN: ") and "make rebuild" in result.stdout


def test_an_interrupted_check_is_unknown(world: World) -> None:
    with Silence() as silence:
        world.put_elsewhere(world.launch(units=1), silence.url)
        script = world.start(SCRIPT, *PATIENTLY)
        wait_until(lambda: silence.visits)
        script.press(signal.SIGTERM)
        assert script.end() == 3
    assert (script.output, script.said) == ("CROWDOPS UNKNOWN: Interrupted.\n", "")


def test_the_document_says_it_all(world: World) -> None:
    run = world.crash(units=2)
    document = json.loads(world.invoke(SCRIPT, *PATIENTLY, "--json").stdout)
    assert (document["state"], document["exit_code"], document["cached"]) == ("CRITICAL", 2, False)
    assert document["line"] == "CROWDOPS CRITICAL: 1 crashed run with 2 HITs out (pilot-1)"
    assert document["measures"]["crashed_runs"] == {
        "value": 1,
        "unit": "",
        "state": "CRITICAL",
        "warning": None,
        "critical": "0",
    }
    assert document["measures"]["to_spend"]["value"] == "0.12"
    assert abs(datetime.fromisoformat(document["checked_at"]) - datetime.now(UTC)) < timedelta(hours=1)
    [finding] = document["findings"]
    assert (finding["level"], finding["run_id"], finding["task_name"], finding["next"]) == (
        "CRITICAL",
        run.run_id,
        "pilot-1",
        "make recover",
    )
