"""Dynos: real processes of a Procfile, booted, watched, restarted after a crash and stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from .faults import Faults
from .logs import LogBuffer
from .shapes import new_id, timestamp

KEEPER = Path(__file__).with_name("keeper.py")
STOP_GRACE = 30
HEROKU_BOOT_TIMEOUT = 60.0
# The first crash is restarted at once, later ones after a cool-off that grows.
COOL_OFF = (0, 60, 300, 1200)
KILLED = 137


class Launch(NamedTuple):
    """What a dyno is started from; the code is copied, because a dyno's disk does not outlive it."""

    process_type: str
    command: str
    size: str
    code: Path
    config: dict[str, str]
    release: dict[str, Any]


class Machine(NamedTuple):
    """What all dynos of one app share."""

    logs: LogBuffer
    faults: Faults
    boot_timeout: float  # of processes that were ordered to be deaf: others may take as long as at Heroku
    disks: Path


class Dyno(threading.Thread):
    """One dyno: its thread boots the process, watches it and boots it again after a crash, until stopped."""

    def __init__(self, name: str, launch: Launch, machine: Machine) -> None:
        super().__init__(name=f"dyno {name}", daemon=True)
        self.id = new_id()
        self.dyno_name = name
        self.launch = launch
        self.state = "starting"
        self.created_at = self.updated_at = timestamp()
        self.port = 0
        self._machine = machine
        self._boot_timeout = HEROKU_BOOT_TIMEOUT
        self._keeper: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def run(self) -> None:
        crashes = 0
        while not self._stopping.is_set():
            with tempfile.TemporaryDirectory(dir=self._machine.disks, ignore_cleanup_errors=True) as disk:
                self._live_once(Path(disk) / "app")
            self._stopping.wait(COOL_OFF[min(crashes, len(COOL_OFF) - 1)])
            crashes += 1

    def stop(self) -> None:
        """Ask for an orderly end: SIGTERM now, SIGKILL after the grace. Safe to repeat."""
        self._stopping.set()
        # A broken pipe: it ended by itself a moment ago.
        with self._lock, contextlib.suppress(BrokenPipeError):
            if self._keeper is not None and self._keeper.stdin is not None and not self._keeper.stdin.closed:
                self._keeper.stdin.write(b"\n")
                self._keeper.stdin.flush()

    def kill(self) -> None:
        """End the process group now."""
        self._stopping.set()
        self._close_keeper()

    def _live_once(self, directory: Path) -> None:
        self._set_state("starting")
        command, port, delay = self._ordered_faults()
        shutil.copytree(self.launch.code, directory, symlinks=True)
        self.log(f"Starting process with command `{self.launch.command}`")
        if self._stopping.wait(delay):
            return
        keeper = self._spawn(command, port, directory)
        pump = threading.Thread(target=self._pump, args=(keeper,), daemon=True)
        pump.start()
        if self.launch.process_type != "web" or self._bound(keeper):
            self._set_state("up")
        status = keeper.wait()
        self._close_keeper()
        pump.join()
        self.log(f"Process exited with status {status}")
        self._set_state("down" if self._stopping.is_set() else "crashed")

    def _ordered_faults(self) -> tuple[str, int, float]:
        """The command, the port told to the process and the delay, as the faults on order bend them."""
        self.port = port = free_port()
        self._boot_timeout = HEROKU_BOOT_TIMEOUT
        command, delay = self.launch.command, 0.0
        if self._machine.faults.take(("boot-crash",), self.launch.process_type):
            command = "echo \"ModuleNotFoundError: No module named 'ordered_to_crash'\" >&2; exit 1"
        if self._machine.faults.take(("wrong-port",), self.launch.process_type):
            port = free_port()
            self._boot_timeout = self._machine.boot_timeout
        if slow := self._machine.faults.take(("slow-boot",), self.launch.process_type):
            delay = slow.seconds
        return command, port, delay

    def _spawn(self, command: str, port: int, directory: Path) -> subprocess.Popen[bytes]:
        binaries = str(Path(sys.executable).parent)
        environment = {
            "PATH": os.pathsep.join([binaries, os.defpath]),
            "LANG": "C.UTF-8",
            "HOME": str(directory),
            "PYTHONUNBUFFERED": "1",
            "CROWDOPS_HOST": "127.0.0.1",  # the router is on this machine, so nobody else has to get in
            **self.launch.config,
            "PORT": str(port),
            "DYNO": self.dyno_name,
        }
        with self._lock:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", str(KEEPER), str(STOP_GRACE), command],
                cwd=directory,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self._stopping.is_set():
            self._close_keeper()
        return self._keeper

    def _pump(self, keeper: subprocess.Popen[bytes]) -> None:
        assert keeper.stdout is not None
        for line in keeper.stdout:
            self._machine.logs.add("app", self.dyno_name, line.decode(errors="replace").rstrip("\n"))
        keeper.stdout.close()

    def _bound(self, keeper: subprocess.Popen[bytes]) -> bool:
        """Whether the process took its port in time; one that did not is killed."""
        deadline = time.monotonic() + self._boot_timeout
        while keeper.poll() is None and time.monotonic() < deadline:
            if accepts(self.port):
                return True
            time.sleep(0.02)
        if keeper.poll() is None and not self._stopping.is_set():
            self.log(
                "Error R10 (Boot timeout) -> Web process failed to bind to $PORT within"
                f" {self._boot_timeout:g} seconds of launch"
            )
            self.log("Stopping process with SIGKILL")
            self._close_keeper()
        return False

    def _close_keeper(self) -> None:
        # A broken pipe: it ended before the stop line reached it.
        with self._lock, contextlib.suppress(BrokenPipeError):
            if self._keeper is not None and self._keeper.stdin is not None:
                self._keeper.stdin.close()

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.log(f"State changed from {self.state} to {state}")
        self.state, self.updated_at = state, timestamp()

    def log(self, text: str) -> None:
        self._machine.logs.add("heroku", self.dyno_name, text)


class Fleet:
    """The dynos of one app. Who changes them holds the platform's lock."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._dynos: dict[str, Dyno] = {}

    def dynos(self) -> list[Dyno]:
        # The copy lets the router read while somebody scales.
        dynos = list(self._dynos.values())
        return sorted(dynos, key=lambda dyno: (dyno.launch.process_type, dyno.dyno_name))

    def scale(self, launch: Launch, quantity: int) -> None:
        """Bring the dynos of a type to a number; those that stay run on, unless their size changes."""
        wanted = {f"{launch.process_type}.{number}" for number in range(1, quantity + 1)}
        for name, dyno in list(self._dynos.items()):
            if dyno.launch.process_type == launch.process_type and (
                name not in wanted or dyno.launch.size != launch.size
            ):
                self._dynos.pop(name).stop()
        for name in sorted(wanted - set(self._dynos)):
            self._start(name, launch)

    def replace(self, launches: dict[str, Launch]) -> None:
        """Start every dyno anew from these launches; types without one go."""
        for name, dyno in list(self._dynos.items()):
            self._dynos.pop(name).stop()
            if launch := launches.get(dyno.launch.process_type):
                self._start(name, launch)

    def restart(self, names: list[str]) -> None:
        for name in names:
            dyno = self._dynos.pop(name)
            dyno.stop()
            self._start(name, dyno.launch)

    def stop(self) -> None:
        while self._dynos:
            self._dynos.popitem()[1].stop()

    def kill(self) -> None:
        """End every process now and wait until it is gone."""
        dynos = list(self._dynos.values())
        for dyno in dynos:
            dyno.kill()
        for dyno in dynos:
            dyno.join()

    def _start(self, name: str, launch: Launch) -> None:
        self._dynos[name] = Dyno(name, launch, self.machine)
        self._dynos[name].start()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(0.2)
        return connection.connect_ex(("127.0.0.1", port)) == 0
