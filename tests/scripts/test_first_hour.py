"""docs/first-hour.md and the README's picture: what stands there is typed here, and shows what is shown."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.support import makes, manual
from tests.support.forks import REPOSITORY
from tests.support.scripts import Script
from tests.support.strikes import LAUNCH
from tests.support.world import World

ROWS = 6  # of the example's, so that it takes seconds
MASKS = (
    (r"\d{8}-\d{6}-[a-z0-9]{4}", "RUN_ID"),
    (r"http://127\.0\.0\.1:\d+", "URL"),
    (r"sign-in/\S+", "sign-in/LINK"),
    (r"\bA[0-9A-Z]{12,}\b", "WORKER_ID"),
    (r"[\d,]*\d", "N"),
)


def masked(text: str) -> str:
    """A line without what differs from run to run."""
    for pattern, name in MASKS:
        text = re.sub(pattern, name, text)
    return text.strip()


def transcripts(page: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a page's blocks with what is shown below it; of a block without one, "" with that."""
    for block in re.findall(r"^```\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        first, *parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
        for command, *shown in [part.splitlines() for part in parts or [f"\n{first}"]]:
            yield command, [line for line in shown if line and not line.startswith("Launch it?")]


class Newcomer:
    """Somebody who types what the page says. Of the examples that they copy only some rows are left."""

    def __init__(self, world: World) -> None:
        self.world, self.launched = world, ""
        self._launch: Script | None = None

    def type(self, command: str) -> str:
        """Type a command and return all that it says; of a launch what it says until it waits for workers."""
        world = self.world
        if command.startswith("cp "):
            shutil.copytree(REPOSITORY / "examples", world.folder / "mine")
            items = world.folder / "mine" / "items.csv"
            items.write_text("".join(items.read_text().splitlines(keepends=True)[: ROWS + 1]))
            return ""
        if command == "make crowd":  # it is there already
            return f"crowd server ready at {world.crowd.url}\n"
        script, *words = makes.started_by(world.folder, *shlex.split(command)[1:])
        arguments = [str(world.folder / word) if re.match(r"mine/|results", word) else word for word in words]
        if script == LAUNCH and "--dry-run" not in arguments:
            self._launch = world.start(script, *arguments, "--yes")
            world.wait_for_units("outstanding", ROWS)
            return self._as_seen(self._launch.said)
        if script == "local/simulate_workers":
            arguments += ["--seconds-per-task", "0.01", "--until-idle", "3"]  # the last one counts
        result = world.invoke(script, *arguments)
        assert result.exit_code == 0, result.stderr
        if script == "local/simulate_workers":
            assert self._launch and self._launch.end() == 0
            self.launched = self._as_seen(self._launch.said)
        return self._as_seen(result.stdout + result.stderr)

    def _as_seen(self, text: str) -> str:
        """What somebody sees who works in this folder and has the usual home."""
        text = text.replace(str(self.world.home), "/HOME/.crowdops")
        return text.replace(f"{self.world.folder}/", "")


def test_the_first_hour_goes_as_it_is_written(world: World) -> None:
    newcomer, typed = Newcomer(world), 0
    for command, shown in transcripts(manual.read("first-hour")):
        said = newcomer.type(command) if command else newcomer.launched
        seen = {masked(line) for line in said.splitlines()}
        missing = [line for line in shown if line != "…" and masked(line) not in seen]
        assert not missing, f"{command or 'the launch'} shows: {said}"
        typed += bool(command)
    assert typed >= 9
    _compare_picture(newcomer.launched, Path(REPOSITORY / "examples" / "demo.sh").read_text())


def _compare_picture(launched: str, demo: str) -> None:
    """Hold the README's picture of the demo to what a launch says, and to what the demo says itself."""
    picture = max(
        re.findall(r"^```\n(.*?)^```", manual.README.read_text(), re.DOTALL | re.MULTILINE), key=len
    )
    seen = {masked(line) for line in launched.splitlines()}
    for line in filter(None, picture.splitlines()):
        is_ours = line.startswith("$ ") or re.match(r"\d\. ", line)
        assert line in demo if is_ours else masked(line) in seen, line
