"""render_report: the numbers of runs as one JSON document."""

from tests.support.works import Work
from tests.support.world import World

SCRIPT = "local/render_report"


def test_a_report_says_how_a_run_stands(world: World) -> None:
    work = Work(world, units=2)
    report = world.json(SCRIPT, "--run", work.run.run_id)
    assert report["title"] == "pilot-1"
    assert report["progress"]["answers"] == report["progress"]["asked"] == 2
    assert report["costs"]["unreviewed"] == 2
    assert report["next_command"] == f"make review RUN={work.run.run_id}"
