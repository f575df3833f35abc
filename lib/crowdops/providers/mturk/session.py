"""The boto3 client of an endpoint, and the key pair that it signs with."""

from __future__ import annotations

import configparser
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crowdops import __version__
from crowdops.config import addresses
from crowdops.config.settings import Settings
from crowdops.errors import CredentialsRefused, UsageError
from crowdops.providers import answers, limits
from crowdops.providers.mturk import shapes

REGION = "us-east-1"  # the only region there is; requests are signed for it
SERVER_ID_HEADER = "X-Crowd-Server-Id"  # of a crowd server's answers, and of requests meant for one
LEAST_SECRET = 32  # characters: no crowd server takes a shorter one
_IDENTITY = re.compile(r"[A-Za-z0-9._-]{1,100}")
ATTEMPTS_IN_TIME = 3  # a reply that is slower than a third of the time limit is asked for again


def credentials_path(home: Path) -> Path:
    """Return where the crowd server keeps the key pair that the local environment uses."""
    return home / "crowd" / "credentials"


def read_credentials(home: Path) -> tuple[str, str]:
    """Return the local environment's key id and secret.

    CredentialsRefused if there are none, or others can read them, or they are none that a server takes.
    """
    path = credentials_path(home)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CredentialsRefused(f"{path} can be read by others. Close it: chmod 600 {path}")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # to read a pipe could take for ever
            raise CredentialsRefused(f"{path} is not a credentials file: it is a pipe or a device.")
        parser.read_string(path.read_text(encoding="utf-8-sig"))
        key_id = parser["default"]["aws_access_key_id"]
        secret = parser["default"]["aws_secret_access_key"]
    except FileNotFoundError:
        raise CredentialsRefused(
            f"There is no key pair at {path}. A crowd server on this machine makes one at its first start:"
            " make crowd. Of one elsewhere, put its key there, readable by you only: docs/crowd-server.md"
        ) from None
    except OSError as error:
        raise CredentialsRefused(f"{path} is not a credentials file: {error.strerror}.") from error
    except (KeyError, UnicodeDecodeError, configparser.Error):
        # Not what the parser says: it shows the line that it stumbles at, which may be the secret.
        raise CredentialsRefused(
            f"{path} is not a credentials file: it needs a section [default] with a key id and its secret,"
            " as the crowd server has written it."
        ) from None
    if not key_id or len(secret) < LEAST_SECRET:
        raise CredentialsRefused(
            f"{path} holds no key pair of a crowd server: the secret has {len(secret)} characters and needs"
            f" {LEAST_SECRET}. Copy crowd/credentials of the home that the server serves."
        )
    return key_id, secret


def key_source(settings: Settings) -> str:
    """Return in a sentence where the key pair of an endpoint is read from, and what it has to be."""
    if not settings.amazon:
        path = credentials_path(settings.home)
        return (
            f"The key is read from {path}: it must be that server's own, which lies in crowd/credentials of"
            " the home that it serves, or a named one that is not revoked. Who has that home sees them:"
            " make keys"
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


def told_identity(header: str | None) -> str | None:
    """Return the identity that a server's header tells; None for what cannot be one."""
    return header if header and _IDENTITY.fullmatch(header) else None


def make_client(settings: Settings) -> tuple[Any, Callable[[], answers.Redaction]]:
    """Return a boto3 client of the settings' endpoint, and what cuts its present keys out of answers.

    UsageError if no client can be made for it.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    timeout = settings.timeout / ATTEMPTS_IN_TIME
    options = Config(
        connect_timeout=timeout,
        read_timeout=timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=settings.threads + 1,  # a list is read ahead meanwhile
        region_name=REGION,
        user_agent=f"crowdops/{__version__}",  # botocore would compose its own anew for each request
        proxies={} if addresses.is_loopback(settings.endpoint) else None,  # None: the environment's
    )
    try:
        session = boto3.Session() if settings.amazon else _local_session(settings.home)
        client = session.client("mturk", endpoint_url=settings.endpoint, config=options)
    except (BotoCoreError, ValueError) as error:
        raise UsageError(f"{settings.endpoint} cannot be used as an endpoint: {error}") from error
    # Not offered by botocore: the classes of the connections that it makes.
    pools = client._endpoint.http_session._pool_classes_by_scheme
    pools.update(limits.limited(pools))
    client.meta.events.register("before-parse.mturk", shapes.before_parse)
    credentials = session.get_credentials()

    def redaction() -> answers.Redaction:
        return answers.Redaction(*(credentials.get_frozen_credentials() if credentials else ()))

    return client, redaction


def _local_session(home: Path) -> Any:
    """Return a session with the crowd server's key, whatever profile and files AWS's own tools are set to."""
    import boto3
    import botocore.session

    key_id, secret = read_credentials(home)
    nothing = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
    core = botocore.session.Session(session_vars=nothing)
    return boto3.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, botocore_session=core)
