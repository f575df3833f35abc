"""render_report: how runs went, as one page and as one JSON document."""

import json
from pathlib import Path

from tests.support.works import Work
from tests.support.world import World

SCRIPT = "local/render_report"


def test_a_report_says_how_a_run_stands(world: World) -> None:
    work = Work(world, units=2)
    report = world.json(SCRIPT, "--run", work.run.run_id)
    assert report["title"] == "pilot-1"
    assert report["progress"]["answers"] == report["progress"]["asked"] == 2
    assert report["costs"]["unreviewed"] == 2
    assert report["next_command"] == f"make review RUN={work.run.run_id}"


def test_the_page_lies_in_the_runs_folder_and_is_for_nobody_else(world: World) -> None:
    work = Work(world, units=2)
    result = world.invoke(SCRIPT, "--run", work.run.run_id)
    assert result.exit_code == 0, result.stderr
    path = Path(result.stdout.strip())
    assert path == world.home / "runs" / work.run.run_id / "report.html"
    assert path.stat().st_mode & 0o777 == 0o600
    page = path.read_text()
    assert page.startswith("<!DOCTYPE html>") and f"make review RUN={work.run.run_id}" in page


def test_a_page_of_several_runs_and_an_anonymous_one_have_names_of_their_own(world: World) -> None:
    first, _ = Work(world, units=1), Work(world, units=1)
    reports = world.home / "reports"
    for selectors, wanted in (
        (("--task-name", "pilot-1"), reports / "pilot-1.html"),
        (("--all-runs", "--anonymous"), reports / "pilot-1.anonymous.html"),
        (
            ("--run", first.run.run_id, "--anonymous"),
            world.home / "runs" / first.run.run_id / "report.anonymous.html",
        ),
    ):
        result = world.invoke(SCRIPT, *selectors, "--offline")
        assert result.stdout == f"{wanted}\n" and wanted.exists()
        assert ("with aliases for workers" in wanted.read_text()) is ("--anonymous" in selectors)


def test_page_and_numbers_go_where_they_are_asked_to(world: World, tmp_path: Path) -> None:
    work, _ = Work(world, units=1), Work(world, units=1)
    common = ("--run", work.run.run_id, "--offline")
    to_stdout = world.invoke(SCRIPT, *common, "-o", "-")
    assert to_stdout.stdout.startswith("<!DOCTYPE html>") and to_stdout.stdout.rstrip().endswith("</html>")
    page = tmp_path / "elsewhere.html"
    assert world.invoke(SCRIPT, *common, "-o", str(page)).stdout == f"{page}\n"
    assert page.read_text().startswith("<!DOCTYPE html>")
    numbers = tmp_path / "numbers.json"
    assert world.invoke(SCRIPT, *common, "--json", "-o", str(numbers)).stdout == ""
    assert json.loads(numbers.read_text())["title"] == "pilot-1"
    refused = world.invoke(SCRIPT, *common, "-o", str(tmp_path / "no" / "such.html"))
    assert refused.exit_code == 2 and "cannot be written" in refused.stderr
    (world.home / "reports").write_text("in the way")
    refused = world.invoke(SCRIPT, "--task-name", "pilot-*", "--offline")
    assert refused.exit_code == 2 and "Name a file: -o report.html" in refused.stderr
