"""What a server needs to start, what it says when that is missing, and what it stands."""

import signal
import time
from pathlib import Path

import psutil
import pytest
import requests

from tests.support import postgresql
from tests.support.half_sent import held
from tests.support.processes import wait_until
from tests.support.task_servers import DEADLINE, TOKEN, Served, animals, unit_path, write_folder


def fail_to_start(folder: Path, **environ: str) -> str:
    """Start a server that cannot: the one line that it says about it."""
    server = Served(folder, **environ)
    server.start()
    assert server.process.wait(timeout=DEADLINE) == 1
    [line] = [line for line in server.log().splitlines() if line.startswith("task server: ")]
    assert "Traceback" not in server.log()
    return line.removeprefix("task server: ")


def private_memory(server: Served) -> int:
    """Bytes that the one process holds for itself, without the mapped files."""
    [process] = psutil.Process(server.process.pid).children()
    return int(process.memory_full_info().uss)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two units that can be served."""
    return write_folder(tmp_path / "run", animals(2))


@pytest.mark.parametrize("name", ["run.json", "template.html", "rows.jsonl", "rows.offsets"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    line = fail_to_start(folder)
    assert line.startswith(f"cannot read {name}: ")
    assert "No such file or directory" in line


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        (
            "run.json",
            b"{",
            "run.json is not JSON: Expecting property name enclosed in double quotes: line 1 column 2",
        ),
        ("run.json", b"[]", "run.json must hold one object"),
        ("run.json", b'{"run_id": 5}', "run.json: run_id must be a text"),
        ("rows.jsonl", b"", "rows.jsonl is empty"),
        ("rows.jsonl", b'{"a": 1}\n', "rows.offsets does not fit rows.jsonl: the last row is not JSON"),
        ("rows.offsets", bytes(12), "rows.offsets is cut off: its size is not a multiple of 8"),
        ("template.html", b"<p>{{ title }", "template.html, line 1: unexpected '}'"),
        (
            "template.html",
            b"\xff",
            "cannot read template.html: 'utf-8' codec can't decode byte 0xff in position 0",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(folder: Path, name: str, content: bytes, line: str) -> None:
    (folder / name).write_bytes(content)
    assert fail_to_start(folder).startswith(line)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"allowed_concurrent": -1}, "run.json: allowed_concurrent must be a whole number from 0"),
        ({"allowed_concurrent": True}, "run.json: allowed_concurrent must be a whole number from 0"),
        (
            {"assignment_duration_in_seconds": 0},
            "run.json: assignment_duration_in_seconds must be a whole number from 1",
        ),
        ({"submit_origins": "https://x.example"}, "run.json: submit_origins must be a list"),
        (
            {"submit_origins": ["https://x.example; script-src *"]},
            "run.json: submit_origins: 'https://x.example; script-src *'"
            " is not like https://crowd.example.org",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, change: dict[str, object], line: str) -> None:
    assert fail_to_start(write_folder(tmp_path / "run", animals(2), **change)) == line


@pytest.mark.parametrize("token", ["", "too-short"])
def test_without_a_token_nothing_is_served(folder: Path, token: str) -> None:
    line = fail_to_start(folder, CROWDOPS_RUN_TOKEN=token)
    assert line == "CROWDOPS_RUN_TOKEN must be set, to 16 characters or more"


def test_another_kind_of_database_is_refused(folder: Path) -> None:
    line = fail_to_start(folder, DATABASE_URL="mysql://user:secret@127.0.0.1/x")
    assert line == "DATABASE_URL must begin with postgres:// or postgresql://"


def test_a_database_that_does_not_answer_is_said_without_its_password(folder: Path) -> None:
    pytest.importorskip("psycopg_pool")
    line = fail_to_start(folder, DATABASE_URL="postgres://user:secret@127.0.0.1:1/x")
    assert line.startswith("PostgreSQL: connection failed: ")
    assert "secret" not in line


def test_health_says_which_run_is_served(folder: Path) -> None:
    with Served(folder, fresh=True) as server:
        server.open(0, "3A")
        assert server.health() == {
            "status": "ok", "run_id": "20261122-114502-k3f9", "task_name": "animals-pilot-1",
            "active": 1, "served": 1, "draining": False,
        }  # fmt: skip


def test_only_this_machine_is_listened_to(folder: Path) -> None:
    with Served(folder) as server:
        children = psutil.Process(server.process.pid).children()
        listening = {
            item.laddr.ip for child in children for item in child.net_connections() if item.status == "LISTEN"
        }
    assert listening == {"127.0.0.1"}


def test_sigterm_ends_the_server_and_leaves_no_process(folder: Path) -> None:
    with Served(folder) as server:
        server.open(0, "3WARM")
        processes = psutil.Process(server.process.pid).children()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=DEADLINE) == 0
        assert psutil.wait_procs(processes, timeout=DEADLINE)[1] == []
    with pytest.raises(requests.ConnectionError):
        server.get("/health")


def test_a_spoilt_file_of_leases_is_begun_anew(folder: Path) -> None:
    with Served(folder) as server:
        server.open(0, "3OLD")
    (folder / "leases.db").write_bytes(b"not a database at all" * 1000)
    with Served(folder) as server:
        assert server.health()["served"] == 0
        assert server.open(0, "3NEW").status_code == 200
        assert server.open(1, "3NEW2").status_code == 409


def test_a_restarted_database_is_found_again_and_a_lost_one_is_said(tmp_path: Path) -> None:
    if reason := postgresql.missing():
        pytest.skip(reason)
    folder = write_folder(tmp_path / "run", animals(2))
    with postgresql.Cluster() as cluster, Served(folder, DATABASE_URL=cluster.url) as server:
        assert server.open(0, "3KEPT").status_code == 200
        cluster.restart()
        assert server.open(1, "3NEXT").status_code == 409
        assert server.health()["active"] == 1
        cluster.stop()
        lost = server.open(0, "3KEPT")
        assert lost.status_code == 503
        assert "Please try again in a minute" in lost.text
        assert "the leases' database failed: PostgreSQL: " in server.log()
        assert "3KEPT" not in server.log()


def test_a_long_run_starts_and_serves_like_a_short_one(tmp_path: Path) -> None:
    with Served(write_folder(tmp_path / "short", animals(100))) as short:
        assert "Is animal number 99 a mammal?" in short.open(99, "3LAST").text
        short_memory = private_memory(short)
    with Served(write_folder(tmp_path / "long", animals(200_000))) as long:
        for index in (0, 1, 99_999, 199_999):
            assert f"Is animal number {index} a mammal?" in long.open(index, f"3N{index}", f"AN{index}").text
        long_memory = private_memory(long)
    assert long_memory < short_memory + 4_000_000


def test_half_sent_requests_hold_up_neither_health_nor_pages_nor_the_end(folder: Path) -> None:
    with Served(folder) as server:
        server.open(0, "3WARM")

        def seconds() -> float:
            """How long health and a page take together."""
            with held(server.port, 500):
                begun = time.monotonic()
                assert server.health()["status"] == "ok"
                assert server.open(0, "3WARM").status_code == 200
                return time.monotonic() - begun

        # A busy machine may take longer than the server.
        wait_until(lambda: seconds() < 1, 60)
        with held(server.port, 500):
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=DEADLINE) == 0


def test_each_address_has_a_limit_for_what_is_sent_to_it(folder: Path) -> None:
    with Served(folder) as server:
        for path in ("/release", f"{unit_path(0)}&assignment_id=3A"):
            long = server.post(path, data={"assignment_id": "3A", "signature": "x" * (16 << 10)})
            assert long.status_code == 413 and "More was sent than this server takes" in long.text
            assert server.post(path, data={"signature": "x" * (15 << 10)}).status_code == 403
        leases = {"leases": [{"assignment_id": f"3A{number}", "worker_id": "A"} for number in range(1000)]}
        assert server.post("/leases/release", token=TOKEN, json=leases).json() == {"ended": 0}
        assert server.post("/leases/release", token="wrong", json=leases).status_code == 403
        too_long = {"leases": [], "more": "x" * (1 << 20)}
        assert server.post("/leases/release", token=TOKEN, json=too_long).status_code == 413


def test_a_page_is_asked_for_by_its_head_alone(folder: Path) -> None:
    with Served(folder) as server, requests.Session() as session:
        url = server.url + unit_path(0)
        heads = [session.head(url, timeout=DEADLINE) for _ in range(2)]
        page = session.get(url, timeout=DEADLINE)
        assert {head.headers["Content-Length"] for head in heads} == {str(len(page.content))}
