"""Run one shell command as its own process group, and end the whole group when the group's owner is gone.

`python -I keeper.py GRACE COMMAND`. The owner holds this program's standard input: a line on it asks for an
orderly stop (SIGTERM, after GRACE seconds SIGKILL), its end means that the owner died, by kill -9 too, and
kills at once. Exits with the command's status, 128 + signal when a signal ended it. What the command left
behind in its group dies with it, as on a dyno.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading


def end_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)


def exit_with(child: subprocess.Popen[bytes]) -> None:
    status = child.wait()
    end_group(child.pid, signal.SIGKILL)
    os._exit(status if status >= 0 else 128 - status)


def main() -> None:
    grace, command = float(sys.argv[1]), sys.argv[2]
    child = subprocess.Popen(["bash", "-c", command], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=exit_with, args=(child,)).start()
    # Unbuffered, so that the stop line is seen when it comes and not when the pipe closes.
    if os.read(0, 1):
        end_group(child.pid, signal.SIGTERM)
        patience = threading.Timer(grace, end_group, (child.pid, signal.SIGKILL))
        patience.daemon = True
        patience.start()
        os.read(0, 1)
    end_group(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
