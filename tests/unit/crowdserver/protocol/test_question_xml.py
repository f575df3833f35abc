"""Questions: the two kinds that workers see, and what they could not be shown."""

import pytest

from crowdserver.protocol.question_xml import Question, read
from crowdserver.protocol.xml_documents import BadQuestion
from tests.support.offers import external_question, html_question


def test_the_two_kinds_are_told_apart() -> None:
    assert read(html_question("<!DOCTYPE html><p>1 &lt; 2</p>", 450)) == Question(
        "html", "<!DOCTYPE html><p>1 &lt; 2</p>", 450
    )
    assert read(external_question("https://example.org/a?b=1&c=2")) == Question(
        "external", "https://example.org/a?b=1&c=2", 600
    )


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:80"])
def test_a_page_on_this_machine_needs_no_https(host: str) -> None:
    assert read(external_question(f"http://{host}/unit/1")).content == f"http://{host}/unit/1"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "http://127.0.0.1.example.org/",
        "ftp://x/",
        "javascript:alert(1)",
        "/x",
        "https://",
    ],
)
def test_a_page_elsewhere_needs_https(url: str) -> None:
    with pytest.raises(BadQuestion, match="^ExternalURL must start with https://"):
        read(external_question(url))


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("", "no element found"),
        ("<a>", "no element found"),
        ("<a/>", "Cannot find the declaration of element 'a'"),
        (html_question("<p>").replace("2011-11-11", "2012-01-01"), "Cannot find the declaration of element"),
        (html_question("").replace("<!DOCTYPE html>", "just text"), "HTMLContent holds no HTML element"),
        (html_question("<p>").replace(">0<", ">tall<"), "'tall' is not a valid value for 'integer'"),
        (html_question("<p>").replace(">0<", ">-1<"), "'-1' is not a valid value for 'integer'"),
        (
            html_question("<p>").replace("<FrameHeight>0</FrameHeight>", ""),
            "one element 'FrameHeight' with text",
        ),
        (external_question("https://x/<b/>"), "one element 'ExternalURL' with text"),
        (external_question("https://[x/"), "ExternalURL is not a URL"),
        (external_question("https://x:99999/"), "ExternalURL is not a URL: Port out of range"),
        (external_question("https://x:port/"), "ExternalURL is not a URL: Port could not be cast"),
    ],
)
def test_what_nobody_could_be_shown_is_refused(xml: str, text: str) -> None:
    with pytest.raises(BadQuestion, match=text):
        read(xml)


@pytest.mark.parametrize(
    "encoding", ["GB2312", "Shift_JIS", "EUC-JP", "ISO-8859-1", "UTF-16", "UTF-7", "of-no-kind"]
)
def test_the_encoding_that_a_text_declares_was_that_of_a_file(encoding: str) -> None:
    page = "<p>Käse, 猫, \N{SMILING FACE WITH SMILING EYES}</p>"
    xml = f'<?xml version="1.0" encoding="{encoding}"?>' + html_question(page)
    assert read(xml).content == page


def test_a_question_cannot_define_entities() -> None:
    for doctype in (
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    ):
        with pytest.raises(BadQuestion, match=r"^a DOCTYPE \(x\) is not allowed outside of HTMLContent$"):
            read(doctype + html_question("<p>").replace("<FrameHeight>", "<FrameHeight>&a;"))
