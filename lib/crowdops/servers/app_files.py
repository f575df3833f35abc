"""Which files of somebody's own app are deployed: what git would push, and nothing that may be a secret.

Without git, all but what is never part of an app. `.slugignore` counts as at Heroku (Dev Center, "Slug
compiler"): a glob a line, at any depth unless it has a slash.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import UsageError, files_explained
from crowdops.formats import files
from crowdops.providers import git

NO_PART = (".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__")
SECRETS = (
    ".env*",
    "*.pem",
    "*.key",
    "*.ppk",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "credentials",
    "credentials.csv",
    "credentials.ini",
    "credentials.json",
    "credentials.toml",
    "credentials.y*ml",
    "*_accesskeys.csv",
    "client_secret*.json",
    "service-account*.json",
    "service_account*.json",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".htpasswd",
    ".pypirc",
    ".git-credentials",
    ".aws",
    ".ssh",
    ".gnupg",
)
_MAY_BE_SECRET = "may be secret"
_LEADS_OUT = "links that lead out of the folder"
_NO_FILE = "not there, or no file"
_UNKNOWN = "unknown to git: git add"
_SHOWN = 5  # names for each reason
_GLOBS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class AppFiles(NamedTuple):
    """Paths in an app's folder: files and links that are deployed, and by reason what may be missed."""

    deployed: list[Path]
    left_out: dict[str, list[str]]


def choose(app_dir: Path) -> AppFiles:
    """Return what of an app is deployed. UsageError if it has no Procfile, or git does not have that."""
    if not (app_dir / "Procfile").is_file():
        raise UsageError(f"{app_dir} has no Procfile, so nobody knows how to start the app in it.")
    with files_explained(f"The app in {app_dir} cannot be read"):
        return _choose(app_dir)


def _choose(app_dir: Path) -> AppFiles:
    listing = git.listing(app_dir)
    left_out: dict[str, list[str]] = {}
    if listing and listing.tracked:
        names = listing.tracked
        _require_procfile(app_dir, names)
    else:  # a folder of which git has nothing, such as an ignored one, is as one without git
        names = list(_names(app_dir))
        listing = None
    is_ignored = _slugignore(app_dir)
    deployed = []
    for name in names:
        if is_ignored(name):
            continue
        if reason := _why_not(app_dir, Path(name)):
            left_out.setdefault(reason, []).append(name)
        else:
            deployed.append(Path(name))
    unknown = [name for name in (listing.untracked if listing else ()) if not is_ignored(name)]
    if unknown:
        left_out[_UNKNOWN] = unknown
    return AppFiles(deployed, left_out)


def remarks(app_dir: Path) -> list[str]:
    """Return in words what of an app is not deployed, and why; nothing if nobody will miss anything."""
    parts = [f"{_in_short(names)} ({reason})" for reason, names in choose(app_dir).left_out.items()]
    return [f"Of {app_dir} is left out: {'; '.join(parts)}."] if parts else []


def _in_short(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _require_procfile(app_dir: Path, names: list[str]) -> None:
    if "Procfile" not in names:
        raise UsageError(
            f"git does not have the Procfile of {app_dir}, and what git has is deployed:"
            f" git -C {app_dir} add Procfile"
        )


def _names(app_dir: Path) -> Iterator[str]:
    """Yield the paths of all files and links, in the order of their names."""
    for folder, folders, names in os.walk(app_dir, onerror=_raise):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = sorted(name for name in folders if name not in NO_PART and name not in links)
        for name in sorted([*names, *links]):
            if name not in NO_PART:
                yield os.path.relpath(os.path.join(folder, name), app_dir)


def _raise(error: OSError) -> None:
    raise error


def _why_not(app_dir: Path, path: Path) -> str | None:
    """Return why a file is not deployed; None if it is."""
    if any(fnmatch.fnmatchcase(part.lower(), glob) for part in path.parts for glob in SECRETS):
        return _MAY_BE_SECRET
    place, root = app_dir / path, os.path.realpath(app_dir)
    is_link = place.is_symlink()
    if (is_link and os.path.isabs(os.readlink(place))) or not _is_within(place, root):
        return _LEADS_OUT
    return None if is_link or place.is_file() else _NO_FILE


def _is_within(place: Path, root: str) -> bool:
    return Path(os.path.realpath(place)).is_relative_to(root)


def _slugignore(app_dir: Path) -> Callable[[str], bool]:
    """Return what tells whether .slugignore leaves out a path: it, or a folder that it is in."""
    file = app_dir / ".slugignore"
    text = files.read(file).decode(errors="replace") if file.exists() else ""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    globs = [_regex(line) for line in lines if line]
    pattern = re.compile("|".join(globs)) if globs else None
    return lambda name: bool(pattern and pattern.fullmatch(name))


def _regex(glob: str) -> str:
    anywhere = "" if "/" in glob.rstrip("/") else "(?:.*/)?"
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
    return anywhere + "".join(_GLOBS.get(piece, re.escape(piece)) for piece in pieces) + "(?:/.*)?"
