"""The boto3 client of an endpoint, and the key pair that it signs with."""

from __future__ import annotations

import configparser
import os
import stat
from pathlib import Path
from typing import Any

from crowdops.config import addresses
from crowdops.config.settings import Settings
from crowdops.errors import CredentialsRefused, UsageError

REGION = "us-east-1"  # the only region there is; requests are signed for it
SERVER_ID_HEADER = "X-Crowd-Server-Id"  # of a crowd server's answers, and of requests meant for one
ATTEMPTS_IN_TIME = 3  # a reply that is slower than a third of the time limit is asked for again


def credentials_path(home: Path) -> Path:
    """Return where the crowd server keeps the key pair that the local environment uses."""
    return home / "crowd" / "credentials"


def read_credentials(home: Path) -> tuple[str, str]:
    """Return the local environment's key id and secret. CredentialsRefused if absent or open to others."""
    path = credentials_path(home)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CredentialsRefused(f"{path} can be read by others. Close it: chmod 600 {path}")
        parser.read_string(path.read_text(encoding="utf-8-sig"))
        pair = parser["default"]
        return pair["aws_access_key_id"], pair["aws_secret_access_key"]
    except FileNotFoundError:
        raise CredentialsRefused(
            f"There is no key pair at {path}. The crowd server makes one at its first start: make crowd."
        ) from None
    except (OSError, KeyError, UnicodeDecodeError, configparser.Error) as error:
        reason = " ".join(str(error).split())
        raise CredentialsRefused(f"{path} is not a credentials file: {reason}") from error


def key_source(settings: Settings) -> str:
    """Return in a sentence where the key pair of an endpoint is read from, and what it has to be."""
    if not settings.amazon:
        path = credentials_path(settings.home)
        return (
            f"The key is read from {path}: it must be that server's own, which lies in crowd/credentials of"
            " the home that it serves."
        )
    import boto3

    credentials = boto3.Session().get_credentials()
    method = credentials.method if credentials else "nowhere"
    places = {
        "env": "AWS_ACCESS_KEY_ID of the environment",
        "shared-credentials-file": os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        "config-file": os.environ.get("AWS_CONFIG_FILE", "~/.aws/config"),
    }
    return f"The key is read from {places.get(method, method)}. Check `aws configure list`."


def make_client(settings: Settings) -> Any:
    """Return a boto3 client of the settings' endpoint. UsageError if no client can be made for it."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    timeout = settings.timeout / ATTEMPTS_IN_TIME
    options = Config(
        connect_timeout=timeout,
        read_timeout=timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=settings.threads,
        region_name=REGION,
        proxies={} if addresses.is_loopback(settings.endpoint) else None,  # None: the environment's
    )
    try:
        session = boto3.Session() if settings.amazon else _local_session(settings.home)
        return session.client("mturk", endpoint_url=settings.endpoint, config=options)
    except (BotoCoreError, ValueError) as error:
        raise UsageError(f"{settings.endpoint} cannot be used as an endpoint: {error}") from error


def _local_session(home: Path) -> Any:
    """Return a session with the crowd server's key, whatever profile and files AWS's own tools are set to."""
    import boto3
    import botocore.session

    key_id, secret = read_credentials(home)
    nothing = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
    core = botocore.session.Session(session_vars=nothing)
    return boto3.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, botocore_session=core)
