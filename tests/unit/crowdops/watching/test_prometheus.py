"""Metrics of a check: what is in the file, for whom, and that it is never half of one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from crowdops import __version__
from crowdops.config import channels
from crowdops.errors import UsageError
from crowdops.watching import prometheus
from crowdops.watching.findings import Level, Report
from tests.support.reports import AT, finding, report, run_facts

NAMES = {
    "crowdops_runs",
    "crowdops_hits_outstanding",
    "crowdops_units",
    "crowdops_assignments_unreviewed",
    "crowdops_servers_orphaned",
    "crowdops_account_balance_dollars",
    "crowdops_run_spent_dollars",
    "crowdops_run_budget_dollars",
    "crowdops_last_submission_timestamp_seconds",
    "crowdops_check_last_success_timestamp_seconds",
    "crowdops_check_duration_seconds",
    "crowdops_build_info",
}
HOSTILE = 'pilot\n"1"\\ # {x="y"} 1'


def busy() -> Report:
    """A report of runs of every condition, one with a name that no metric should stumble over."""
    runs = [
        run_facts("20261122-114502-k3f9"),
        run_facts("20261122-114503-ab2c", condition="detached"),
        run_facts("20261121-114503-xy2c", HOSTILE, condition="ended"),
    ]
    counts = {("pilot-1", "running"): 2, (HOSTILE, "finished"): 1}
    return report(runs=runs, run_counts=counts)


def samples(path: Path) -> dict[str, dict[tuple[str, ...], float]]:
    """The samples of a file: by metric, and by the values of their labels, sorted by name."""
    return {
        family.name: {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(path.read_text())
    }


def test_every_measure_is_there_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "crowdops.prom"
    prometheus.write(busy(), path)
    found = samples(path)
    assert set(found) == NAMES
    assert found["crowdops_runs"] == {("running", "pilot-1"): 2, ("finished", HOSTILE): 1}
    assert found["crowdops_hits_outstanding"] == {(): 60}
    assert found["crowdops_units"][("answered",)] == 15
    assert found["crowdops_assignments_unreviewed"] == {(): 9}
    assert found["crowdops_servers_orphaned"] == {(): 0}
    assert found["crowdops_account_balance_dollars"] == {("http://127.0.0.1:8730", "local"): 9990}
    assert found["crowdops_last_submission_timestamp_seconds"] == {(): AT.timestamp() - 420}
    assert found["crowdops_check_last_success_timestamp_seconds"] == {(): AT.timestamp()}
    assert found["crowdops_check_duration_seconds"] == {(): 0.25}
    assert found["crowdops_build_info"] == {(__version__,): 1}


def test_only_runs_that_are_alive_have_labels_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "crowdops.prom"
    prometheus.write(busy(), path)
    assert "20261121-114503-xy2c" not in path.read_text()
    found = samples(path)
    assert found["crowdops_run_spent_dollars"] == {
        ("20261122-114502-k3f9", "pilot-1"): 1.25,
        ("20261122-114503-ab2c", "pilot-1"): 1.25,
    }
    assert found["crowdops_run_budget_dollars"] == {("20261122-114502-k3f9", "pilot-1"): 7.5}


def test_what_is_not_known_is_left_out_and_not_zero(tmp_path: Path) -> None:
    path = tmp_path / "crowdops.prom"
    prometheus.write(report(orphaned_servers=None), path)
    found = samples(path)
    assert "crowdops_servers_orphaned" not in found
    assert "crowdops_last_submission_timestamp_seconds" not in found
    assert found["crowdops_hits_outstanding"] == {(): 0}


def test_the_last_success_stays_while_a_check_does_not_see_all(tmp_path: Path) -> None:
    path = tmp_path / "crowdops.prom"
    name = "crowdops_check_last_success_timestamp_seconds"
    prometheus.write(report(is_whole=False), path)
    assert name not in samples(path)
    prometheus.write(report(finding(Level.CRITICAL)), path)
    assert samples(path)[name] == {(): AT.timestamp()}
    prometheus.write(report(after=timedelta(hours=1), is_whole=False), path)
    assert samples(path)[name] == {(): AT.timestamp()}


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"{{{ nonsense", b"crowdops_check", b"x" * 2_000_000])
def test_whatever_lies_in_its_place_is_replaced(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "crowdops.prom"
    path.write_bytes(data)
    prometheus.write(report(is_whole=False), path)
    assert "crowdops_build_info" in samples(path)


@pytest.fixture(params=[0o077, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """A shell's umask: nobody else may read, or everybody may write."""
    usual = os.umask(request.param)
    yield
    os.umask(usual)


@pytest.mark.usefixtures("umask")
def test_others_may_read_it_and_not_write_it(tmp_path: Path) -> None:
    path = tmp_path / "crowdops.prom"
    prometheus.write(report(), path)
    assert path.stat().st_mode & 0o777 == 0o644


def test_it_appears_whole_and_its_draft_is_none_of_the_collectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "crowdops.prom"
    prometheus.write(report(), path)
    before = path.read_bytes()
    drafts: list[Path] = []

    def full(handle: int) -> None:
        drafts.extend(found for found in tmp_path.iterdir() if found != path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        prometheus.write(busy(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert [draft.suffix == ".prom" for draft in drafts] == [False]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("home/crowdops.prom", "is in the home"),
        ("./link/deep/crowdops.prom", "is in the home"),
        ("link/crowdops.prom", "is in the home"),
        ("crowdops.txt", "does not end in .prom"),
        ("folder.prom", "is no file"),
    ],
)
def test_a_file_that_no_collector_would_read_is_refused(tmp_path: Path, name: str, why: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "link").symlink_to(home)
    (tmp_path / "folder.prom").mkdir()
    with pytest.raises(UsageError, match=why):
        channels.metrics_file(str(tmp_path / name), home)


def test_a_link_to_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / "collector").mkdir()
    link, target = tmp_path / "crowdops.prom", tmp_path / "collector" / "crowdops.prom"
    link.symlink_to(target)
    path = channels.metrics_file(str(link), tmp_path / "home")
    assert path is not None
    prometheus.write(report(), path)
    assert link.is_symlink() and "crowdops_build_info" in samples(target)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (prometheus)")
def test_promtool_has_nothing_to_say(tmp_path: Path) -> None:
    path = tmp_path / "crowdops.prom"
    for made in (busy(), report(), report(finding(Level.UNKNOWN, "not_seen"), orphaned_servers=None)):
        prometheus.write(made, path)
        with path.open() as file:
            checked = subprocess.run(
                ["promtool", "check", "metrics"], stdin=file, check=False, capture_output=True, text=True
            )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
