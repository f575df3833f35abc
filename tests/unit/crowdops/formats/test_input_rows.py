"""Data files: streamed, and each broken row named."""

import csv
import hashlib
import io
import json
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdops.errors import UsageError
from crowdops.formats import input_rows

Write = Callable[[str, bytes | str], Path]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file and returns its path."""

    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows(path: Path) -> list[dict[str, Any]]:
    found = list(input_rows.InputRows(path))
    assert [index for index, _ in found] == list(range(len(found)))
    return [row for _, row in found]


def complaint(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        list(input_rows.InputRows(path))
    assert caught.value.exit_code == 2
    text = str(caught.value)
    assert str(path) in text and "\n" not in text
    return text.replace(str(path), path.name)


# CSV


def test_csv_rows_map_columns_to_text(write: Write) -> None:
    assert rows(write("a.csv", "id,text\n007,x\n2,\n")) == [
        {"id": "007", "text": "x"},
        {"id": "2", "text": ""},
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_name(write: Write) -> None:
    assert rows(write("a.csv", b"\xef\xbb\xbfid,text\r\n1,a\r\n2,b\r\n")) == [
        {"id": "1", "text": "a"},
        {"id": "2", "text": "b"},
    ]


def test_quoted_cells_hold_commas_quotes_and_line_breaks(write: Write) -> None:
    content = 'id,text\n1,"a, ""b""\nc"\n2,"\r\n"\n'
    assert [row["text"] for row in rows(write("a.csv", content))] == ['a, "b"\nc', "\r\n"]


def test_empty_lines_are_no_rows(write: Write) -> None:
    assert len(rows(write("a.csv", "\n\nid\n\n1\n\n\n2\n\n"))) == 2


def test_names_lose_the_blanks_around_them(write: Write) -> None:
    assert rows(write("a.csv", " id , text\n1,2\n3, 4 \n")) == [
        {"id": "1", "text": "2"},
        {"id": "3", "text": " 4 "},
    ]


def test_a_nul_is_a_character_like_others_here(write: Write) -> None:
    assert rows(write("a.csv", b"id\na\0b\nc\n")) == [{"id": "a\0b"}, {"id": "c"}]


@given(st.lists(TEXT.map(str.strip).filter(bool), min_size=1, max_size=5, unique=True), st.data())
def test_what_a_csv_writer_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], draw: st.DataObject
) -> None:
    wanted = draw.draw(
        st.lists(st.lists(TEXT, min_size=len(names), max_size=len(names)), min_size=1, max_size=5)
    )
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *wanted])
    path = tmp_path_factory.getbasetemp() / "round-trip.csv"
    path.write_bytes(text.getvalue().encode())
    if names[0].startswith(("\ufeff", "sep=")):
        return  # indistinguishable from a byte order mark, or from a declaration of the separator
    wanted = [cells for cells in wanted if any(cell.strip() for cell in cells)]
    if not wanted:
        return  # no rows at all
    assert [list(row.values()) for row in rows(path)] == wanted
    assert list(rows(path)[0]) == names


@pytest.mark.parametrize(
    "content,wanted",
    [
        ("id,text\n1,a\n2\n", "a.csv: row 2 (line 3) has 1 cells, the header has 2."),
        ("id,text\n1,a,b\n", "a.csv: row 1 (line 2) has 3 cells, the header has 2."),
        ('id,text\n1,"a\nb"\n2,c,d\n', "a.csv: row 2 (line 4) has 3 cells, the header has 2."),
        ("id,,text\n1,2,3\n", "a.csv: column 2 of the header has no name."),
        ("id,text,id\n1,2,3\n", "a.csv: the header names id twice."),
        ("id,text, id,text\n", "a.csv: the header names id, text twice."),
        ("", "a.csv has no rows. A run needs at least one unit."),
        ("\n\n", "a.csv has no rows. A run needs at least one unit."),
        ("id,text\n", "a.csv has no rows. A run needs at least one unit."),
        ('id\n1\n"never closed\n2\n', "a.csv: row 2 is not CSV: unexpected end of data."),
        ('id\n"a"b\n', "a.csv: row 1 is not CSV: ',' expected after '\"'."),
        (
            b'id,text\n1,"a\nb\nc"\n2,caf\xe9\n',
            "a.csv: row 2 (line 5) is not UTF-8 (byte 6 of the line). Save the file as UTF-8.",
        ),
        (
            b"id,text\n1,a\n2,caf\xe9\n",
            "a.csv: row 2 (line 3) is not UTF-8 (byte 6 of the line). Save the file as UTF-8.",
        ),
        (
            b"caf\xe9,text\n1,a\n",
            "a.csv: the header (line 1) is not UTF-8 (byte 4 of the line). Save the file as UTF-8.",
        ),
        (
            "id,text\n1,a\n".encode("utf-16"),
            "a.csv: the header (line 1) is not UTF-8 (byte 1 of the line). Save the file as UTF-8.",
        ),
    ],
)
def test_a_broken_csv_is_explained(write: Write, content: bytes | str, wanted: str) -> None:
    assert complaint(write("a.csv", content)) == wanted


def test_a_huge_cell_is_a_broken_quote(write: Write) -> None:
    content = 'id\n1\n"' + "x" * (input_rows.MAX_CELL + 1) + '"\n'
    assert (
        complaint(write("a.csv", content))
        == "a.csv: row 2 is not CSV: field larger than field limit (1000000)."
    )


# CSV as spreadsheets write it


def test_rows_in_which_nothing_is_written_are_no_units_and_are_counted(write: Write) -> None:
    path = write("a.csv", "text,b\r\nhello,1\r\n,\r\n \t,\u00a0\r\nbye,\r\n,\r\n")
    data = input_rows.InputRows(path)
    numbers = [(index, row["text"], data.number) for index, row in data]
    assert numbers == [(0, "hello", 1), (1, "bye", 4)]
    assert data.empty == 3
    assert [index for index, _ in data] == [0, 1] and data.empty == 3  # each time anew


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_an_object_without_a_value_is_no_unit_either(write: Write, name: str) -> None:
    objects = ["{}", '{"a": null}', '{"a": " ", "b": null}', '{"a": 0}', '{"a": false}', '{"a": []}']
    content = "\n".join(objects) if name == "a.jsonl" else f"[{','.join(objects)}]"
    data = input_rows.InputRows(write(name, content))
    assert [row for _, row in data] == [{"a": 0}, {"a": False}, {"a": []}]
    assert data.empty == 3


def test_a_file_of_empty_rows_has_no_units(write: Write) -> None:
    wanted = "has no rows with anything in them (2 are empty). A run needs at least one unit."
    assert complaint(write("a.csv", "a,b\n,\n,\n")) == f"a.csv {wanted}"
    assert complaint(write("a.jsonl", "{}\n{}\n")) == f"a.jsonl {wanted}"


@pytest.mark.parametrize(
    "content",
    [
        "text;b\r\nhello, you;1\r\nbye;2,5\r\n",
        "text\tb\nhello, you\t1\nbye\t2,5\n",
        "sep=;\r\ntext;b\r\nhello, you;1\r\nbye;2,5\r\n",
        "\ufeffsep=;\ntext;b\nhello, you;1\nbye;2,5\n",
        '"sep=|"\ntext|b\nhello, you|1\nbye|2,5\n',
        "SEP=;;\ntext;b;\nhello, you;1;\nbye;2,5;\n",
        'text,b\n"hello, you",1\nbye,"2,5"\n',
        '"text";"b"\n"hello, you";"1"\n"bye";"2,5"\n',
        "text;b;;\nhello, you;1;;\nbye;2,5;;\n",
        "text;b\nhello, you;1;;\nbye;2,5;;;;\n",
    ],
)
def test_every_separator_of_a_spreadsheet_is_read(write: Write, content: str) -> None:
    wanted = [{"text": "hello, you", "b": "1"}, {"text": "bye", "b": "2,5"}]
    assert rows(write("a.csv", content)) == wanted
    assert rows(write("a.tsv", content)) == wanted


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("length", [1, input_rows.PIECE - 9, input_rows.PIECE - 8, 3 * input_rows.PIECE])
def test_every_end_of_a_line_is_one(write: Write, ending: str, length: int) -> None:
    text = "x" * length
    content = ending.join(["id,text", f'1,"{text}\r\rb"', "2,\u00a0c", ""])
    assert rows(write("a.csv", content)) == [
        {"id": "1", "text": f"{text}\r\rb"},
        {"id": "2", "text": "\u00a0c"},
    ]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("text\nhello; you\n", [{"text": "hello; you"}]),  # one column, whatever is in its cells
        ("text\nhello\tyou\n", [{"text": "hello\tyou"}]),
        ('"a; b",c\n1,2\n', [{"a; b": "1", "c": "2"}]),
        ("read; then; say,c\n1,2\n", [{"read; then; say": "1", "c": "2"}]),
        ("a,b;c\n1;2,3\n", [{"a": "1;2", "b;c": "3"}]),
    ],
)
def test_a_separator_inside_of_names_and_cells_separates_nothing(
    write: Write, content: str, wanted: list[dict[str, str]]
) -> None:
    assert rows(write("a.csv", content)) == wanted


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("sep=;\na;b\n1;2\n3\n", "a.csv: row 2 (line 4) has 1 cells, the header has 2."),
        ("a,b,\n1,2,\n3,4,5\n", "a.csv: row 2 (line 3) has 3 cells, the header has 2."),
        ("a,b\n,\n1\n", "a.csv: row 2 (line 3) has 1 cells, the header has 2."),
        (",a,b\n0,1,2\n", "a.csv: column 1 of the header has no name."),
        (
            b"sep=;\na;b\n1;\xe9\n",
            "a.csv: row 1 (line 3) is not UTF-8 (byte 3 of the line). Save the file as UTF-8.",
        ),
    ],
)
def test_what_is_broken_is_found_where_it_is(write: Write, content: bytes | str, wanted: str) -> None:
    assert complaint(write("a.csv", content)) == wanted


# JSON


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_what_is_no_number_in_json_is_refused_by_row(write: Write, name: str, number: str) -> None:
    objects = ['{"id": 1e3}', f'{{"id": [2, {{"deep": {number}}}]}}']
    content = "\n".join(objects) if name == "a.jsonl" else f"[{','.join(objects)}]"
    assert complaint(write(name, content)).startswith(f"{name}: row 2 ")


def test_json_lines_are_objects_as_they_stand(write: Write) -> None:
    content = '{"id": 1, "tags": ["a"]}\n\n{"id": "2", "text": "日本"}\n'
    wanted = [{"id": 1, "tags": ["a"]}, {"id": "2", "text": "日本"}]
    assert rows(write("a.jsonl", content)) == wanted
    assert rows(write("a.NDJSON", content)) == wanted
    assert rows(write("a.json", json.dumps(wanted))) == wanted


def test_json_may_start_with_a_byte_order_mark(write: Write) -> None:
    assert rows(write("a.jsonl", b'\xef\xbb\xbf{"id": 1}\n{"id": 2}\n')) == [{"id": 1}, {"id": 2}]
    assert rows(write("a.json", b'\xef\xbb\xbf[{"id": 1}, {"id": 2}]')) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    "name,content,wanted",
    [
        ("a.jsonl", '{"id": 1}\n[2]\n', "a.jsonl: row 2 is not an object with named fields."),
        ("a.jsonl", '{"id": 1}\n{"id": \n', "a.jsonl: row 2 is not JSON: Expecting value"),
        ("a.jsonl", "\n\n", "a.jsonl has no rows. A run needs at least one unit."),
        ("a.jsonl", b'{"id": 1}\n{"id": "\xff"}\n', "a.jsonl: row 2 is not UTF-8 (byte 9 of the line)."),
        ("a.jsonl", '{"id": 1}\n' + "[" * 100_000 + "\n", "a.jsonl: row 2 is not JSON: "),
        ("a.jsonl", '{"id": 1}\n{"id": "\\ud800"}\n', "a.jsonl: row 2 holds half a character (\\ud800)."),
        ("a.json", '[{"id": 1}, 2]', "a.json: row 2 is not an object with named fields."),
        ("a.json", '[{"id": 1}, {"id": "\\udfff"}]', "a.json: row 2 is not JSON: "),
        ("a.json", '[{"id": 1}, {"id": ', "a.json: row 2 is not JSON: "),
        ("a.json", "[]", "a.json has no rows. A run needs at least one unit."),
        ("a.json", "", "a.json: row 1 is not JSON: "),
        ("a.json", '{"id": 1}', "a.json has no rows. The file must be one array of objects."),
        ("a.json", '{"item": {"id": 1}}', "a.json has no rows. The file must be one array of objects."),
        ("a.json", b'[{"id": "\xff"}]', "a.json: row 1 is not JSON: "),
    ],
)
def test_broken_json_is_explained(write: Write, name: str, content: bytes | str, wanted: str) -> None:
    assert complaint(write(name, content)).startswith(wanted)


# Files


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert complaint(tmp_path / "a.csv") == "a.csv: No such file or directory. Check `data` in run.toml."
    (tmp_path / "b.jsonl").mkdir()
    assert complaint(tmp_path / "b.jsonl") == "b.jsonl: Is a directory. Check `data` in run.toml."


def test_an_unknown_ending_is_said(write: Write) -> None:
    for name in ("a.xlsx", "csv"):
        wanted = (
            f"{name}: the ending says none of .csv, .tsv, .jsonl, .json, so its format is unknown."
            " Save a spreadsheet as CSV, UTF-8."
        )
        assert complaint(write(name, "id\n1\n")) == wanted


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"\xef\xbb\xbfid\n1\n2\n\n\n"),
        ("a.jsonl", b'{"id": 1}\n{"id": 2}\n\n \n'),
        ("a.json", b'\xef\xbb\xbf [{"id": 1}, {"id": 2}]\n\n'),
        ("long.csv", b"id\n" + b"1\n" * 100_000),
        ("long.json", b" " * 100_000 + b"[" + b'{"id": 1},' * 100_000 + b'{"id": 2}]' + b"\n" * 100_000),
    ],
)
def test_rows_and_their_digest_come_of_one_pass(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    os.mkfifo(path)  # whoever opened it a second time, or sought in it, would wait or fail
    writer = threading.Thread(target=path.write_bytes, args=[content], daemon=True)
    writer.start()
    rows = input_rows.InputRows(path)
    count = sum(1 for _ in rows)
    writer.join(timeout=30)
    assert count == (2 if name.startswith("a.") else 100_000 + name.endswith("json"))
    assert rows.digest == hashlib.sha256(content).hexdigest()


def test_there_is_no_digest_before_the_last_row_was_read(write: Write) -> None:
    rows = input_rows.InputRows(write("a.csv", "id\n1\n2\n"))
    next(iter(rows))
    with pytest.raises(AssertionError, match="not read to the end"):
        _ = rows.digest
    assert list(rows) == [(0, {"id": "1"}), (1, {"id": "2"})]
    assert rows.digest == input_rows.digest(write("b.csv", "id\n1\n2\n"))


def test_a_digest_is_the_files_sha256(write: Write) -> None:
    assert input_rows.digest(write("a", "")).startswith("e3b0c44298fc1c14")
    assert input_rows.digest(write("b", "abc")).startswith("ba7816bf8f01cfea")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_a_long_file_is_never_held_whole(write: Write, name: str) -> None:
    text = "word " * 40
    lines = {
        "a.csv": "id,text\n" + "".join(f"{n},{text}\n" for n in range(20_000)),
        "a.jsonl": "".join(json.dumps({"id": n, "text": text}) + "\n" for n in range(20_000)),
        "a.json": json.dumps([{"id": n, "text": text} for n in range(20_000)]),
    }
    path = write(name, lines[name])
    size = len(lines.pop(name))
    next(iter(input_rows.InputRows(path)))
    tracemalloc.start()
    count = sum(1 for _ in input_rows.InputRows(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < size / 4
