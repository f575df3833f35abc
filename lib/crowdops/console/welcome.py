"""What somebody who has just started a crowd server wants to know."""

from __future__ import annotations

from pathlib import Path

USUAL_PORT = 8730


def crowd_lines(home: Path, host: str, port: int) -> list[str]:
    """Return where the key is, how to stop the server, and what to type next in another terminal."""
    lines = [
        f"The key is in {home / 'crowd' / 'credentials'}, and what the server knows lies beside it.",
        "Ctrl-C stops the server. Nothing is lost: started again, it goes on.",
    ]
    if port != USUAL_PORT:
        address = f"http://{host}:{port}" if port else "the address that comes below"
        lines.append(f"In other terminals, first set AWS_ENDPOINT_URL_MTURK to {address}.")
    lines += [
        "Next, in another terminal:",
        "  make invite ARGS='--name Ada'        a sign-in link for a worker",
        "  make launch FILE=examples/run.toml   some work for the workers",
    ]
    return lines
