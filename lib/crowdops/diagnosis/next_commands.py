"""The commands that a diagnosis proposes: each works in the state of which it is told."""

from __future__ import annotations

import shlex

from crowdops.config.environments import ENVIRONMENTS
from crowdops.diagnosis.snapshot import Snapshot


def command(snapshot: Snapshot, target: str, more: str = "") -> str:
    """Return a target of the Makefile with the run that was looked at."""
    return f"make {target} RUN={snapshot.run.run_id}{more}"


def end(snapshot: Snapshot) -> str:
    """Return what ends the run: the process that attends it, if there is one, has to be asked."""
    if snapshot.condition == "attended":
        return command(snapshot, "expire", " ARGS=--stop-run")
    return command(snapshot, "expire")


def watch(snapshot: Snapshot) -> str:
    """Return what shows how the run goes on."""
    return command(snapshot, "status", " ARGS='--watch 10'")


def invite(snapshot: Snapshot, name: str) -> str:
    """Return what brings a worker: at Amazon's endpoints nobody can be invited, only waited for."""
    if ENVIRONMENTS[snapshot.run.environment].amazon:
        return watch(snapshot)
    return f"make invite ARGS='--name {name}'"


def launch_again(snapshot: Snapshot) -> str:
    """Return what launches a run again that failed: its run.toml lies beside its data, as a rule."""
    path = snapshot.run.parameters.data.parent / "run.toml"
    return f"make launch FILE={shlex.quote(str(path))}" if path.is_file() else "make launch FILE=RUN.TOML"
