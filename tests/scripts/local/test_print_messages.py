"""print_messages shows what workers wrote, and the command that it prints answers them."""

from __future__ import annotations

import pytest

from crowdserver.operations import inbox
from tests.support import advice
from tests.support.world import World

SCRIPT = "local/print_messages"


def write(world: World, worker_id: str, hit_id: str | None, text: str) -> None:
    assert world.crowd.opened.write(lambda tx, now: inbox.write(tx, now, worker_id, hit_id, text)) is None


def test_what_workers_wrote_is_shown_and_the_printed_command_answers_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No message of a worker." in world.invoke(SCRIPT).stderr
    world.invoke("local/invite_workers", "--worker-id", "AADA", "--name", "Ada")
    run = world.launch(units=1)
    (hit_id,) = world.hit_ids(run)
    write(world, "AADA", hit_id, "The picture\n is missing.")
    write(world, "APANELX", None, "Where is my code?")
    first, second = world.json(SCRIPT)["messages"]
    assert list(first) == [
        "sent_at",
        "worker_id",
        "name",
        "run_id",
        "hit_id",
        "title",
        "text",
        "answered_at",
        "answer",
    ]
    assert (first["name"], first["run_id"], first["hit_id"]) == ("Ada", run.run_id, hit_id)
    assert (first["text"], second["answer"]) == ("The picture\n is missing.", "on the panel's own site")
    shown = world.invoke(SCRIPT)
    (command,) = advice.printed(
        shown.stderr, "make notify FILE=answer.txt ARGS='--subject Answer --worker …'"
    )
    assert command == first["answer"]
    monkeypatch.chdir(world.folder)
    (world.folder / "answer.txt").write_text("Look again.")
    answered = advice.type_in(world, command, {})
    assert answered.exit_code == 0, advice.said(answered)
    (left,) = world.json(SCRIPT, "--unanswered")["messages"]
    assert left["worker_id"] == "APANELX"
    assert world.json(SCRIPT, "--since", "2999-01-01")["messages"] == []
    assert world.invoke(SCRIPT, "--since", "soon").exit_code == 2
