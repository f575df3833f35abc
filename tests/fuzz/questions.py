"""Hypothesis strategies for questions that nobody would ask."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

_MARKUP = """\
<
>
<a
</
</>
<!--
-->
<!
<![foo
<![CDATA[x
<!DOCTYPE html>
<?php
&
&amp
&#0;
&#x110000;
&#99999999999;
'
"
=
<form action='/mturk/externalSubmit'>
<form action=https://www.mturk.com/mturk/externalSubmit method=post>
</form>
<input name=assignmentId>
<input type="hidden" name="assignmentId" value="">
<input name='assignmentId' value="x'
<INPUT NAME=assignmentId VALUE=''/>
<button formaction=/mturk/externalSubmit>
<script>
</script
</script>
<textarea>
<title>
<plaintext>
<svg/onload=alert(1)>
<crowd-form>
é
漢
${assignmentId}
{{ 7*7 }}""".splitlines()
_SPACES = [" ", "\n", "\r\n", "\r", "\t", "\u2028", "\u00a0"]
# The API refuses these in any text.
_FORBIDDEN = ["\x00", "\x0b", "\x1b", "\ud800", "\ufffe"]
_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
_PIECES = st.one_of(st.sampled_from(_MARKUP), st.sampled_from(_MARKUP), st.sampled_from(_SPACES), _WORDS)
# Long only now and then: nearly all faults show in a few characters.
_LONG = st.builds(
    lambda piece, space, length: ((piece + space) * length)[:length],
    st.sampled_from(_MARKUP),
    st.sampled_from(["", *_SPACES]),
    st.sampled_from([500, 15_000, 60_000]),
)
_SHORT = st.lists(_PIECES, max_size=12).map("".join)
_ODD_PAGES = st.builds(str.__add__, _SHORT, st.sampled_from(_FORBIDDEN))
PAGES = st.integers(0, 5).flatmap(lambda chance: _SHORT if chance else _LONG).map("<p>{}".format)

_SCHEMES = ["https://"] * 16 + ["http://", "//", "javascript:", "HTTPS://", "https:", "data:", "", "ftp://"]
_HOSTS = """\
example.org
example.org
127.0.0.1
[::1]
[::1
example.org:99999
example.org:abc
example.org:-1
example.org:
example.org:443:80
user:password@example.org
é.example.org
example..org
%65xample.org
ex_ample.org
\u2025.org
①.org
 example.org""".splitlines()
_ENDS = [
    "",
    "?a=1",
    "?a=%",
    "?a=%ff",
    "#x",
    "?" + "a" * 60_000,
    "a b",
    "?a=${assignmentId}&b",
    "\n",
    "é",
    "<>",
    '"',
]
URLS = st.builds(
    "{}{}/{}".format,
    st.sampled_from(_SCHEMES),
    st.sampled_from([*_HOSTS, "x" * 300, ""]),
    st.one_of(st.sampled_from(_ENDS), _WORDS),
)

_ENCODINGS = [
    "GB2312",
    "Shift_JIS",
    "EUC-JP",
    "ISO-8859-1",
    "utf-16",
    "UTF-7",
    "utf-32",
    "utf-8",
    "nonsense",
    "é",
]
_PROLOGS = [
    "",
    *(f'<?xml version="1.0" encoding="{name}"?>' for name in _ENCODINGS),
    '<?xml version="9.9"?>',
    "\ufeff",
    "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "<?x?>",
    "<!-- -- -->",
    "x",
    "\n",
]
_HEIGHTS = ["0", "0", "600", "-1", "1e3", "٣", "", "9" * 20, " 5 ", "0" * 5000]
_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"


class Kind(NamedTuple):
    """A kind of question, as its XML names it."""

    root: str
    schema: str
    element: str


_HTML = Kind("HTMLQuestion", "2011-11-11/HTMLQuestion.xsd", "HTMLContent")
_EXTERNAL = Kind("ExternalQuestion", "2006-07-14/ExternalQuestion.xsd", "ExternalURL")
_KINDS = [
    _HTML,
    _EXTERNAL,
    Kind("QuestionForm", "2017-11-06/QuestionForm.xsd", "Overview"),
    Kind("QuestionForm", "2005-10-01/QuestionForm.xsd", "Question"),
    Kind("HTMLQuestion", "2006-07-14/ExternalQuestion.xsd", "HTMLContent"),
    Kind("AnswerKey", "nothing", "nothing"),
]


def questions() -> st.SearchStrategy[str]:
    """Questions: pages and addresses of any kind, in documents of any kind; more than half can be taken."""
    plain, zero = st.just(""), st.just("0")
    escaped, any_form = st.just("escaped"), st.sampled_from(["cdata", "escaped", "as it is"])
    pages = st.builds(_question, st.just(_HTML), plain, PAGES, zero, escaped)
    in_cdata = st.builds(_question, st.just(_HTML), plain, PAGES, zero, st.just("cdata"))
    urls = st.builds(_question, st.just(_EXTERNAL), plain, URLS, zero, escaped)
    prologs, contents, heights = (
        st.sampled_from(_PROLOGS),
        st.one_of(PAGES, URLS, _ODD_PAGES),
        st.sampled_from(_HEIGHTS),
    )
    odd = st.builds(_question, st.sampled_from(_KINDS), prologs, contents, heights, any_form)
    cut = st.builds(lambda xml, end: xml[:end], odd, st.integers(0, 400))
    kinds = [*[pages] * 5, in_cdata, *[urls] * 2, odd, st.one_of(odd, cut, st.text())]
    return st.sampled_from(range(len(kinds))).flatmap(kinds.__getitem__)


def _question(kind: Kind, prolog: str, content: str, height: str, form: str) -> str:
    """Return a question's XML; form: how the content is written into it."""
    escaped = content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    inner = {"cdata": f"<![CDATA[{content}]]>", "escaped": escaped}.get(form, content)
    return (
        f'{prolog}<{kind.root} xmlns="{_SCHEMAS}{kind.schema}"><{kind.element}>{inner}</{kind.element}>'
        f"<FrameHeight>{height}</FrameHeight></{kind.root}>"
    )
