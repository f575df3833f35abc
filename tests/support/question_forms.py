"""QuestionForms for tests: one with every kind of content and of answer, and small ones."""

from __future__ import annotations

_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
PIXEL = "https://pictures.example/cat.png"


def question_form(body: str, version: str = "2017-11-06") -> str:
    """Return a QuestionForm's XML around its questions."""
    return f'<QuestionForm xmlns="{_SCHEMAS}/{version}/QuestionForm.xsd">{body}</QuestionForm>'


def question(identifier: str, answer: str, head: str = "", content: str = "") -> str:
    """Return one question; head: DisplayName and IsRequired."""
    return (
        f"<Question><QuestionIdentifier>{identifier}</QuestionIdentifier>{head}"
        f"<QuestionContent>{content or f'<Text>About {identifier}</Text>'}</QuestionContent>"
        f"<AnswerSpecification>{answer}</AnswerSpecification></Question>"
    )


def free_text(constraints: str = "", rest: str = "", lines: int = 1) -> str:
    """Return a FreeTextAnswer."""
    return (
        f"<FreeTextAnswer><Constraints>{constraints}</Constraints>{rest}"
        f"<NumberOfLinesSuggestion>{lines}</NumberOfLinesSuggestion></FreeTextAnswer>"
    )


def selections(
    style: str = "radiobutton", counts: tuple[int | None, int | None] = (None, None), other: bool = False
) -> str:
    """Return a SelectionAnswer of cat, dog and cow."""
    low, high = counts
    kinds = "".join(
        f"<Selection><SelectionIdentifier>{kind}</SelectionIdentifier><Text>A {kind}</Text></Selection>"
        for kind in ("cat", "dog", "cow")
    )
    return (
        "<SelectionAnswer>"
        + (f"<MinSelectionCount>{low}</MinSelectionCount>" if low is not None else "")
        + (f"<MaxSelectionCount>{high}</MaxSelectionCount>" if high is not None else "")
        + f"<StyleSuggestion>{style}</StyleSuggestion><Selections>{kinds}"
        + ("<OtherSelection><NumberOfLinesSuggestion>1</NumberOfLinesSuggestion></OtherSelection>" * other)
        + "</Selections></SelectionAnswer>"
    )


REQUIRED = "<IsRequired>true</IsRequired>"
_OVERVIEW = f"""<Overview><Title>Animals</Title><Text>Look at the picture
and answer.</Text><List><ListItem>Be quick</ListItem><ListItem>Be kind</ListItem></List>
<Binary><MimeType><Type>image</Type><SubType>png</SubType></MimeType><DataURL>{PIXEL}</DataURL>
<AltText>A cat on a mat</AltText></Binary>
<Binary><MimeType><Type>audio</Type></MimeType><DataURL>https://sounds.example/mew.ogg</DataURL>
<AltText>It says mew</AltText></Binary>
<FormattedContent><![CDATA[<table border="1"><tr><th scope="col">Animal</th><td>says&nbsp;<b>mew</b></td></tr>
</table>
<p>See <a href="https://lab.example/help">the help</a>.</p>]]></FormattedContent></Overview>"""
_PICTURES = (
    "<SelectionAnswer><Selections><Selection><SelectionIdentifier>picture</SelectionIdentifier><Binary>"
    f"<MimeType><Type>image</Type></MimeType><DataURL>{PIXEL}</DataURL><AltText>The cat</AltText></Binary>"
    "</Selection><Selection><SelectionIdentifier>words</SelectionIdentifier>"
    "<FormattedContent><![CDATA[the <i>dog</i>]]></FormattedContent></Selection></Selections>"
    "</SelectionAnswer>"
)
EVERY_KIND = question_form(
    _OVERVIEW
    + question(
        "name",
        free_text('<Length minLength="2" maxLength="20"/>'),
        f"<DisplayName>Name</DisplayName>{REQUIRED}",
    )
    + question("story", free_text(rest="<DefaultText>Once</DefaultText>", lines=4))
    + question("age", free_text('<IsNumeric minValue="18" maxValue="99"/>'))
    + question(
        "code", free_text('<AnswerFormatRegex regex="^[A-Z]{3}$" flags="i" errorText="Three letters."/>')
    )
    + question("radio", selections("radiobutton"), REQUIRED)
    + question("boxes", selections("checkbox", (1, 2), other=True))
    + question("list", selections("list"))
    + question("dropdown", selections("dropdown"))
    + question("combobox", selections("combobox", other=True))
    + question("multi", selections("multichooser"))
    + question("pictures", _PICTURES)
)
