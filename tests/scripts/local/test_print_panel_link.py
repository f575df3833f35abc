"""print_panel_link prints the link by which a panel's participants do a run, and what the panel is told."""

from __future__ import annotations

import re

import requests

from crowdops.workers import panels
from tests.support.world import World

SCRIPT = "local/print_panel_link"


def test_the_link_and_what_to_enter_are_printed_the_same_each_time(world: World) -> None:
    run = world.launch(units=2)
    first = world.invoke(SCRIPT, run.run_id, "--units", "2")
    assert first.exit_code == 0, first.stderr
    assert first.stdout == world.invoke(SCRIPT, "last", "--units", "2").stdout
    assert first.stdout == world.invoke(SCRIPT, "last").stdout  # looked at, and not changed
    told = world.json(SCRIPT, "last", "--units", "2")
    base, _, query = told["url"].partition("?")
    assert base.startswith(f"{world.crowd.url}/panel/")
    assert query == ("PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}")
    code = told["complete_code"]
    assert told["complete_url"] == f"https://app.prolific.com/submissions/complete?cc={code}"
    assert told["none_code"] != code and told["seconds"] == 2 * run.parameters.assignment_duration_in_seconds
    for shown in (told["url"], code, told["none_code"], told["complete_url"]):
        assert shown in re.sub(r"\s+", "", first.stdout)
    page = requests.get(base, params={"PROLIFIC_PID": "5f3a0c"}, timeout=30)
    assert "<b>0</b> of <b>2</b> done" in page.text
    (participant,) = world.json("local/print_workers")["workers"]
    assert (participant["name"], participant["panel"]) == ("prolific 5f3a0c", {"PROLIFIC_PID": "5f3a0c"})


def test_another_panel_has_names_of_its_own_and_may_take_codes_only(world: World) -> None:
    run = world.launch(units=1)
    refused = world.invoke(SCRIPT, "last", "--panel", "mine")
    assert (
        refused.exit_code == 2
        and "Say where participants of mine go: --back 'https://…{code}'" in refused.stderr
    )
    own = ("--panel", "mine", "--participant", "id", "--back", "", "--complete-code", "THANKS")
    told = world.json(SCRIPT, "last", *own, "--minutes", "5")
    assert told["url"].endswith("?id=...") and told["complete_url"] == told["none_url"] == ""
    assert (told["complete_code"], told["seconds"]) == ("THANKS", 300)
    assert told["url"].partition("?")[0] != world.json(SCRIPT, "last")["url"].partition("?")[0]
    assert world.invoke(SCRIPT, "last", "--participant", "a b").exit_code == 2
    changed = world.json(SCRIPT, "last", "--panel", "mine", "--units", "3")
    assert changed == {**told, "units": 3, "seconds": 3 * run.parameters.assignment_duration_in_seconds}
    no_code = world.invoke(SCRIPT, "last", "--back", "https://panel.example/end")
    assert no_code.exit_code == 2 and "has no {code} in it" in no_code.stderr
    assert "Only browsers on this machine reach this address." in world.invoke(SCRIPT, "last").stderr
    link = panels.Link("https://crowd.example/panel/x", "mine", 1, 60, "A", "B", "", "")
    assert panels.remarks(run, link) == []
    remarks = panels.remarks(run._replace(state="stopped", replacement_type_id="3NEW"), link)
    few = run.parameters._replace(max_num_concurrent_units=4)
    remarks += panels.remarks(run._replace(state="running", parameters=few), link)
    assert [text.partition(":")[0] for text in remarks] == [
        f"Run {run.run_id} is stopped",
        "HITs that took the place of others in a top-up are not given by this link.",
        "This run has at most 4 units open at a time (max_num_concurrent_units)",
    ]
