"""The page of a unit: what it shows, to whom, and what it lets nobody read."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.support.processes import wait_until
from tests.support.task_servers import CROWD, TOKEN, WORKER, Served, unit_key, unit_path, write_folder
from tests.unit.taskserver.conftest import BOTH, Start

PRIVATE = "animal number"


def field(page: str, name: str) -> str:
    """The value of an input of the page's form."""
    found = BeautifulSoup(page, "html.parser").find("input", attrs={"name": name})
    assert found is not None
    return str(found["value"])


def form_action(page: str) -> str:
    form = BeautifulSoup(page, "html.parser").find("form")
    assert form is not None
    return str(form["action"])


def test_a_unit_shows_its_own_row(server: Served) -> None:
    third = server.open(3, "3OWNA", "AOWN1")
    fourth = server.open(4, "3OWNB", "AOWN2")
    assert third.status_code == fourth.status_code == 200
    assert "Is animal number 3 a mammal?" in third.text
    assert "animal number 4" not in third.text
    assert "Is animal number 4 a mammal?" in fourth.text


def test_the_form_goes_to_the_worker_site_with_the_assignment(server: Served) -> None:
    page = server.open(1, "3FORM", "AFORM", turkSubmitTo="https://workersandbox.mturk.com/").text
    assert form_action(page) == "https://workersandbox.mturk.com/mturk/externalSubmit"
    assert field(page, "assignmentId") == "3FORM"


@pytest.mark.parametrize(
    "turk_submit_to",
    [
        "https://www.mturk.com",
        "https://workersandbox.mturk.com/",
        "http://127.0.0.1:8730",
        "http://localhost:5000",
    ],
)
def test_known_worker_sites_may_be_submitted_to(server: Served, turk_submit_to: str) -> None:
    page = server.open(1, "3KNOWN", "AKNOWN", turkSubmitTo=turk_submit_to)
    assert form_action(page.text) == turk_submit_to.rstrip("/") + "/mturk/externalSubmit"


@pytest.mark.parametrize(
    "turk_submit_to",
    [
        "", "https://evil.example", "https://www.mturk.com.evil.example",
        "https://www.mturk.com@evil.example",
        "http://www.mturk.com", "javascript://127.0.0.1/%0aalert(1)", "//127.0.0.1:8730",
        "https://www.mturk.com:x",
        "http://[::1", "https://evil.example\\@www.mturk.com",
    ],
)  # fmt: skip
def test_answers_are_never_sent_to_an_unknown_site(server: Served, turk_submit_to: str) -> None:
    refused = server.open(1, "3EVIL", "AEVIL", turkSubmitTo=turk_submit_to)
    assert refused.status_code == 400
    assert "This link does not work" in refused.text
    assert "evil" not in refused.text and PRIVATE not in refused.text


def test_a_run_may_name_its_own_worker_site(tmp_path: Path) -> None:
    origins = ["https://crowd.example.org"]
    folder = write_folder(tmp_path / "run", [{"title": "a", "animal": "b"}], submit_origins=origins)
    with Served(folder) as server:
        own = server.open(0, "3OWN", turkSubmitTo="https://crowd.example.org")
        other = server.open(0, "3OWN", turkSubmitTo="https://crowd.example.com")
    assert form_action(own.text) == "https://crowd.example.org/mturk/externalSubmit"
    assert "frame-ancestors" in own.headers["Content-Security-Policy"]
    assert own.headers["Content-Security-Policy"].endswith(" https://crowd.example.org")
    assert other.status_code == 400


def test_a_worker_site_may_lie_below_a_path(tmp_path: Path) -> None:
    origins = ["https://lab.example/crowd"]
    folder = write_folder(tmp_path / "run", [{"title": "a", "animal": "b"}], submit_origins=origins)
    with Served(folder) as server:
        own = server.open(0, "3OWN", turkSubmitTo="https://lab.example/crowd/")
        others = [
            server.open(0, "3OWN", turkSubmitTo=url)
            for url in ("https://lab.example", "https://lab.example/crowd/x", "http://127.0.0.1/crowd")
        ]
    assert form_action(own.text) == "https://lab.example/crowd/mturk/externalSubmit"
    assert own.headers["Content-Security-Policy"].endswith(" https://lab.example")
    assert [other.status_code for other in others] == [400] * 3


@BOTH
def test_a_server_is_told_where_its_worker_site_is_seen_by_now(start: Start) -> None:
    """Each of its two processes knows it then, and so does whatever is started again in its place."""
    server = start()
    at_lab = {"turkSubmitTo": "https://lab.example/crowd"}
    assert server.open(0, "3OWN", **at_lab).status_code == 400
    body = {"submit_origins": ["https://lab.example/crowd"]}
    assert server.post("/sites", json=body).status_code == 403
    assert server.post("/sites", token=TOKEN, json=body).json() == {"submit_origins": body["submit_origins"]}
    for _ in range(6):
        page = server.open(0, "3OWN", **at_lab)
        assert form_action(page.text) == "https://lab.example/crowd/mturk/externalSubmit"
        assert page.headers["Content-Security-Policy"].endswith(" https://lab.example")
    server.kill()
    server.start()
    wait_until(server.answers, 60)
    assert server.open(0, "3OWN", **at_lab).status_code == 200
    assert server.open(0, "3OWN", turkSubmitTo="https://lab.example").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        None, [], {}, {"submit_origins": "https://lab.example"}, {"submit_origins": [1]},
        {"submit_origins": ["https://lab.example; script-src *"]}, {"submit_origins": ["ftp://lab.example"]},
        {"submit_origins": ["https://lab.example"] * 21}, {"submit_origins": ["https://" + "a" * 300]},
    ],
)  # fmt: skip
def test_what_is_no_list_of_sites_is_refused(server: Served, body: object) -> None:
    refused = server.post("/sites", token=TOKEN, json=body)
    assert refused.status_code == 400
    assert "submit_origins" in refused.json()["error"]


def test_a_preview_needs_only_the_link_and_takes_no_lease(server: Served) -> None:
    before = server.health()
    bare = server.open(2)
    as_amazon = server.open(2, "ASSIGNMENT_ID_NOT_AVAILABLE", "APREVIEW", turkSubmitTo="https://evil.example")
    for page in (bare, as_amazon):
        assert page.status_code == 200
        assert "Is animal number 2 a mammal?" in page.text
        assert form_action(page.text) == "/mturk/externalSubmit"
        assert field(page.text, "assignmentId") == "ASSIGNMENT_ID_NOT_AVAILABLE"
        assert "<button disabled>" in page.text
        assert "sendBeacon" not in page.text
    assert server.health() == before


def test_a_form_sent_here_from_a_preview_says_to_accept_first(server: Served) -> None:
    answer = server.post("/mturk/externalSubmit", data={"assignmentId": "3X", "mammal": "yes"})
    assert answer.status_code == 400
    assert "Nothing was submitted" in answer.text
    assert "please accept the task on the worker site first" in answer.text


@pytest.mark.parametrize(
    "key", ["", "0" * 64, unit_key(2), unit_key(1, "another-token-of-some-length"), "\u00e9", TOKEN]
)
def test_a_unit_cannot_be_read_without_its_own_key(server: Served, key: str) -> None:
    for page in (server.open(1, key=key), server.open(1, "3KEY", "AKEY", key=key)):
        assert page.status_code == 403
        assert PRIVATE not in page.text


def test_without_a_key_nobody_learns_how_many_units_there_are(server: Served) -> None:
    existing = server.get("/unit/1")
    beyond = server.get("/unit/99999")
    assert existing.status_code == beyond.status_code == 403
    assert existing.text == beyond.text


def test_a_unit_beyond_the_last_row_is_not_found(server: Served) -> None:
    assert server.open(4).status_code == 200
    assert server.open(5).status_code == 404
    assert "This run has no unit 5." in server.open(5).text
    assert server.open(2**70).status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/unit/", "/unit/-1", "/unit/x", "/rows.jsonl", "/run.json", "/unit/../run.json"]
)
def test_nothing_else_is_there(server: Served, path: str) -> None:
    answer = server.get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert PRIVATE not in answer.text


@pytest.mark.parametrize("worker", ["", "B1", "A", "a1", "A1 ", "A1\n", "<script>", "A1,A2", "A" * 65])
def test_worker_ids_that_no_site_gives_out_are_refused(server: Served, worker: str) -> None:
    refused = server.open(1, "3BAD", worker)
    assert refused.status_code == 400
    assert "Its workerId is not one that a worker site gives out." in refused.text
    assert "<script>" not in refused.text


def test_a_worker_id_that_arrives_twice_is_taken_once(server: Served) -> None:
    first = server.open(1, "3TWICE", "ATWICE,ATWICE")
    again = server.open(1, "3TWICE", "ATWICE")
    assert first.status_code == again.status_code == 200
    assert '"ATWICE"' in first.text
    assert server.open(2, "3TWICE2", "ATWICE").status_code == 409


@pytest.mark.parametrize("name", ["assignmentId", "hitId"])
@pytest.mark.parametrize("value", ["lower", "3 3", "'\"><script>", "3" * 65])
def test_ids_that_no_site_gives_out_are_refused(server: Served, name: str, value: str) -> None:
    refused = server.open(1, "3IDS", "AIDS", **{name: value})
    assert refused.status_code == 400
    assert f"Its {name} is not one that a worker site gives out." in refused.text


def test_a_row_is_text_and_never_markup(tmp_path: Path) -> None:
    hostile = '"><script>alert(1)</script>{{ 7 * 7 }}'
    rows = [
        {"title": hostile, "animal": "{% raw %}&amp;"},
        {"title": "second", "animal": "\u2028 \U0001f98a"},
    ]
    with Served(write_folder(tmp_path / "run", rows)) as server:
        page = server.open(0, "3HOSTILE").text
        second = server.open(1, "3OTHER", "AOTHER").text
    assert "<script>alert" not in page
    assert "&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}" in page
    assert "{% raw %}&amp;amp;" in page
    assert "\u2028 \U0001f98a" in second


def test_a_rows_own_fields_cannot_stand_in_for_the_visit(tmp_path: Path) -> None:
    row = {
        "title": "t",
        "animal": "a",
        "assignmentId": "3ROW",
        "submit_url": "https://evil.example",
        "preview": "",
    }
    with Served(write_folder(tmp_path / "run", [row, row])) as server:
        page = server.open(1, "3REAL").text
    assert field(page, "assignmentId") == "3REAL"
    assert form_action(page) == f"{CROWD}/mturk/externalSubmit"


def test_a_field_that_a_row_lacks_gives_a_page_for_people_and_no_lease(tmp_path: Path) -> None:
    rows = [{"title": "complete", "animal": "fox"}, {"title": "has no animal"}]
    with Served(write_folder(tmp_path / "run", rows)) as server:
        broken = server.open(1, "3BROKEN")
        assert broken.status_code == 500
        assert "This unit cannot be shown" in broken.text
        assert server.health()["active"] == 0
        assert server.open(0, "3WHOLE").status_code == 200
        assert "jinja2.exceptions.UndefinedError: 'animal' is undefined" in server.log()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('{"title": "sum", "animal": "fox"}', "TypeError: can only concatenate str"),
        ('{"title": "cut off", "anim', "taskserver.errors.PageError: row is not JSON"),
        ('["not", "an", "object"]', "taskserver.errors.PageError: row is not a JSON object"),
    ],
)
def test_a_row_that_the_template_does_not_fit_is_said_in_the_log_without_its_link(
    tmp_path: Path, row: str, fault: str
) -> None:
    folder = write_folder(tmp_path / "run", [{"animal": 1}], template="{{ animal + 1 }}")
    whole = (folder / "rows.jsonl").read_bytes()
    broken = row.encode() + b"\n"
    (folder / "rows.jsonl").write_bytes(broken + whole)
    (folder / "rows.offsets").write_bytes(b"".join(n.to_bytes(8, "little") for n in (0, len(broken))))
    with Served(folder) as server:
        page = server.open(0, "3MISFIT")
        assert page.status_code == 500
        assert "This unit cannot be shown" in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert server.health()["active"] == 0
        assert server.open(1, "3FITS").text.startswith("2")
        log = server.log()
    assert "unit 0 cannot be shown:" in log and fault in log
    assert unit_key(0) not in log and "3MISFIT" not in log


def test_of_a_parameter_that_comes_twice_the_first_counts(server: Served) -> None:
    assert server.get(f"{unit_path(1)}&key=wrong").status_code == 200
    assert server.get(f"/unit/1?key=wrong&key={unit_key(1)}").status_code == 403


def test_every_answer_carries_the_security_headers(server: Served) -> None:
    for path in (unit_path(1), unit_path(9), "/health", "/nothing", "/unit/1"):
        headers = server.get(path).headers
        assert "frame-ancestors https://www.mturk.com" in headers["Content-Security-Policy"]
        assert "base-uri 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in server.get("/unit/1").headers["Content-Security-Policy"]


def test_no_secret_gets_into_the_log(server: Served) -> None:
    server.open(1, "3LOG", "ALOGGED")
    server.open(2, "3LOG2", "ALOGGED")
    server.open(1, "3LOG3", "AX", key="wrong")
    server.post("/drain", token="a-wrong-token")
    log = server.log()
    assert "Listening at: http://127.0.0.1:" in log
    for secret in (TOKEN, unit_key(1), unit_key(2), "ALOGGED", "3LOG", "a-wrong-token", WORKER):
        assert secret not in log
