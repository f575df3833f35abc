"""What the benchmarks share: a crowd server with a home around it, our scripts in processes, and tables."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tabulate import tabulate

from tests.support.crowds import Crowd

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "scripts"
PAGE = '<!DOCTYPE html><title>A task</title><form><p>{{ text }}</p><input name="label"></form>'
QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">'
    "<HTMLContent><![CDATA[<!DOCTYPE html><title>A task</title>"
    '<form><p>text</p><input name="label"></form>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>'
)
TASK = {
    "task_name": "bench",
    "task_title": "Look at a picture",
    "task_description": "Say what is in it.",
    "task_reward": "0.01",
    "data": "items.csv",
    "template": "task.html",
}


class Bench:
    """A folder with a home, a crowd server on a free port, and the commands that work on them."""

    def __init__(self, folder: Path, crowd: Crowd) -> None:
        self.folder, self.crowd, self.home = folder, crowd, folder / "home"
        keys = self.home / "crowd" / "credentials"
        keys.parent.mkdir(mode=0o700, parents=True)
        shutil.copy(crowd.credentials_file, keys)
        keys.chmod(0o600)

    def write_run(self, rows: int, **parameters: object) -> Path:
        """Write a run.toml over so many rows."""
        return write_run(self.folder, rows, **parameters)

    def environment(self) -> dict[str, str]:
        """The variables under which our scripts work here."""
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CROWDOPS_"))},
            "CROWDOPS_HOME": str(self.home),
            "CROWDOPS_ENV_FILE": os.devnull,
            "AWS_ENDPOINT_URL_MTURK": self.crowd.url,
        }

    def run(self, script: str, *arguments: str) -> tuple[float, str]:
        """Run one of our scripts to its end; seconds, from the start of its process, and its stdout."""
        command = [sys.executable, str(SCRIPTS / script), *arguments]
        started = time.perf_counter()
        done = subprocess.run(
            command,
            check=False,
            env=self.environment(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"{script} ended with {done.returncode}: {done.stderr}")
        return seconds, done.stdout

    def hit_type(self, client: Any) -> str:
        """Make the HIT type that a loop of one's own would use."""
        answer = client.create_hit_type(
            Title="Look", Description="Look", Reward="0.01", AssignmentDurationInSeconds=600
        )
        return str(answer["HITTypeId"])

    def create(self, client: Any, hit_type_id: str) -> str:
        """Create one HIT as such a loop does."""
        answer = client.create_hit_with_hit_type(
            HITTypeId=hit_type_id, Question=QUESTION, LifetimeInSeconds=86400, MaxAssignments=1
        )
        return str(answer["HIT"]["HITId"])


def write_run(folder: Path, rows: int, **parameters: object) -> Path:
    """Write data, a page and a run.toml over so many rows into a folder."""
    with (folder / "items.csv").open("w") as file:
        file.write("text\n")
        file.writelines(f"picture number {number}\n" for number in range(rows))
    (folder / "task.html").write_text(PAGE)
    values = {**TASK, **parameters}
    lines = (
        f"{name} = {value if isinstance(value, int) else repr(value)}\n" for name, value in values.items()
    )
    path = folder / "run.toml"
    path.write_text("[task]\n" + "".join(lines))
    return path


@contextmanager
def bench(**crowd: Any) -> Iterator[Bench]:
    """Start a crowd server with these conditions and enough money, and a home beside it."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Crowd(balance="1000000.00", **crowd) as running,
    ):
        yield Bench(Path(folder), running)


def show(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print one table."""
    sys.stdout.write(f"{title}\n{tabulate(rows, headers=headers, floatfmt='.2f')}\n\n")
    sys.stdout.flush()
