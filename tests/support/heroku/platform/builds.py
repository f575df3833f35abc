"""Builds: a tarball is unpacked and looked at as Heroku's Python buildpack would, then becomes a slug.

Nothing is installed. The requirements must already be met by the Python that runs the emulator, which also
runs the dynos; one that is not fails the build the way pip does for a package that does not exist.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

MANIFESTS = ("requirements.txt", "Pipfile.lock", "poetry.lock", "uv.lock")
PYTHON_VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
_PROCESS = re.compile(r"^([-\w]{1,128}):\s*(.+)$")


class BuildError(Exception):
    """Why a build failed, as the last lines of its output."""


class Output:
    """The output of one build, written by one thread and followed by others."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()

    def write(self, text: str) -> None:
        with self._changed:
            self._lines.append(text + "\n")
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def text(self) -> str:
        return "".join(self._lines)

    def follow(self) -> Iterator[str]:
        """Every line from the first one, until the build ends."""
        sent = 0
        while True:
            with self._changed:
                while len(self._lines) == sent and not self._ended:
                    self._changed.wait()
                fresh, ended = self._lines[sent:], self._ended
            yield from fresh
            sent += len(fresh)
            if ended:
                return


def make_slug(tarball: Path, checksum: str | None, directory: Path, output: Output) -> dict[str, str]:
    """Unpack into directory, check, and return the Procfile's processes. Raises BuildError."""
    verify(tarball, checksum)
    unpack(tarball, directory)
    output.write("-----> Building on the Heroku-24 stack")
    output.write("-----> Determining which buildpack to use for this app")
    if not any((directory / name).is_file() for name in MANIFESTS):
        raise BuildError(
            " !     No default language could be detected for this app.\n"
            "\t\t\tHINT: This occurs when Heroku cannot detect the buildpack to use for this application"
            " automatically."
        )
    output.write("-----> Python app detected")
    version = read_python_version(directory)
    output.write(
        f"-----> Using Python {version} specified in .python-version"
        if version
        else "-----> No Python version was specified. Using the buildpack default"
    )
    check_requirements(directory / "requirements.txt", output)
    processes = read_procfile(directory / "Procfile")
    output.write("-----> Discovering process types")
    output.write(f"       Procfile declares types -> {', '.join(processes) or '(none)'}")
    return processes


def verify(tarball: Path, checksum: str | None) -> None:
    if not tarball.is_file():
        raise BuildError(" !     Could not download the source: nothing was uploaded to its URL.")
    digest = "SHA256:" + hashlib.sha256(tarball.read_bytes()).hexdigest()
    if checksum is not None and checksum.lower() != digest.lower():
        raise BuildError(f" !     Source checksum mismatch: expected {checksum}, got {digest}")


def unpack(tarball: Path, directory: Path) -> None:
    """Unpack a .tar.gz; like a GitHub archive it may hold everything in one folder."""
    directory.mkdir(parents=True)
    try:
        with tarfile.open(tarball, "r:gz") as archive:
            archive.extractall(directory, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BuildError(f" !     Could not unpack the source: {error}") from error
    entries = list(directory.iterdir())
    if len(entries) == 1 and entries[0].is_dir():
        folder = entries[0].rename(directory / ".unpacked")
        for entry in folder.iterdir():
            entry.rename(directory / entry.name)
        folder.rmdir()


def read_python_version(directory: Path) -> str | None:
    file = directory / ".python-version"
    if not file.is_file():
        return None
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    version = next((line for line in lines if line and not line.startswith("#")), "")
    if ".".join(version.split(".")[:2]) not in PYTHON_VERSIONS:
        raise BuildError(f" !     Error: The requested Python version isn't supported: {version or '(none)'}")
    return version


def check_requirements(file: Path, output: Output) -> None:
    if not file.is_file():
        return
    output.write("-----> Installing dependencies using 'pip install -r requirements.txt'")
    for line in file.read_text(encoding="utf-8").splitlines():
        wanted = line.split(" #")[0].strip()
        if not wanted or wanted.startswith(("#", "-")):
            continue
        try:
            requirement = Requirement(wanted)
        except InvalidRequirement as error:
            raise BuildError(
                f"       ERROR: Invalid requirement: {wanted!r}\n !     Error: Unable to install"
                " dependencies using pip."
            ) from error
        if not is_met(requirement):
            raise BuildError(
                f"       ERROR: No matching distribution found for {requirement}\n !     Error: Unable to"
                " install dependencies using pip."
            )


def is_met(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        installed = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(installed, prereleases=True)


def read_procfile(file: Path) -> dict[str, str]:
    """The process types and their commands; no Procfile is no process type, and no error."""
    if not file.is_file():
        return {}
    matches = (_PROCESS.match(line.strip()) for line in file.read_text(encoding="utf-8").splitlines())
    return {match[1]: match[2] for match in matches if match}
