"""What a launch does when the other side, the money or the command line is not as it should be."""

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support import advice
from tests.support.gates import Call, Instead
from tests.support.processes import SOON, wait_until
from tests.support.scripts import Script
from tests.support.world import World

pytestmark = pytest.mark.gated

SCRIPTS = (
    ("mturk/print_outstanding_hit_status",),
    ("mturk/print_outstanding_hit_status", "--check"),
    ("mturk/expire_hits", "--all-runs", "--yes"),
    ("mturk/download_results", "--all-runs"),
    ("local/invite_workers",),
    ("local/simulate_workers", "--workers", "2"),
)


@contextlib.contextmanager
def hung_endpoint() -> Iterator[str]:
    """An endpoint that accepts connections, reads nothing, and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        taken: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        for connection in taken:
            connection.close()


@pytest.mark.parametrize("command", SCRIPTS, ids=" ".join)
def test_a_hung_endpoint_ends_every_script_in_time_with_one_line(
    world: World, command: tuple[str, ...]
) -> None:
    with hung_endpoint() as url:
        world.setenv(AWS_ENDPOINT_URL_MTURK=url)
        started = time.monotonic()
        result = world.invoke(*command, "--timeout", "1")
        took = time.monotonic() - started
    assert result.exit_code == 1
    assert took < SOON
    assert len(result.stderr.strip().splitlines()) == 1
    assert "did not answer within 1 s" in result.stderr


def test_a_hung_endpoint_ends_a_launch_in_time_before_anything_is_created(world: World) -> None:
    with hung_endpoint() as url:
        world.setenv(AWS_ENDPOINT_URL_MTURK=url)
        started = time.monotonic()
        launch = world.launch_run("--timeout", "1")
        assert launch.end() == 1
        assert time.monotonic() - started < SOON
    assert "did not answer within 1 s" in launch.said
    assert launch.said.rstrip().endswith("Nothing was created.")
    assert world.run_ids() == []


def start_and_fall_silent(world: World, units: int = 4) -> Script:
    """Launch a run, and shut the gate once all of its units are out and it has looked twice."""
    launch = world.launch_run("--timeout", "0.9", units=units)
    wait_until(lambda: world.gate.count("ListReviewableHITs") > 1, 30)
    world.gate.shut()
    launch.hear("The run goes on trying.")
    return launch


def test_an_endpoint_that_falls_silent_is_told_of_once_and_the_run_goes_on_when_it_is_back(
    world: World,
) -> None:
    launch = start_and_fall_silent(world)
    silent_calls = len(world.gate.calls)
    wait_until(lambda: len(world.gate.calls) > silent_calls + 4, 30)
    for hit_id in world.open_hits():
        world.do(hit_id)
    world.gate.open()
    assert launch.end() == 0
    assert launch.said.count("The run goes on trying.") == 1
    assert launch.said.count("The endpoint answers again.") == 1
    assert len(world.collected()) == 4


@pytest.mark.parametrize("proposed", ["make resume RUN=…", "make recover"])
def test_two_presses_end_a_run_whose_endpoint_is_silent_and_say_what_is_left_to_do(
    world: World, proposed: str
) -> None:
    launch = start_and_fall_silent(world)
    launch.press()
    launch.hear("Stopping: no more HITs")
    launch.press()
    assert launch.end() == 1
    run_id = launch.run_id
    last = launch.said.rstrip().splitlines()[-1]
    assert last.startswith("error: ")
    assert "HITs of this run may still be open." in last
    assert f"carry it on: make resume RUN={run_id}, or end it: make recover" in last
    assert "Traceback" not in launch.said
    world.gate.open()
    assert world.invoke("mturk/print_outstanding_hit_status", "--check").exit_code == 4
    [command] = advice.printed(last, proposed)
    assert advice.type_in(world, command, {}).exit_code == 0
    assert world.open_hits() == []
    assert world.invoke("mturk/print_outstanding_hit_status", "--check").exit_code == 0


def test_one_press_while_the_endpoint_is_silent_is_carried_out_when_it_is_back(world: World) -> None:
    launch = start_and_fall_silent(world)
    launch.press()
    launch.hear("Stopping: no more HITs")
    world.do(world.open_hits()[0])
    world.gate.open()
    assert launch.end() == 0
    assert world.open_hits() == []
    assert len(world.collected()) == 1


def test_a_key_that_is_refused_for_a_while_does_not_end_a_run_that_has_hits_out(world: World) -> None:
    def refuse(call: Call) -> None:
        looks = world.gate.count("ListReviewableHITs")
        if call.operation == "ListReviewableHITs" and 3 <= looks <= 5:
            raise Instead("UnrecognizedClientException", "The security token is invalid.")
        if looks == 6:
            for hit_id in world.open_hits():
                world.do(hit_id)

    world.gate.before = refuse
    launch = world.launch_run(units=2)
    assert launch.end() == 0, launch.said
    assert launch.said.count("refused the key (UnrecognizedClientException") == 1
    assert launch.said.count("The endpoint answers again.") == 1
    assert len(world.collected()) == 2


def test_an_endpoint_that_falls_silent_before_the_first_hit_makes_the_run_fail(world: World) -> None:
    world.gate.before = lambda call: world.gate.shut() if call.operation == "GetAccountBalance" else None
    launch = world.launch_run("--timeout", "0.9")
    assert launch.end() == 1
    assert "did not answer within 0.9 s" in launch.said
    assert world.sql("SELECT state FROM task_runs") == [("failed",)]
    assert world.hits() == []


def test_a_run_that_nobody_submits_to_ends_with_its_reason(world: World) -> None:
    launch = world.launch_run(units=3, no_submission_patience=1)
    assert launch.end() == 1
    assert "no submission for 1 s, with 3 units outstanding and 0 still to be launched." in launch.said
    assert "Why: no submission for 1 s" in launch.said
    assert world.open_hits() == []
    assert launch.document()["reason"].startswith("no submission for 1 s")


def test_one_press_is_enough_while_a_run_that_stopped_by_itself_waits(world: World) -> None:
    launch = world.launch_run(units=2, no_submission_patience=1)
    wait_until(lambda: len(world.open_hits()) == 2, 30)
    world.accept(world.open_hits()[0])
    launch.hear("Press Ctrl-C to stop now.")
    launch.press()
    assert launch.end() == 130
    assert launch.said.count("1 accepted, not submitted") == 1


def test_a_balance_that_runs_out_ends_the_run_with_its_reason(world: World) -> None:
    def spend(call: Call) -> None:
        if call.operation == "CreateHITType":
            world.set_funds(18)  # three HITs at 0.06

    alone, done = (
        threading.Lock(),
        [],
    )  # the HITs are expired side by side: all of these calls wait for the worker

    def work(call: Call) -> None:
        if call.operation == "UpdateExpirationForHIT":
            with alone:
                if not done:
                    done.append(world.do(world.open_hits()[0]))

    world.gate.after, world.gate.before = spend, work
    launch = world.launch_run(units=6)
    assert launch.end() == 1
    assert "Stopping: This Requester has insufficient funds" in launch.said
    assert "Why: This Requester has insufficient funds" in launch.said
    assert len(world.hits()) == 3
    assert world.open_hits() == []
    assert world.units(launch.run_id) == {"planned": 3, "expired": 2, "finished": 1}
    assert world.collected() == world.submitted()


def test_a_hit_that_somebody_deletes_does_not_keep_a_stopped_run_waiting(world: World) -> None:
    launch = world.launch_run(units=3)
    wait_until(lambda: len(world.open_hits()) == 3, 30)
    gone, client = world.open_hits()[1], world.crowd.client()
    wait_until(lambda: world.units(launch.run_id).get("outstanding") == 3)
    world.gate.shut()  # while the run does not look
    client.update_expiration_for_hit(HITId=gone, ExpireAt=0)
    client.delete_hit(HITId=gone)
    world.gate.open()
    launch.press()
    assert launch.end() == 1
    assert world.units(launch.run_id) == {"expired": 2, "failed": 1}
    assert world.sql("SELECT error FROM units WHERE error IS NOT NULL") == [(f"somebody deleted HIT {gone}",)]


def test_a_dry_run_calls_nobody_and_writes_nothing(world: World) -> None:
    path = str(world.write_run(units=3, task_reward="0.10"))
    result = world.invoke("mturk/launch_run", path, "--dry-run")
    assert result.exit_code == 0
    assert "3 units, 3 assignments: $0.30 in rewards + $0.06 in fees (20%) = $0.36" in result.stdout
    assert f"make preview FILE={path}" in result.stdout and "message 0" not in result.stdout
    found = world.json("mturk/launch_run", path, "--dry-run")
    assert "message 0" in found["first_page"]
    assert (found["units"], found["cost"], found["dry_run"]) == (3, "0.36", True)
    assert world.gate.calls == []
    assert not (world.home / "registry.db").exists()


def test_durations_can_be_written_in_words_and_are_echoed_so(world: World) -> None:
    path = str(
        world.write_run(assignment_duration_in_seconds="1 h 30 min", task_lifetime_in_seconds="2 days")
    )
    given = ("--set", "no_submission_patience=30 min")
    text = world.invoke("mturk/launch_run", path, "--dry-run", *given).stdout
    assert "  assignment_duration_in_seconds = 5400 (1 h 30 min)\n" in text
    assert "  task_lifetime_in_seconds = 172800 (2 days)\n" in text
    assert "  no_submission_patience = 1800 (30 min)\n" in text
    found = world.json("mturk/launch_run", path, "--dry-run")["parameters"]
    assert (found["assignment_duration_in_seconds"], found["task_lifetime_in_seconds"]) == (5400, 172800)


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (
            '[[qualifications]]\nQualificationTypeId = "00000000000000000040"\nComparator = ">"\n',
            "qualification 1: Comparator is '>'; it can be LessThan, ",
        ),
        ('[server]\nkind = "heroku"\ndyno_size = "hobby"\n', "dyno_size is 'hobby'; it can be eco, basic, "),
        (
            '[server]\nkind = "url"\nurl = "tasks.example.org"\n',
            "url 'tasks.example.org' lacks http:// or https:// in front. Did you mean http://tasks",
        ),
    ],
)
def test_what_the_other_side_would_refuse_is_refused_with_the_file_before_any_call(
    world: World, more: str, wanted: str
) -> None:
    path = str(world.write_run(more=more))
    for flag in ("--dry-run", "--yes"):
        result = world.invoke("mturk/launch_run", path, flag)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"error: {path}: {wanted}")
    assert world.gate.calls == [] and world.run_ids() == []


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("", "No Heroku key: set HEROKU_API_KEY"),
        ("dynos = 2\n", "2 dynos of size basic: Heroku allows one. Take standard-1x or more."),
        ('team = "lab"\ndyno_size = "Eco"\n', "eco dynos are for personal apps"),
    ],
)
def test_an_app_that_heroku_would_refuse_is_refused_in_a_dry_run(
    world: World, monkeypatch: pytest.MonkeyPatch, more: str, wanted: str
) -> None:
    monkeypatch.delenv("HEROKU_API_KEY", raising=False)
    path = str(world.write_run(more=f'[server]\nkind = "heroku"\n{more}'))
    result = world.invoke("mturk/launch_run", path, "--dry-run")
    assert result.exit_code == 2 and wanted in result.stderr


@pytest.mark.parametrize("status", ["absent", "Inactive"])
def test_a_qualification_that_no_hit_can_ask_for_is_refused_before_anything_is_created(
    world: World, status: str
) -> None:
    type_id, wanted = "3NOSUCHTYPE", "There is no qualification type 3NOSUCHTYPE, which run.toml asks for"
    if status != "absent":
        made = world.client.create_qualification_type(
            Name="Trained", Description="Did it before", QualificationTypeStatus=status
        )
        type_id = made["QualificationType"]["QualificationTypeId"]
        wanted = f"The qualification type {type_id} is inactive, so no HIT can ask for it."
    more = f'[[qualifications]]\nQualificationTypeId = "{type_id}"\nComparator = "Exists"\n'
    result = world.invoke("mturk/launch_run", str(world.write_run(more=more)), "--yes")
    assert result.exit_code == 2 and wanted in result.stderr
    assert world.run_ids() == [] and world.hits() == []
    assert world.gate.count("GetQualificationType") == 1


def test_empty_rows_are_remarked_before_the_launch_and_get_no_hits(world: World) -> None:
    path = world.write_run(rows=[{"text": "hello"}, {"text": " "}, {"text": ""}])
    found = world.invoke("mturk/launch_run", str(path), "--dry-run", "--json")
    remark = f"{path.parent / 'items.csv'}: 2 rows are empty and no units."
    assert remark in json.loads(found.stdout)["remarks"]
    assert f"Remark: {remark}" in found.stderr
    launched = world.invoke("mturk/launch_run", str(path), "--detach", "--yes")
    assert launched.exit_code == 0 and f"Remark: {remark}" in launched.stderr
    assert len(world.open_hits()) == 1


def test_what_is_odd_about_the_page_is_remarked_and_the_run_is_launched_all_the_same(world: World) -> None:
    page = "<p>${text}</p>\n<form method='post'>\n<input name='a'></form>"
    path = str(world.write_run(page=page))
    remarks = world.json("mturk/launch_run", path, "--dry-run")["remarks"]
    assert [remark.split("task.html")[1].split(". ")[0] for remark in remarks] == [
        ", line 2: the form has no submit button",
        ", line 2: the form sends no assignmentId",
        ", line 1: ${text} is shown as it stands",
        ": the page names no column of the data, so all HITs are the same",
    ]
    for flags in (["--dry-run"], ["--detach", "--yes"]):
        result = world.invoke("mturk/launch_run", path, *flags)
        assert result.exit_code == 0
        assert [f"Remark: {remark}" in result.stderr for remark in remarks] == [True] * 4
    assert "Remark" not in world.invoke("mturk/launch_run", path, "--dry-run", "--quiet").stderr


def test_a_key_pair_that_begins_with_a_byte_order_mark_is_read(world: World) -> None:
    path = world.home / "crowd" / "credentials"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert world.invoke("mturk/launch_run", str(world.write_run()), "--detach", "--yes").exit_code == 0


def test_pages_that_others_serve_are_not_read(world: World) -> None:
    more = '[server]\nkind = "url"\nurl = "https://tasks.example.org"\n'
    path = str(world.write_run(page="<p>no form</p>", more=more))
    assert world.json("mturk/launch_run", path, "--dry-run")["remarks"] == []


def test_rows_may_lack_what_the_page_can_do_without(world: World) -> None:
    path = world.write_run(page="<p>{{ text }}</p>{{ hint|default('') }}", data="items.jsonl")
    items = path.parent / "items.jsonl"
    items.write_text('{"text": "a"}\n{"text": "b", "hint": null, "more": 1}\n{"text": null, "hint": "c"}\n')
    found = world.json("mturk/launch_run", str(path), "--dry-run")
    assert found["units"] == 3 and not [remark for remark in found["remarks"] if "hint" in remark]
    (path.parent / "task.html").write_text("<p>{{ text }}</p>{{ hint }}")
    refused = world.invoke("mturk/launch_run", str(path), "--dry-run")
    assert refused.exit_code == 2
    assert "row 1 cannot be rendered: 'hint' is undefined. If rows may lack it, write " in refused.stderr
    (path.parent / "task.html").write_text("<p>{{ text }}</p>{{ hnit }}")
    refused = world.invoke("mturk/launch_run", str(path), "--dry-run")
    assert "uses the field 'hnit', which no column of the data has. Did you mean hint?" in refused.stderr


def test_a_column_of_ours_in_any_row_is_refused_by_name(world: World) -> None:
    path = world.write_run(page="<p>{{ text }}</p>", data="items.jsonl")
    (path.parent / "items.jsonl").write_text('{"text": "a"}\n{"text": "b", "preview": 1, "self": 2}\n')
    refused = world.invoke("mturk/launch_run", str(path), "--yes")
    assert refused.exit_code == 2 and world.run_ids() == []
    assert "items.jsonl: no column can be called preview or self: " in refused.stderr


def test_a_windows_editors_files_are_read(world: World) -> None:
    path = world.write_run(rows=[{"my text": "hello"}], page="<p>{{ my_text }}</p>\r\n<form></form>\r\n")
    for name in ("run.toml", "task.html", "items.csv"):
        file = path.parent / name
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    run = world.json("mturk/launch_run", str(path), "--detach", "--yes")
    [hit_id] = world.hit_ids(world.run(run["run_id"]))
    question = world.client.get_hit(HITId=hit_id)["HIT"]["Question"]
    assert "[CDATA[<p>hello</p>\n<form></form>\n]]" in question


def test_set_overrides_the_file(world: World) -> None:
    path = str(world.write_run(units=2))
    found = world.json(
        "mturk/launch_run", path, "--dry-run", "--set", "task_reward=0.20", "--set", "task_name=other"
    )
    assert (found["task_name"], found["cost"]) == ("other", "0.48")
    refused = world.invoke("mturk/launch_run", path, "--dry-run", "--set", "task_rewrad=0.20")
    assert refused.exit_code == 2
    assert "Did you mean task_reward?" in refused.stderr


def test_without_a_terminal_and_without_yes_only_the_balance_is_asked_for(world: World) -> None:
    result = world.invoke("mturk/launch_run", str(world.write_run(units=2)))
    assert result.exit_code == 2
    assert "There is no terminal to ask on. Look with --dry-run, then add --yes." in result.stderr
    assert [call.operation for call in world.gate.calls] == ["GetAccountBalance"]
    assert world.run_ids() == []


def test_with_yes_balance_and_blocks_are_read_side_by_side_and_no_worker_is_asked_about(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"GetAccountBalance", "ListQualificationTypes"}

    def meet(call: Call) -> None:
        if call.operation in first:
            wait_until(lambda: first <= {other.operation for other in list(world.gate.calls)})

    world.gate.before = meet
    # It takes long to import, and a run without [[qualifications]] has no use for it.
    monkeypatch.setitem(sys.modules, "crowdops.providers.crowd_server.client", None)
    launched = world.invoke("mturk/launch_run", str(world.write_run(units=2)), "--yes", "--detach")
    assert launched.exit_code == 0, launched.stderr
    assert len(world.gate.calls) == 5  # the two, the HIT type, and a call a unit


def test_production_requires_max_cost(world: World) -> None:
    path = str(world.write_run(units=2))
    result = world.invoke("mturk/launch_run", path, "--yes", "--environment", "production")
    assert result.exit_code == 2
    assert "In production max_cost is required. This run would cost $0.12." in result.stderr
    dear = world.invoke("mturk/launch_run", path, "--yes", "--set", "max_cost=0.11")
    assert dear.exit_code == 2
    assert "The run would cost $0.12, over its max_cost of $0.11." in dear.stderr
    assert world.gate.calls == []


def test_a_balance_below_the_cost_is_refused_before_anything_is_created(world: World) -> None:
    world.set_funds(11)
    result = world.invoke("mturk/launch_run", str(world.write_run(units=2)), "--yes")
    assert result.exit_code == 2
    assert "The account has $0.11, and the run would cost $0.12. Nothing was created." in result.stderr
    # Nobody was to be asked, so what is read next was read beside it.
    assert {call.operation for call in world.gate.calls} <= {"GetAccountBalance", "ListQualificationTypes"}
    assert world.run_ids() == []
