"""What we depend on is bounded, pinned, and looked up in advisories."""

from __future__ import annotations

import ast
import configparser
import contextlib
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.support.forks import REPOSITORY


def declared(text: str) -> list[Requirement]:
    """Return the requirements of a list, one a line."""
    lines = (line.strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def deployed_with(server: str) -> list[Requirement]:
    """Return what one of the two servers needs at Heroku."""
    return declared((REPOSITORY / "lib" / server / "requirements.txt").read_text())


def of_setup() -> dict[str, list[Requirement]]:
    """Return what setup.cfg asks for: to run, and for each of its extras."""
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / "setup.cfg")
    extras = {name: declared(text) for name, text in parser["options.extras_require"].items()}
    return {"": declared(parser["options"]["install_requires"]), **extras}


def pins() -> dict[str, str]:
    """Return the version of each distribution in constraints.txt."""
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def test_no_new_major_version_of_what_we_run_on_comes_by_itself() -> None:
    deployed = [one for name in ("taskserver", "crowdserver") for one in deployed_with(name)]
    asked = of_setup()
    for requirement in (*asked[""], *asked["postgresql"], *deployed):
        bounds = {bound.operator for bound in requirement.specifier}
        assert bounds & {"<", "==", "~="}, f"{requirement} has no upper bound"


def test_the_crowd_server_brings_to_heroku_all_that_it_imports() -> None:
    wanted = {canonicalize_name(requirement.name) for requirement in deployed_with("crowdserver")}
    named = {"re2": "google-re2", "werkzeug": "flask", "crowdserver": "", "webworker": ""}
    for package in ("crowdserver", "webworker"):
        for path in (REPOSITORY / "lib" / package).rglob("*.py"):
            modules = {name.partition(".")[0] for name in imported(path)}
            others = {named.get(module, module) for module in modules - sys.stdlib_module_names} - {""}
            assert others <= wanted, f"{path} imports {others - wanted}"
    bounds = {requirement.name: requirement for group in of_setup().values() for requirement in group}
    for requirement in deployed_with("crowdserver"):
        same = bounds.get("boto3" if requirement.name == "botocore" else requirement.name)
        assert same and same.specifier == requirement.specifier, requirement.name


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports by their whole names."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_all_that_is_asked_for_is_pinned_within_its_bounds() -> None:
    versions = pins()
    for requirement in (one for group in of_setup().values() for one in group):
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier, str(requirement)


def test_every_pin_runs_on_the_oldest_python_that_is_promised() -> None:
    """Of the pins that are installed here: pip refuses the whole set for one that does not."""
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / "setup.cfg")
    oldest = parser["options"]["python_requires"].removeprefix(">=")
    for name, version in pins().items():
        with contextlib.suppress(metadata.PackageNotFoundError):
            told = metadata.metadata(name)
            if told["Version"] == version and "Requires-Python" in told:
                assert SpecifierSet(told["Requires-Python"]).contains(f"{oldest}.0"), f"{name} {version}"


# A python3 whose virtual environments have this in place of pip and pip-audit.
FAKE = """#!/bin/sh
mkdir -p "$3/bin"
printf '#!/bin/sh\\n%s\\n' '{pip}' > "$3/bin/python"
printf '#!/bin/sh\\n%s\\n' '{audit}' > "$3/bin/pip-audit"
chmod +x "$3/bin/python" "$3/bin/pip-audit"
"""


def audit(folder: Path, pip: str, audit: str) -> tuple[int, str, str]:
    """Run the audit with stand-ins for pip and pip-audit; returns its exit code and what it said."""
    python = folder / "python3"
    python.write_text(FAKE.format(pip=pip, audit=audit))
    python.chmod(0o700)
    environment = {**os.environ, "PYTHON": str(python)}
    ended = subprocess.run(
        [REPOSITORY / ".ci" / "audit"], check=False, capture_output=True, text=True, env=environment
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_the_audit_tells_what_it_found_from_what_it_could_not_look_up(tmp_path: Path) -> None:
    assert audit(tmp_path, "exit 0", "exit 0") == (
        0,
        "",
        "No known vulnerability in the versions of constraints.txt.\n",
    )
    code, found, said = audit(
        tmp_path,
        "exit 0",
        "echo six 1.17.0 PYSEC-1; echo Found 1 known vulnerability in 1 package >&2; exit 1",
    )
    assert (code, found) == (1, "six 1.17.0 PYSEC-1\n")
    assert "Found 1 known vulnerability" in said and "Raise these versions" in said
    for pip, tool, why in (
        ("echo no route to host; exit 1", "exit 0", r"pip-audit could not be installed \(no route to host\)"),
        ("exit 0", "echo no service >&2; exit 1", r"not all of it could be looked up \(no service\)"),
    ):
        code, found, said = audit(tmp_path, pip, tool)
        assert (code, found) == (2, "")
        assert re.match(f"Not audited: {why}. Try again where https://pypi.org can be reached", said), said
