"""remove_workers ends a worker's access, and takes nothing away that was earned."""

from __future__ import annotations

import requests

from tests.support.workers import Workers
from tests.support.world import World

SCRIPT = "local/remove_workers"
EARNINGS = ("local/print_earnings", "--since", "2020-01-01", "--until", "2100-01-01")


def test_it_plans_asks_and_ends_the_access_but_keeps_what_was_earned(world: World) -> None:
    (link,) = world.json("local/invite_workers", "--worker-id", "AADA", "--name", "Ada")["invitations"]
    browser = requests.Session()
    assert "Ada" in browser.get(link["url"], timeout=10).text
    workers = Workers(world.crowd)
    run = world.launch(units=3)
    first, second, third = world.hit_ids(run)
    submitted = workers.do(first, "AADA")
    waiting = workers.do(second, "AADA")
    held = workers.accept(third, "AADA")
    world.client.approve_assignment(AssignmentId=submitted)
    owed = world.json(*EARNINGS)

    unasked = world.invoke(SCRIPT, "AADA")
    assert unasked.exit_code == 2 and "There is no terminal to ask on." in unasked.stderr
    planned = world.invoke(SCRIPT, "AADA", "--dry-run")
    assert planned.exit_code == 0 and "Ada" in planned.stdout
    assert "1 assignment in hand would go back to the others." in planned.stderr
    assert "Dry run: 1 would be removed" in planned.stderr
    assert browser.get(f"{world.crowd.url}/tasks/{held}", timeout=10).status_code == 200

    assert world.json(SCRIPT, "AADA", "-y") == {
        "selected": 1,
        "done": 1,
        "already": 0,
        "failed": [],
        "dry_run": False,
    }
    assert browser.get(f"{world.crowd.url}/", timeout=10).status_code == 403
    assert requests.get(link["url"], timeout=10).status_code == 403
    hit = world.client.get_hit(HITId=third)["HIT"]
    assert (hit["NumberOfAssignmentsPending"], hit["NumberOfAssignmentsAvailable"]) == (0, 1)
    # Work that waits is reviewed and paid as ever, and nothing that was owed is lost.
    assert world.json(*EARNINGS) == owed
    world.client.approve_assignment(AssignmentId=waiting)
    assert world.json(*EARNINGS)["earnings"][0]["approved"] == 2
    assert world.json("local/print_workers")["workers"][0]["removed_at"]

    again = world.json(SCRIPT, "AADA", "ANOBODY", "-y", exit_code=1)
    assert (again["done"], again["already"]) == (0, 1)
    assert [failed["id"] for failed in again["failed"]] == ["ANOBODY"]
    world.invoke("local/invite_workers", "--worker-id", "AADA")
    assert world.json("local/print_workers")["workers"][0]["removed_at"] is None
