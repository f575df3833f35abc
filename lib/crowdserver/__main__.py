"""Serve a crowd: `python -m crowdserver`."""

import atexit
import contextlib
import gc
import os
import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_EXIT_INTERRUPTED = 130


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End the process on the spot: nothing is served yet."""
    with contextlib.suppress(OSError):
        os.write(2, b"Interrupted.\n")
    os._exit(_EXIT_INTERRUPTED)


def _ignore() -> None:
    """Let no signal break off the interpreter's own end."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    os.umask(0o077)  # what it writes, wherever that is, is its owner's alone
    for each in _SIGNALS:
        signal.signal(each, _leave)  # until gunicorn heeds them
    atexit.register(_ignore)
    # Nearly all of a start is imports, whose objects stay: to look for garbage among them is a tenth of the
    # time. It is looked for again from when the server serves.
    gc.disable()
    from crowdserver.serve import main

    main()
