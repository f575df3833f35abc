"""What tests share in place of making it anew is the same as what everybody makes."""

from __future__ import annotations

from pathlib import Path

import boto3
import botocore.handlers

from crowdops.registry import Registry, migrations


def test_a_registry_that_is_made_at_once_is_as_all_migrations_leave_it(tmp_path: Path) -> None:
    with Registry.open(tmp_path / "home") as registry:
        connection = registry._connection
        assert migrations._version(connection) == len(migrations._files())
        assert migrations.strange(connection) == ""
        tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
        counts = [f"SELECT count(*) FROM {name}" for (name,) in connection.execute(tables)]
        assert not [query for query in counts if connection.execute(query).fetchone()[0]]


def test_a_client_has_the_handlers_of_every_service_and_of_its_own() -> None:
    events = {spec[0] for spec in botocore.handlers.BUILTIN_HANDLERS}
    assert {"before-call", "choose-signer", "getattr.mturk.list_hi_ts_for_qualification_type"} <= events
    assert not [event for event in events if "s3" in event]
    client = boto3.Session("nobody", "nothing", region_name="us-east-1").client("mturk")
    assert client.list_hi_ts_for_qualification_type == client.list_hits_for_qualification_type
