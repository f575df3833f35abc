"""docs/crowd-server.md: its configurations work, and what it says of the API is so."""

import configparser
import http.client
import re
import shlex
import shutil
import sqlite3
import ssl
import subprocess
from pathlib import Path

import botocore.session
import pytest
import requests

from crowdserver.operations.dispatch import OPERATIONS
from scripts.local import invite_workers, manage_keys, serve_crowd
from tests.support import manual
from tests.support.crowds import Crowd
from tests.support.forks import REPOSITORY
from tests.support.offers import ask_for_invitation
from tests.support.processes import free_port, wait_until

PAGE = manual.read("crowd-server")
OPTIONS = {name for parameter in serve_crowd.main.params for name in parameter.opts}
BEHIND = re.search(r"make crowd ARGS='(--public-url .*?)'", PAGE)


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_the_number_of_operations_is_told() -> None:
    of_amazon = set(botocore.session.get_session().get_service_model("mturk").operation_names)
    assert set(OPERATIONS) == of_amazon
    assert f"All {len(of_amazon)} operations" in PAGE


def test_nginx_in_front_works_as_it_is_written(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not nginx or not shutil.which("openssl"):
        pytest.skip("nginx or openssl is not installed")
    certificate, port = tmp_path / "lab.pem", free_port()
    _certify(certificate, tmp_path / "lab.key")
    assert BEHIND
    with Crowd(control=False, extra=tuple(shlex.split(BEHIND[1]))) as crowd:
        server = block("nginx").replace("443", f"127.0.0.1:{port}")
        server = server.replace("/etc/ssl/lab.example", f"{tmp_path}/lab")
        server = server.replace("http://127.0.0.1:8730", crowd.url)
        command = [nginx, "-p", tmp_path, "-c", _nginx_conf(tmp_path, server), "-e", tmp_path / "log"]
        with subprocess.Popen(command) as front:
            try:
                wait_until((tmp_path / "pid").exists)
                _look_through(port, certificate, crowd)
            finally:
                front.terminate()


def _certify(certificate: Path, key: Path) -> None:
    command = shlex.split(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=lab.example"
    )
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)


def _nginx_conf(folder: Path, server: str) -> Path:
    """Write a configuration around a server that writes nowhere else than into a folder."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    path = folder / "nginx.conf"
    path.write_text(
        f"pid {folder}/pid;\ndaemon off;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{server}}}\n"
    )
    return path


def _look_through(port: int, certificate: Path, crowd: Crowd) -> None:
    """Look at the crowd server as somebody outside, who knows it as lab.example."""
    trust = ssl.create_default_context(cafile=str(certificate))
    trust.check_hostname = False

    def get(path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=trust)
        connection.request("GET", path, headers={"Host": "lab.example"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    assert get("/crowd/health").status == 200
    link = ask_for_invitation(crowd.url, crowd.credentials).json()["url"]
    assert link.startswith("https://lab.example/crowd/sign-in/")
    signed_in = get(link.removeprefix("https://lab.example"))
    assert signed_in.status in (200, 302, 303)
    assert "Secure" in str(signed_in.headers["Set-Cookie"])


def test_the_unit_of_systemd_starts_what_is_there(tmp_path: Path) -> None:
    text = block("systemd")
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


def test_a_copy_of_the_database_is_whole(crowd: Crowd, tmp_path: Path) -> None:
    command = re.search(r"^python3 -c '.*? ~/\.crowdops/crowd/crowd\.db crowd-copy\.db$", PAGE, re.MULTILINE)
    assert command
    *words, _, _ = shlex.split(command[0])
    copy = tmp_path / "copy.db"
    subprocess.run([*words, crowd.home / "crowd.db", copy], check=True)
    wanted = requests.get(f"{crowd.url}/health", timeout=30).json()["server_id"]
    with sqlite3.connect(copy) as connection:
        assert [wanted] in [list(row) for row in connection.execute("SELECT server_id FROM identity")]


def test_every_option_that_it_names_is_one() -> None:
    others = {
        name
        for script in (invite_workers, manage_keys)
        for parameter in script.main.params
        for name in parameter.opts
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= OPTIONS | others | {"--now"}
