"""The .env file: lines of NAME=VALUE, read as they are written; and names that only look like ours."""

from __future__ import annotations

import difflib
import io
import os
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from crowdops.config.declarations import ALL
from crowdops.config.variables import OF_CROWD_SERVERS, OUTSIDE, VARIABLES
from crowdops.errors import UsageError, files_explained, nearest

REPOSITORY = Path(__file__).resolve().parents[3]  # where this is a checkout
PREFIX = "CROWDOPS_"
# Switches of the suite's own tests.
_OF_TESTS = (
    "CROWDOPS_BROWSER",
    "CROWDOPS_FULL_FUZZ",
    "CROWDOPS_FULL_LONG",
    "CROWDOPS_FULL_SOAK",
    "CROWDOPS_FULL_SWEEP",
    "CROWDOPS_HEROKU_CLI",
    "CROWDOPS_HEROKU_SCHEMA",
    "CROWDOPS_REQUIRE_BROWSER",
    "CROWDOPS_REQUIRE_POSTGRESQL",
)


# What we read under names that others have given.
_OF_OTHERS = ("AWS_ENDPOINT_URL_MTURK", "HEROKU_API_KEY", "HEROKU_HOST", *OF_CROWD_SERVERS)


def is_checkout() -> bool:
    """Return whether this runs from a checkout, where there is a Makefile to type at, or was installed."""
    return (REPOSITORY / "Makefile").is_file()


def path() -> Path:
    """Return where the file is looked for: CROWDOPS_ENV_FILE, else in the checkout, else in the home.

    The home is what the environment says, or ~/.crowdops.
    """
    given = os.environ.get("CROWDOPS_ENV_FILE")
    if not given:
        home = os.environ.get("CROWDOPS_HOME") or "~/.crowdops"
        given = f"{REPOSITORY if is_checkout() else home}/.env"
    return Path(os.path.expanduser(given))  # noqa: PTH111 - never fails


@cache
def read(file: Path) -> Mapping[str, str | None]:
    """Return what the file says. UsageError if one that was named is missing, or a line is no assignment.

    Where none was named there need not be one. Anything that can be read once will do; /dev/null is none.
    """
    with files_explained(f"{file} cannot be read"):
        if not file.exists():
            if os.environ.get("CROWDOPS_ENV_FILE"):
                raise UsageError(
                    f"CROWDOPS_ENV_FILE names {file}, and there is no such file. Unset it, or set it to"
                    " /dev/null for none."
                )
            return {}
        if (file.is_char_device() or file.is_block_device()) and not file.samefile(os.devnull):
            raise UsageError(f"{file} is a device, and no file with settings.")
        data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 (byte {error.start + 1}).") from error
    return _assignments(file, text)


def _assignments(file: Path, text: str) -> dict[str, str | None]:
    if not text.strip():
        return {}
    from dotenv.parser import parse_stream

    values: dict[str, str | None] = {}
    for binding in parse_stream(io.StringIO(text)):
        skipped = binding.original.string
        line = binding.original.line + skipped[: len(skipped) - len(skipped.lstrip())].count("\n")
        if binding.error or (binding.key is not None and binding.value is None):
            raise UsageError(f"{file}, line {line} is no assignment: write NAME=VALUE, or # and a comment.")
        if binding.key is not None:
            values[binding.key] = binding.value
    check_names(values, str(file))
    return values


def check_names(names: Collection[str], source: str) -> None:
    """UsageError for the first name that looks like a setting of ours and is none: it was misspelt."""
    known = {setting.variable for setting in (*ALL, *VARIABLES, *OUTSIDE)} | set(_OF_TESTS)
    for name in sorted(names):
        if name.upper().startswith(PREFIX.rstrip("_")) and name not in known:
            hint = nearest(name.upper(), known)
            raise UsageError(f"There is no setting {name} (from {source}).{hint} See all: make wut")
        if name not in known and _is_nearly_of_others(name.upper()):
            raise UsageError(f"{name} (from {source}) means nothing.{nearest(name.upper(), _OF_OTHERS)}")


@cache
def _is_nearly_of_others(name: str) -> bool:
    return bool(difflib.get_close_matches(name, _OF_OTHERS, cutoff=0.9))
