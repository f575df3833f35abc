"""Qualification requirements that the API would refuse are refused before it is asked, with the way out."""

import tomllib
from typing import Any

import pytest

from crowdops.errors import UsageError
from crowdops.providers.mturk import requirements

PERCENT, LOCALE = "000000000000000000L0", "00000000000000000071"
OWN = "3OWNTYPE"


def read(text: str) -> list[dict[str, Any]]:
    """Return the requirements of TOML lines; `id` and `is` stand for the two that every one needs."""
    text = text.replace("id = ", "QualificationTypeId = ").replace("is = ", "Comparator = ")
    found: list[dict[str, Any]] = tomllib.loads(text)["qualifications"]
    return found


def requirement(lines: str) -> str:
    return "[[qualifications]]\n" + lines.replace("; ", "\n") + "\n"


@pytest.mark.parametrize(
    "lines",
    [
        f'id = "{PERCENT}"; is = "GreaterThanOrEqualTo"; IntegerValues = [95]',
        f'id = "{LOCALE}"; is = "EqualTo"; LocaleValues = [{{ Country = "US" }}]',
        f'id = "{LOCALE}"; is = "NotIn"; LocaleValues = [{{ Country = "US", Subdivision = "CA" }},'
        ' { Country = "DE" }]',
        f'id = "{OWN}"; is = "DoesNotExist"; ActionsGuarded = "DiscoverPreviewAndAccept"',
        f'id = "{OWN}"; is = "Exists"; RequiredToPreview = true',
        f'id = "{OWN}"; is = "In"; IntegerValues = {list(range(15))}',
        f'id = "{OWN}"; is = "EqualTo"; IntegerValues = [-3]',
    ],
)
def test_what_the_api_takes_is_taken(lines: str) -> None:
    requirements.check("run.toml", read(requirement(lines)))


def test_two_bounds_on_one_qualification_are_no_contradiction() -> None:
    above = requirement(f'id = "{OWN}"; is = "GreaterThan"; IntegerValues = [1]')
    below = requirement(f'id = "{OWN}"; is = "LessThan"; IntegerValues = [5]')
    requirements.check("run.toml", read(above + below))


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (f'id = "{PERCENT}"; is = ">="; IntegerValues = [95]',
         "Comparator is '>='; it can be LessThan, LessThanOrEqualTo, GreaterThan, GreaterThanOrEqualTo,"
         " EqualTo, NotEqualTo, Exists, DoesNotExist, In, NotIn. Did you mean GreaterThanOrEqualTo?"),
        (f'id = "{PERCENT}"; is = "GreaterThen"; IntegerValues = [95]', "Did you mean GreaterThan?"),
        (f'id = "{PERCENT}"; is = "GreaterThan"; IntegerValues = 95',
         "IntegerValues is 95; write it as a list: IntegerValues = [95]."),
        (f'id = "{PERCENT}"; is = "GreaterThan"; IntegerValues = "95"',
         "IntegerValues is '95'; write it as a list: IntegerValues = [95]."),
        (f'id = "{PERCENT}"; is = "GreaterThan"; IntegerValues = ["95"]',
         "IntegerValues is '95'; write whole numbers: IntegerValues = [95]."),
        (f'id = "{PERCENT}"; is = "GreaterThan"; IntegerValues = [9.5]', "write whole numbers"),
        (f'id = "{PERCENT}"; is = "GreaterThan"; IntegerValues = [true]', "IntegerValues is true; write"),
        (f'id = "{PERCENT}"; is = "GreaterThan"; IntegerValues = [3000000000]', "at most 32 bits"),
        (f'id = "{PERCENT}"; is = "GreaterThan"',
         "Comparator GreaterThan needs a value. Write: IntegerValues = [95]."),
        (f'id = "{PERCENT}"; is = "EqualTo"; IntegerValues = [1, 2]',
         'IntegerValues has 2 values; with EqualTo at most 1 can be given. Write: Comparator = "In".'),
        (f'id = "{PERCENT}"; is = "In"; IntegerValues = {list(range(16))}', "at most 15"),
        (f'id = "{OWN}"; is = "Exists"; IntegerValues = [1]',
         "Comparator Exists takes no values. Take IntegerValues out."),
        (f'id = "{OWN}"; is = "EqualTo"; LocaleValues = [{{ Country = "US" }}]',
         f"LocaleValues does not go with {OWN}. Write: IntegerValues = [95]."),
        (f'id = "{LOCALE}"; is = "EqualTo"; IntegerValues = [1]', "IntegerValues does not go with"),
        (f'id = "{LOCALE}"; is = "Exists"', "a locale can be compared by EqualTo, NotEqualTo, In, NotIn."),
        (f'id = "{LOCALE}"; is = "EqualTo"; LocaleValues = ["US"]',
         "LocaleValues is 'US'; write it as a list: LocaleValues = [{ Country = \"US\" }]."),
        (f'id = "{LOCALE}"; is = "EqualTo"; LocaleValues = [{{ country = "US" }}]',
         "unknown key 'country'. Did you mean Country?"),
        (f'id = "{LOCALE}"; is = "EqualTo"; LocaleValues = [{{ Subdivision = "CA" }}]', "is missing."),
        (f'id = "{LOCALE}"; is = "EqualTo"; LocaleValues = [{{ Country = "USA" }}]', "Country is 'USA'"),
        (f'id = "{LOCALE}"; is = "EqualTo"; LocaleValues = [{{ Country = "us" }}]',
         "Country is 'us'; write its code of two capital letters"),
        ('id = "Masters"; is = "Exists"', "QualificationTypeId is 'Masters'; write the id"),
        ('id = 40; is = "Exists"', "QualificationTypeId is 40; write it as a string in quotes."),
        (f'id = "{OWN}"; is = "Exists"; ActionsGuarded = "Preview"', "ActionsGuarded is 'Preview'; it can"),
        (f'id = "{OWN}"; is = "Exists"; RequiredToPreview = "yes"', "write it as true or false."),
        (f'id = "{OWN}"; is = "Exists"; RequiredToPreview = true; ActionsGuarded = "Accept"',
         "contradict each other. Take RequiredToPreview out."),
    ],
)  # fmt: skip
def test_what_the_api_would_refuse_is_explained(lines: str, wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        requirements.check("run.toml", read(requirement(lines)))
    assert str(caught.value).startswith("run.toml: qualification 1: ") and wanted in str(caught.value)


def test_too_many_and_the_same_one_twice_are_said() -> None:
    one = requirement(f'id = "{OWN}"; is = "Exists"')
    with pytest.raises(UsageError, match="qualification 2 is the same as 1. Take one out."):
        requirements.check("run.toml", read(one * 2))
    with pytest.raises(UsageError, match="11 qualifications; a HIT can have at most 10."):
        requirements.check("run.toml", read(one * 11))
