"""Through a pipe every script that prints a table gives every column, whatever the terminal is like."""

from __future__ import annotations

import re

import pytest

from crowdops.console import columns
from crowdops.hits import differences_view
from crowdops.runs import top_up_view
from crowdops.servers import view
from crowdops.servers.heroku import scale
from crowdops.workers import people_view
from tests.support.works import Work
from tests.unit.test_house import SCRIPT_NAMES

RUN = "RUN_ID of the crashed run"
BONUSES = "FILE of bonuses"
DRY, ALL = "--dry-run", "--all-runs"
SERVERS = "server|run|task_name|exists|scaled|state|answers|leftover|created|cost|url"
MAKEUP = ("--task-name", "pilot-1", "--worker", "AWORKER1", "--amount", "1.00", "--reason", "Thanks")
WORKERS = ("--workers", "1", "--until-idle", "0.01", "--seconds-per-task", "0")

# What is typed, and what stands above the columns of its tables.
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "local/diagnose_run": ((RUN,), ("looked at|found|fine",)),
    "local/kill_servers": ((DRY,), (SERVERS,)),
    "local/manage_keys": ((), ("name|key id|made|revoked",)),
    "local/print_messages": ((), ("written|worker|name|run|HIT|about|text|answered",)),
    "local/print_runs": (
        (),
        (
            "run|task_name|state|environment|units|answered|unanswered|not launched|outstanding|answers"
            "|created",
        ),
    ),
    "local/print_server_status": ((), (SERVERS,)),
    "local/print_workers": (
        (),
        ("worker|name|lives in|adult|Masters|last seen|done|in hand|approved|earned|agreed|removed",),
    ),
    "local/raise_max_cost": ((RUN, "10", DRY), ("run|task_name|state|bound|max_cost|raised to",)),
    "local/rebuild_registry": (
        (ALL, DRY),
        ("run|task_name|of this home|known|HITs|open|submitted|servers",),
    ),
    "local/recover": (
        (DRY,),
        ("what|id|task_name|state|open HITs|accepted|unsettled|may still cost|then",),
    ),
    "local/simulate_workers": (WORKERS, ("workers|submitted|returned|abandoned|refused",)),
    "local/wut": ((), ("name|type|value|from|help",)),
    "mturk/delete_hits": ((ALL, DRY), ("run|task_name|to delete|held back|because",)),
    "mturk/download_results": ((ALL, "--format", "table"), ("task_name|unit|input|answers",)),
    "mturk/expire_hits": ((ALL, DRY), ("run|task_name|state|HITs to expire",)),
    "mturk/extend_hits": (
        (ALL, "--hours", "1", DRY),
        ("run|task_name|state|HITs to extend|answers|cost with fees",),
    ),
    "mturk/launch_makeup_hits": ((*MAKEUP, DRY), ("worker|amount|fee|reason|so far",)),
    "mturk/pay_bonuses": ((BONUSES, DRY), ("run|task_name|bonuses|amount|fees|paid already",)),
    "mturk/print_account": (
        (),
        (
            "task_name|run|approved|rewards|fees|bonuses|bonus fees|spent|not reviewed|their cost"
            "|next auto-approval|still to spend",
        ),
    ),
    "mturk/print_outstanding_hit_status": (
        ("--hits",),
        (
            "run|task_name|state|units|answered|unanswered|not launched|assignable|unassignable|ended|missing"
            "|available|pending|submitted|reviewed|safe",
            "HIT|run|unit|status|available|pending|submitted|completed|expires",
        ),
    ),
    "mturk/review_assignments": (
        ("--approve-all", ALL, DRY),
        ("run|task_name|approve|reject|already so|cannot|to pay with fees",),
    ),
    "mturk/soft_block_workers": (("--list",), ("worker|blocked for|reason",)),
}
# Those whose tables need more than is cheap here are shown below without a row.
DEARER = {
    "heroku/kill_servers",
    "heroku/print_server_status",
    "heroku/scale_server",
    "local/find_capacity",
    "local/remove_workers",
    "mturk/identify_broken_units",
    "mturk/top_up_run",
}
DEARER_TABLES = (
    "server|run|now|an hour now|then|an hour then",
    "workers|pages|errors|pages/s|median ms|95 % within ms",
    "run|unit|registry|provider|HIT|why|mend",
    "worker|name|lives in|adult|Masters|last seen|done|in hand|approved|earned|agreed|removed",
    "run|task_name|units|answers lacking|launch|extend|replace|cost with fees",
)
WITHOUT_TABLES = {
    "heroku/check_credentials",
    "heroku/launch_server",
    "local/back_up",
    "local/check_runs",
    "local/invite_workers",
    "local/print_earnings",
    "local/print_panel_link",
    "local/launch_server",
    "local/preview_page",
    "local/print_events",
    "local/render_report",
    "local/restore_backup",
    "local/serve_crowd",
    "mturk/launch_run",
    "mturk/notify_workers",
}


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow terminal with colours is around the pipe."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")


def headings(output: str) -> tuple[str, ...]:
    """What stands above the columns of each table."""
    lines = output.splitlines()
    ruled = [above for above, line in zip(lines, lines[1:], strict=False) if re.fullmatch("[- ]*-", line)]
    return tuple("|".join(re.split(r"\s{2,}", above.strip())) for above in ruled)


def test_it_has_every_column_and_no_escape_codes(work: Work) -> None:
    world = work.world
    run = world.crash("pilot-2", units=2, max_cost="9.00")
    places = {RUN: run.run_id, BONUSES: str(work.bonuses({"n": "0", "amount": "0.10"}))}
    for script, (arguments, expected) in TABLES.items():
        result = world.invoke(script, *(places.get(word, word) for word in arguments))
        assert result.exit_code == 0, (script, result.stderr)
        assert headings(result.stdout) == expected, script
        assert "\x1b" not in result.stdout + result.stderr, script


def test_so_have_those_that_are_shown_without_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    columns.table(scale.SCALING, [])
    columns.table(view.step_columns(500), [])
    columns.table(differences_view.DIFFERENCE_COLUMNS, [])
    columns.table(people_view.COLUMNS, [])
    columns.table(top_up_view.COLUMNS, [])
    assert headings(capsys.readouterr().out) == DEARER_TABLES


def test_every_script_is_known() -> None:
    assert {*TABLES, *DEARER, *WITHOUT_TABLES} == set(SCRIPT_NAMES)
