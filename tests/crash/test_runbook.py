"""The crash runbook of the manual, tried as it is written."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable

import pytest

from tests.support import manual
from tests.support.forks import REPOSITORY
from tests.support.gates import let_pass
from tests.support.processes import wait_until
from tests.support.strikes import LAUNCH
from tests.support.world import World

pytestmark = pytest.mark.gated

SCRIPT = re.compile(r"scripts/(\w+/\w+)\.py(.*)")
UNITS = 4


def steps(heading: str) -> list[str]:
    """Return the first command of each step below a bold heading of the runbook."""
    section = manual.read("runbook").partition("## Crash runbook")[2].partition("\n## ")[0]
    part = section.partition(f"**{heading}**")[2].partition("\n**")[0]
    return [match for line in part.splitlines() for match in re.findall(r"^\d\. .*?`(make [^`]*)`", line)]


def script_of(command: str) -> tuple[str, list[str]]:
    """Return the script that a make command runs, as make itself says it."""
    shown = subprocess.run(
        [shlex.split(command)[0], "--dry-run", *shlex.split(command)[1:]],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    match = SCRIPT.search(shown.stdout)
    assert match, shown.stdout
    return match[1], shlex.split(match[2])


def follow(world: World, heading: str, run_id: str) -> list[str]:
    """Do the steps in a world; returns what each wrote."""
    commands = steps(heading)
    assert len(commands) >= 2, f"the runbook has no steps for {heading!r}"
    said = []
    for command in commands:
        script, arguments = script_of(command.replace("RUN_ID", run_id))
        arguments = [str(world.folder / "results.csv") if a == "results.csv" else a for a in arguments]
        result = world.finish(script, *arguments)
        said.append(result.output + result.said)
    return said


@pytest.fixture
def killed(world: World) -> str:
    """A run that was killed in its middle: two units done, two out, one of them being worked on. Its id."""
    world.add_foreign_hits()
    launch = world.start(LAUNCH, str(world.write_run(UNITS)), "--yes")
    world.wait_for_units("outstanding", UNITS)
    for hit_id in world.open_hits()[:2]:
        world.do(hit_id)
    world.wait_for_units("finished", 2)
    launch.kill()
    world.work_in_pairs()
    return launch.run_id


def test_power_failure(world: World, killed: str) -> None:
    world.crew = let_pass
    runs, plan, _, _ = follow(world, "Power failure, kill -9, a frozen machine", killed)
    assert "crashed" in runs
    assert killed in plan and "$0.12" in plan
    world.assert_nothing_is_left()
    assert (world.folder / "results.csv").read_text().count("cat") == len(world.submitted())


def test_ctrl_c_twice(world: World) -> None:
    world.add_foreign_hits()
    launch = world.start(LAUNCH, str(world.write_run(UNITS)), "--yes")
    world.wait_for_units("outstanding", UNITS)
    held = world.accept(world.open_hits()[0])
    launch.press()
    launch.hear("Press Ctrl-C again")
    launch.press()
    assert launch.end() == 130
    world.submit(held)
    follow(world, "Ctrl-C twice", launch.run_id)
    world.assert_nothing_is_left()
    assert (world.folder / "results.csv").read_text().count("cat") == 1


def test_lost_laptop(world: World, killed: str) -> None:
    for path in world.home.iterdir():
        if path.name != "crowd":
            subprocess.run(["rm", "-r", str(path)], check=True)
    found, *_ = follow(world, "Lost laptop", killed)
    assert killed in found
    world.assert_nothing_is_left()
    assert (world.folder / "results.csv").read_text().count("cat") == len(world.submitted())


def lose_registry(world: World) -> None:
    for path in world.home.glob("registry.db*"):
        path.unlink()


def replace_key(world: World) -> None:
    """An expired key is refused; then the new one lies where it was."""
    keys = world.home / "crowd" / "credentials"
    good = keys.read_text()
    keys.write_text(re.sub("secret_access_key = .*", "secret_access_key = expired", good))
    assert world.invoke("mturk/print_outstanding_hit_status").exit_code == 2
    keys.write_text(good)


def do_nothing(world: World) -> None:
    pass


@pytest.mark.parametrize(
    ("heading", "accident"),
    [("Lost or damaged registry", lose_registry), ("Full disk", do_nothing), ("Expired key", replace_key)],
    ids=["registry", "disk", "key"],
)
def test_a_run_is_carried_on_after(
    world: World, killed: str, heading: str, accident: Callable[[World], None]
) -> None:
    accident(world)
    follow(world, heading, killed)
    world.assert_nothing_is_left()
    assert world.units(killed) == {"finished": UNITS}


def test_provider_down(world: World) -> None:
    world.add_foreign_hits()
    path = str(world.write_run(UNITS, no_submission_patience=2))
    launch = world.start(LAUNCH, path, "--yes", variables={"CROWDOPS_TIMEOUT": "0.5"})
    wait_until(lambda: len(world.open_hits()) == UNITS)
    world.gate.shut()
    assert launch.end() == 1, launch.said
    world.gate.open()
    world.work_in_pairs()
    follow(world, "Provider down", launch.run_id)
    world.assert_nothing_is_left()
