"""The crowd server's backups, by the commands of docs/crowd-server.md: what is back, and not done twice."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import manual
from tests.support.crowds import Crowd
from tests.support.postgresql import Cluster, find_binaries
from tests.support.world import World

COMMANDS = re.findall(r"^```\n(umask 077; .*?)^```", manual.read("crowd-server"), re.DOTALL | re.MULTILINE)
Restore = Callable[[], str]


def shell(command: str, folder: Path) -> None:
    """Run a command of the page in a folder, with PostgreSQL's programs at hand."""
    path = f"{find_binaries()}:{os.environ['PATH']}"
    subprocess.run(["/bin/sh", "-ec", command], cwd=folder, env={**os.environ, "PATH": path}, check=True)


def copy_file(crowd: Crowd, folder: Path) -> Restore:
    """Copy the file; what is returned puts the copy in its place, and returns the address."""
    file = crowd.home / "crowd.db"
    shell(COMMANDS[0].replace("~/.crowdops/crowd/crowd.db", str(file)), folder)
    assert (folder / "crowd-copy.db").stat().st_mode & 0o777 == 0o600

    def restore() -> str:
        for ending in ("", "-wal", "-shm"):
            (crowd.home / f"crowd.db{ending}").unlink(missing_ok=True)
        (folder / "crowd-copy.db").rename(file)
        return crowd.database_url

    return restore


def dump(crowd: Crowd, cluster: Cluster, folder: Path) -> Restore:
    """Dump the database; what is returned restores it beside the old one, and returns its address."""
    old = re.findall(r"/(\w+)\?", crowd.database_url)[0]
    text = COMMANDS[1].replace("HOST", str(cluster.directory)).replace("USER", "postgres")
    dump_command, create, restore_command = re.sub(r"\bcrowd$", old, text, flags=re.MULTILINE).splitlines()
    shell(dump_command, folder)

    def restore() -> str:
        shell(create, folder)
        shell(restore_command, folder)
        return crowd.database_url.replace(f"/{old}?", "/crowd2?")

    return restore


def identity(crowd: Crowd) -> Any:
    """Return which server answers."""
    return requests.get(f"{crowd.url}/health", timeout=30).json()["server_id"]


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_a_server_that_is_back_is_the_same_and_nothing_is_paid_twice(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = request.getfixturevalue("cluster") if backend == "postgresql" else None
    url = cluster.create_database() if cluster else None
    with Crowd(tmp_path / "crowd", database=url, control=False) as crowd:
        world = World(crowd, tmp_path, monkeypatch)
        run = world.launch(units=2)
        first, second = world.hit_ids(run)
        kept = world.do(first)
        assert world.json("mturk/review_assignments", "--run", "last", "--approve-all", "--yes")["done"] == 1
        restore = dump(crowd, cluster, tmp_path) if cluster else copy_file(crowd, tmp_path)
        server, balance = identity(crowd), world.client.get_account_balance()["AvailableBalance"]
        bonuses = tmp_path / "bonuses.csv"
        bonuses.write_text(f"assignment_id,worker_id,amount,reason\n{kept},AWORKER1,0.50,Well done\n")
        assert world.json("mturk/pay_bonuses", str(bonuses), "--yes")["done"] == 1
        lost = world.do(second)
        assert world.json("mturk/review_assignments", "--run", "last", "--approve-all", "--yes")["done"] == 1
        port = int(crowd.url.rpartition(":")[2])
        crowd.database.close()
    with Crowd(crowd.home, database=restore(), control=False, port=port) as back:
        assert identity(back) == server
        client = back.client()
        assert client.get_account_balance()["AvailableBalance"] == balance
        (answered,) = client.list_assignments_for_hit(HITId=first)["Assignments"]
        assert (answered["AssignmentId"], answered["AssignmentStatus"]) == (kept, "Approved")
        # What came after the copy: the registry has it, and the server does not.
        assert client.list_bonus_payments(HITId=first)["BonusPayments"] == []
        again = world.json("mturk/pay_bonuses", str(bonuses), "--yes")
        assert (again["done"], again["already"]) == (0, 1)
        assert world.json("mturk/print_account")["total"]["bonuses"] == "0.50"
        assert client.get_hit(HITId=second)["HIT"]["NumberOfAssignmentsAvailable"] == 1
        assert lost in world.collected(run.run_id)
        named = world.invoke("mturk/identify_broken_units", "--run", "last")
        assert second in named.stdout, named.stdout + named.stderr
