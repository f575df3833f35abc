"""nginx as examples/crowd/nginx.conf sets it up, with a certificate of its own and at another port."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.forks import REPOSITORY
from tests.support.processes import free_port, wait_until

EXAMPLE = REPOSITORY / "examples" / "crowd" / "nginx.conf"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def find() -> str:
    """Return nginx's path; skips the test where it or openssl is missing."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not nginx or not shutil.which("openssl"):
        pytest.skip("nginx or openssl is not installed")
    return nginx


class Nginx:
    """In front of the crowd server at a port of this machine. `url` is its address outside, below /crowd."""

    def __init__(self, folder: Path, behind: int) -> None:
        self._program, self._folder = find(), folder
        folder.mkdir()
        self.certificate, port = folder / "lab.example.pem", free_port()
        self.url = f"https://127.0.0.1:{port}/crowd"
        text = EXAMPLE.read_text().replace("listen 443", f"listen 127.0.0.1:{port}")
        text = text.replace("/etc/ssl", str(folder)).replace(":8730;", f":{behind};")
        assert str(port) in text and f"{folder}/lab" in text and str(behind) in text
        writes = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in _TEMPORARY)
        user = "" if os.geteuid() else "user root;\n"
        (folder / "nginx.conf").write_text(
            f"{user}pid {folder}/pid;\ndaemon off;\nevents {{}}\nhttp {{\naccess_log off;\n{writes}{text}}}\n"
        )

    def __enter__(self) -> Self:
        key = self._folder / "lab.example.key"
        make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=lab.example"
        names = ["-addext", "subjectAltName=IP:127.0.0.1"]
        command = [*shlex.split(make), *names, "-keyout", str(key), "-out", str(self.certificate)]
        subprocess.run(command, check=True, capture_output=True)
        places = {"-p": "", "-c": "nginx.conf", "-e": "log"}
        options = [word for option, name in places.items() for word in (option, str(self._folder / name))]
        self._process = subprocess.Popen([self._program, *options])
        wait_until((self._folder / "pid").exists)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
