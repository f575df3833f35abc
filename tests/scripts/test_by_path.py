"""A script works by its path, from anywhere: it finds its environment, or says in one line how to make it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.forks import REPOSITORY
from tests.support.scripts import END_SECONDS

SCRIPTS = sorted(path for path in (REPOSITORY / "scripts").glob("*/*.py") if path.name != "__init__.py")
FIRST_OF_ALL = """
if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))
"""

PLUGIN_FIRST_OF_ALL = """
if __name__ == "__main__":
    import pathlib
    import runpy

    start = pathlib.Path(__file__).resolve().parents[1] / "start.py"
    runpy.run_path(str(start), {"is_plugin": True})
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Another checkout, without an environment of its own."""
    folder = tmp_path / "check out"
    shutil.copytree(REPOSITORY / "scripts", folder / "scripts")
    shutil.copyfile(REPOSITORY / "Makefile", folder / "Makefile")
    return folder


def run(checkout: Path, python: str, script: str = "recover") -> subprocess.CompletedProcess[str]:
    """Run a script with a Python that has nothing but its own library, from elsewhere."""
    around = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [python, str(checkout / "scripts" / "local" / f"{script}.py"), "--help"],
        check=False,
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        cwd=checkout.parent,
        env=around,
    )


def bare_python(folder: Path) -> str:
    """Make an environment that has nothing installed, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin" / "python")


def test_every_script_begins_alike() -> None:
    for script in SCRIPTS:
        first = PLUGIN_FIRST_OF_ALL if script.stem == "check_runs" else FIRST_OF_ALL
        assert first in script.read_text(), f"begin {script} as every other script begins"


def test_without_an_environment_it_says_in_one_line_how_to_make_it(checkout: Path, tmp_path: Path) -> None:
    result = run(checkout, bare_python(tmp_path / "bare"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: This needs an environment of its own. Make it once: make -C '{checkout}' venv\n"
    )


def test_monitoring_is_told_so_by_its_own_rules(checkout: Path, tmp_path: Path) -> None:
    result = run(checkout, bare_python(tmp_path / "bare"), "check_runs")
    assert (result.returncode, result.stderr) == (3, "")
    assert result.stdout.startswith("CROWDOPS UNKNOWN: This needs an environment of its own.")


def test_it_goes_on_in_the_environment_of_its_checkout(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    shutil.copyfile(REPOSITORY / ".venv" / "pyvenv.cfg", checkout / ".venv" / "pyvenv.cfg")
    (checkout / ".venv" / "lib").symlink_to(REPOSITORY / ".venv" / "lib")
    result = run(checkout, bare_python(tmp_path / "bare"))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: ")


def test_an_environment_that_lacks_something_is_to_be_made_anew(checkout: Path, tmp_path: Path) -> None:
    bare_python(checkout / ".venv")
    result = run(checkout, bare_python(tmp_path / "bare"))
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert f"Make it anew: make -C '{checkout}' clean venv" in result.stderr
    (checkout / ".venv" / "bin" / "python").unlink()
    assert run(checkout, str(tmp_path / "bare" / "bin" / "python")).stderr == result.stderr
