"""Leases: never more than allowed, and each of the four ways in which one ends."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from bs4 import BeautifulSoup

from tests.support.task_servers import TOKEN, Served, unit_path
from tests.unit.taskserver.conftest import BOTH, Start

# Two statements that count at once would both find room, if the one did not wait for the other's commit.
SLOW_COMMIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
        AS $$BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END$$;
    CREATE TRIGGER wait AFTER INSERT ON taskserver_leases FOR EACH ROW EXECUTE FUNCTION wait()"""


def reporter(page: str) -> dict[str, str]:
    """What the page's script would send to /release."""
    line = next(line for line in page.splitlines() if "var lease =" in line)
    pairs = line.partition("{")[2].partition("}")[0].split(", ")
    return {name: value.strip('"') for name, value in (pair.split(": ") for pair in pairs)}


def buttons(page: str) -> list[dict[str, str]]:
    """What each button of a refusal page would send."""
    forms = BeautifulSoup(page, "html.parser").find_all("form")
    return [{str(field["name"]): str(field["value"]) for field in form.find_all("input")} for form in forms]


def wait_until_open(server: Served, index: int, assignment: str, worker: str) -> None:
    """Ask again until the page is given."""
    deadline = time.monotonic() + 10
    while (status := server.open(index, assignment, worker).status_code) != 200:
        assert status == 409
        assert time.monotonic() < deadline
        time.sleep(0.05)


@BOTH
def test_a_second_unit_is_refused_with_a_page_that_names_the_first(start: Start) -> None:
    server = start(allowed_concurrent=1)
    assert server.open(0, "3FIRST").status_code == 200
    refused = server.open(1, "3SECOND")
    text = " ".join(BeautifulSoup(refused.text, "html.parser").get_text().split())
    assert refused.status_code == 409
    assert "First finish what you have open" in text
    assert "you may have one unit open at a time" in text
    assert "Unit 0, HIT 3HIT0, opened 0 min ago; it stops counting by itself in at most 10 min." in text
    assert "mammal" not in text


@BOTH
def test_the_refusal_names_all_open_units_and_none_of_other_workers(start: Start) -> None:
    server = start(allowed_concurrent=2)
    assert [server.open(index, f"3N{index}").status_code for index in range(2)] == [200, 200]
    assert server.open(3, "3OTHER", "AOTHER").status_code == 200
    refused = server.open(4, "3N4").text
    assert "Unit 0" in refused and "Unit 1" in refused
    assert "Unit 3" not in refused and "AOTHER" not in refused
    assert server.open(4, "3OTHER4", "AOTHER").status_code == 200


@BOTH
def test_parallel_connections_never_get_more_leases_than_allowed(start: Start) -> None:
    server = start(allowed_concurrent=3)

    def burst(worker: str) -> Counter[int]:
        def ask(number: int) -> int:
            return server.open(number % 5, f"3{worker}{number}", worker).status_code

        with ThreadPoolExecutor(20) as connections:
            return Counter(connections.map(ask, range(60)))

    assert burst("AFIRST") == {200: 3, 409: 57}
    assert burst("ASECOND") == {200: 3, 409: 57}
    assert server.health()["active"] == 6


@pytest.mark.parametrize("start", ["postgresql"], indirect=True)
def test_leases_that_are_slow_to_be_committed_are_counted(start: Start) -> None:
    server = start(allowed_concurrent=2)
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(SLOW_COMMIT)

    def ask(number: int) -> int:
        return server.open(number % 5, f"3SLOW{number}", "ASLOW").status_code

    with ThreadPoolExecutor(20) as connections:
        assert Counter(connections.map(ask, range(20))) == {200: 2, 409: 18}


@BOTH
def test_the_same_assignment_is_one_lease_however_often_it_is_opened(start: Start) -> None:
    server = start(allowed_concurrent=1)
    with ThreadPoolExecutor(20) as connections:
        statuses = set(connections.map(lambda _: server.open(2, "3SAME").status_code, range(40)))
    assert statuses == {200}
    health = server.health()
    assert (health["active"], health["served"]) == (1, 1)


@BOTH
def test_zero_allows_any_number(start: Start) -> None:
    server = start(allowed_concurrent=0)
    with ThreadPoolExecutor(20) as connections:
        statuses = set(connections.map(lambda n: server.open(n % 5, f"3ANY{n}").status_code, range(40)))
    assert statuses == {200}
    assert server.health()["active"] == 40


@BOTH
def test_the_pages_report_of_its_submission_ends_the_lease(start: Start) -> None:
    server = start(allowed_concurrent=1)
    lease = reporter(server.open(0, "3DONE").text)
    assert server.open(1, "3NEXT").status_code == 409
    assert server.post("/release", data=lease).status_code == 204
    assert server.post("/release", data=lease).status_code == 204
    assert server.open(1, "3NEXT").status_code == 200
    assert server.open(0, "3DONE").status_code == 409


@BOTH
def test_the_button_on_the_refusal_page_ends_that_lease_and_leads_to_the_unit(start: Start) -> None:
    server = start(allowed_concurrent=2)
    server.open(0, "3OLD0")
    server.open(1, "3OLD1")
    wanted = unit_path(2, "3NEW")
    first, second = buttons(server.get(wanted).text)
    pressed = server.post(wanted, data=second)
    assert pressed.status_code == 303
    assert pressed.headers["Location"] == wanted
    assert server.get(wanted).status_code == 200
    assert server.open(0, "3OLD0").status_code == 200
    assert server.open(1, "3OLD1").status_code == 409


@BOTH
def test_the_run_ends_the_leases_of_what_it_collected(start: Start) -> None:
    server = start(allowed_concurrent=1)
    workers = [f"AW{number}" for number in range(4)]
    for number, worker in enumerate(workers):
        server.open(0, f"3C{number}", worker)
    leases = [{"assignment_id": f"3C{number}", "worker_id": workers[number]} for number in (0, 1)]
    stale = [{"assignment_id": "3C2", "worker_id": "AW3"}, {"assignment_id": "3NONE", "worker_id": "AW2"}]
    assert server.post("/leases/release", token=TOKEN, json={"leases": leases + stale}).json() == {"ended": 2}
    assert server.post("/leases/release", token=TOKEN, json={"leases": leases}).json() == {"ended": 0}
    assert server.post("/leases/release", token=TOKEN, json={"leases": []}).json() == {"ended": 0}
    assert [server.open(1, f"3D{number}", worker).status_code for number, worker in enumerate(workers)] == [
        200, 200, 409, 409,
    ]  # fmt: skip


def test_a_thousand_leases_can_be_ended_at_once(server: Served) -> None:
    held = [server.open(0, f"3K{number}", f"AK{number}").status_code for number in range(3)]
    leases = [{"assignment_id": f"3K{number}", "worker_id": f"AK{number}"} for number in range(1200)]
    assert held == [200, 200, 200]
    assert server.post("/leases/release", token=TOKEN, json={"leases": leases}).json() == {"ended": 3}


@pytest.mark.parametrize(
    "body", [None, [], {}, {"leases": 3}, {"leases": ["3A"]}, {"leases": [{"worker_id": "A"}]}]
)
def test_a_body_that_names_no_leases_is_refused_in_plain_words(server: Served, body: object) -> None:
    answer = server.post("/leases/release", token=TOKEN, json=body)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": 'the body must be {"leases": [{"assignment_id": …, "worker_id": …}, …]}'
    }


@BOTH
def test_a_lease_ends_at_its_deadline(start: Start) -> None:
    server = start(allowed_concurrent=1, assignment_duration_in_seconds=1)
    assert server.open(0, "3SHORT").status_code == 200
    wait_until_open(server, 1, "3AFTER", "A1TESTWORKER")
    assert server.health()["active"] == 1
    assert server.health()["served"] == 2


def test_nobody_ends_a_lease_without_its_own_signature(server: Served) -> None:
    mine = reporter(server.open(0, "3MINE", "AMINE").text)
    theirs = reporter(server.open(1, "3THEIRS", "ATHEIRS").text)
    forged = {**theirs, "signature": mine["signature"]}
    unsigned = {name: value for name, value in theirs.items() if name != "signature"}
    for body in (forged, unsigned, {}, {**theirs, "worker_id": "AMINE"}):
        assert server.post("/release", data=body).status_code == 403
    button = {"assignment_id": "3THEIRS", "signature": theirs["signature"]}
    assert server.post(unit_path(2, "3MORE", "AMINE"), data=button).status_code == 403
    assert server.post(unit_path(2, "3MORE", "ATHEIRS", key="0"), data=button).status_code == 403
    assert server.open(2, "3MORE", "ATHEIRS").status_code == 409


@pytest.mark.parametrize("path", ["/drain", "/leases/release"])
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \u00e9"],
)
def test_only_the_runs_token_changes_anything(server: Served, path: str, authorization: str | None) -> None:
    body = {"leases": [{"assignment_id": "3KEPT", "worker_id": "AKEPT"}]}
    server.open(0, "3KEPT", "AKEPT")
    answer = server.post(path, json=body, authorization=authorization and authorization.encode())
    assert answer.status_code == 403
    assert answer.json() == {"error": "this needs the run's token"}
    assert server.health()["draining"] is False
    assert server.open(1, "3KEPT2", "AKEPT").status_code == 409


@BOTH
def test_draining_refuses_new_units_and_lets_open_ones_go_on(start: Start) -> None:
    server = start(allowed_concurrent=2)
    lease = reporter(server.open(0, "3BEGUN").text)
    assert server.post("/drain", token=TOKEN).json()["draining"] is True
    assert server.post("/drain", token=TOKEN).json()["draining"] is True
    for refused in (server.open(1, "3NEW"), server.open(1)):
        assert refused.status_code == 503
        assert "No more units for now" in refused.text
        assert "please return it" in refused.text
    # Asked often enough that both processes answer.
    assert {server.open(0, "3BEGUN").status_code for _ in range(10)} == {200}
    assert {server.health()["draining"] for _ in range(10)} == {True}
    # A submission that was reported and then failed: the page must come again.
    server.post("/release", data=lease)
    assert server.open(0, "3BEGUN").status_code == 200


@BOTH
def test_leases_and_draining_outlive_a_killed_server(start: Start) -> None:
    server = start(allowed_concurrent=1)
    server.open(0, "3ALIVE")
    server.post("/drain", token=TOKEN)
    server.kill()
    with server:
        health = server.health()
        assert (health["active"], health["served"], health["draining"]) == (1, 1, True)
        assert server.open(0, "3ALIVE").status_code == 200


@pytest.mark.parametrize("start", ["postgresql"], indirect=True)
def test_runs_that_share_a_database_do_not_see_each_other(start: Start) -> None:
    first, second = start(run_id="run-1", allowed_concurrent=1), start(run_id="run-2", allowed_concurrent=1)
    assert first.open(0, "3ONE").status_code == second.open(0, "3TWO").status_code == 200
    first.post("/drain", token=TOKEN)
    assert (first.health()["draining"], second.health()["draining"]) == (True, False)
    assert (first.health()["active"], second.health()["active"]) == (1, 1)
