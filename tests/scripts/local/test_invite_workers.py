"""invite_workers prints links that sign in one worker each."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.support.processes import free_port
from tests.support.scripts import invoke, run_script
from tests.support.terminals import Terminal
from tests.support.world import World

SCRIPT = "local/invite_workers"


def links(output: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(output)))


def name_behind(url: str) -> str:
    """Return what stands on the page behind a link."""
    return requests.get(url, timeout=10).text


def test_the_links_are_csv_and_the_only_thing_on_stdout(world: World) -> None:
    first = world.invoke(SCRIPT, "--name", "Ada")
    second = world.invoke(SCRIPT, "--worker-id", "ASECOND")
    assert (first.exit_code, second.exit_code) == (0, 0)
    (ada,), (other,) = links(first.stdout), links(second.stdout)
    assert list(ada) == ["worker_id", "name", "url", "ends_at"]
    assert ada["url"].startswith(f"{world.crowd.url}/sign-in/")
    assert first.stderr == f"Worker {ada['worker_id']} (Ada) signs in with this link:\n"
    assert second.stderr == "Worker ASECOND signs in with this link:\n"
    assert "Ada" in name_behind(ada["url"])
    assert "ASECOND" in name_behind(other["url"])


def test_a_list_is_invited_at_once_or_not_at_all(world: World, tmp_path: Path) -> None:
    file = tmp_path / "workers.csv"
    file.write_text("Name;Worker ID\n=Ada;\nGrace;AGRACE\n;ANAMELESS\n")
    result = world.invoke(SCRIPT, "--file", str(file), "--days", "7")
    made = links(result.stdout)
    assert [row["name"] for row in made] == ["'=Ada", "Grace", ""]
    assert [row["worker_id"] for row in made[1:]] == ["AGRACE", "ANAMELESS"]
    assert result.stderr.startswith("3 workers sign in with these links.")
    left = datetime.fromisoformat(made[0]["ends_at"]) - datetime.now(UTC)
    assert timedelta(days=6) < left <= timedelta(days=7)
    file.write_text("name,worker_id\nBen,\nCleo,not-an-id\n")
    refused = world.invoke(SCRIPT, "--file", str(file))
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert len(world.json("local/print_workers")["workers"]) == 3


def test_a_list_says_where_workers_live_and_who_qualifies_then(world: World, tmp_path: Path) -> None:
    more = '[[qualifications]]\nQualificationTypeId = "00000000000000000071"\nComparator = "EqualTo"\n'
    run_toml = str(world.write_run(more=f'{more}LocaleValues = [{{ Country = "US" }}]\n'))
    nobody = "it asks for qualifications, and no worker of this crowd qualifies: "

    def remarks() -> list[str]:
        found: list[str] = world.json("mturk/launch_run", run_toml, "--dry-run")["remarks"]
        return [text for text in found if "qualifies" in text]

    assert remarks() == [f"{nobody}nobody has been invited yet."]
    file = tmp_path / "workers.csv"
    file.write_text("name,worker_id,country,adult\nAda,AADA,DE,no\n")
    assert len(links(world.invoke(SCRIPT, "--file", str(file)).stdout)) == 1
    assert remarks() == [f"{nobody}the one worker does not."]
    file.write_text("name,worker_id,country,subdivision,masters\n,AADA,US,US-CA,yes\n")
    assert world.json(SCRIPT, "--file", str(file), "--only-attributes") == {"changed": 1}
    assert world.json("local/print_workers")["workers"][0]["subdivision"] == "CA"
    kept = world.invoke(SCRIPT, "--file", str(file), "--only-attributes")
    assert (kept.exit_code, kept.stdout) == (0, "")
    assert kept.stderr == "Kept what the file says of 1 worker.\n"
    assert remarks() == []
    for text, problem in (
        (",AADA,Utopia,,", "'Utopia' is no country: give a code of ISO 3166 in capitals, such as US and CA."),
        (",AADA,US,,maybe", "row 1: masters is 'maybe'; it can be yes or no."),
        (",ANOBODY,US,,", "Nobody by these ids was invited: ANOBODY. Nothing was changed."),
        ("Ada,,US,,", "--only-attributes is for known workers: give each row of --file a worker_id."),
    ):
        file.write_text(f"name,worker_id,country,subdivision,masters\n{text}\n")
        refused = world.invoke(SCRIPT, "--file", str(file), "--only-attributes")
        assert refused.exit_code == 2 and problem in refused.stderr


def test_a_run_that_nobody_qualifies_for_is_told_by_status_and_diagnose(world: World) -> None:
    more = '[[qualifications]]\nQualificationTypeId = "00000000000000000071"\nComparator = "EqualTo"\n'
    run = world.launch(more=f'\n{more}LocaleValues = [{{ Country = "US" }}]\n')
    world.invoke(SCRIPT, "--name", "Ada")
    verdict = world.json("local/diagnose_run", run.run_id)
    assert verdict["code"] == "nobody_qualifies"
    why = "no worker of this crowd qualifies: the one worker does not"
    assert why in verdict["verdict"]
    assert world.json("mturk/print_outstanding_hit_status")["nobody_qualifies"] == [run.run_id]
    assert f"{run.run_id}: {why}." in world.invoke("mturk/print_outstanding_hit_status").stdout


def test_a_taken_name_is_refused_without_a_terminal_and_both_ways_on_are_told(world: World) -> None:
    (ada,) = world.json(SCRIPT, "--name", "Ada")["invitations"]
    refused = world.invoke(SCRIPT, "--name", "Ada", "--name", "Ben", "--name", "Ben")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"These names are taken: Ada ({ada['worker_id']}), Ben (given twice)." in refused.stderr
    assert "--yes" in refused.stderr and "--renew" in refused.stderr
    renewed = world.json(SCRIPT, "--name", " Ada ", "--renew")["invitations"]
    assert [link["worker_id"] for link in renewed] == [ada["worker_id"]]
    (other,) = world.json(SCRIPT, "--name", "Ada", "--yes")["invitations"]
    assert other["worker_id"] != ada["worker_id"]
    unclear = world.invoke(SCRIPT, "--name", "Ada", "--renew")
    assert unclear.exit_code == 2 and "say whom by the worker_id" in unclear.stderr
    world.invoke("local/remove_workers", other["worker_id"], "--yes")
    assert world.json(SCRIPT, "--name", "Ada", "--renew")["invitations"][0]["worker_id"] == ada["worker_id"]


def test_a_taken_name_is_asked_about_at_a_terminal(world: World) -> None:
    world.invoke(SCRIPT, "--name", "Ada")
    with Terminal(SCRIPT, "--name", "Ada") as terminal:
        terminal.expect(r"This name is taken: Ada \(A[A-Z0-9]{13}\)\.[\s\S]*Invite others of the same name\?")
        terminal.enter("n")
        terminal.expect("Nobody was invited. New links for those who have the name: --renew")


def test_a_second_link_replaces_the_first(world: World) -> None:
    first = world.invoke(SCRIPT, "-q", "--worker-id", "AMOVED", "--name", "Ada")
    second = world.invoke(SCRIPT, "-q", "--worker-id", "AMOVED")
    assert (first.stderr, second.stderr) == ("", "")
    assert requests.get(links(first.stdout)[0]["url"], timeout=10).status_code == 403
    assert "Ada" in name_behind(links(second.stdout)[0]["url"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--worker-id", "me"],
            "'me' is no worker id: give A and then 1 to 63 capital letters A-Z or digits.",
        ),
        (["--name", "a", "--name", "b", "--worker-id", "A1"], "write a CSV with both, --file FILE."),
        (["--name", "a", "--file", "x.csv"], "--name means nothing with --file."),
        (["--name", " "], "A --name is empty. For a worker without a name leave --name out."),
        (["--renew", "--yes"], "--yes means nothing with --renew."),
        (["--worker-id", "A1", "--only-attributes"], "--worker-id means nothing with --only-attributes."),
        (
            ["--worker-id", "A1", "--worker-id", "A1"],
            "A1 is there twice, and only one link of a worker works.",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(world: World, arguments: list[str], message: str) -> None:
    result = world.invoke(SCRIPT, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_amazon_has_no_workers_to_invite(world: World, environment: str) -> None:
    result = world.invoke(SCRIPT, "--environment", environment)
    assert (result.exit_code, result.stdout) == (2, "")
    assert (
        f"the environment {environment} has none. For the crowd server: --environment local" in result.stderr
    )


def test_without_a_crowd_server_it_says_so_in_one_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", url)
    result = invoke(SCRIPT)
    assert (result.exit_code, result.stdout) == (1, "")
    start = f"make crowd ARGS='--port {url.rpartition(':')[2]}'"
    assert result.stderr.startswith(
        f"error: Nothing listens at {url}. Start the crowd server: {start} (or set"
    )


def test_it_runs_by_its_path(world: World) -> None:
    result = run_script(SCRIPT, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["invitations"][0]["url"].startswith(world.crowd.url)
