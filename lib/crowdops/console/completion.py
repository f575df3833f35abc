"""What a shell is told while somebody types a command: folders, scripts, options, runs and task_names.

Bash, zsh and fish ask by click's own mechanism: the program, with a variable that says what is asked.
"""

from __future__ import annotations

import runpy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class, shell_complete

from crowdops.console import streams
from crowdops.console.script_files import ScriptFile

PROGRAM = "crowdops"
VARIABLE = "_CROWDOPS_COMPLETE"
SHELLS = ("bash", "zsh", "fish")
_RUN, _GLOB = "RUN_ID", "GLOB"  # what a parameter that asks for a run or for a task_name stands for in --help

Names = Callable[[], Sequence[tuple[str, str]]]  # (run_id, task_name), the newest first; never fails


class _Known(click.ParamType[Any]):
    """A value of which some are known, each with a word of help."""

    name = "text"

    def __init__(self, values: Callable[[], Sequence[tuple[str, str]]]) -> None:
        self._values = values

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return those that begin with what was typed."""
        values = [value for value in self._values() if value[0].startswith(incomplete)]
        return [CompletionItem(value, help=help) for value, help in values]


class _Scripts(click.Group):
    """The scripts of a folder, by their names. One is read when something of it is asked."""

    def __init__(self, folder: str, scripts: Sequence[ScriptFile], names: Names) -> None:
        super().__init__(folder)
        self._scripts, self._names = {script.name: script for script in scripts}, names

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Return the scripts whose names begin with what was typed."""
        scripts = [script for name, script in self._scripts.items() if name.startswith(incomplete)]
        return [CompletionItem(script.name, help=script.line) for script in scripts]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a script's command, whose parameters know which runs there are."""
        if cmd_name not in self._scripts:
            return None
        command: click.Command = runpy.run_path(str(self._scripts[cmd_name].path))["main"]
        for parameter in command.params:
            if _RUN in (parameter.metavar or ""):
                parameter.type = _Known(self._runs)
            elif parameter.metavar == _GLOB:
                parameter.type = _Known(self._task_names)
        return command

    def _runs(self) -> list[tuple[str, str]]:
        runs = self._names()
        times = Counter(task_name for _, task_name in runs)
        alone = [(task_name, run_id) for run_id, task_name in runs if times[task_name] == 1]
        return [("last", "the newest run"), *runs, *alone] if runs else []

    def _task_names(self) -> list[tuple[str, str]]:
        times = Counter(task_name for _, task_name in self._names())
        return [(name, "1 run" if count == 1 else f"{count} runs") for name, count in times.items()]


def answer(instruction: str, folders: Mapping[str, Sequence[ScriptFile]], names: Names) -> int:
    """Answer a shell, which says what it asks, such as "bash_complete". Returns the exit code.

    Nobody wants to read of trouble in the middle of a line: stderr goes nowhere.
    """
    streams.abandon(2)
    tree = click.Group(PROGRAM)
    for folder, scripts in folders.items():
        tree.add_command(_Scripts(folder, scripts, names))
    shells = click.Command("completion", params=[click.Argument(["shell"], type=click.Choice(SHELLS))])
    tree.add_command(shells)
    return shell_complete(tree, {}, PROGRAM, VARIABLE, instruction)


def source(shell: str) -> str:
    """Return what a shell has to read so that it completes crowdops."""
    kind = get_completion_class(shell)
    assert kind is not None, shell
    return kind(click.Group(PROGRAM), {}, PROGRAM, VARIABLE).source().strip()
