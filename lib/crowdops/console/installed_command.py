"""The installed command: `crowdops FOLDER SCRIPT …` runs a script, and with less it lists what there is."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Iterable, Mapping, Sequence

from crowdops import __version__
from crowdops.console import commands, completion, failures, help, output, script_files, streams
from crowdops.console.script_files import ScriptFile
from crowdops.errors import Error, UsageError, nearest

USAGE = "FOLDER SCRIPT [OPTIONS]"
HELP = ("-h", "--help", "help")
LIST = "See all: crowdops"

Folders = Mapping[str, Sequence[ScriptFile]]


def start(words: Sequence[str], names: completion.Names) -> int:
    """Do what these words say, and return the exit code. A script that runs ends the process itself.

    `names` are the runs that a shell may offer.
    """
    folders = script_files.folders()
    if asked := os.environ.get(completion.VARIABLE):
        return completion.answer(asked, folders, names)
    streams.settle()
    try:
        return _do(folders, words)
    except Error as error:
        return failures.tell(failures.of(error), words)
    except BrokenPipeError:  # the reader, such as head, had enough
        streams.abandon(1)
        return 0


def _do(folders: Folders, words: Sequence[str]) -> int:
    first = words[0] if words else ""
    second = words[1] if len(words) > 1 else ""
    if first == "--version":
        output.write(f"crowdops, version {__version__}")
    elif first == "completion":
        output.write(_source(second))
    elif not first or first in HELP:
        output.write(help.listing(USAGE, {f"crowdops {name}": _lines(folders[name]) for name in folders}))
    elif first not in folders:
        raise UsageError(_no_folder(folders, first))
    elif not second or second in HELP:
        output.write(help.listing(f"{first} SCRIPT [OPTIONS]", {f"crowdops {first}": _lines(folders[first])}))
    else:
        _run(first, _find(folders, first, second), words[2:])
    return 0


def _lines(scripts: Sequence[ScriptFile]) -> list[tuple[str, str]]:
    return [(script.name, script.line) for script in scripts]


def _source(shell: str) -> str:
    if shell not in completion.SHELLS:
        raise UsageError(
            f"Say which shell: crowdops completion {' | '.join(completion.SHELLS)}. What it prints is for the"
            " shell to read, such as by this line in ~/.bashrc:\n"
            '  eval "$(crowdops completion bash)"'
        )
    return completion.source(shell)


def _no_folder(folders: Folders, typed: str) -> str:
    """Return what is to be said of a word that is no folder: it may be a script without its folder."""
    if typed.startswith("-"):
        return f"crowdops has no option {typed}. Those of a script stand behind it: crowdops {USAGE}. {LIST}"
    scripts = {script.name: name for name, scripts in folders.items() for script in scripts}
    near = nearest(typed.removesuffix(".py"), [*folders, *scripts])
    word = near.removeprefix(" Did you mean ").removesuffix("?")
    if word in scripts:
        homes = [name for name in folders if word in [script.name for script in folders[name]]]
        return f"There is no folder {typed!r}. Did you mean {_either(f'crowdops {h} {word}' for h in homes)}?"
    return f"There is no folder {typed!r}: there are {', '.join(folders)}.{near} {LIST}"


def _find(folders: Folders, folder: str, typed: str) -> ScriptFile:
    """Return a script of a folder by its name. UsageError names the nearest one, here or elsewhere."""
    name = typed.removesuffix(".py")
    for script in folders[folder]:
        if script.name == name:
            return script
    elsewhere = [other for other in folders if name in [script.name for script in folders[other]]]
    if elsewhere:
        hint = f" Did you mean {_either(f'crowdops {other} {name}' for other in elsewhere)}?"
    else:
        hint = nearest(name.replace("-", "_"), [script.name for script in folders[folder]])
    raise UsageError(f"There is no script {typed!r} in {folder}.{hint} See them: crowdops {folder}")


def _either(commands: Iterable[str]) -> str:
    return " or ".join(commands)


def _run(folder: str, script: ScriptFile, words: Sequence[str]) -> None:
    """Run a script in this process, as if it had been started by its path. Its end is the process's."""
    commands.started_as(f"crowdops {folder} {script.name}")
    sys.argv = [str(script.path), *words]
    runpy.run_path(str(script.path), run_name="__main__")
