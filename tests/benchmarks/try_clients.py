"""`make clients`: let Dallinger, psiTurk and larry, as they are, through against a crowd server."""

import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import peers
from tests.support.crowds import Crowd

PROGRAM = Path(__file__).parent / "clients.py"

if __name__ == "__main__":
    installed = peers.install()
    if installed is None:
        sys.exit(1)
    with Crowd() as crowd:
        command = [str(installed.python), str(PROGRAM), crowd.url]
        sys.exit(subprocess.run(command, env={**os.environ, **crowd.environment}, check=False).returncode)
