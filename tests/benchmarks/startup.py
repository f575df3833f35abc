"""How long --help of every script takes: python -m tests.benchmarks.startup [--rounds N]

Beside it: `python -c "import click"`, the least that such a script can be. Rounds alternate between all of
them; the fastest of each is shown, because whatever else the machine does can only add to it.
"""

import argparse
import subprocess
import sys
import time

from tests.benchmarks._sides import show
from tests.support.forks import REPOSITORY
from tests.support.scripts import SCRIPTS

BASE = "import click"


def seconds(*command: str) -> float:
    """Run a command to its end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, cwd=REPOSITORY)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    commands = {BASE: ("-c", BASE)} | {
        str(path.relative_to(SCRIPTS)): (str(path), "--help") for path in sorted(SCRIPTS.glob("*/[a-z]*.py"))
    }
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(options.rounds):
        for name, command in commands.items():
            best[name] = min(best[name], seconds(*command))
    rows = [(name, 1000 * time_, time_ / best[BASE]) for name, time_ in best.items()]
    show("Starting", ("", "ms", "ratio"), rows)


if __name__ == "__main__":
    main()
