"""Whose site it is: the lab's name, and the text that each worker agrees to before anything else."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from flask import current_app

MOST_NAME = 60  # characters
MOST_CONSENT = 50_000  # bytes


class Lab(NamedTuple):
    """What a lab says of itself; empty where it says nothing. `digest`: the SHA-256 of the text's file."""

    name: str = ""
    consent: str = ""
    digest: str = ""


NOBODY = Lab()


def lab() -> Lab:
    """Return whose site this is."""
    here: Lab = current_app.extensions["lab"]
    return here


def read(name: str, consent_file: Path | None) -> Lab:
    """Return a lab by its name and the file of its text. ValueError, in a sentence, for what cannot be."""
    if len(name) > MOST_NAME or not name.isprintable():
        raise ValueError(f"--site-name has at most {MOST_NAME} characters, all on one line.")
    if consent_file is None:
        return Lab(name)
    try:
        with consent_file.open("rb") as file:
            data = file.read(MOST_CONSENT + 1)
        text = data.decode().strip()
    except OSError as error:
        raise ValueError(f"--consent-file {consent_file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"--consent-file {consent_file} is not UTF-8. Save it as UTF-8.") from error
    if not text or len(data) > MOST_CONSENT or "\0" in text:
        raise ValueError(f"--consent-file {consent_file} has to be a text of 1 to {MOST_CONSENT:,} bytes.")
    return Lab(name, text, hashlib.sha256(data).hexdigest())
