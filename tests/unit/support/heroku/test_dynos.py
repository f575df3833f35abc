"""What the emulator runs: builds that look at the source, dynos that are processes, routers, and logs."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.heroku.running import RunningEmulator, running_emulator
from tests.support.heroku.sources import FILES, build, deploy, states, tarball, upload
from tests.support.processes import is_over, wait_until

GROUP = {**FILES, "Procfile": "web: sleep 1001 & sleep 1002 & python server.py\n"}


def output_of(emulator: RunningEmulator, built: dict[str, str]) -> str:
    return requests.get(built["output_stream_url"], timeout=10).text


def log_of(emulator: RunningEmulator, app: str, **wanted: object) -> str:
    session = emulator.call("POST", f"/apps/{app}/log-sessions", {"lines": 1500, **wanted}).json()
    return requests.get(session["logplex_url"], timeout=10).text


def processes_of(emulator: RunningEmulator) -> list[psutil.Process]:
    return psutil.Process(emulator.process.pid).children(recursive=True)


def command_lines(emulator: RunningEmulator) -> list[list[str]]:
    """The command lines of what it runs; what has just ended has none."""
    lines = []
    for process in processes_of(emulator):
        with contextlib.suppress(psutil.Error):
            lines.append(process.cmdline())
    return lines


def test_a_build_releases_and_runs_what_the_procfile_says(emulator: RunningEmulator) -> None:
    emulator.create_app("runs")
    emulator.call("PATCH", "/apps/runs/config-vars", {"GREETING": "good day"})
    built = build(emulator, "runs", FILES)
    assert built["status"] == "succeeded"
    assert "Procfile declares types -> web, clock" in output_of(emulator, built)
    release = emulator.get("/apps/runs/releases/4")
    assert (release["id"], release["slug"]["id"]) == (built["release"]["id"], built["slug"]["id"])
    formation = {
        entry["type"]: (entry["quantity"], entry["size"]) for entry in emulator.get("/apps/runs/formation")
    }
    assert formation == {"web": (1, "Basic"), "clock": (0, "Basic")}
    wait_until(lambda: states(emulator, "runs") == {"web.1": "up"})
    page = requests.get(emulator.get("/apps/runs")["web_url"] + "hello?a=b", timeout=10).json()
    assert (page["path"], page["dyno"], page["greeting"], page["proto"]) == (
        "/hello?a=b",
        "web.1",
        "good day",
        "http",
    )


def test_a_dyno_sees_its_config_and_nothing_of_the_machine(emulator: RunningEmulator) -> None:
    app = deploy(emulator, "clean-air")
    seen = requests.get(app["web_url"], timeout=10).json()["environment"]
    assert set(seen) - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "CROWDOPS_HOST",
        "DYNO",
        "HOME",
        "LANG",
        "PATH",
        "PORT",
        "PYTHONUNBUFFERED",
    }


def test_a_single_top_folder_is_taken_for_the_source(emulator: RunningEmulator) -> None:
    emulator.create_app("from-archive")
    assert (
        build(emulator, "from-archive", {f"repo-main/{name}": text for name, text in FILES.items()})["status"]
        == "succeeded"
    )
    wait_until(lambda: states(emulator, "from-archive") == {"web.1": "up"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"requirements.txt": None}, "No default language could be detected for this app."),
        ({".python-version": "2.7"}, "The requested Python version isn't supported: 2.7"),
        (
            {"requirements.txt": "no-such-distribution==1\n"},
            "No matching distribution found for no-such-distribution==1",
        ),
        ({"requirements.txt": "=== what\n"}, "Invalid requirement: '=== what'"),
    ],
)
def test_sources_that_heroku_would_not_build_fail_the_build(
    emulator: RunningEmulator, change: dict[str, str | None], words: str
) -> None:
    emulator.create_app("broken")
    files = {name: text for name, text in {**FILES, **change}.items() if text is not None}
    built = build(emulator, "broken", files)
    assert (built["status"], built["release"]) == ("failed", None)
    assert words in output_of(emulator, built)
    assert emulator.get("/apps/broken/formation") == []


def test_builds_need_an_uploaded_source_of_the_right_checksum(emulator: RunningEmulator) -> None:
    emulator.create_app("strict")
    url = upload(emulator, tarball(FILES))
    for source, words in (
        ({"url": url, "checksum": "SHA256:00"}, "Source checksum mismatch"),
        ({"url": url.replace("/blobs/", "/blobs/x")}, "nothing was uploaded"),
        ({"url": upload(emulator, b"no archive")}, "Could not unpack the source"),
    ):
        started = emulator.call("POST", "/apps/strict/builds", {"source_blob": source}).json()
        assert words in requests.get(started["output_stream_url"], timeout=10).text
        assert emulator.get(f"/apps/strict/builds/{started['id']}")["status"] == "failed"
    refused = emulator.call(
        "POST", "/apps/strict/builds", {"source_blob": {"url": "http://example.org/a.tgz"}}
    )
    assert refused.json()["message"] == "https is required for source_blob:url"


def test_an_upload_with_our_key_or_a_type_is_refused_as_by_s3(emulator: RunningEmulator) -> None:
    url = emulator.call("POST", "/sources").json()["source_blob"]["put_url"]
    with_key = requests.put(url, data=b"x", headers={"Authorization": "Basic Oms="}, timeout=10)
    assert (with_key.status_code, "Only one auth mechanism" in with_key.text) == (400, True)
    with_type = requests.put(url, data=b"x", headers={"Content-Type": "application/json"}, timeout=10)
    assert (with_type.status_code, "SignatureDoesNotMatch" in with_type.text) == (403, True)


def test_the_output_of_a_build_streams_until_it_ends(emulator: RunningEmulator) -> None:
    emulator.create_app("streams")
    emulator.order("slow-build", seconds=0.5)
    started = emulator.call(
        "POST", "/apps/streams/builds", {"source_blob": {"url": upload(emulator, tarball(FILES))}}
    ).json()
    assert started["status"] == "pending"
    assert "Released v3" in requests.get(started["output_stream_url"], timeout=10).text
    assert emulator.get(f"/apps/streams/builds/{started['id']}")["status"] == "succeeded"


def test_scaling_starts_and_stops_processes(emulator: RunningEmulator) -> None:
    app = deploy(emulator, "scales")
    scale = "/apps/scales/formation/web"
    refused = emulator.call("PATCH", scale, {"quantity": 2})
    assert refused.json()["message"] == "Cannot update to more than 1 Basic size dynos per process type."
    assert emulator.call("PATCH", scale, {"quantity": "+1", "size": "standard-1x"}).json()["quantity"] == 2
    wait_until(lambda: states(emulator, "scales") == {"web.1": "up", "web.2": "up"})
    dynos = {requests.get(app["web_url"], timeout=10).json()["dyno"] for _ in range(40)}
    assert dynos == {"web.1", "web.2"}
    batch = emulator.call(
        "PATCH",
        "/apps/scales/formation",
        {"updates": [{"type": "web", "quantity": "0"}, {"type": "clock", "quantity": 1}]},
    )
    assert [entry["quantity"] for entry in batch.json()] == [0, 1]
    wait_until(lambda: states(emulator, "scales") == {"clock.1": "up"})
    wait_until(lambda: not any("server.py" in line for line in command_lines(emulator)))
    assert requests.get(app["web_url"], timeout=10).status_code == 503
    assert "code=H14" in log_of(emulator, "scales", dyno="router")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"size": "free"}, 422, "Process tier is invalid. Available process tiers are Eco"),
        ({"size": "eco"}, 422, "Eco dynos need a subscription"),
        ({"quantity": "many"}, 422, "is not a number"),
        ({"quantity": -3}, 422, "greater than or equal to 0"),
    ],
)
def test_wrong_scales_are_refused(
    emulator: RunningEmulator, body: dict[str, object], status: int, words: str
) -> None:
    emulator.create_app("fussy")
    assert (
        emulator.call("PATCH", "/apps/fussy/formation/web", body).json()["message"]
        == "Couldn't find that process type (web)."
    )
    build(emulator, "fussy", FILES)
    refused = emulator.call("PATCH", "/apps/fussy/formation/web", body)
    assert (refused.status_code, words in refused.json()["message"]) == (status, True)


def test_a_crashed_dyno_is_restarted_once_and_then_stays_down(emulator: RunningEmulator) -> None:
    app = deploy(emulator, "crashes")
    first = emulator.get("/apps/crashes/dynos/web.1")
    requests.get(app["web_url"] + "die", timeout=10)
    wait_until(lambda: "Process exited with status 3" in log_of(emulator, "crashes"))
    wait_until(lambda: log_of(emulator, "crashes").count("State changed from starting to up") == 2)
    assert emulator.get("/apps/crashes/dynos/web.1")["id"] == first["id"]
    requests.get(app["web_url"] + "die", timeout=10)
    wait_until(lambda: states(emulator, "crashes") == {"web.1": "crashed"})
    assert requests.get(app["web_url"], timeout=10).status_code == 503
    assert 'at=error code=H10 desc="App crashed"' in log_of(emulator, "crashes")


def test_a_process_that_never_takes_its_port_gets_r10(emulator: RunningEmulator) -> None:
    emulator.create_app("deaf")
    emulator.order("wrong-port", count=2)
    build(emulator, "deaf", FILES)
    wait_until(lambda: states(emulator, "deaf") == {"web.1": "crashed"})
    log = log_of(emulator, "deaf")
    assert (
        "Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 1.5 seconds of launch" in log
    )
    assert "Process exited with status 137" in log
    assert "State changed from starting to crashed" in log


def test_boot_faults_crash_or_delay_a_dyno(emulator: RunningEmulator) -> None:
    emulator.create_app("unlucky")
    emulator.create_app("sleepy")
    emulator.order("boot-crash", count=2)
    build(emulator, "unlucky", FILES)
    wait_until(lambda: log_of(emulator, "unlucky").count("State changed from starting to crashed") == 2)
    assert "ModuleNotFoundError: No module named 'ordered_to_crash'" in log_of(
        emulator, "unlucky", source="app"
    )
    emulator.order("slow-boot", seconds=1)
    build(emulator, "sleepy", FILES)
    assert states(emulator, "sleepy") == {"web.1": "starting"}
    assert requests.get(emulator.get("/apps/sleepy")["web_url"], timeout=10).status_code == 503
    assert "code=H20" in log_of(emulator, "sleepy")
    wait_until(lambda: states(emulator, "sleepy") == {"web.1": "up"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/dynos/web.1"),
        ("DELETE", "/dynos"),
        ("DELETE", "/formations/web"),
        ("POST", "/dynos/web.1/actions/stop"),
    ],
)
def test_stopping_a_web_dyno_only_restarts_it(emulator: RunningEmulator, method: str, path: str) -> None:
    deploy(emulator, "restless")
    first = emulator.get("/apps/restless/dynos/web.1")
    stopped = emulator.call(method, f"/apps/restless{path}")
    assert (stopped.status_code, stopped.json()) == (202, {})
    wait_until(lambda: states(emulator, "restless") == {"web.1": "up"})
    assert emulator.get("/apps/restless/dynos/web.1")["id"] != first["id"]
    assert emulator.call(method, "/apps/restless/dynos/web.9").status_code == 404


def test_new_config_restarts_the_dynos_on_a_clean_disk(emulator: RunningEmulator) -> None:
    server = FILES["server.py"].replace(
        "print(", "print('old file' if os.path.exists('kept') else 'clean'); open('kept', 'w'); print(", 1
    )
    app = deploy(emulator, "forgets", {**FILES, "server.py": server})
    emulator.call("PATCH", "/apps/forgets/config-vars", {"GREETING": "again"})
    wait_until(lambda: log_of(emulator, "forgets", source="app").count("]: clean") == 2)
    wait_until(lambda: states(emulator, "forgets") == {"web.1": "up"})
    assert requests.get(app["web_url"], timeout=10).json()["greeting"] == "again"
    assert "old file" not in log_of(emulator, "forgets")


def test_requests_reach_the_dyno_with_their_bodies(emulator: RunningEmulator) -> None:
    app = deploy(emulator, "echoes")
    body = os.urandom(300_000)
    answer = requests.post(app["web_url"], data=body, timeout=10)
    assert (answer.status_code, answer.content) == (201, body[::-1])
    assert 'at=info method=POST path="/"' in log_of(emulator, "echoes", dyno="router")


def test_apps_without_code_and_in_maintenance_answer_with_their_errors(emulator: RunningEmulator) -> None:
    blank = emulator.create_app("blank")
    app = deploy(emulator, "closed")
    emulator.call("PATCH", "/apps/closed", {"maintenance": True})
    for url, code in ((blank["web_url"], "H81"), (app["web_url"], "H80")):
        answer = requests.get(url, timeout=10)
        assert (answer.status_code, code in answer.text) == (503, True)
    assert states(emulator, "closed") == {"web.1": "up"}
    emulator.call("PATCH", "/apps/closed", {"maintenance": 0})
    assert requests.get(app["web_url"], timeout=10).status_code == 200


def test_deleting_an_app_ends_its_processes_and_its_address(emulator: RunningEmulator) -> None:
    emulator.create_app("group")
    build(emulator, "group", GROUP)
    wait_until(lambda: states(emulator, "group") == {"web.1": "up"})
    address = emulator.get("/apps/group")["web_url"]
    ours = [process for process in processes_of(emulator) if {"1001", "1002"} & set(process.cmdline())]
    assert len(ours) >= 2
    emulator.call("DELETE", "/apps/group")
    wait_until(lambda: all(map(is_over, ours)))
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=10)


def test_log_sessions_select_by_dyno_source_and_number(emulator: RunningEmulator) -> None:
    deploy(emulator, "talks")
    assert len(log_of(emulator, "talks", lines=2).splitlines()) == 2
    lines = log_of(emulator, "talks", dyno="web.1", source="app").splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["app[web.1]: listening soon"]
    platform = log_of(emulator, "talks", source="heroku")
    assert "heroku[web.1]: State changed from starting to up" in platform
    assert "app[" not in platform


def test_a_tail_goes_on_with_new_lines_as_text_and_as_events(emulator: RunningEmulator) -> None:
    emulator.create_app("tails")
    session = emulator.call("POST", "/apps/tails/log-sessions", {"lines": 1, "tail": True}).json()
    for accept, prefix in (("*/*", ""), ("text/event-stream", "data: ")):
        with requests.get(
            session["logplex_url"], headers={"Accept": accept}, stream=True, timeout=10
        ) as stream:
            lines = (
                line for line in stream.iter_lines(chunk_size=1, decode_unicode=True) if line and line != ":"
            )
            next(lines)
            emulator.call("PATCH", "/apps/tails/config-vars", {"NEW": accept})
            assert "Set NEW config vars by user" in next(lines)
            assert next(lines).startswith(f"{prefix}20")


def test_a_held_call_waits_until_the_faults_are_cleared(emulator: RunningEmulator) -> None:
    emulator.order("hold-after", operation="POST /apps")
    answers: list[int] = []
    caller = threading.Thread(
        target=lambda: answers.append(emulator.call("POST", "/apps", {"name": "held"}).status_code)
    )
    caller.start()
    wait_until(lambda: emulator.held() == 1)
    assert [app["name"] for app in emulator.get("/apps")] == ["held"]
    assert answers == []
    emulator.clear_faults()
    caller.join()
    assert answers == [201]


def test_kill_9_takes_every_process_along_and_a_restart_brings_the_apps_back(tmp_path: Path) -> None:
    with running_emulator("--state", str(tmp_path)) as emulator:
        kept = deploy(emulator, "kept", GROUP)
        emulator.create_app("bare")
        emulator.call("PATCH", "/apps/bare/config-vars", {"A": "1"})
        emulator.order("slow-build", seconds=600)
        emulator.call("POST", "/apps/bare/builds", {"source_blob": {"url": upload(emulator, tarball(FILES))}})
        children = processes_of(emulator)
        emulator.kill()
        wait_until(lambda: all(map(is_over, children)))
    assert len(children) >= 4
    with running_emulator("--state", str(tmp_path)) as emulator:
        assert sorted(app["name"] for app in emulator.get("/apps")) == ["bare", "kept"]
        assert emulator.get("/apps/bare/config-vars") == {"A": "1"}
        assert [known["status"] for known in emulator.get("/apps/bare/builds")] == ["failed"]
        wait_until(lambda: states(emulator, "kept") == {"web.1": "up"})
        assert requests.get(kept["web_url"], timeout=10).json()["dyno"] == "web.1"
        children = processes_of(emulator)
    wait_until(lambda: all(map(is_over, children)))
