"""render_report of a run in which everybody tries to get markup into the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.still_pages import HOSTILE, still_page
from tests.support.works import Work, write_csv
from tests.support.world import World

SHORT = "\"'><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"


def run_of_hostiles(world: World, folder: Path) -> tuple[Work, Path]:
    """Make a run whose every text is hostile, and gold answers to it.

    What the endpoint would refuse, such as a worker's id, is written into the registry itself.
    """
    given = tuple(f"{name}={SHORT}" for name in ("task_title", "task_description", "task_tags"))
    work = Work(world, units=2, workers=3, given=given)
    work.collect()
    row = {"n": "0", "decision": "reject", "feedback": SHORT}
    assert work.review("--apply", str(work.decisions(row)), "--yes").exit_code == 0
    for number, (assignment,) in enumerate(world.sql("SELECT assignment_id FROM assignments")):
        answer = json.dumps({"label": f"{HOSTILE}{number % 2}", HOSTILE: HOSTILE})
        world.sql("UPDATE assignments SET answer = ? WHERE assignment_id = ?", answer, assignment)
    world.sql("UPDATE units SET input = ?", json.dumps({"text": HOSTILE, HOSTILE: HOSTILE}))
    world.sql("UPDATE task_runs SET reason = ?", HOSTILE)
    world.sql("UPDATE decisions SET feedback = ?", HOSTILE)
    world.sql(
        "INSERT INTO servers (server_id, run_id, kind, name, state, url, detail, created_at)"
        " VALUES ('s', ?, 'url', ?, 'up', ?, '{}', '2026-01-01T00:00:00.000000Z')",
        work.run.run_id,
        HOSTILE,
        f"javascript:window.hit = 1{HOSTILE}",
    )
    for table in ("decisions", "assignments"):
        world.sql(f"UPDATE {table} SET worker_id = worker_id || ?", HOSTILE)
    gold = [{"input.text": HOSTILE, "answer.label": f"{HOSTILE}0"}]
    return work, write_csv(folder / "gold.csv", gold)


@pytest.mark.browser
def test_what_anybody_typed_comes_to_nothing(world: World, browser: Browser, tmp_path: Path) -> None:
    work, gold = run_of_hostiles(world, tmp_path)
    path = tmp_path / "report.html"
    selected = ("--run", work.run.run_id, "--offline", "--gold", str(gold))
    result = world.invoke("local/render_report", *selected, "-o", str(path))
    assert result.exit_code == 0, result.stderr
    with still_page(browser, path, width=360) as still:
        assert still.has_kept_still() and still.width == 360
        still.page.emulate_media(media="print")
        begins = HOSTILE[:40]
        for place in ("#agreement th", "#agreement .chip", "#agreement bdi", "#workers th", "#servers th"):
            shown = [text for text in still.page.locator(place).all_inner_texts() if begins in text]
            assert shown, f"{place} shows no hostile text, so it proves nothing"
        for place in ("#rejections th", ".verdict"):
            assert begins in " ".join(still.page.locator(place).all_inner_texts())
