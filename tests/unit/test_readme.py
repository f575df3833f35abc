"""The README says what the code says."""

from tests.support import readme


def test_the_reference_tables_are_those_of_the_code() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert readme.renewed(text) == text, "write them anew: .venv/bin/python -m tests.support.readme"


def test_every_table_has_its_place() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert [match[2] for match in readme.FENCE.finditer(text)] == list(readme.tables())
