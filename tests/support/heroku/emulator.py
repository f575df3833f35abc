"""A Heroku Platform API on loopback that really unpacks a source, runs its Procfile and deletes it again.

    python -m tests.support.heroku.emulator [--port 0] [--state DIR] [--boot-timeout SECONDS] [--page-size N]

Prints `heroku emulator ready at http://127.0.0.1:PORT`. Give that URL to the official CLI and to crowdops as
HEROKU_HOST. One account exists, ACCOUNT_EMAIL with TOKEN; `POST /_control/accounts` and `POST
/_control/teams` make more, and `POST /_control/faults` orders what shall go wrong
(heroku_platform/faults.py). With --state everything but the log lines survives a kill -9 and a new start on
the same folder.

Unlike Heroku: dynos run on this machine with this Python, nothing is installed by a build, and an app is
served at a port of its own (web_url) in place of a host name.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.support.heroku.platform import endpoints, outside
from tests.support.heroku.platform.api import Api
from tests.support.heroku.platform.dynos import HEROKU_BOOT_TIMEOUT
from tests.support.heroku.platform.platform import Platform

ACCOUNT_EMAIL = "researcher@example.org"
TOKEN = "emulator-token"
HEROKU_PAGE_SIZE = 200


class QuietHandler(WSGIRequestHandler):
    """Speaks HTTP/1.1, so that streams come in chunks, and does not log."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        pass


def start(options: argparse.Namespace, directory: Path) -> tuple[Platform, BaseWSGIServer]:
    """A platform with the default account, and the server that listens for it."""
    platform = Platform(directory, options.boot_timeout)
    platform.world.add_account(ACCOUNT_EMAIL, TOKEN)
    api = Api(platform, options.page_size)
    endpoints.install(api)
    outside.install(api)
    server = make_server("127.0.0.1", options.port, api.flask, threaded=True, request_handler=QuietHandler)
    platform.base_url = f"http://127.0.0.1:{server.port}"
    platform.resume()
    return platform, server


def leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="A Heroku Platform API on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--boot-timeout", type=float, default=HEROKU_BOOT_TIMEOUT)
    parser.add_argument("--page-size", type=int, default=HEROKU_PAGE_SIZE)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    with ExitStack() as stack:
        directory = options.state or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="heroku-emulator-"))
        )
        directory.mkdir(parents=True, exist_ok=True)
        platform, server = start(options, directory)
        stack.callback(platform.shut_down)
        print(f"heroku emulator ready at {platform.base_url}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
