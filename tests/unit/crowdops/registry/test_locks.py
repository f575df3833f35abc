"""Run locks, with real processes that hold them and are killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crowdops.errors import UsageError
from crowdops.registry import locks
from tests.support.processes import wait_until

RUN, OTHER = "20261122-114502-k3f9", "20261122-114503-ab2c"
HOLD = """
import sys, time
from pathlib import Path
from crowdops.registry import locks
with locks.hold(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""
ASK = """
import sys
from pathlib import Path
from crowdops.registry import locks
print("asking", flush=True)
for _ in range(int(sys.argv[3])):
    locks.holder_of(Path(sys.argv[1]), sys.argv[2])
"""


@contextmanager
def process(program: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has said that it is under way."""
    command = [sys.executable, "-c", program, *map(str, args)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        yield running
        running.kill()


def test_a_run_that_nobody_holds_has_no_holder(tmp_path: Path) -> None:
    assert locks.holder_of(tmp_path, RUN) is None
    with locks.hold(tmp_path, RUN):
        pass
    assert locks.holder_of(tmp_path, RUN) is None


def test_asking_about_a_run_that_was_never_held_writes_nothing(tmp_path: Path) -> None:
    locks.holder_of(tmp_path, RUN)
    assert not list(tmp_path.iterdir())


def test_the_holder_is_named(tmp_path: Path) -> None:
    with process(HOLD, tmp_path, RUN) as holder:
        found = locks.holder_of(tmp_path, RUN)
        assert found is not None
        assert found.pid == holder.pid
        assert found.host == os.uname().nodename
        assert locks.describe(found).startswith(f"process {holder.pid} on {found.host} (-c, since 2")
        assert locks.holder_of(tmp_path, OTHER) is None


def test_a_second_holder_is_told_who_the_first_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.1)
    with process(HOLD, tmp_path, RUN) as holder:
        with pytest.raises(UsageError, match=f"run {RUN} is attended by process {holder.pid} on .*stop that"):
            locks.hold(tmp_path, RUN).__enter__()
        with locks.hold(tmp_path, OTHER):
            assert locks.holder_of(tmp_path, OTHER) is not None


def test_kill_9_frees_the_lock(tmp_path: Path) -> None:
    with process(HOLD, tmp_path, RUN) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        wait_until(lambda: locks.holder_of(tmp_path, RUN) is None)
        with locks.hold(tmp_path, RUN):
            found = locks.holder_of(tmp_path, RUN)
            assert found is not None and found.pid == os.getpid()


def test_a_holders_name_does_not_outlive_a_longer_one(tmp_path: Path) -> None:
    path = tmp_path / "locks" / f"{RUN}.lock"
    with locks.hold(tmp_path, RUN):
        path.write_text(path.read_text() + "x" * 500)
    with locks.hold(tmp_path, RUN):
        found = locks.holder_of(tmp_path, RUN)
    assert found is not None and found.pid == os.getpid()


def test_a_lock_without_a_name_is_held_all_the_same(tmp_path: Path) -> None:
    with locks.hold(tmp_path, RUN):
        (tmp_path / "locks" / f"{RUN}.lock").write_text("")
        found = locks.holder_of(tmp_path, RUN)
    assert found is not None and found.command == "unknown"


def test_asking_a_thousand_times_never_makes_a_hold_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 10.0)  # the machine that runs this may be busy
    with locks.hold(tmp_path, RUN):
        pass
    with process(ASK, tmp_path, RUN, 1000) as one, process(ASK, tmp_path, RUN, 1000) as two:
        times = 0
        while one.poll() is None or two.poll() is None or times < 50:
            with locks.hold(tmp_path, RUN):
                times += 1
        assert (one.returncode, two.returncode) == (0, 0)


def test_only_one_of_many_threads_gets_the_lock_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 30.0)
    inside, most = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with locks.hold(tmp_path, RUN):
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_locks_are_for_their_owner_only(tmp_path: Path) -> None:
    with locks.hold(tmp_path / "home", RUN):
        assert (tmp_path / "home" / "locks").stat().st_mode & 0o777 == 0o700


# Commands that do not overlap

ALONE = """
import sys
from pathlib import Path
from crowdops.registry import locks
with locks.alone(Path(sys.argv[1]), "check_runs"):
    print("alone", flush=True)
    sys.stdin.read()
"""


def test_a_command_that_is_at_work_is_named_and_lets_go_when_it_is_killed(tmp_path: Path) -> None:
    with process(ALONE, tmp_path) as other:
        busy = pytest.raises(UsageError, match=f"another check_runs is at work: process {other.pid} on ")
        with busy, locks.alone(tmp_path, "check_runs", patience=0.05):
            pass
        with locks.alone(tmp_path, "another"), locks.hold(tmp_path, RUN):
            pass
        other.kill()
        other.wait()
    with locks.alone(tmp_path, "check_runs"):
        assert locks.holder_of(tmp_path, "check_runs") is None  # it is no run


def test_one_that_ends_soon_is_waited_for(tmp_path: Path) -> None:
    with process(ALONE, tmp_path) as other:
        assert other.stdin is not None
        timer = threading.Timer(0.2, other.stdin.close)
        timer.start()
        with locks.alone(tmp_path, "check_runs", patience=30):
            pass
        timer.join()


def test_without_a_home_nothing_is_held_and_nothing_made(tmp_path: Path) -> None:
    with locks.alone(tmp_path / "gone", "check_runs"), locks.alone(tmp_path / "gone", "check_runs"):
        pass
    assert not list(tmp_path.iterdir())
