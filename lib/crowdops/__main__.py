"""The installed command, crowdops, from its first moment on."""

import sys


def main() -> int:
    """Do what was typed, and return the exit code. Ctrl-C ends it with a word while it still imports."""
    from crowdops.console import interrupts

    interrupts.leave_at_once()
    from crowdops.console import installed_command

    return installed_command.start(sys.argv[1:], run_names)


def run_names() -> list[tuple[str, str]]:
    """Return id and task_name of the runs that a shell may offer, the newest first; none if that fails."""
    from crowdops.config.settings import resolve
    from crowdops.errors import Error
    from crowdops.registry import names

    try:
        return names.names(resolve({}, quiet=True, verbose=False, as_json=False).home)
    except Error:
        return []


if __name__ == "__main__":
    sys.exit(main())
