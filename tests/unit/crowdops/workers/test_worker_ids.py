"""Lists of workers, as people keep them."""

from pathlib import Path

import pytest

from crowdops.errors import UsageError
from crowdops.workers import worker_ids

A, B, C = "A1ONE", "A2TWO", "A3THREE"

LISTS = [
    f"{A}\n{B}\n{C}\n",
    f"{A}, {B}, {C}",
    f"{A};{B};{C}",
    f"{A} {B}\t{C}\r\n",
    f'"{A}","{B}"\n\'{C}\'',
    f"\ufeff# spammers of May\n{A}  # twice, see the mail, e.g. A9\n\n  {B},\n#A4FOUR\n{C}\n{A}\n",
    f"\u201c{A}\u201d,{B},,{C},",
    f"WorkerId\n{A}\n{B}\n\n{C}\n",
    f"worker id\r\n{A}\r\n{B}\r\n{C}\r\n",
    f"\ufeffWorker ID;Why\r\n{A};spam, and more\r\n{B};\r\n{C};x\r\n",
    f"name\tworker-id\nAda\t{A}\nBob\t{B}\nCy\t{C}\n",
    f"sep=;\nWORKER_ID;note\n{A};a\n{B};b\n{C};c\n",
    f'# from the lab\nHITId,WorkerId,Answer.text\nx,{A},"two\n# lines"\n# not this one\ny,{B},\nz,{C},\n',
    f"worker_id\n{A} # why\n'{B}'\n{C}\n",
]


@pytest.mark.parametrize("text", LISTS)
def test_a_list_of_workers_is_read_however_it_is_written(tmp_path: Path, text: str) -> None:
    for ending in ("txt", "csv"):
        path = tmp_path / f"workers.{ending}"
        path.write_text(text, newline="")
        assert worker_ids.named([], path) == [A, B, C]


WRONG = [
    (f"{A}\nme\n", "line 2: 'me' is not a worker id: A and then capital letters and digits."),
    (
        f"{A.lower()}\n",
        "line 1: 'a1one' is not a worker id: A and then capital letters and digits. Is it A1ONE?",
    ),
    (f"id,name\n{A},Ada\n", "line 1: 'id' is not a worker id"),
    (f"worker_id,name\n{A},Ada\n,Bob\n", "row 2: there is no worker id"),
    (f"worker_id\n{A}\n{'A' * 65}\n", "row 2: 'AAA"),
    ("3ASSIGNMENTID\nB2\nA-1\nA\nx\ny\nz\n", "line 5: 'x' is not a worker id: A and then capital"),
    ("3ASSIGNMENTID\nB2\nA-1\nA\nx\ny\nz\n", "and 2 more\nNothing was done."),
    ('["A1", "A2"]', "line 1: '[\"A1' is not a worker id"),
]


@pytest.mark.parametrize("text,why", WRONG)
def test_what_cannot_be_an_id_is_refused_by_row(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "workers.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        worker_ids.read([], path)
    assert why in str(refused.value)


def test_arguments_are_lists_too() -> None:
    assert worker_ids.read([f"{A},{B}", C, A], None) == [A, B, C]
    for argument in ("", "a", "A1 b", "#A1"):
        with pytest.raises(UsageError, match="^argument: "):
            worker_ids.read([argument], None)


def test_bytes_that_are_no_text_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "workers.txt"
    path.write_bytes(b"A1\n\xff\xfe\n")
    with pytest.raises(UsageError, match="line 2 is not UTF-8"):
        worker_ids.read([], path)
