"""The command that serves a crowd, with gunicorn.

Prints one line when it is ready to answer; stops on SIGTERM and Ctrl-C; state is on disk at every moment.
"""

import contextlib
import ctypes
import errno
import gc
import os
import re
import signal
import socket
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import click
from gunicorn.app.base import BaseApplication

from crowdserver.api import Conditions
from crowdserver.app import create_app
from crowdserver.control.call_counts import CallCounts
from crowdserver.control.rate_limit import TokenBucket
from crowdserver.protocol.credentials import Credentials, CredentialsError, from_environment, load_or_create
from crowdserver.protocol.public_address import Network, PublicUrl, is_loopback, read_networks
from crowdserver.site import lab
from crowdserver.site.lab import Lab
from crowdserver.storage.database import Database, DatabaseError
from crowdserver.storage.transactions import Crowd
from webworker.worker import WaitressWorker

_THREADS = 64
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
_PR_SET_PDEATHSIG = 1
_NO_ADDRESS = ". Take an address of this machine; what it is called outside is --public-url"
_WHERE_TO_LISTEN = {
    errno.EADDRINUSE: ". Does a crowd server run there already? Stop it, or take another port: --port 0",
    errno.EADDRNOTAVAIL: _NO_ADDRESS,
    socket.EAI_NONAME: _NO_ADDRESS,
    errno.EACCES: ". Ports below 1024 are the system's: take a web server in front, docs/crowd-server.md",
}
_OTHER_KEY = (
    "named keys, and forms that workers have open, ended with the former. Have you that one? Stop the server,"
    " put it there, start again."
)


class _Refused(click.ClickException):
    """Why nothing can be served as it is, and what to do. The command itself was written rightly."""

    exit_code = 2


class Options(NamedTuple):
    """The command line's options, by their names there."""

    host: str
    port: int
    credentials: Path | None
    control: bool
    latency_ms: int
    rate_limit: float | None
    balance: Decimal
    sandbox: bool
    processes: int
    public_url: PublicUrl | None
    trusted_proxies: tuple[Network, ...]
    site_name: str
    consent_file: Path | None

    @property
    def database_url(self) -> str:
        """Where the state lies. Its address may hold a password, so it is no option: ps shows those."""
        return os.environ.get("CROWD_DATABASE_URL") or f"sqlite:///{_home() / 'crowd.db'}"

    @property
    def conditions(self) -> Conditions:
        """The conditions under which requests are answered."""
        bucket = TokenBucket(self.rate_limit) if self.rate_limit else None
        return Conditions(self.latency_ms / 1000, bucket, CallCounts() if self.control else None)


class _Server(BaseApplication):
    """gunicorn, set up from here and from nowhere else. Each process opens the database for itself."""

    def __init__(self, options: Options, key_pair: Credentials, listener: socket.socket, whose: Lab) -> None:
        self._options = options
        self._lab = whose
        self._conditions = options.conditions
        self._key_pair = key_pair
        self._listener = listener
        host = f"[{options.host}]" if ":" in options.host else options.host
        self._address = f"http://{host}:{listener.getsockname()[1]}"
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"fd://{self._listener.fileno()}",
            "workers": self._options.processes,
            "worker_class": WaitressWorker,
            "threads": _THREADS,
            # Longer than a client keeps an idle connection, so that the server never closes one under a
            # request.
            "keepalive": 75,
            "timeout": 120,
            "graceful_timeout": 5,
            "loglevel": "warning",
            "proc_name": "crowdserver",
            # Whom to trust is this server's own setting.
            "forwarded_allow_ips": "",
            "control_socket_disable": True,
            "post_fork": _die_with_parent,
            "post_worker_init": self._announce,
        }
        for name, value in settings.items():
            # Older gunicorns have no control socket to switch off.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        crowd = Crowd(Database(self._options.database_url), self._key_pair)
        public, trusted = self._options.public_url, self._options.trusted_proxies
        return create_app(crowd, self._conditions, public, trusted, self._lab)

    def _announce(self, worker: Any) -> None:
        # Only the first process: the others share its socket.
        if worker.age != 1 or sys.stdout is None:
            return
        text = f"crowd server ready at {self._address}\n"
        if self._options.public_url:
            text += f"seen from outside at {self._options.public_url}\n"
        with contextlib.suppress(OSError):  # a stdout that is full or closed is no reason not to serve
            os.write(sys.stdout.fileno(), text.encode())


def _die_with_parent(_server: Any, _worker: Any) -> None:
    """Let the kernel end this process with the main one: even after a kill -9 nothing serves on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _home() -> Path:
    return Path(os.environ.get("CROWDOPS_HOME", "~/.crowdops")).expanduser() / "crowd"


def _amount(_context: click.Context, _parameter: click.Parameter, value: str) -> Decimal:
    if not _AMOUNT.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not an amount of money with at most two decimals")
    return Decimal(value)


def _public_url(_context: click.Context, _parameter: click.Parameter, value: str | None) -> PublicUrl | None:
    try:
        return PublicUrl.read(value) if value else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _networks(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[Network, ...]:
    try:
        return read_networks(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}. Write addresses: 10.0.0.7,10.1.0.0/16") from error


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        # Python writes the address into it once more.
        reason = str(error.strerror or error).partition(" (while ")[0]
        advice = _WHERE_TO_LISTEN.get(error.errno or 0, "")
        raise _Refused(f"cannot listen on {host} port {port}: {reason}{advice}") from error


def _check_control(options: Options) -> None:
    for host in filter(None, (options.host, options.public_url and options.public_url.hostname)):
        if options.control and not is_loopback(host):
            raise click.UsageError(
                f"--control lets anybody who reaches the server move its clock: not on {host}"
            )


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8730, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option(
    "--credentials",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The requester's key pair, made if missing.  [default: credentials in the home]",
)
@click.option("--control", is_flag=True, help="Serve the control API at /_control, for tests.")
@click.option(
    "--latency-ms", default=0, show_default=True, type=click.IntRange(0, 60_000), help="Delay of each call."
)
@click.option("--rate-limit", type=click.FloatRange(1), help="Calls per second; more are throttled.")
@click.option(
    "--balance", default="10000.00", show_default=True, callback=_amount, help="Dollars in a new account."
)
@click.option("--sandbox", is_flag=True, help="Make it a sandbox for good: its balance is always 10000.00.")
@click.option(
    "--public-url",
    metavar="URL",
    envvar="CROWD_PUBLIC_URL",
    callback=_public_url,
    help="Address outside, behind a web server: https://lab.example/crowd.",
)
@click.option(
    "--trusted-proxies",
    metavar="ADDRESSES",
    default="",
    envvar="CROWD_TRUSTED_PROXIES",
    callback=_networks,
    help="Web servers whose X-Forwarded-* count, without --public-url.",
)
@click.option("--site-name", metavar="NAME", default="", envvar="CROWD_SITE_NAME", help="The lab's name.")
@click.option(
    "--consent-file",
    metavar="FILE",
    envvar="CROWD_CONSENT_FILE",
    type=click.Path(path_type=Path),
    help="Text that each worker agrees to first.",
)
@click.option(
    "--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="How many share the work."
)
def main(**options: Any) -> None:
    """Serve the MTurk Requester API and a site for workers.

    The home is $CROWDOPS_HOME/crowd, by default ~/.crowdops/crowd. CROWD_DATABASE_URL is the address of a
    database in place of crowd.db there: sqlite:////FILE or postgresql://…. CROWD_ACCESS_KEY_ID and
    CROWD_SECRET_ACCESS_KEY, if set, take the place of the key pair's file.
    """
    _serve(Options(**options))


def _lab(options: Options) -> Lab:
    try:
        return lab.read(options.site_name, options.consent_file)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _serve(options: Options) -> None:
    _check_control(options)
    whose = _lab(options)
    key_file = options.credentials or _home() / "credentials"
    had_key = key_file.exists()
    try:
        given = from_environment(os.environ)
        key_pair = given or load_or_create(key_file)
        database = Database(options.database_url)
        is_new = database.prepare(options.balance, options.sandbox)
        database.close()
    except (CredentialsError, DatabaseError) as error:
        raise _Refused(str(error)) from error
    if not (given or had_key or is_new):
        click.echo(f"{key_file} was missing and is a new key pair: {_OTHER_KEY}", err=True)
    server = _Server(options, key_pair, _listen(options.host, options.port), whose)
    # All that is loaded by now stays: the garbage collector need not look at it, here or in a process that
    # serves.
    gc.freeze()
    gc.enable()
    server.run()
