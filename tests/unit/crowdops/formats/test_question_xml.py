"""Pages, question XML and answers."""

import html
import time
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crowdops.errors import UsageError
from crowdops.formats import question_xml
from crowdops.formats.page_template import Page
from crowdops.formats.question_xml import external_question, html_question, parse_answer
from crowdserver.protocol import answer_xml
from tests.support.processes import SOON

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
DATA = Path("items.csv")
SCHEMA = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("pages") / "task.html"
    path.write_text('<p title="{{ text }}">{{ text }}</p><input name="label">')
    return Page(path)


def page(folder: Path, source: str | bytes) -> Page:
    path = folder / "task.html"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return Page(path)


def complaint(folder: Path, source: str | bytes) -> str:
    with pytest.raises(UsageError) as caught:
        page(folder, source)
    return str(caught.value).replace(f"{folder}/", "")


class Seen(HTMLParser):
    """What a browser makes of a page: its elements and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.titles: list[str | None] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.titles += [value for name, value in attrs if name == "title"]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXT)
@example("<script>alert(1)</script>")
@example('"><img src=x onerror=alert(1)>')
@example("]]><script>alert(1)</script>")
@example("{{ 7*7 }}{% raw %}")
def test_no_cell_is_ever_markup(template: Page, text: str) -> None:
    seen = Seen(template.render({"text": text}, 1))
    assert seen.elements == ["p", "input"]
    assert seen.titles == [text]
    assert seen.text == text


@given(TEXT)
@example("]]>")
@example("]]]]>>")
@example("<![CDATA[ x ]]>")
def test_a_page_comes_out_of_its_xml_as_it_went_in(text: str) -> None:
    root = ElementTree.fromstring(html_question(text, 1).encode())
    assert [child.tag.rpartition("}")[2] for child in root] == ["HTMLContent", "FrameHeight"]
    assert (root[0].text or "") == text


def test_a_template_may_use_what_jinja_has_and_fields_of_json_rows(tmp_path: Path) -> None:
    made = page(
        tmp_path, "{% for n in range(2) %}{{ loop.index }}{{ tags[n] | upper }}{% endfor %}{{ who.name }}"
    )
    assert made.fields == {"tags", "who"}
    assert made.render({"tags": ["a", "<b"], "who": {"name": "x"}}, 1) == "1A2&lt;Bx"


def test_a_field_that_no_column_has_is_named_with_the_nearest(tmp_path: Path) -> None:
    made = page(tmp_path, "{{ text }} {{ imagge_url }}")
    made.check_columns(["text", "imagge_url"], DATA)
    with pytest.raises(UsageError, match="uses the field 'imagge_url'.* Did you mean image_url?"):
        made.check_columns(["text", "image_url"], DATA)
    with pytest.raises(UsageError, match=r"uses the field 'text', .* There are: a, b, imagge_url\."):
        made.check_columns(["b", "a", "imagge_url"], DATA)


@pytest.mark.parametrize(
    "source,wanted",
    [
        ("<p>{{ text </p>", "task.html, line 1: "),
        ("<p>\n\n{% if x %}", "task.html, line 3: "),
        ("{{ text | no_such_filter }}", "task.html, line 1: No filter named 'no_such_filter'."),
        (b"caf\xe9", "task.html is not UTF-8 (byte 4). Save the file as UTF-8."),
        ("", "task.html is empty."),
        (" \n", "task.html is empty."),
    ],
)
def test_a_broken_template_is_explained(tmp_path: Path, source: str | bytes, wanted: str) -> None:
    assert complaint(tmp_path, source).startswith(wanted)


def test_a_template_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"No such file or directory. Check `template` in run.toml."):
        Page(tmp_path / "none.html")


@pytest.mark.parametrize(
    "source",
    [
        "{{ text.missing }}",
        "{{ text + 1 }}",
        "{{ 1 / zero }}",
        "{{ items[9] }}",
        "{% include 'x' %}",
        "{{ 'x' * 10**20 }}",
        "{{ '%d' % text }}",
        "{{ text.format(1).encode('no-such') }}",
    ],
)
def test_a_row_that_cannot_be_rendered_is_named(tmp_path: Path, source: str) -> None:
    made = page(tmp_path, source)
    with pytest.raises(UsageError, match="task.html: row 12 cannot be rendered: .+"):
        made.render({"text": "a", "zero": 0, "items": []}, 12)


def test_a_page_that_is_too_large_is_refused_with_its_row() -> None:
    room = question_xml.MAX_QUESTION_BYTES - len(html_question("", 1).encode())
    html_question("x" * room, 1)
    for much in ("x" * (room + 1), "é" * (room // 2 + 1)):
        with pytest.raises(
            UsageError, match=r"row 7: the page has 6553\d bytes, and a HIT holds at most 65535"
        ):
            html_question(much, 7)


@pytest.mark.parametrize("bad", ["\0", "\x1b", "\ud800", "\uffff"])
def test_a_page_that_xml_cannot_hold_is_refused_with_its_row(bad: str) -> None:
    with pytest.raises(UsageError, match=f"row 7: .*U\\+{ord(bad):04X}"):
        html_question(f"<p>{bad}</p>", 7)
    assert html_question("\t\r\n", 7)


def test_an_external_page_keeps_its_whole_address() -> None:
    url = 'https://example.org/unit/1?token=a&b="<x>'
    root = ElementTree.fromstring(external_question(url))
    assert root[0].text == url
    assert "&amp;b=" in external_question(url)


# Answers


def answers(*fields: str, head: str = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n') -> str:
    body = "".join(f"<Answer>{field}</Answer>\n" for field in fields)
    return f'{head}<QuestionFormAnswers xmlns="{SCHEMA}">\n{body}</QuestionFormAnswers>'


def free(name: str, value: str) -> str:
    text = f"<FreeText>{escape(value)}</FreeText>" if value else "<FreeText/>"
    return f"<QuestionIdentifier>{escape(name)}</QuestionIdentifier>{text}"


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=4))
def test_answers_come_back_as_they_were_given(fields: dict[str, str]) -> None:
    if list(fields) == ["taskAnswers"]:
        return
    found = parse_answer(answers(*(free(name, value) for name, value in fields.items())))
    assert found == (fields, None)
    assert list(found.fields) == list(fields)


@pytest.mark.parametrize("xml", ["", "  \n", answers(), answers(head="")])
def test_an_empty_answer_has_no_fields(xml: str) -> None:
    assert parse_answer(xml) == ({}, None)


@pytest.mark.parametrize("encoding", ["UTF-8", "ASCII", "ISO-8859-1", "UTF-16", "no-such-encoding"])
def test_what_the_declaration_says_of_the_encoding_does_not_matter(encoding: str) -> None:
    xml = answers(
        free("name", "日本 é"), free("more", ""), head=f'<?xml version="1.0" encoding="{encoding}"?>'
    )
    assert parse_answer(xml).fields == {"name": "日本 é", "more": ""}


def test_a_crowd_form_comes_out_as_its_fields() -> None:
    assert parse_answer(answers(free("taskAnswers", '[{"label": {"cat": true}, "why": "x"}]'))).fields == {
        "label": {"cat": True},
        "why": "x",
    }
    unstorable = ('[{"a": "\\ud800"}]', '[{"a": NaN}]', "[" * 100_000)
    for odd in ("not json", "[]", "[1]", '[{"a": 1}, {"b": 2}]', '{"a": 1}', *unstorable):
        assert parse_answer(answers(free("taskAnswers", odd))).fields == {"taskAnswers": odd}
    two = parse_answer(answers(free("taskAnswers", '[{"a": 1}]'), free("b", "2")))
    assert two.fields == {"taskAnswers": '[{"a": 1}]', "b": "2"}


def choice(name: str, *selected: str, other: str = "") -> str:
    chosen = "".join(f"<SelectionIdentifier>{text}</SelectionIdentifier>" for text in selected)
    written = f"<OtherSelectionText>{other}</OtherSelectionText>" if other else ""
    return f"<QuestionIdentifier>{name}</QuestionIdentifier>{chosen}{written}"


def test_a_number_that_no_number_can_hold_is_kept_as_it_was_written() -> None:
    xml = answers(free("taskAnswers", '[{"size": 1e999, "other": [-1e999, 1.5, 2]}]'))
    assert parse_answer(xml).fields == {"size": "1e999", "other": ["-1e999", 1.5, 2]}


def test_half_a_character_is_kept_as_its_escape() -> None:
    xml = answers(free("label", "a\ud800b"))
    assert parse_answer(xml).fields == {"label": "a\\ud800b"}


def test_choices_come_out_joined_and_as_a_list() -> None:
    found = parse_answer(answers(choice("a", "cat", "dog"), choice("b", "cat"), choice("c")))
    assert found.fields == {"a": "cat|dog", "b": "cat", "c": ""}
    assert found.values == {"a": ["cat", "dog"]}


def test_what_was_written_beside_a_choice_is_one_of_its_values() -> None:
    found = parse_answer(answers(choice("a", "cat", other="a | b"), choice("b", other="none")))
    assert found == ({"a": "cat|a | b", "b": "none"}, {"a": ["cat", "a | b"]})


def test_a_name_that_comes_twice_keeps_all_its_values() -> None:
    found = parse_answer(answers(free("a", "1"), free("b", "2"), free("a", ""), choice("a", "3")))
    assert found == ({"a": "1||3", "b": "2"}, {"a": ["1", "", "3"]})
    twice = parse_answer(answers(free("taskAnswers", "x"), free("taskAnswers", "y")))
    assert twice.fields == {"taskAnswers": "x|y"}


def test_of_a_file_the_key_is_the_value_and_its_size_is_kept() -> None:
    size, key = "<UploadedFileSizeInBytes>9</UploadedFileSizeInBytes>", "<UploadedFileKey>k</UploadedFileKey>"
    found = parse_answer(answers(f"<QuestionIdentifier>photo</QuestionIdentifier>{size}{key}"))
    assert found == ({"photo.UploadedFileSizeInBytes": "9", "photo": "k"}, None)


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), min_size=1, max_size=6))
def test_what_a_crowd_server_joins_comes_apart_again(fields: list[tuple[str, str]]) -> None:
    xml = answer_xml.write([(f"_{name}", value) for name, value in fields])
    assert xml is not None
    found = parse_answer(xml)
    lists: dict[str, list[str]] = {}
    for name, value in fields:
        lists.setdefault(f"_{name}", []).append(value)
    assert found.fields == {name: "|".join(texts) for name, texts in lists.items()}
    assert (found.values or {}) == {name: texts for name, texts in lists.items() if len(texts) > 1}


@pytest.mark.parametrize(
    "said", ["", "not json", "[]", '{"a": "x|y"}', '{"a": ["x", 1]}', '{"a": ["x"]}', '{"b": ["x", "y"]}']
)
def test_lists_that_are_not_those_of_the_answer_do_not_count(said: str) -> None:
    found = parse_answer(answers(free("a", "x|y")) + f"<?crowd-values {said}?>")
    assert found == ({"a": "x|y"}, None)


@pytest.mark.parametrize(
    "xml",
    ["not xml", answers(free("a", "b"))[:-20], answers(free("a", "x").replace("x", "\x07")), "<a>&nbsp;</a>"],
)
def test_an_answer_that_cannot_be_read_is_kept_as_it_is(xml: str) -> None:
    assert parse_answer(xml).fields == {question_xml.UNREADABLE: xml}


def test_an_xml_bomb_does_not_blow_up() -> None:
    entities = '<!ENTITY a0 "' + "x" * 100 + '">'
    entities += "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f"<!DOCTYPE x [{entities}]>{answers(free('a', 'X').replace('X', '&a9;'), head='')}"
    started = time.monotonic()
    found = parse_answer(bomb)
    assert found.fields == {question_xml.UNREADABLE: bomb}
    assert time.monotonic() - started < SOON
    answer = answers(free("a", "X").replace("X", "&f;"), head="")
    outside = f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>{answer}'
    assert "root:" not in html.unescape(str(parse_answer(outside)))
