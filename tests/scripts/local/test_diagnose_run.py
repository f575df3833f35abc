"""diagnose_run: one verdict, what it rests on, and the next command."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import psutil
import pytest
import requests

from crowdops.context import Context
from crowdops.diagnosis import rules, snapshot
from crowdops.diagnosis.snapshot import Pages
from crowdops.providers.crowd_server import client as crowd_client
from crowdops.registry import Run, Server
from tests.support.endpoints import Endpoint
from tests.support.processes import free_port, wait_until
from tests.support.world import World

SCRIPT = "local/diagnose_run"
AsJson = Callable[..., dict[str, Any]]
Attend = Callable[[Run], AbstractContextManager[Run]]
LONG_AGO = "2026-01-01T00:00:00.000000Z"

HOLDER = """
import sys, time
from pathlib import Path
from crowdops.registry import locks
with locks.hold(Path(sys.argv[1]), sys.argv[2]):
    print("holding", flush=True)
    time.sleep(120)
"""


def age(world: World, run: Run) -> None:
    """The run was launched, and its last work done, long ago."""
    world.sql("UPDATE task_runs SET created_at = ? WHERE run_id = ?", LONG_AGO, run.run_id)
    world.sql(
        "UPDATE assignments SET accepted_at = ?, submitted_at = ? WHERE run_id = ?",
        LONG_AGO,
        LONG_AGO,
        run.run_id,
    )


def plan_more(world: World, run: Run, units: int = 2) -> None:
    """The run has units that are still to be launched."""
    with world.registry() as registry:
        registry.add_units(run.run_id, ((run.units + n, {"text": "later"}) for n in range(units)))


def found_of(document: dict[str, Any], what: str) -> dict[str, Any]:
    """The one piece of evidence of that name."""
    (found,) = [each for each in document["evidence"] if each["what"] == what]
    return found


# What it looks like


def test_the_verdict_and_the_next_command_stand_above_the_evidence(world: World) -> None:
    run = world.launch(units=3)
    age(world, run)
    result = world.invoke(SCRIPT, run.run_id)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines()[3].split() == ["looked", "at", "found", "fine"]
    rows = [line.split("  ")[0] for line in result.stdout.splitlines()[5:]]
    assert rows[:4] == ["run", "process", "last in the journal", "units"]
    assert {
        "endpoint",
        "clock",
        "HITs",
        "available",
        "pending",
        "last accept",
        "last submission",
        "balance",
    } <= set(rows)
    verdict, following, *_ = result.stdout.splitlines()
    assert verdict.startswith("Nobody has accepted anything since the launch")
    assert following == "Next: make invite ARGS='--name NAME'"


def test_the_document_has_its_keys(world: World) -> None:
    run = world.launch()
    found = world.json(SCRIPT, run.run_id)
    assert found.keys() == {"run_id", "task_name", "verdict", "code", "evidence", "next"}
    assert all(each.keys() == {"what", "found", "fine"} for each in found["evidence"])


def test_it_costs_a_walk_and_a_few_calls_however_many_hits_there_are(world: World) -> None:
    run = world.launch(units=120)
    _, calls = world.calls_of(SCRIPT, run.run_id)
    assert calls == {"ListHITs": 3, "GetHIT": 1, "GetAccountBalance": 1}


def test_an_unknown_run_is_a_usage_error(world: World) -> None:
    world.launch()
    result = world.invoke(SCRIPT, "20260101-000000-aaaa")
    assert result.exit_code == 2 and "The registry has no run '20260101-000000-aaaa'" in result.stderr


# The process


def test_a_crashed_run_is_to_be_carried_on(world: World) -> None:
    run = world.crash(units=3)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "crashed"
    assert found["verdict"].endswith("nobody launches or collects. 3 HITs are still out.")
    assert found["next"] == f"make resume RUN={run.run_id}"
    assert found_of(found, "process") == {"what": "process", "found": "none", "fine": False}


def test_a_crashed_run_with_nothing_out_is_safe_to_shut_down(world: World) -> None:
    run = world.crash()
    for hit_id in world.hit_ids(run):
        world.do(hit_id)
    world.invoke("mturk/download_results", "--run", run.run_id)
    world.set_state(run, "running")
    found = world.json(SCRIPT, run.run_id)
    assert (found["code"], found["next"]) == ("crashed", "make recover")
    assert found["verdict"].endswith(rules.SAFE)


def test_a_suspended_process_is_to_be_continued(world: World) -> None:
    run = world.crash()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(world.home), run.run_id], stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == "holding\n"
            assert world.json(SCRIPT, run.run_id)["code"] == "at_work"
            holder.send_signal(signal.SIGSTOP)
            wait_until(lambda: psutil.Process(holder.pid).status() == psutil.STATUS_STOPPED)
            found = world.json(SCRIPT, run.run_id)
        finally:
            holder.kill()
    assert (found["code"], found["next"]) == ("suspended", f"kill -CONT {holder.pid}")
    assert found_of(found, "process")["found"].endswith("is suspended")


# The endpoint


def test_an_endpoint_that_is_away_is_the_verdict(world: World) -> None:
    run = world.crash()
    port = free_port()
    world.put_elsewhere(run, f"http://127.0.0.1:{port}")
    found = world.json(SCRIPT, run.run_id, "--timeout", "2")
    assert (found["code"], found["next"]) == ("endpoint_silent", f"make crowd ARGS='--port {port}'")
    assert "Nothing listens at" in found["verdict"]
    assert found_of(found, "endpoint")["fine"] is False


def test_a_key_that_is_refused_is_the_verdict(world: World) -> None:
    run = world.launch()
    path = world.home / "crowd" / "credentials"
    path.write_text(path.read_text().replace("aws_secret_access_key = ", "aws_secret_access_key = x"))
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "key_refused" and "refused the key" in found["verdict"]


@pytest.mark.parametrize("minutes,code", [(-20, "clock_skew"), (20, "clock_skew"), (0, "key_refused")])
def test_clocks_that_are_apart_explain_a_refused_key(
    world: World, endpoint: Endpoint, minutes: int, code: str
) -> None:
    run = world.launch()
    endpoint.status = 400
    endpoint.say(__type="InvalidSignatureException", message="Signature expired")
    endpoint.headers["Date"] = format_datetime(
        datetime.now(UTC) + timedelta(minutes=minutes, seconds=30 if minutes > 0 else 0), usegmt=True
    )
    world.put_elsewhere(run, endpoint.url, None)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == code
    assert found_of(found, "clock")["fine"] is (minutes == 0)
    assert ("20 min apart" in found["verdict"]) == (minutes != 0)


def test_throttling_is_the_verdict_while_there_is_something_to_launch(world: World) -> None:
    run = world.launch()
    world.sql("UPDATE task_runs SET state = 'launching'")
    plan_more(world, run)
    world.crowd.control("faults", {"operation": "GetAccountBalance", "kind": "throttle", "count": 6})
    with Context.open(world.settings) as context:
        seen = snapshot.take(context, run)
    assert seen.endpoint.throttled == 6 and seen.endpoint.calls >= 9
    verdict = rules.judge(seen._replace(condition="attended"))
    assert verdict.code == "throttled"
    assert (
        verdict.sentence == f"The endpoint puts off 6 of {seen.endpoint.calls} calls,"
        " so the 2 units that are left are launched slowly."
    )


# The end


def test_a_finished_run_is_safe_to_shut_down(world: World) -> None:
    run = world.launch()
    for hit_id in world.hit_ids(run):
        world.do(hit_id)
    world.invoke("mturk/download_results", "--run", run.run_id)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "safe"
    assert (
        found["verdict"] == "The run is finished. Nothing is available or pending: it is safe to shut down."
    )


def test_hits_that_are_open_after_the_end_are_to_be_expired(world: World) -> None:
    run = world.launch(units=3)
    world.set_state(run, "stopped")
    found = world.json(SCRIPT, run.run_id)
    assert (found["code"], found["next"]) == ("open_after_end", f"make expire RUN={run.run_id}")
    assert "3 of its HITs can still be accepted" in found["verdict"]


def test_of_a_failed_run_it_is_said_what_failed(world: World) -> None:
    run = world.crash()
    world.sql("DELETE FROM units WHERE run_id = ?", run.run_id)
    for hit_id in world.open_hits():
        world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))
    world.set_state(run, "failed", "the data file changed while it was read")
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "failed"
    assert "The run failed before it had any work out: the data file changed" in found["verdict"]
    assert found["next"] == f"make launch FILE={world.folder}/pilot-1/run.toml"


def test_at_amazon_nobody_can_be_invited(world: World) -> None:
    run = world.launch(units=3)
    age(world, run)
    assert world.json(SCRIPT, run.run_id)["next"] == "make invite ARGS='--name NAME'"
    with Context.open(world.settings) as context:
        seen = snapshot.take(context, run)._replace(run=run._replace(environment="production"))
    assert rules.judge(seen).next == f"make status RUN={run.run_id} ARGS='--watch 10'"


def test_work_in_flight_after_the_end_can_still_come_in(world: World) -> None:
    run = world.launch()
    held = [world.accept(hit_id) for hit_id in world.hit_ids(run)]
    world.set_state(run, "stopped")
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "in_flight"
    assert "2 assignments are still being worked on: they can come in for 10 min at most" in found["verdict"]
    for assignment in held:
        world.submit(assignment)
    found = world.json(SCRIPT, run.run_id)
    assert (found["code"], found["next"]) == ("uncollected", f"make results RUN={run.run_id}")
    assert "2 submitted assignments are not collected yet" in found["verdict"]


def test_a_detached_run_that_is_done_is_to_be_collected(world: World) -> None:
    run = world.launch()
    for hit_id in world.hit_ids(run):
        world.do(hit_id)
    found = world.json(SCRIPT, run.run_id)
    assert (found["code"], found["next"]) == ("uncollected", f"make results RUN={run.run_id}")
    assert found["verdict"].endswith(rules.SAFE)


def test_hits_that_ended_unseen_are_counted(world: World) -> None:
    run = world.launch(units=3)
    world.crowd.advance(2 * 86400)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "expired_unseen"
    assert found["verdict"].startswith("3 HITs ended and nobody had taken them.")


# Work and workers


def test_a_run_at_work_is_at_work(world: World) -> None:
    run = world.launch(units=3)
    world.do(world.hit_ids(run)[0])
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "at_work"
    assert (
        "2 assignments can be accepted, 0 are being worked on, and the last submission was"
        in found["verdict"]
    )


def test_submissions_to_units_that_need_more_answers_count(world: World) -> None:
    run = world.launch(units=2, assignments=3)
    world.do(world.hit_ids(run)[0])
    age(world, run)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "at_work"
    assert found_of(found, "not collected")["found"] == "1 submitted assignment"


def test_accepted_work_that_never_comes_in_is_suspicious(world: World) -> None:
    run = world.launch(units=3)
    world.accept(world.hit_ids(run)[0])
    age(world, run)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "no_submissions" and found["verdict"].endswith("do its pages work?")


def test_work_that_is_returned_and_never_submitted_tells_of_a_broken_page(world: World) -> None:
    run = world.launch(units=3)
    hit_ids = world.hit_ids(run)
    for number in range(2):
        world.give_back(world.accept(hit_ids[number], "AWORKER1"), "AWORKER1")
    assert world.json(SCRIPT, run.run_id)["code"] == "at_work"
    world.give_back(world.accept(hit_ids[0], "AWORKER2"), "AWORKER2")
    for number in (1, 2):
        world.accept(hit_ids[number], "AWORKER3")
    world.crowd.advance(700)  # past their deadline: these two are abandoned
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "given_back"
    assert found["verdict"].startswith(
        "The page may be broken: 5 accepted and returned, nothing submitted in"
    )
    assert found_of(found, "given back") == {
        "what": "given back",
        "found": "5 accepted and returned, by 3 workers",
        "fine": False,
    }
    assert found_of(found, "last accept")["found"] != "never"


def test_one_return_is_told_and_proves_nothing(world: World) -> None:
    run = world.launch(units=3)
    world.give_back(world.accept(world.hit_ids(run)[0]))
    age(world, run)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "nobody_accepts"
    assert "Nobody has submitted anything" in found["verdict"]
    assert found["verdict"].endswith("1 was accepted and returned.")


def test_an_endpoint_that_tells_no_returns_is_judged_without_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.launch(units=3)
    for number in range(3):
        world.give_back(world.accept(world.hit_ids(run)[number]))
    monkeypatch.setattr(crowd_client, "_post", lambda *parts: requests.Response())
    assert world.json(SCRIPT, run.run_id)["code"] == "at_work"


def test_workers_who_stopped_coming_are_missed(world: World) -> None:
    run = world.launch(units=3)
    world.do(world.hit_ids(run)[0])
    world.invoke("mturk/download_results", "--run", run.run_id)
    age(world, run)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "workers_gone"
    assert found["verdict"].startswith("Workers have stopped coming: 2 assignments can be accepted")
    assert found_of(found, "last submission")["fine"] is False


def test_when_all_is_in_workers_hands_the_cap_is_named(world: World) -> None:
    run = world.crash()
    for hit_id in world.hit_ids(run):
        world.accept(hit_id)
    with world.attend(run):
        found = world.json(SCRIPT, run.run_id)
        assert found["code"] == "in_hand"
        assert found["verdict"].startswith("All 2 HITs that are out are in workers' hands")
        assert "max_num_concurrent_units" not in found["verdict"]
        world.sql("UPDATE task_runs SET parameters = json_set(parameters, '$.max_num_concurrent_units', 2)")
        plan_more(world, run, units=5)
        assert world.json(SCRIPT, run.run_id)["verdict"].endswith(
            "The 5 others wait, because max_num_concurrent_units is 2."
        )


@pytest.mark.parametrize("comparator,values,held,excludes", [
    ("Exists", None, None, True),
    ("Exists", None, 1, False),
    ("EqualTo", [7], 6, True),
    ("EqualTo", [7], 7, False),
    ("GreaterThan", [7], 7, True),
    ("In", [1, 2], 3, True),
    ("DoesNotExist", None, None, False),
])  # fmt: skip
def test_qualifications_that_nobody_meets_are_found(
    world: World, comparator: str, values: list[int] | None, held: int | None, excludes: bool
) -> None:
    type_id = world.client.create_qualification_type(
        Name=f"Trained {comparator} {values} {held}",
        Description="Has been trained",
        QualificationTypeStatus="Active",
    )["QualificationType"]["QualificationTypeId"]
    if held is not None:
        world.do(world.add_foreign_hits(1)[0], "AWORKER1")  # from then on the account knows the worker
        world.client.associate_qualification_with_worker(
            QualificationTypeId=type_id, WorkerId="AWORKER1", IntegerValue=held, SendNotification=False
        )
    more = f'\n[[qualifications]]\nQualificationTypeId = "{type_id}"\nComparator = "{comparator}"\n'
    run = world.launch(more=more + (f"IntegerValues = {values}\n" if values else ""))
    age(world, run)
    found = world.json(SCRIPT, run.run_id)
    mine = [
        each for each in found["evidence"] if each["what"] == "qualification" and type_id in each["found"]
    ]
    assert [each["fine"] for each in mine] == [not excludes]
    assert found["code"] == ("nobody_qualifies" if excludes else "nobody_accepts")


def test_the_providers_own_qualifications_cannot_be_judged(world: World) -> None:
    more = (
        '\n[[qualifications]]\nQualificationTypeId = "00000000000000000040"\n'
        'Comparator = "GreaterThan"\nIntegerValues = [9999]\n'
    )
    run = world.launch(more=more)
    age(world, run)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "nobody_accepts"
    assert [each["fine"] for each in found["evidence"] if each["what"] == "qualification"][0] is None


def test_workers_who_may_do_no_more_are_counted(world: World) -> None:
    run = world.launch(units=4, more="maximum_units_per_worker = 1\n")
    hits = world.hit_ids(run)
    world.do(hits[0], "AWORKER1"), world.do(hits[1], "AWORKER2")
    world.invoke("mturk/download_results", "--run", run.run_id)
    found = world.json(SCRIPT, run.run_id)
    assert found["code"] == "workers_at_cap"
    assert found["verdict"].startswith("All 2 workers who took part have done maximum_units_per_worker (1)")


# Books and money


def test_broken_units_are_the_verdict(world: World) -> None:
    with world.attend(world.crash(units=3)) as run:
        for hit_id in world.hit_ids(run)[:2]:
            world.do(hit_id)
            world.client.update_hit_review_status(HITId=hit_id)
        found = world.json(SCRIPT, run.run_id)
    assert (found["code"], found["next"]) == ("broken_units", f"make broken RUN={run.run_id} ARGS=--mend")
    assert "disagree about 2 units: it has ended, and nobody has taken note of that." in found["verdict"]


def test_an_empty_account_and_a_reached_max_cost_are_told(world: World) -> None:
    with world.attend(world.crash()) as run:
        plan_more(world, run)
        world.set_funds(13)  # of which 12 are held for what is out
        found = world.json(SCRIPT, run.run_id)
        assert found["code"] == "no_funds"
        assert found["verdict"] == "The account has $0.01, and the next of 2 units costs $0.06."
        world.set_funds(10_000)
        world.sql("UPDATE task_runs SET parameters = json_set(parameters, '$.max_cost', '0.13')")
        found = world.json(SCRIPT, run.run_id)
        assert found["code"] == "max_cost"
        assert found["verdict"] == "max_cost of $0.13 is reached, with 2 units not launched."
        assert found["next"] == f"make raise-max-cost RUN={run.run_id} ARGS=0.24"


# The task server


@pytest.fixture
def served(world: World, endpoint: Endpoint) -> Run:
    """A detached run whose pages are on a server that the test plays."""
    endpoint.say(status="ok")
    run = world.launch(more=f'\n[server]\nkind = "url"\nurl = "{endpoint.url}"\n')
    endpoint.say(status="ok", run_id=run.run_id, is_draining=False)
    return run


def test_a_server_that_answers_is_fine(world: World, served: Run) -> None:
    found = world.json(SCRIPT, served.run_id)
    assert found["code"] == "at_work"
    assert found_of(found, "its pages") == {
        "what": "its pages",
        "found": f"answers, serves {served.run_id}",
        "fine": True,
    }


def test_pages_that_were_given_out_and_never_submitted_tell_of_a_broken_page(
    world: World, served: Run, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd_client, "returns", lambda *parts: None)  # as at Amazon's endpoints
    endpoint.say(status="ok", run_id=served.run_id, served=6, active=2)
    found = world.json(SCRIPT, served.run_id)
    assert (
        found["code"] == "given_back" and found_of(found, "given back")["found"] == "4 accepted and returned"
    )
    endpoint.say(status="ok", run_id=served.run_id, served="many", active=None)
    assert world.json(SCRIPT, served.run_id)["code"] == "at_work"


def test_a_server_that_serves_another_run_drains_or_is_down_is_the_verdict(
    world: World, served: Run, endpoint: Endpoint
) -> None:
    endpoint.say(status="ok", run_id="20260101-000000-aaaa")
    found = world.json(SCRIPT, served.run_id)
    assert found["code"] == "server_of_another_run"
    assert found["verdict"] == "The task server serves run 20260101-000000-aaaa, so no worker gets a page."
    endpoint.say(status="ok", run_id=served.run_id, draining=True)
    assert world.json(SCRIPT, served.run_id)["code"] == "server_draining"
    endpoint.status = 500
    found = world.json(SCRIPT, served.run_id)
    assert (found["code"], found["next"]) == ("server_down", f"curl {endpoint.url}/health")


def test_a_server_that_vanished_or_is_scaled_to_nothing_is_the_verdict(world: World, served: Run) -> None:
    from crowdops.servers.status import ServerStatus

    server = Server(
        "heroku-crowdops-a",
        served.run_id,
        "heroku",
        "crowdops-a",
        "up",
        "https://a.example",
        {},
        datetime.now(UTC),
        None,
    )
    status = ServerStatus(server, True, True, 0, None, answers=False, orphan=False)
    with Context.open(world.settings) as context:
        seen = snapshot.take(context, served)
    cases = {"server_unscaled": status, "server_missing": status._replace(exists=False)}
    for code, each in cases.items():
        pages = Pages("heroku", None, each, answers=False, serves=None, is_draining=False, note="")
        verdict = rules.judge(seen._replace(pages=pages))
        assert (verdict.code, verdict.next) == (code, f"make heroku-status RUN={served.run_id}")
    gone = Pages("local", None, None, answers=False, serves=None, is_draining=False, note="")
    verdict = rules.judge(seen._replace(pages=gone))
    assert (verdict.code, verdict.next) == ("server_missing", f"make servers RUN={served.run_id}")
