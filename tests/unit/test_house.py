"""The house rules that no linter knows: every script and every setting is explained. The rest: setup.cfg."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crowdops.config import declarations, vocabulary
from crowdops.console import help
from tests.support import manual, messages
from tests.support.forks import REPOSITORY

LIBRARY = REPOSITORY / "lib" / "crowdops"
SCRIPTS = sorted(p for p in (REPOSITORY / "scripts").glob("*/*.py") if p.name != "__init__.py")
SCRIPT_NAMES = [f"{path.parent.name}/{path.stem}" for path in SCRIPTS]

PLUGINS = ("local/check_runs",)  # of a monitoring server: there every exit code has its meaning
SLOW_IMPORTS = ("boto3", "botocore", "heroku3", "flask", "sqlalchemy", "tabulate", "requests", "jinja2") + (
    "concurrent.futures",
    "dotenv",
    "tomllib",
)


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, wherever in it, by its full name."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides who is imported"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(found)


def sources(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every Python file below a folder, with the room it lies in: its first name below the folder."""
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(folder)
        yield relative.parts[0].removesuffix(".py"), path


def test_scripts_leave_the_libraries_to_the_library() -> None:
    left = {
        "sqlite3",
        "boto3",
        "botocore",
        "heroku3",
        "psutil",
        "flask",
        "crowdserver",
        "taskserver",
    }
    used = {path: left & {name.split(".")[0] for name in imports(path)} for path in SCRIPTS}
    assert {path: names for path, names in used.items() if names} == {}


def test_no_script_imports_a_script() -> None:
    imported = {path: [name for name in imports(path) if name.startswith("scripts")] for path in SCRIPTS}
    assert {path: names for path, names in imported.items() if names} == {}


def test_nobody_calls_input_and_no_library_prints() -> None:
    for folder, forbidden in (("lib/crowdops", {"input", "print"}), ("scripts", {"input", "print"})):
        for _, path in sources(REPOSITORY / folder):
            calls = [
                node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
            ]
            assert not forbidden & {func.id for func in calls if isinstance(func, ast.Name)}, path


def test_only_the_boundary_catches_everything() -> None:
    broad = [
        path.relative_to(LIBRARY).as_posix()
        for _, path in sources(LIBRARY)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
        )
        and not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in node.body)
    ]
    handed_on = {"bulk.py", "providers/mturk/ahead.py"}  # to the consumer's thread
    assert set(broad) <= {"console/cli.py"} | handed_on


# The scripts


def read_help(script: Path) -> tuple[str, str]:
    module = ast.parse(script.read_text())
    return ast.get_docstring(module) or "", script.read_text()


@pytest.fixture(scope="session")
def helps(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, tuple[int, str, list[str]]]:
    """Exit code, help text and imported modules of each script's --help, from a process of its own."""
    program = (
        "import atexit, json, os, runpy, sys\n"
        "atexit.register(lambda: os.write(2, json.dumps(sorted(sys.modules)).encode()))\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    home = tmp_path_factory.mktemp("help")
    found = {}
    for script in SCRIPTS:
        result = subprocess.run(
            [sys.executable, "-c", program, str(script), "--help"],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "CROWDOPS_HOME": str(home), "COLUMNS": "200"},
        )
        found[script] = (result.returncode, result.stdout, json.loads(result.stderr.splitlines()[-1]))
    assert not list(home.iterdir()), "--help wrote something"
    return found


def test_a_script_can_be_run_by_its_path() -> None:
    for script in SCRIPTS:
        assert os.access(script, os.X_OK), script
        assert script.read_text().startswith("#!/usr/bin/env python3\n"), script


def test_help_is_the_docstring(helps: dict[Path, Any]) -> None:
    for script in SCRIPTS:
        docstring, _ = read_help(script)
        code, text, _ = helps[script]
        assert code == (3 if script.stem in {Path(name).name for name in PLUGINS} else 0), script
        assert docstring, script
        paragraphs, _ = help.parts(docstring)
        for paragraph in paragraphs:
            assert paragraph in " ".join(text.split()), script
        assert "--environment" in text and "--json" in text and "--quiet" in text, script


def test_help_imports_nothing_slow(helps: dict[Path, Any]) -> None:
    for script in SCRIPTS:
        _, _, modules = helps[script]
        assert "click" in modules, script
        assert not set(SLOW_IMPORTS) & set(modules), script


def test_a_script_has_the_name_of_nothing_else_and_stays_small() -> None:
    for script in SCRIPTS:
        assert script.stem not in sys.stdlib_module_names, script
        lines = [line.strip() for line in script.read_text().splitlines()]
        code = [line for line in lines if line and not line.startswith("#")]
        _, examples = help.parts(read_help(script)[0])
        assert len(code) - len(examples) <= 81, (
            f"{script}: a script opens, selects, asks, does and shows; the rest belongs into the library"
        )


def test_each_script_has_its_test_file_and_each_test_file_its_script() -> None:
    tests = (REPOSITORY / "tests" / "scripts").glob("*/test_*.py")
    tested = {f"{path.parent.name}/{path.stem.removeprefix('test_')}" for path in tests}
    assert tested == set(SCRIPT_NAMES)


def test_the_manual_has_a_line_for_each_script() -> None:
    page = manual.read("scripts")
    assert not [name for name in SCRIPT_NAMES if f"{name}.py" not in page]


def test_the_makefile_has_a_target_for_each_script() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    recipes = "\n".join(re.findall(r"^[a-z-]+:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE))
    assert not [name for name in SCRIPT_NAMES if f"scripts/{name}.py" not in recipes]


# The settings


def test_every_setting_is_explained() -> None:
    for setting in declarations.ALL:
        assert setting.help.endswith(".") and setting.help[0].isupper(), setting.name
        assert setting.advice.rstrip()[-1] in ".,;:)!", setting.name
        assert re.fullmatch(r"text|integer|number|money|path|[a-z|]+", setting.kind), setting.name
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+", setting.variable), setting.name


def test_no_two_explanations_share_a_name_or_a_variable() -> None:
    for values in (
        [row.name for row in vocabulary.EXPLAINED],
        [row.variable for row in vocabulary.EXPLAINED if row.variable],
    ):
        assert len(values) == len(set(values))


def test_wut_knows_every_variable_that_is_mentioned() -> None:
    mentioned = messages.variables()
    assert {"HEROKU_API_KEY", "AWS_ENDPOINT_URL_MTURK", "CROWDOPS_HOME"} <= set(mentioned)
    explained = {row.variable for row in vocabulary.EXPLAINED}
    assert {name: where for name, where in mentioned.items() if name not in explained} == {}


def test_wut_knows_every_name_that_is_mentioned() -> None:
    mentioned = messages.names()
    assert {"max_cost", "worker_id", "task_name"} <= set(mentioned)
    explained = {row.name for row in vocabulary.EXPLAINED} | {script.stem for script in SCRIPTS}
    assert {name: where for name, where in mentioned.items() if name not in explained} == {}


def test_every_setting_stands_in_the_example_file() -> None:
    example = (REPOSITORY / ".env.example").read_text()
    # env_file says which file this is: it cannot stand in it.
    wanted = {setting.variable for setting in declarations.SETTINGS if setting.name != "env_file"}
    assert wanted <= set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))


def test_every_setting_and_run_parameter_stands_in_the_manual() -> None:
    page = manual.read("settings")
    names = [setting.variable for setting in declarations.SETTINGS]
    names += [parameter.name for parameter in declarations.ALL]
    assert not [name for name in names if not re.search(rf"\b{name}\b", page)]


# The rest of the house


def test_migrations_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (LIBRARY / "registry" / "schema").glob("*.sql"))
    assert [int(name[:3]) for name in names] == list(range(1, len(names) + 1))
    assert all(re.fullmatch(r"\d{3}_[a-z_]+\.sql", name) for name in names)


def test_no_line_is_wider_than_the_linter_says() -> None:
    """The linter itself lets a line pass that is one word, or ends in an address."""
    limit = int(re.findall(r"(?m)^line-length = (\d+)$", (REPOSITORY / "ruff.toml").read_text())[0])
    for folder in ("lib", "scripts", "tests"):
        for _, path in sources(REPOSITORY / folder):
            wide = [n for n, line in enumerate(path.read_text().splitlines(), 1) if len(line) > limit]
            assert not wide, f"{path}: lines {wide} have more than {limit} characters"


def test_no_file_names_a_path_of_one_machine() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )
    pattern = re.compile(rb"/(?:home|Users|work|root)/[a-z]")
    for name in listing.stdout.splitlines():
        path = REPOSITORY / name
        if path.is_file() and path != Path(__file__):
            assert not pattern.search(path.read_bytes()), name
