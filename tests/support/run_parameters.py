"""Runs and their parameters for tests that need some and look at few of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from crowdops.config.parameters import Parameters
from crowdops.registry import Run

_SOME = Parameters(
    task_name="pilot-1",
    task_title="Label a sentence",
    task_description="Read it and choose a label",
    task_reward=Decimal("0.05"),
    task_tags="text, labels",
    data=Path("/data/rows.csv"),
    template=Path("/data/task.html"),
    assignments_per_unit=1,
    assignment_duration_in_seconds=600,
    task_lifetime_in_seconds=86400,
    auto_approval_delay_in_seconds=86400,
    max_num_concurrent_units=0,
    allowed_concurrent=0,
    maximum_units_per_worker=0,
    no_submission_patience=3600,
    max_cost=None,
    server_kind="none",
    url="",
    app_dir=None,
    dyno_size="basic",
    dynos=1,
    team="",
    qualifications=[],
)


def some_parameters(**values: Any) -> Parameters:
    """Parameters as a run.toml gives them, with these values in the place of the usual ones."""
    return _SOME._replace(**values)


def some_run(**values: Any) -> Run:
    """A run as it is written down before anything of it exists, with these values in place of the usual ones.

    Without parameters it has those of some_parameters() for its task_name.
    """
    run = Run(
        run_id="20261122-114502-k3f9",
        task_name="pilot-1",
        environment="local",
        endpoint="http://127.0.0.1:8730",
        state="launching",
        detached=False,
        parameters=_SOME,
        data_digest="",
        units=1,
        hit_type_id=None,
        created_at=datetime(2026, 11, 22, 11, 45, tzinfo=UTC),
        ended_at=None,
        reason=None,
    )._replace(**values)
    return run if "parameters" in values else run._replace(parameters=_SOME._replace(task_name=run.task_name))
