"""Texts in the columns of a terminal: measured, shortened, padded and wrapped by what is seen of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

ELLIPSIS = "…"
_KEPT = "\ue000"  # stands for a blank at which no line may end; of the private use area, so it is in no text
_MAKE = r"(?:\b[A-Z][A-Z_]{2,}=\S+ )?\bmake [a-z][a-z-]*(?: [A-Z]+=(?:'[^']*'|[^\s'])+)*"
_INSTALLED = r"\bcrowdops [a-z]+ [a-z_]+(?: --?[a-z-]+(?: (?:'[^']*'|[^\s'-]\S*))?)*"
_COMMAND = re.compile(f"{_MAKE}|{_INSTALLED}")


def width(text: str) -> int:
    """Return how many columns a text without control characters takes."""
    if text.isascii():
        return len(text)
    import wcwidth

    return wcwidth.width(text, control_codes="ignore")


def pad(text: str, columns: int) -> str:
    """Return a text with blanks up to so many columns."""
    return text + " " * (columns - width(text))


def shorten(text: str, columns: int) -> str:
    """Return a text in at most so many columns, its middle left out where that is too long."""
    if width(text) <= columns:
        return text
    room = columns - 1
    if room < 1:
        return ELLIPSIS[:columns]
    letters = _letters(text)
    tail = _fitting(reversed(letters), room // 2)
    head = _fitting(iter(letters), room - width("".join(tail)))
    return "".join(head) + ELLIPSIS + "".join(reversed(tail))


def cut(text: str, columns: int) -> str:
    """Return the beginning of a text that fits into so many columns; one letter at least."""
    letters = _letters(text)
    return "".join(_fitting(iter(letters), columns)) or letters[0]


def pieces(text: str, columns: int) -> Iterator[str]:
    """Yield a text in pieces of at most so many columns, of a letter at least."""
    while width(text) > columns:
        head = cut(text, columns)
        yield head
        text = text[len(head) :]
    if text:
        yield text


def _letters(text: str) -> list[str]:
    """Return what is seen as one letter each, however many characters it is."""
    if text.isascii():
        return list(text)
    import wcwidth

    return list(wcwidth.iter_graphemes(text))


def _fitting(letters: Iterator[str], columns: int) -> list[str]:
    """Return as many letters as fit."""
    taken = []
    for letter in letters:
        columns -= width(letter)
        if columns < 0:
            break
        taken.append(letter)
    return taken


def wrap(text: str, columns: int | None, hang: int | None = None) -> str:
    """Return one or more lines, broken at blanks where they are too long for so many columns.

    Commands to be typed stay whole, or go on after a backslash where a line cannot hold them; what has no
    blank stays whole, unless its letters are wide. A line goes on `hang` columns to the right, or as far as
    it began.
    """
    if columns is None:
        return text
    return "\n".join(line for long in text.split("\n") for line in _wrapped(long, columns, hang))


def _wrapped(line: str, columns: int, hang: int | None) -> Iterator[str]:
    if width(line) <= columns:
        yield line
        return
    start = len(line) - len(line.lstrip(" "))
    indent = " " * (start if hang is None else hang)
    current, is_empty = line[:start], True
    for word in _words(line[start:], columns - len(indent)):
        if not is_empty and width(current) + 1 + width(word) > columns:
            yield current.rstrip(" ").replace(_KEPT, " ")
            current, is_empty = indent, True
        current += word if is_empty else f" {word}"
        is_empty = False
    yield current.rstrip(" ").replace(_KEPT, " ")


def _words(text: str, columns: int) -> Iterator[str]:
    whole = _COMMAND.sub(lambda command: command[0].replace(" ", _KEPT), text)
    for word in whole.split(" "):
        if width(word) <= columns:
            yield word
        elif _KEPT in word:
            yield from _continued(word, columns)
        elif width(word) > len(word):
            yield from pieces(word, columns)  # of a script that has no blanks
        else:
            yield word  # a path or an address: for whoever copies it


def _continued(command: str, columns: int) -> Iterator[str]:
    """Yield the lines of a command that is too long for one; each but the last ends with a backslash."""
    pieces = re.findall(rf"(?:'[^']*'|[^'{_KEPT}])+", command)
    current = pieces[0]
    for piece in pieces[1:]:
        if width(current) + 1 + width(piece) > columns - 2:
            yield f"{current}{_KEPT}\\"
            current = piece
        else:
            current += _KEPT + piece
    yield current
