"""check_runs: one line, an exit code by the Monitoring Plugins' guidelines, and what to type next."""

from __future__ import annotations

from tests.support.world import World

SCRIPT = "local/check_runs"
PATIENTLY = ("--timeout", "600")  # a loaded machine is no silent endpoint


def test_a_living_run_is_ok(world: World) -> None:
    world.launch(units=2)
    result = world.invoke(SCRIPT, *PATIENTLY)
    assert result.exit_code == 0
    assert result.stdout.startswith("CROWDOPS OK: 1 run with 2 HITs out | crashed_runs=0;;0 ")
    assert result.stderr == ""


def test_a_crashed_run_with_hits_out_is_critical(world: World) -> None:
    world.crash("pilot-2", units=2)
    for arguments in ([], ["--cached"]):
        result = world.invoke(SCRIPT, "-v", *PATIENTLY, *arguments)
        assert result.exit_code == 2
        line, finding = result.stdout.splitlines()
        assert line.startswith("CROWDOPS CRITICAL: 1 crashed run with 2 HITs out (pilot-2) | ")
        assert finding.startswith("CRITICAL: pilot-2 (") and finding.endswith("Next: make recover")
