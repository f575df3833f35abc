"""Task servers under gunicorn, with their leases in sqlite or on PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import postgresql
from tests.support.task_servers import Served, animals, write_folder

BOTH = pytest.mark.parametrize("start", ["sqlite", "postgresql"], indirect=True)

Start = Callable[..., Served]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of five units, one at a time for each worker, for all tests of a module: use own workers."""
    with Served(write_folder(tmp_path_factory.mktemp("module") / "run", animals(5))) as server:
        yield server


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Starts a server of five units, with two processes; keyword arguments go into run.json."""
    environ = {"WEB_CONCURRENCY": "2"}
    if getattr(request, "param", "sqlite") == "postgresql":
        cluster: postgresql.Cluster = request.getfixturevalue("cluster")
        # The form in which Heroku gives it.
        environ["DATABASE_URL"] = cluster.create_database().replace("postgresql://", "postgres://")
    with ExitStack() as stack:

        def start_one(**run: object) -> Served:
            folder = tmp_path / str(run.get("run_id", "run"))
            return stack.enter_context(Served(write_folder(folder, animals(5), **run), **environ))

        yield start_one
