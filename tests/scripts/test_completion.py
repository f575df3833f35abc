"""A shell completes crowdops: what it is told, and in bash and zsh what appears on the line."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crowdops.registry.names import names
from tests.support.copies import damage
from tests.support.scripts import END_SECONDS
from tests.support.world import World

READY = "are-you-there"


def told(*words: str) -> list[str]:
    """What the program tells bash of a line whose last word is unfinished."""
    result = subprocess.run(
        [sys.executable, "-m", "crowdops"],
        check=False,
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        env={
            **os.environ,
            "_CROWDOPS_COMPLETE": "bash_complete",
            "COMP_WORDS": shlex.join(["crowdops", *words]),
            "COMP_CWORD": str(len(words)),
        },
    )
    assert result.stderr == ""
    return [line.removeprefix("plain,") for line in result.stdout.splitlines() if line]


def test_runs_and_task_names_are_told(world: World) -> None:
    first, second = world.launch("pilot-1", units=1), world.launch("pilot-1", units=1)
    other = world.launch("main-1", units=1)
    ids = {first.run_id, second.run_id, other.run_id}
    assert {"last", "main-1", *ids} == set(told("mturk", "expire_hits", "--run", ""))
    assert told("local", "diagnose_run", "la") == ["last"]
    assert told("mturk", "launch_run", "--resume", "main") == ["main-1"]
    assert set(told("mturk", "expire_hits", "--task-name", "")) == {"pilot-1", "main-1"}


def test_without_a_registry_or_with_trouble_nothing_is_said_and_nothing_is_made(world: World) -> None:
    shutil.rmtree(world.home)
    assert told("local", "diagnose_run", "") == []
    assert not world.home.exists()
    world.setenv(CROWDOPS_TIMEOUT="soon")
    assert told("local", "diagnose_run", "") == []


def test_a_registry_is_only_read(world: World) -> None:
    run = world.launch("pilot-1", units=1)
    before = sorted(path.name for path in world.home.iterdir())
    assert names(world.home) == [(run.run_id, "pilot-1")]
    assert sorted(path.name for path in world.home.iterdir()) == before
    with world.registry():  # by somebody who has it open
        assert names(world.home) == [(run.run_id, "pilot-1")]
    damage(world)
    assert names(world.home) == []


def test_folders_scripts_options_and_choices_are_told() -> None:
    assert {"heroku", "local", "mturk", "completion"} <= set(told(""))
    assert told("local", "recov") == ["recover"]
    assert told("local", "recover", "--no") == ["--no-wait"]
    assert told("local", "recover", "--environment", "s") == ["sandbox"]
    assert told("completion", "") == ["bash", "zsh", "fish"]


class Shell:
    """An interactive shell at a terminal."""

    def __init__(self, *command: str, folder: Path) -> None:
        program = folder / "crowdops"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m crowdops "$@"\n')
        program.chmod(0o755)
        self._ours, theirs = pty.openpty()
        self.screen = ""
        self._process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "dumb", "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)},
        )
        os.close(theirs)

    def type(self, keys: str, until: str) -> None:
        """Press keys, and read on until something appears."""
        start, deadline = len(self.screen), time.monotonic() + END_SECONDS
        os.write(self._ours, keys.encode())
        while until not in self.screen[start:]:
            assert time.monotonic() < deadline, f"{until!r} never came, but: {self.screen[start:]!r}"
            if select.select([self._ours], [], [], 1)[0]:
                self.screen += os.read(self._ours, 65536).decode(errors="replace")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], ""),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; "),
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """A shell that has read what crowdops completion prints."""
    command, before = SHELLS[request.param]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    opened = Shell(*command, folder=tmp_path)
    source = f'{before}eval "$(crowdops completion {request.param})"; echo {READY[:3]}""{READY[3:]}\n'
    opened.type(source, READY)
    yield opened
    opened.close()


def test_a_shell_completes_a_line(shell: Shell) -> None:
    shell.type("crowdops local reco\t", "recover ")
    shell.type("--no-w\t", "no-wait ")
