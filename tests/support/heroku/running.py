"""A running Heroku emulator for tests: its own process, its orders and its counts."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.support.forks import Process, Streams
from tests.support.heroku.emulator import TOKEN
from tests.support.processes import first_line

READY = "heroku emulator ready at "
ACCEPT = "application/vnd.heroku+json; version=3"


class RunningEmulator:
    """The process, its address, and short ways to call it as the account of `token`."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = TOKEN, **headers: str
    ) -> requests.Response:
        sent = {"Accept": ACCEPT, "Authorization": f"Bearer {token}", **headers}
        with requests.Session() as session:
            session.trust_env = False  # a test may have set a proxy
            return session.request(method, self.url + path, json=body, headers=sent, timeout=30)

    def get(self, path: str, *, token: str = TOKEN) -> Any:
        """The JSON of a successful GET."""
        answer = self.call("GET", path, token=token)
        assert answer.ok, answer.text
        return answer.json()

    def create_app(self, name: str, *, token: str = TOKEN) -> dict[str, Any]:
        answer = self.call("POST", "/apps", {"name": name}, token=token)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def order(self, kind: str, **fields: Any) -> None:
        """Order a fault (heroku_platform/faults.py)."""
        answer = self.call("POST", "/_control/faults", {"kind": kind, **fields})
        assert answer.status_code == 201, answer.text

    def clear_faults(self) -> None:
        self.call("DELETE", "/_control/faults")

    def add_account(self, email: str, token: str, *, verified: bool = True) -> None:
        self.call("POST", "/_control/accounts", {"email": email, "token": token, "verified": verified})

    def add_team(self, name: str, members: list[str]) -> None:
        self.call("POST", "/_control/teams", {"name": name, "members": members})

    def calls(self) -> dict[str, int]:
        """Operation -> calls so far, whatever came of them."""
        counts = self.call("GET", "/_control/calls").json()
        return {operation: count["ok"] + count["failed"] for operation, count in counts.items()}

    def held(self) -> int:
        return int(self.call("GET", "/_control/held").json()["held"])

    def sweep(self) -> None:
        """Forget all faults, delete everybody's apps and give everybody all calls back."""
        self.clear_faults()
        self.call("DELETE", "/_control/apps")

    def kill(self) -> None:
        """The plug is pulled."""
        self.process.kill()
        self.process.wait(30)


@contextmanager
def running_emulator(*options: str) -> Iterator[RunningEmulator]:
    """Start an emulator and wait until it is ready; it ends with the block."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("HEROKU_", "CROWDOPS_"))
    }
    with tempfile.TemporaryDirectory(prefix="heroku-") as folder:
        output = Path(folder) / "output"
        streams = Streams(stdout=str(output))
        process = Process("tests.support.heroku.emulator", *options, environment=environment, streams=streams)
        try:
            line = first_line(process, output)
            assert line.startswith(READY), line
            yield RunningEmulator(process, line.removeprefix(READY).strip())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
