"""What every script does first: it finds its environment, and ends with a word at Ctrl-C while it imports.

So a script works by its path, from anywhere: where this Python lacks what it needs, it goes on in the
checkout's .venv, or says how to get one. Pythons that are too old for the suite read this file, too.
"""

import importlib.util
import os
import shlex
import sys

import __main__

NEEDED = ("crowdops", "click")
OLDEST = (3, 11)
EXIT_USAGE = 2
EXIT_UNKNOWN = 3


def is_ready() -> bool:
    """Return whether this Python can run a script."""
    return sys.version_info >= OLDEST and all(importlib.util.find_spec(name) for name in NEEDED)


def go_on_in_the_environment(root: str) -> str:
    """Replace this process by the same script in the checkout's .venv. Return what to do if that fails."""
    environment = os.path.join(root, ".venv")
    make = f"make -C {shlex.quote(root)}"
    python = os.path.join(environment, "bin", "python")
    if not os.path.exists(os.path.join(root, "Makefile")):
        return f"{sys.executable} has no crowdops to run this with. Type crowdops instead."
    if os.path.realpath(sys.prefix) != os.path.realpath(environment) and os.path.exists(python):
        try:
            os.execv(python, [python, str(__main__.__file__), *sys.argv[1:]])
        except OSError as error:
            return f"{python} cannot be run: {error.strerror}. Make it anew: {make} clean venv"
    if os.path.exists(environment):
        return f"{environment} lacks what the scripts need. Make it anew: {make} clean venv"
    return f"This needs an environment of its own. Make it once: {make} venv"


is_plugin = bool(globals().get("is_plugin"))  # of monitoring: it says everything on stdout, and ends with 3

if not is_ready():
    folder = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    word, stream = ("CROWDOPS UNKNOWN", sys.stdout) if is_plugin else ("error", sys.stderr)
    stream.write(f"{word}: {go_on_in_the_environment(folder)}\n")
    sys.exit(EXIT_UNKNOWN if is_plugin else EXIT_USAGE)

from crowdops.console import interrupts  # noqa: E402 - not before it is known to be there

if is_plugin:
    interrupts.leave_at_once("CROWDOPS UNKNOWN: interrupted", stream=1, exit_code=EXIT_UNKNOWN)
else:
    interrupts.leave_at_once()
