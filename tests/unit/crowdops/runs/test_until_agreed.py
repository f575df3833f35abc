"""Until they agree: only units that disagree get another place, and none that is not needed."""

from __future__ import annotations

import threading

import pytest

from crowdops.registry import Extension
from crowdops.results import votes
from tests.support.gates import Call, let_pass
from tests.support.processes import wait_until
from tests.support.quality import judge, quality, said, work_as
from tests.support.run_parameters import some_parameters
from tests.support.world import World

pytestmark = pytest.mark.gated
LAUNCH, TOP_UP = "mturk/launch_run", "mturk/top_up_run"
ADD = "CreateAdditionalAssignmentsForHIT"
SAY = {  # what the workers say of each unit, in the order in which they come
    0: "aaa",
    1: "aba" + "a",
    2: "abcdefg",
    3: "ababa",
}


def launch_in_the_background(world: World, *, units: int, **parts: object) -> str:
    """Let a process attend a run whose HITs are all out; returns its id."""
    world.launch_run(units=units, **parts)
    world.wait_for_units("outstanding", units)
    return world.run_ids()[0]


def places(world: World, run_id: str) -> list[int]:
    """How many assignments the endpoint says that each HIT of a run has."""
    hit_ids = world.hit_ids(world.run(run_id))
    return [world.client.get_hit(HITId=hit_id)["HIT"]["MaxAssignments"] for hit_id in hit_ids]


def test_only_units_that_disagree_get_more_answers(world: World) -> None:
    path = world.write_run(4, assignments_per_unit=3, more=quality())
    work_as(world, SAY)
    found = world.json(LAUNCH, str(path), "--yes")
    assert found["state"] == "finished" and found["assignments"] == 3 + 4 + 7 + 5
    judged = judge(world, found["run_id"])
    assert judged == {0: "agreed", 1: "agreed", 2: "at_most", 3: "agreed"}
    assert world.open_hits() == [] and len(world.hits()) == 4
    added = [call for call in world.gate.calls if call.operation == "CreateAdditionalAssignmentsForHIT"]
    assert len(added) == 1 + 2 + 2  # unit 2 lacks two, and two more; unit 3 one, and one more
    others = [call for call in world.gate.calls if call.operation != "ListReviewableHITs"]
    assert len(others) <= 3 * found["assignments"]
    result = world.invoke(TOP_UP, "--run", found["run_id"], "--yes")
    assert "lacks nothing" in result.stderr
    explained = world.json("local/wut", "agree", "--run", "last")["by_run"]
    assert "By the first 19 answers of run" in explained and "4 units cost about $" in explained
    path.write_text(path.read_text().replace('"label"', '"lable"'))
    advice = world.invoke("local/wut", "agree", "--run", "last", "--run-toml", str(path))
    assert advice.exit_code == 2 and "Did you mean label?" in advice.stderr
    path.write_text(path.read_text().replace("agree = 3", "agree = 8"))
    advice = world.invoke("local/wut", "agree", "--run", "last", "--run-toml", str(path))
    assert advice.exit_code == 2 and "agree is 8, and at_most 7" in advice.stderr
    report = world.json("local/render_report", "--run", "last")["runs"][0]
    assert (report["quality"]["agreed"], report["quality"]["at_most_reached"]) == (3, 1)
    assert "3 units agreed, 1 not with 7 answers" in report["verdict"]
    table = world.invoke("mturk/download_results", "--run", found["run_id"], "--format", "table").stdout
    assert "yes: a, 3 of 3" in table and "no (at_most): a, 1 of 7" in table
    row, *_ = world.json("mturk/download_results", "--run", found["run_id"])
    assert row["quality"] == {"agreed": True, "answer": "a", "votes": 3, "answers": 3, "why": "agreed"}


def test_the_money_is_a_wall_and_is_said(world: World) -> None:
    path = world.write_run(4, assignments_per_unit=3, more=quality(), max_cost="0.78")  # one more answer
    work_as(world, SAY)
    found = world.json(LAUNCH, str(path), "--yes")
    assert found["assignments"] == 13 and found["state"] == "finished"
    judged = judge(world, found["run_id"])
    assert judged == {0: "agreed", 1: "agreed", 2: "out_of_money", 3: "out_of_money"}
    refused = world.invoke(TOP_UP, "--run", found["run_id"], "--yes")
    assert refused.exit_code == 1 and "make raise-max-cost" in refused.stderr
    world.invoke("local/raise_max_cost", found["run_id"], "5.00", "--yes")
    world.json(TOP_UP, "--run", found["run_id"], "--yes")
    assert judge(world, found["run_id"]) == {0: "agreed", 1: "agreed", 2: "at_most", 3: "agreed"}


def test_a_detached_run_agrees_by_top_ups(world: World) -> None:
    path = world.write_run(4, assignments_per_unit=3, more=quality())
    work_as(world, SAY)
    run_id = world.json(LAUNCH, str(path), "--yes", "--detach")["run_id"]
    world.invoke("mturk/print_outstanding_hit_status")  # while somebody looks, they work
    world.invoke("mturk/download_results", "--run", run_id)
    found = world.json(TOP_UP, "--run", run_id, "--yes")
    assert found["runs"][0]["extended"] == 3
    assert judge(world, run_id) == {0: "agreed", 1: "agreed", 2: "at_most", 3: "agreed"}


def test_a_field_that_the_page_lacks_is_refused_and_what_it_may_cost_is_said(world: World) -> None:
    path = world.write_run(4, assignments_per_unit=3, more=quality(field="lable"))
    result = world.invoke(LAUNCH, str(path), "--dry-run")
    assert result.exit_code == 2 and "the page has no such field. Did you mean label?" in result.stderr
    path = world.write_run(4, assignments_per_unit=3, more=quality())
    result = world.invoke(LAUNCH, str(path), "--dry-run")
    assert "Units that disagree on label get up to 7 answers: 28 answers and $1.68 at most." in result.stderr


def test_what_would_agree_by_chance_or_never_is_said_before_the_launch(world: World) -> None:
    path = world.write_run(2, assignments_per_unit=6, more=quality())
    said = world.invoke(LAUNCH, str(path), "--dry-run").stderr
    assert "two different ones can have 3 votes each" in said and "Raise agree to 4." in said
    path.with_name("task.html").write_text('<form><input name="label"></form>')
    assert "'label' is free text" in world.invoke(LAUNCH, str(path), "--dry-run").stderr
    path = world.write_run(2, more="[quality]\nagree = 2\n")
    result = world.invoke(LAUNCH, str(path), "--dry-run")
    assert result.exit_code == 2 and "[quality] names no answer_field" in result.stderr


@pytest.mark.parametrize("agree,at_most,said", [(3, 2, "it cannot be less"), (3, 10, "it can be 9 at most")])
def test_numbers_that_cannot_stand_together_are_refused(
    world: World, agree: int, at_most: int, said: str
) -> None:
    path = world.write_run(2, more=quality(agree, at_most))
    result = world.invoke(LAUNCH, str(path), "--dry-run")
    assert result.exit_code == 2 and said in result.stderr


def test_the_run_buys_nothing_of_what_extend_hits_is_just_extending(world: World) -> None:
    run_id = launch_in_the_background(world, units=1, assignments_per_unit=3, more=quality())
    (hit_id,) = world.hit_ids(world.run(run_id))
    world.do(hit_id, "AWORKER1", label="a")
    world.do(hit_id, "AWORKER2", label="a")

    def disagree_meanwhile(call: Call) -> None:
        """While the extension is on its way, let its unit end, and the run look at that."""
        if call.operation != ADD or world.gate.count(ADD) > 1:
            return
        world.do(hit_id, "AWORKER3", label="b")
        looks = world.gate.count("ListReviewableHITs")
        wait_until(lambda: world.gate.count("ListReviewableHITs") > looks + 2 or world.gate.count(ADD) > 1)

    world.gate.before = disagree_meanwhile
    extending = world.start("mturk/extend_hits", "--run", run_id, "--assignments", "2", "--yes")
    assert extending.end() == 0, extending.said
    world.gate.before = let_pass
    assert places(world, run_id) == [5]
    for worker, label in (("AWORKER4", "d"), ("AWORKER5", "e")):
        world.do(hit_id, worker, label=label)
    wait_until(lambda: places(world, run_id) == [6])  # two of five agree: one more can decide


def test_what_another_process_binds_meanwhile_is_not_spent_twice(world: World) -> None:
    path = world.write_run(6, max_cost="0.36")
    turn, orders = threading.Lock(), []

    def extend_meanwhile(call: Call) -> None:
        """Bind one answer more, as extend_hits does, while the run launches: no HIT is created meanwhile."""
        if call.operation != "CreateHITWithHITType":
            return
        with turn, world.registry() as registry:
            if orders or world.gate.count(call.operation) < 3:
                return
            (run_id,) = world.run_ids()
            hit_id = registry.known_hits([run_id], 1)[0][1]
            [(index,)] = world.sql("SELECT unit_index FROM units WHERE hit_id = ?", hit_id)
            order = registry.begin_order(run_id, {"assignments": 1})
            orders.append(order)
            extension = Extension(order.order_id, hit_id, run_id, index, 2, None, "sending")
            registry.intend_extension(extension)

    world.gate.before = extend_meanwhile
    world.setenv(CROWDOPS_THREADS="2")
    result = world.invoke(LAUNCH, str(path), "--yes", "--detach")
    assert len(world.hits()) == 5 and "would take the run over its max_cost" in result.stderr


def test_where_no_answer_has_the_field_nothing_more_is_asked_for(world: World) -> None:
    page = "<script></script><form><input name='label'><button>Submit</button></form>"
    path = world.write_run(2, assignments_per_unit=2, page=page, more=quality(field="lable"))
    work_as(world, {0: "ab", 1: "ab"})
    result = world.invoke(LAUNCH, str(path), "--yes")
    assert result.stderr.count("has the field 'lable'") == 1 and "Did you mean label?" in result.stderr
    (run_id,) = world.run_ids()
    assert places(world, run_id) == [2, 2] and world.run(run_id).state == "finished"
    found = world.json(TOP_UP, "--run", run_id, "--yes", exit_code=1)
    assert found["answers"] == 0 and "none can agree" in found["failed"][0]["error"]


def test_a_box_that_nobody_has_ticked_so_far_is_asked_for_once_somebody_has(world: World) -> None:
    page = "<form><input type='checkbox' name='label'><button>Submit</button></form>"
    path = world.write_run(2, assignments_per_unit=2, page=page, more=quality(agree=2, at_most=4))

    def crew(call: Call) -> None:
        if call.operation != "ListReviewableHITs":
            return
        for hit in [hit for hit in world.hits() if hit.assignable]:
            answers = said(world).get(hit.unit_index, 0)
            if hit.unit_index == 0 and answers < 2:
                world.do(hit.hit_id, f"AWORKER{answers + 1}", other="x")
            elif hit.unit_index == 0 or world.gate.count(call.operation) > 8:
                world.do(hit.hit_id, f"AWORKER{answers + 1}", label="on")

    world.gate.before = crew
    found = world.json(LAUNCH, str(path), "--yes")
    assert judge(world, found["run_id"]) == {0: "agreed", 1: "agreed"}
    assert places(world, found["run_id"]) == [4, 2]


@pytest.mark.parametrize(
    "units,expected",
    [([["a", "a", "a"]], 3.0), ([["a", "b", "a", "a"]], 4.0), ([["a", "b", "c"]] * 9, 5.9), ([["a"]], None)],
)
def test_what_a_unit_will_take_counts_on_answers_that_were_not_given_yet(
    units: list[list[str | None]], expected: float | None
) -> None:
    parameters = some_parameters(assignments_per_unit=3, answer_field="label", agree=3, at_most=7)
    taken = votes.expected_answers(units, parameters)
    assert (taken and round(taken, 1)) == expected
