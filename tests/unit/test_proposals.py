"""Every command that a message proposes exists: its target, its variables, its options."""

import importlib
import re

from tests.support import makes, messages
from tests.support.forks import REPOSITORY

SELECTORS = {"RUN", "TASK"}


def taken_by(recipe: str) -> set[str]:
    """The variables that a target hands on."""
    taken = {"ARGS", *re.findall(r"\(call (?:one|each),(\w+)", recipe), *re.findall(r"value (\w+)\)", recipe)}
    return taken | SELECTORS if "$(SELECT)" in recipe else taken


def options_of(script: str) -> set[str]:
    """The options of a script, such as "mturk/expire_hits"."""
    main = importlib.import_module(f"scripts.{script.replace('/', '.')}").main
    return {"--help", *(option for parameter in main.params for option in parameter.opts)}


def script_of(recipe: str) -> str:
    found = re.search(r"scripts/(\w+/\w+)\.py", recipe)
    assert found
    return found[1]


def test_proposed_targets_take_the_variables_and_options_that_are_proposed() -> None:
    recipes, wrong = makes.recipes(), []
    others = set(re.findall(r"^([a-z-]+):", makes.MAKEFILE.read_text(), re.MULTILINE)) - set(recipes)
    proposed = messages.proposals()
    assert len(proposed) > 40
    for proposal in proposed:
        recipe = recipes.get(proposal.target)
        if recipe is None:
            if proposal.target not in others:
                wrong.append((proposal.place, proposal.text, "no such target"))
            continue
        wrong += [
            (proposal.place, proposal.text, f"{proposal.target} takes no {name}")
            for name in proposal.variables.keys() - taken_by(recipe)
        ]
        wrong += [
            (proposal.place, proposal.text, f"{proposal.target} has no {option}")
            for option in proposal.options
            if option not in options_of(script_of(recipe))
        ]
    assert wrong == []


def test_every_option_that_a_message_mentions_is_one_of_a_script() -> None:
    known = set().union(*(options_of(script_of(recipe)) for recipe in makes.recipes().values()))
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
