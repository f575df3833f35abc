"""Every command that a message proposes exists: its target, its variables, its options."""

from tests.support import makes, messages
from tests.support.forks import REPOSITORY


def test_proposed_targets_take_the_variables_and_options_that_are_proposed() -> None:
    proposed = messages.proposals()
    assert len(proposed) > 40
    assert makes.wrong(proposed) == []


def test_every_option_that_a_message_mentions_is_one_of_a_script() -> None:
    known = set().union(*(makes.options_of(makes.script_of(recipe)) for recipe in makes.recipes().values()))
    assert {"--run", "--yes"} <= known
    assert {name: place for name, place in messages.options().items() if name not in known} == {}


def test_every_script_that_a_message_mentions_exists() -> None:
    paths = {path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("scripts/*/*.py")}
    known = paths | {path.rpartition("/")[2] for path in paths}
    assert {name: place for name, place in messages.scripts().items() if name not in known} == {}


def test_no_message_proposes_a_script_by_its_path() -> None:
    """It would run without the libraries of the virtual environment; --help may name one."""
    by_path = [message for message in messages.messages() if "scripts/" in message.text]
    assert [message.place for message in by_path if not message.place.startswith("scripts/")] == []
