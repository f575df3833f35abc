"""review_assignments one by one: real keys at a real terminal."""

import pytest

from tests.support.offers import invite
from tests.support.terminals import Terminal
from tests.support.works import Work
from tests.support.world import World

SCRIPT = "mturk/review_assignments"
KEYS = r"\[q\]uit "


def test_somebody_reviews_with_keys_goes_back_and_carries_it_out(work: Work) -> None:
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        terminal.expect(r"1 of 3 · pilot-1 · unit 0")
        terminal.expect(
            r"text:    message 0\n  → label: cat\n  worker AWORKER1, in pilot-1 so far: 1 submitted"
        )
        terminal.expect(KEYS)
        terminal.press("a")
        terminal.expect(r"2 of 3 [\s\S]*" + KEYS)
        terminal.press("r")
        terminal.expect("Why\\?.*: ")
        terminal.enter("There is no dog")
        terminal.expect(r"3 of 3 [\s\S]*" + KEYS)
        terminal.press("p")
        terminal.expect(r"2 of 3 [\s\S]*noted: reject \(There is no dog\)[\s\S]*" + KEYS)
        terminal.press("s")
        terminal.expect(r"3 of 3 [\s\S]*" + KEYS)
        terminal.press("r")
        terminal.expect("Why\\?.*: ")
        terminal.enter("Not a cat")
        terminal.expect("Approve 1, REJECT 1\\? Type the number of rejections: ")
        terminal.enter("1")
        terminal.expect("2 carried out, 0 were so already, 0 failed.")
        assert terminal.end() == 0
    assert work.statuses() == work.stored() == ["Approved", "Submitted", "Rejected"]


def test_a_rejection_without_a_reason_is_not_noted(work: Work) -> None:
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        terminal.expect(KEYS)
        terminal.press("r")
        terminal.expect("Why\\?.*: ")
        terminal.enter("")
        terminal.expect("Not noted: a rejection needs feedback")
        terminal.expect(r"1 of 3 [\s\S]*" + KEYS)
        terminal.press("q")
        assert terminal.end() == 0
    assert work.statuses() == ["Submitted"] * 3


def test_the_wrong_number_of_rejections_carries_nothing_out_and_keeps_the_notes(work: Work) -> None:
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        for reason in ("One", "Two"):
            terminal.expect(KEYS)
            terminal.press("r")
            terminal.expect("Why\\?.*: ")
            terminal.enter(f"{reason}")
        terminal.expect(KEYS)
        terminal.press("q")
        terminal.expect("Type the number of rejections: ")
        terminal.enter("1")
        terminal.expect("0 carried out")
        assert terminal.end() == 0
    assert work.statuses() == ["Submitted"] * 3
    result = work.world.invoke(SCRIPT, "--run", work.run.run_id, "--dry-run")
    assert "2 decisions are noted." in result.stderr


def test_nothing_is_lost_when_the_terminal_goes_away(work: Work) -> None:
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        for number in (1, 2):
            terminal.expect(f"{number} of 3 " + r"[\s\S]*" + KEYS)
            terminal.press("a")
        terminal.expect("3 of 3 " + r"[\s\S]*" + KEYS)
        terminal.kill()
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        terminal.expect("3 of 3 " + r"[\s\S]*" + KEYS)  # where it was left
        terminal.press("q")
        terminal.expect(r"Approve 2\? \[y/N\]: ")
        terminal.enter("y")
        assert terminal.end() == 0
    assert work.statuses() == ["Approved", "Approved", "Submitted"]


def test_what_workers_type_cannot_move_the_cursor(world: World) -> None:
    work = Work(world, units=2, done=False)
    for hit_id in work.hits:
        world.do(hit_id, "AWORKER1", label="\x9b2Jcat")
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        terminal.expect(r"label: \\x9b2Jcat[\s\S]*" + KEYS)
        terminal.press("q")
        assert terminal.end() == 0


def test_bonuses_and_soft_blocks_are_keys_too(work: Work) -> None:
    for number in (1, 2, 3):
        invite(work.world.crowd, worker_id=f"AWORKER{number}")
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        terminal.expect("1 of 3 " + r"[\s\S]*" + KEYS)
        terminal.press("b")
        terminal.expect("Bonus in dollars: ")
        terminal.enter("0.005")
        terminal.expect("Not noted: '0.005' has more than two decimals.[\\s\\S]*1 of 3 [\\s\\S]*" + KEYS)
        terminal.press("b")
        terminal.expect("Bonus in dollars: ")
        terminal.enter("0.25")
        terminal.expect("2 of 3 " + r"[\s\S]*" + KEYS)
        terminal.press("k")
        terminal.expect("The worker is to be soft-blocked with the decision[\\s\\S]*" + KEYS)
        terminal.press("a")
        terminal.expect("3 of 3 " + r"[\s\S]*" + KEYS)
        terminal.press("q")
        terminal.expect(r"Approve 2, pay 1 bonus for \$0.30 with fees, soft-block 1 worker\? \[y/N\]: ")
        terminal.enter("y")
        terminal.expect("3 carried out, 0 were so already, 0 failed.")
        assert terminal.end() == 0
    assert work.statuses() == ["Approved", "Approved", "Submitted"]
    listed = work.world.invoke("mturk/soft_block_workers", "--list", "--task-name", "pilot-1")
    assert "AWORKER2  pilot-1" in listed.stdout and "AWORKER1" not in listed.stdout
    dry = work.world.invoke(SCRIPT, "--run", work.run.run_id, "--dry-run")
    assert "0 decisions are noted." in dry.stderr


def test_the_page_opens_with_the_answers_in_a_browser_and_else_in_a_pager(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(world, units=1, done=False)
    world.do(work.hits[0], "AWORKER1", label="<b>cat</b>", reason="y" * 5000)
    page = world.home / "runs" / work.run.run_id / "review" / "assignment.html"
    browser = world.folder / "browser"
    browser.write_text(f'#!/bin/sh\ncp "${{1#file://}}" {world.folder / "opened.html"}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("PAGER", "cat")
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        terminal.expect(r"… 5,000 characters in all; o shows them[\s\S]*" + KEYS)
        terminal.press("o")
        terminal.expect(rf"It is open in the browser: {page}[\s\S]*" + KEYS)
        terminal.press("q")
        assert terminal.end() == 0
    shown = (world.folder / "opened.html").read_text()
    assert "&lt;b&gt;cat&lt;/b&gt;" in shown and "y" * 5000 in shown
    assert 'sandbox="allow-scripts"' in shown and "&lt;p&gt;message 0&lt;/p&gt;" in shown
    assert page.stat().st_mode & 0o777 == 0o600
    monkeypatch.delenv("BROWSER")
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        terminal.expect(KEYS)
        terminal.press("o")
        terminal.expect(r"THE ANSWERS\nlabel:\n    <b>cat</b>\nreason:\n    y{5000}\n")
        terminal.expect(rf"The page for a browser: {page}[\s\S]*" + KEYS)
        terminal.press("q")
        assert terminal.end() == 0


def test_a_note_that_was_overtaken_is_said_once(work: Work) -> None:
    with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
        terminal.expect(KEYS)
        terminal.press("r")
        terminal.expect("Why\\?.*: ")
        terminal.enter("No")
        terminal.expect("2 of 3 " + r"[\s\S]*" + KEYS)
        terminal.kill()
    work.world.client.approve_assignment(AssignmentId=work.assignments[0])
    for failures, code in ((1, 1), (0, 0)):
        with Terminal(SCRIPT, "--run", work.run.run_id) as terminal:
            terminal.expect(KEYS)
            terminal.press("q")
            terminal.expect(f"0 carried out, 0 were so already, {failures} failed.")
            assert terminal.end() == code
