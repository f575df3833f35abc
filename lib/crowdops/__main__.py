"""The installed command, crowdops, from its first moment on."""

import sys


def main() -> int:
    """Do what was typed, and return the exit code. Ctrl-C ends it with a word while it still imports."""
    from crowdops.console import interrupts

    interrupts.leave_at_once()
    from crowdops import entry

    return entry.start(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
