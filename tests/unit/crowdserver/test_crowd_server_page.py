"""docs/crowd-server.md: its configurations work, and what it says of the API is so."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import botocore.session

from crowdserver.operations.dispatch import OPERATIONS
from scripts.heroku import kill_servers, launch_server
from scripts.local import invite_workers, manage_keys, print_messages, serve_crowd
from tests.support import manual, nginx
from tests.support.forks import REPOSITORY

PAGE = manual.read("crowd-server")
OPTIONS = {name for parameter in serve_crowd.main.params for name in parameter.opts}
BEHIND = re.search(r"make crowd ARGS='(--public-url .*?)'", PAGE)


def test_the_number_of_operations_is_told() -> None:
    of_amazon = set(botocore.session.get_session().get_service_model("mturk").operation_names)
    assert set(OPERATIONS) == of_amazon
    assert f"All {len(of_amazon)} operations" in PAGE


def test_nginx_is_set_up_for_what_the_page_says() -> None:
    assert BEHIND and f"serve_crowd.py {BEHIND[1]}\n" in nginx.EXAMPLE.read_text()
    assert "examples/crowd/nginx.conf" in PAGE


def test_the_unit_of_systemd_starts_what_is_there(tmp_path: Path) -> None:
    text = (nginx.EXAMPLE.parent / "crowd.service").read_text()
    assert "`examples/crowd/crowd.service`" in PAGE
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    python, script, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert python == "/opt/crowdops/.venv/bin/python"
    assert (REPOSITORY / script.removeprefix("/opt/crowdops/")).is_file()
    assert {word for word in arguments if word.startswith("--")} <= OPTIONS
    if shutil.which("systemd-analyze"):
        path = tmp_path / "crowd.service"
        path.write_text(text.replace(python, "/bin/true").replace("User=crowd", "User=root"))
        result = subprocess.run(
            ["systemd-analyze", "verify", path], check=False, capture_output=True, text=True
        )
        assert "crowd.service" not in result.stderr, result.stderr


def test_every_option_that_it_names_is_one() -> None:
    others = {
        name
        for script in (invite_workers, manage_keys, print_messages, kill_servers, launch_server)
        for parameter in script.main.params
        for name in parameter.opts
    }
    ours = re.sub(r"^.*\bpg_(dump|restore) .*$", "", PAGE, flags=re.MULTILINE)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours)) <= OPTIONS | others | {"--now"}
