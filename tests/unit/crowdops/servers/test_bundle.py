"""The folder of a task server: what it holds serves the run, and its token stays secret."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest
import requests

from crowdops.config import parameters, settings
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import marks
from crowdops.registry import Run
from crowdops.runs import entry, plan
from crowdops.servers import bundle, links
from tests.support.pages import served
from tests.support.task_servers import Served

RUN_TOML = """
[task]
task_name = "pilot-1"
task_title = "Sort"
task_description = "Sort messages."
task_reward = "0.05"
data = "items.jsonl"
template = "task.html"
allowed_concurrent = 2
assignment_duration_in_seconds = 600
[server]
kind = "local"
"""
PAGE = "<!DOCTYPE html><p>{{ text }}</p><form method='post' action='{{ submit_url }}'></form>"


class Planned:
    """A run in a registry."""

    def __init__(self, folder: Path, rows: int = 3, more: str = "") -> None:
        self.folder = folder
        (folder / "task.html").write_text(PAGE)
        texts = [f"message {number} — “ü”" for number in range(rows)]
        (folder / "items.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        (folder / "run.toml").write_text(RUN_TOML + more)
        self.settings = settings.resolve({}, quiet=True, verbose=False, as_json=False)
        self.parameters = parameters.load(folder / "run.toml", {})
        planned = plan.plan(self.parameters, self.settings, detach=False)
        with Context.open(self.settings) as context:
            self.run: Run = entry.enter(context, planned, marks.new_run_id(), detached=False)
        self.run_folder = self.settings.home / "runs" / self.run.run_id

    def build(self) -> Path:
        with Context.open(self.settings) as context:
            return bundle.of_run(context, self.run)


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    return Planned(tmp_path)


def test_a_built_folder_serves_every_unit_by_its_link_and_by_no_other(planned: Planned) -> None:
    token = links.new_token(planned.run_folder)
    with Served(planned.build(), CROWDOPS_RUN_TOKEN=token) as server:
        for index in range(3):
            page = requests.get(links.unit_url(server.url, token, index), timeout=5)
            assert f"message {index} — “ü”" in page.text
        wrong = links.unit_url(server.url, token, 1).replace("/unit/1", "/unit/2")
        assert requests.get(wrong, timeout=5).status_code == 403


def test_run_json_names_the_run_and_where_its_pages_may_be_sent(planned: Planned) -> None:
    assert json.loads((planned.build() / "run.json").read_text()) == {
        "run_id": planned.run.run_id,
        "task_name": "pilot-1",
        "allowed_concurrent": 2,
        "assignment_duration_in_seconds": 600,
        "submit_origins": ["http://127.0.0.1:8730"],
    }


def test_the_address_that_a_crowd_server_has_outside_is_named_too(planned: Planned) -> None:
    with served('{"status": "ok", "public_url": "https://lab.example/crowd/"}') as url:
        planned.run = planned.run._replace(endpoint=url)
        run = json.loads((planned.build() / "run.json").read_text())
    assert run["submit_origins"] == [url, "https://lab.example/crowd"]


def test_at_amazon_no_other_site_is_named(planned: Planned) -> None:
    planned.run = planned.run._replace(environment="sandbox", endpoint="https://mturk.example.org")
    assert json.loads((planned.build() / "run.json").read_text())["submit_origins"] == []


def test_a_folder_is_built_anew_in_place_of_the_old_one(planned: Planned) -> None:
    folder = planned.build()
    (folder / "leases.db").write_text("of the server before")
    assert planned.build() == folder
    assert not (folder / "leases.db").exists()
    assert (folder / "Procfile").is_file() and (folder / "taskserver" / "app.py").is_file()
    assert not list(folder.rglob("__pycache__"))


def test_offsets_lead_to_the_lines(planned: Planned) -> None:
    folder = planned.build()
    lines, offsets = (folder / "rows.jsonl").read_bytes(), (folder / "rows.offsets").read_bytes()
    starts = [int.from_bytes(offsets[place : place + 8], "little") for place in range(0, len(offsets), 8)]
    found = [json.loads(lines[start:].split(b"\n")[0])["text"] for start in starts]
    assert found == [f"message {number} — “ü”" for number in range(3)]


def test_a_page_that_is_missing_is_named(planned: Planned) -> None:
    (planned.run_folder / "template.html").unlink()
    with pytest.raises(UsageError, match=r"template\.html is missing"):
        planned.build()


def test_somebodys_own_app_is_copied_without_its_secrets_and_history(tmp_path: Path) -> None:
    app = tmp_path / "their-app"
    for name in ("Procfile", ".env", "pages/index.html", ".hg/config", "node_modules/x/y.js", "bin/start"):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text("web: true" if name == "Procfile" else name)
    (app / "bin" / "start").chmod(0o775)
    (app / "start").symlink_to("bin/start")
    planned = Planned(tmp_path, more=f'app_dir = "{app}"\n')
    folder = planned.build()
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"Procfile", "pages/index.html", "bin/start", "start"}
    assert os.readlink(folder / "start") == "bin/start"
    modes = [(folder / name).stat().st_mode & 0o777 for name in ("bin", "start", "Procfile")]
    assert modes == [0o700, 0o700, 0o600]
    shutil.rmtree(app)
    with pytest.raises(UsageError, match="has no Procfile"):
        bundle.copy_app(app, folder)


# Tokens


def test_a_run_has_one_token_for_its_whole_life_and_no_two_runs_share_it(tmp_path: Path) -> None:
    first, second = tmp_path / "run-1", tmp_path / "run-2"
    token = links.new_token(first)
    assert len(token) >= 32
    assert links.new_token(first) == token == links.read_token(first)
    assert links.new_token(second) != token
    assert stat.S_IMODE((first / "server-token").stat().st_mode) == 0o600
    assert [path.name for path in first.iterdir()] == ["server-token"]


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    links.new_token(tmp_path)
    (tmp_path / "server-token").chmod(0o640)
    with pytest.raises(UsageError, match="others can read it"):
        links.read_token(tmp_path)


def test_a_token_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="server-token"):
        links.read_token(tmp_path)


@pytest.mark.parametrize("base", ["https://tasks.example.org", "https://tasks.example.org/"])
def test_links_have_one_form_whatever_the_address_ends_with(base: str) -> None:
    assert links.unit_url(base, "t" * 16, 7).startswith("https://tasks.example.org/unit/7?key=")
