"""How a worker gets a qualification by asking: at once, by a test, or when the requester says so."""

from typing import Any

from crowdserver.operations import limits
from crowdserver.protocol import answer_key, errors, question_form
from crowdserver.protocol.xml_documents import BadQuestion


def columns(members: dict[str, Any], has_test: bool) -> dict[str, Any]:
    """Return the columns that an operation's input sets, as far as it says something of this.

    has_test: whether the type has one already, which it then keeps. Raises ParameterValidationError.
    """
    values: dict[str, Any] = {}
    if "Test" in members:
        values = _test(members)
    elif "AnswerKey" in members or "TestDurationInSeconds" in members:
        raise errors.parameter("AnswerKey and TestDurationInSeconds are for a Test, which is not given.")
    if members.get("AutoGranted"):
        if has_test or values:
            raise errors.parameter("A QualificationType with a Test cannot have AutoGranted: true.")
        values["auto_grant"] = limits.number("AutoGrantedValue", members.get("AutoGrantedValue", 1))
    elif "AutoGranted" in members or values:
        values["auto_grant"] = None
    return values


def _test(members: dict[str, Any]) -> dict[str, Any]:
    if "TestDurationInSeconds" not in members:
        raise errors.parameter("A Test needs TestDurationInSeconds.")
    key = members.get("AnswerKey")
    try:
        for name, read in (("Test", question_form.read), ("AnswerKey", answer_key.read)):
            if name in members:
                limits.xml_text(name, members[name])
                read(members[name])
    except BadQuestion as error:
        raise errors.bad_question(str(error)) from error
    seconds = limits.number("TestDurationInSeconds", members["TestDurationInSeconds"])
    return {"test": members["Test"], "answer_key": key, "test_duration": seconds}
