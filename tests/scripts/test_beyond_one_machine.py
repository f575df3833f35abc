"""The whole of it as a lab has it: PostgreSQL, four processes, nginx in front, and a panel's participant."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from crowdops.registry import Registry
from tests.support.forks import REPOSITORY
from tests.support.nginx import Nginx
from tests.support.postgresql import Cluster
from tests.support.processes import free_port, wait_until
from tests.support.scripts import Script, invoke

EXAMPLES = REPOSITORY / "examples"
UNITS = 3


def done(script: str, *arguments: str) -> Any:
    """Run a script to its end, which must be a good one, and return its document."""
    result = invoke(script, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def write_example(folder: Path) -> Path:
    """Copy the example's run, with a few of its rows."""
    shutil.copytree(EXAMPLES, folder)
    with (folder / "items.csv").open(newline="") as file:
        rows = list(csv.reader(file))[: UNITS + 1]
    with (folder / "items.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "run.toml"


def see_a_run_through(folder: Path) -> list[dict[str, Any]]:
    """Launch the example for simulated workers, and return its results."""
    path = write_example(folder / "examples")
    launch = Script("mturk/launch_run", str(path), "--yes", "--json", environment=os.environ, folder=folder)
    wait_until(lambda: outstanding(folder / "home") == UNITS or launch.process.poll() is not None)
    workers = done("local/simulate_workers", "--workers", "2", "--seconds-per-task", "0", "--until-idle", "3")
    assert workers["submitted"] == UNITS, launch.said
    assert launch.end() == 0, launch.said
    assert launch.document()["finished"] == UNITS
    return list(done("mturk/download_results", "--run", "last"))


def outstanding(home: Path) -> int:
    """Return how many units of a home are out."""
    with Registry.open(home) as registry:
        return sum(1 for run in registry.runs() for _ in registry.iter_units(run.run_id, ["outstanding"]))


def pay(results: list[dict[str, Any]], folder: Path) -> None:
    """Approve everything, and pay one bonus twice: it is paid once."""
    assert done("mturk/review_assignments", "--run", "last", "--approve-all", "--yes")["done"] == UNITS
    bonuses = folder / "bonuses.csv"
    row = f"{results[0]['assignment_id']},{results[0]['worker_id']},0.50,Well done"
    bonuses.write_text(f"assignment_id,worker_id,amount,reason\n{row}\n")
    paid = [done("mturk/pay_bonuses", str(bonuses), "--yes") for _ in range(2)]
    assert [(each["done"], each["already"]) for each in paid] == [(1, 0), (0, 1)]


def visit(front: Nginx, url: str) -> str:
    """Go a panel participant's way, from the link to the completion code, and return the last page."""
    browser = requests.Session()
    browser.verify = str(front.certificate)

    def press(path: str) -> requests.Response:
        token = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert token, page.text
        return browser.post(f"{front.url}{path}", data={"form_token": token[1]}, timeout=30)

    address = url.replace("{{%PROLIFIC_PID%}}", "5f3a0c").replace("{{%", "").replace("%}}", "")
    page = browser.get(address, timeout=30)
    page = press("/visit")
    for _ in range(UNITS):
        assert page.url.startswith(f"{front.url}/tasks/"), page.text
        assignment_id = page.url.rpartition("/")[2]
        answer = {"assignmentId": assignment_id, "need": "renewal", "urgent": "no"}
        assert browser.post(f"{front.url}/mturk/externalSubmit", data=answer, timeout=30).ok
        page = press(f"/tasks/{assignment_id}/next")
    return page.text


def look_at_the_addresses(front: Nginx, port: int) -> None:
    """What requests say of where they come from counts for nothing, inside and outside."""
    lies = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/x"}
    link = done("local/invite_workers", "--name", "Grace")["invitations"][0]["url"]
    assert link.startswith(f"{front.url}/sign-in/")
    inside = link.replace(front.url, f"http://127.0.0.1:{port}")
    for address in (link, inside):
        answer = requests.get(
            address, headers=lies, verify=str(front.certificate), allow_redirects=False, timeout=30
        )
        assert answer.headers["Location"] in ("/crowd/", f"{front.url}/")
        # By this prefix browsers take it over HTTPS only, and give it to this host alone.
        assert answer.headers["Set-Cookie"].startswith("__Host-")
    with requests.Session() as guesser:
        guesser.verify = str(front.certificate)
        codes = [
            guesser.get(f"{link}{number}", headers={"X-Forwarded-For": f"10.0.0.{number}"}, timeout=30)
            for number in range(51)
        ]
    assert codes[0].status_code != codes[-1].status_code == 429


@pytest.mark.timeout(600)  # a dozen commands and six processes, beside whatever else runs
def test_a_run_a_review_bonuses_and_a_panel_visit_behind_nginx(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with Nginx(tmp_path / "nginx", port) as front:
        monkeypatch.setenv("CROWD_DATABASE_URL", cluster.create_database())
        monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", front.url)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(front.certificate))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(front.certificate))
        monkeypatch.setenv("CROWDOPS_POLL_INTERVAL", "0.5")
        outside = ("--public-url", front.url, "--trusted-proxies", "127.0.0.1")
        options = ("--port", str(port), "--processes", "4", *outside)
        crowd = Script("local/serve_crowd", *options, environment=os.environ, folder=tmp_path)
        try:
            wait_until(lambda: front.url in crowd.output or crowd.process.poll() is not None)
            wait_until(lambda: len(psutil.Process(crowd.process.pid).children()) == 4)
            results = see_a_run_through(tmp_path)
            assert all(result["answer"]["need"] for result in results)
            pay(results, tmp_path)
            run = str(tmp_path / "examples" / "run.toml")
            done("mturk/launch_run", run, "--detach", "--yes", "--set", "max_num_concurrent_units=0")
            panel = done("local/print_panel_link", "last", "--units", str(UNITS))
            assert panel["url"].startswith(f"{front.url}/panel/")
            assert panel["complete_url"] in visit(front, panel["url"])
            assert len(done("mturk/download_results", "--run", "last")) == UNITS
            # Six rewards of $0.05, paid or held, and a bonus of $0.50: with fees of a fifth.
            assert done("mturk/print_account")["available"] == "9999.04"
            look_at_the_addresses(front, port)
        finally:
            crowd.press()
            assert crowd.end() == 0
