"""Parameters of a run for tests that need some and look at few of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from crowdops.config.parameters import Parameters

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
