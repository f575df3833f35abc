"""wut: what a setting is, and where its value comes from."""

import pytest

from crowdops.config import declarations, variables, vocabulary
from tests.support.world import World

SCRIPT = "local/wut"


def test_one_setting_is_explained(world: World) -> None:
    [found] = world.json(SCRIPT, "task_reward")["settings"]
    assert found["name"] == "task_reward" and found["type"] == "money" and found["default"] is None
    assert found["variable"] == "CROWDOPS_TASK_REWARD" and found["flag"] == "--set task_reward=VALUE"
    text = world.invoke(SCRIPT, "task_reward").stdout
    assert "Dollars for one assignment" in text and "hourly wage" in text


def test_all_settings_stand_in_one_table(world: World) -> None:
    result = world.invoke(SCRIPT)
    assert result.exit_code == 0
    names = [line.split()[0] for line in result.stdout.splitlines()[2:] if line.strip()]
    assert names == [row.name for row in (*declarations.ALL, *variables.VARIABLES)]


def test_the_source_of_a_value_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def value(name: str, *args: str) -> tuple[str, str]:
        [found] = world.json(SCRIPT, name, *args)["settings"]
        return found["value"], found["from"]

    monkeypatch.delenv("CROWDOPS_POLL_INTERVAL")
    assert value("poll_interval") == ("5", "default")
    monkeypatch.setenv("CROWDOPS_POLL_INTERVAL", "9")
    assert value("poll_interval") == ("9", "environment")
    assert value("home") == (str(world.home), "environment")
    path = world.write_run(1, assignments_per_unit=1)
    assert value("task_reward", "--run-toml", str(path)) == ("0.05", "run.toml")
    assert value("assignments_per_unit", "--run-toml", str(path)) == ("1", "run.toml")
    assert value("max_cost", "--run-toml", str(path)) == (None, "default")


def test_durations_are_shown_in_words_as_well(world: World) -> None:
    text = world.invoke(SCRIPT, "task_lifetime_in_seconds").stdout
    assert "2678400 (31 days)" in text and 'or in words: "31 days"' in text
    path = world.write_run(1, task_lifetime_in_seconds="1 h 30 min")
    assert "value     1 h 30 min\n" in (
        world.invoke(SCRIPT, "task_lifetime_in_seconds", "--run-toml", str(path)).stdout
    )
    [found] = world.json(SCRIPT, "task_lifetime_in_seconds")["settings"]
    assert (found["type"], found["default"]) == ("duration", "2678400")


def test_an_unknown_name_gets_the_nearest(world: World) -> None:
    result = world.invoke(SCRIPT, "pol_interval")
    assert result.exit_code == 2
    assert (
        result.stderr
        == "error: There is nothing to explain under 'pol_interval'. Did you mean poll_interval?\n"
    )


def test_a_run_toml_that_cannot_be_read_is_said(world: World) -> None:
    result = world.invoke(SCRIPT, "data", "--run-toml", str(world.folder / "none.toml"))
    assert result.exit_code == 2 and "No such file or directory" in result.stderr


def test_variables_and_words_are_explained(world: World) -> None:
    [found] = world.json(SCRIPT, "aws_endpoint_url_mturk")["settings"]
    assert found["name"] == "endpoint"
    text = world.invoke(SCRIPT, "unit").stdout
    assert "One row of a run's data" in text and "variable" not in text


def test_of_a_secret_only_its_source_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = world.json(SCRIPT, "HEROKU_API_KEY")["settings"]
    assert (found["value"], found["from"]) == (None, "default")
    env_file = world.folder / ".env"
    env_file.write_text("HEROKU_API_KEY=key-in-the-file\n")
    env_file.chmod(0o600)
    monkeypatch.setenv("CROWDOPS_ENV_FILE", str(env_file))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key-in-the-environment")
    [found] = world.json(SCRIPT, "HEROKU_API_KEY")["settings"]
    assert (found["value"], found["from"]) == (vocabulary.SHOWN_INSTEAD, str(env_file))
    [found] = world.json(SCRIPT, "AWS_SECRET_ACCESS_KEY")["settings"]
    assert (found["value"], found["from"]) == (vocabulary.SHOWN_INSTEAD, "environment")
    assert "key-in" not in world.invoke(SCRIPT).stdout
