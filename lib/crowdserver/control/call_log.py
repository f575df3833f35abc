"""A line for each signed request on stderr, where that is a file, a journal or a pipe: whose key did what."""

import contextlib
import os
import select
import sys
import time


def note(key_name: str, what: str, outcome: str) -> None:
    """Write a line. What nobody reads is dropped: a pipe that is full must not hold up a request."""
    line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} key {key_name}: {what} {outcome}\n"
    with contextlib.suppress(OSError, ValueError):
        descriptor = sys.stderr.fileno()
        if not os.isatty(descriptor) and select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, line.encode())
