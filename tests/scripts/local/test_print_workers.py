"""print_workers shows who is in the crowd, what they did and earned."""

from __future__ import annotations

from sqlalchemy import update

from crowdserver.storage import people_tables
from tests.support.workers import Workers
from tests.support.world import World

SCRIPT = "local/print_workers"


def test_nobody_yet_is_said_with_what_to_type(world: World) -> None:
    result = world.invoke(SCRIPT)
    assert result.exit_code == 0
    assert result.stderr == "Nobody is invited yet. Invite somebody: make invite ARGS='--name Ada'\n"
    assert world.json(SCRIPT) == {"workers": []}


def test_what_a_worker_did_and_earned_is_counted(world: World) -> None:
    world.invoke("local/invite_workers", "--worker-id", "AADA", "--name", "Ada")
    world.invoke("local/invite_workers", "--worker-id", "ABEN", "--name", "Ben")
    workers = Workers(world.crowd)
    run = world.launch(units=3)
    first, second, third = (hit_id for hit_id in world.hit_ids(run))
    for hit_id in (first, second):
        workers.do(hit_id, "AADA")
    workers.accept(third, "AADA")
    (assignment,) = world.client.list_assignments_for_hit(HITId=first)["Assignments"]
    world.client.approve_assignment(AssignmentId=assignment["AssignmentId"])
    world.client.send_bonus(
        AssignmentId=assignment["AssignmentId"], WorkerId="AADA", BonusAmount="1.50", Reason="Thanks"
    )
    with world.crowd.database.write() as tx:
        of_ben = people_tables.workers.c.id == "ABEN"
        tx.execute(
            update(people_tables.workers).where(of_ben).values(country="US", subdivision="CA", adult=True)
        )
    ada, ben = world.json(SCRIPT)["workers"]
    reward = world.client.get_hit(HITId=first)["HIT"]["Reward"]
    assert list(ada) == [
        "worker_id",
        "name",
        "country",
        "subdivision",
        "adult",
        "masters",
        "panel",
        "last_seen",
        "done",
        "in_hand",
        "approved",
        "rewards",
        "bonuses",
        "earned",
        "agreed_at",
        "removed_at",
    ]
    assert (ada["name"], ada["done"], ada["in_hand"], ada["approved"]) == ("Ada", 2, 1, 1)
    assert (ada["rewards"], ada["bonuses"]) == (reward, "1.50")
    assert ada["last_seen"] and ada["removed_at"] is None
    assert (ada["country"], ada["adult"]) == (None, None)
    assert (ben["country"], ben["subdivision"], ben["adult"], ben["masters"]) == ("US", "CA", True, None)
    assert "US-CA" in world.invoke(SCRIPT).stdout
    assert (ben["done"], ben["earned"], ben["last_seen"]) == (0, "0.00", None)
