"""Aliases stand wherever an id stood, are the same in every report of a home, and cannot be tried out."""

import stat
from pathlib import Path
from typing import NamedTuple

import pytest

from crowdops.errors import UsageError
from crowdops.reporting import aliases, excerpts
from crowdops.reporting.aliases import Aliases, read_key

IDS = ["A1B2C3D4E5F6G7", "AWORKER1", "AWORKER12", "A1"]


@pytest.fixture
def known() -> Aliases:
    return Aliases(b"key", IDS)


def alias(known: Aliases, worker_id: str) -> str:
    return known.conceal(worker_id)


@pytest.mark.parametrize(
    "text",
    ["{}", "I am {}.", "id={},", "xx{}yy", "<b>{}</b>", "{}{}", "worker_{}", "https://x/?workerId={}&a=1"],
)
def test_an_id_is_found_wherever_it_stands_and_in_any_spelling(text: str, known: Aliases) -> None:
    for worker_id in IDS[:3]:
        for spelt in (worker_id, worker_id.lower()):
            concealed = known.conceal(text.replace("{}", spelt))
            assert spelt not in concealed
            assert concealed == text.replace("{}", alias(known, worker_id))
            assert known.conceal(concealed) == concealed


def test_a_short_id_is_found_where_it_is_a_word_of_its_own(known: Aliases) -> None:
    assert known.conceal("A1, BA12") == f"{alias(known, 'A1')}, BA12"


def test_aliases_differ_and_hang_on_the_key(known: Aliases) -> None:
    named = [alias(known, worker_id) for worker_id in IDS]
    assert len(set(named)) == len(IDS) and all(name.startswith("worker-") for name in named)
    assert named != [Aliases(b"other", IDS).conceal(worker_id) for worker_id in IDS]


class Pair(NamedTuple):
    name: str
    parts: list[dict[str, str]]
    number: int = 7


def test_every_text_of_a_value_is_concealed(known: Aliases) -> None:
    named = alias(known, "AWORKER1")
    found = known.conceal_all(Pair("of AWORKER1", [{"AWORKER1": "AWORKER1"}]))
    assert found == Pair(f"of {named}", [{named: named}])


def test_no_part_of_an_id_is_left_where_a_text_is_cut(known: Aliases) -> None:
    for before in range(180, 205):
        cut = excerpts.excerpt("x" * before + " A1B2C3D4E5F6G7 " + "y" * 300, known.conceal)
        assert "A1B" not in cut and len(cut) <= excerpts.MOST_LETTERS


def test_a_home_keeps_its_key_for_its_owner_alone(tmp_path: Path) -> None:
    key = read_key(tmp_path)
    assert read_key(tmp_path) == key and len(key) == 32
    path = tmp_path / aliases.KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert read_key(tmp_path.parent) != key


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / aliases.KEY_FILE).write_text("short\n")
    with pytest.raises(UsageError, match="is no key of aliases"):
        read_key(tmp_path)
