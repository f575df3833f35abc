"""Tables for people: as wide as the terminal, and where that is too narrow one block an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crowdops.console import colour, layout, output, screen, terminal
from crowdops.console.colour import Colouring

GAP = "  "
LEAST = 12  # columns that a cell keeps when it is shortened
MOST_LINES = 8  # of a cell in a block


class Look(NamedTuple):
    """How a column looks: ids are never shortened, and a colouring tells what a cell's text means."""

    heading: str
    is_id: bool = False
    meaning: Colouring | None = None


def write(looks: Sequence[Look], rows: Sequence[Sequence[object]]) -> None:
    """Write rows as an aligned table to stdout; without any, the headings only."""
    columns = terminal.width(terminal.STDOUT)
    output.write_as_is(of_values(looks, rows, columns))
    if columns is not None:
        screen.set_apart()


def of_values(looks: Sequence[Look], rows: Sequence[Sequence[object]], columns: int | None) -> str:
    """Return rows of values as a table for a terminal of so many columns, or else as wide as it is."""
    assert all(len(row) == len(looks) for row in rows), f"a row does not fit the columns {looks}"
    if columns is not None:
        cells = [[output.line(value) for value in row] for row in rows]
        return text(looks, cells, columns, terminal.STDOUT)
    from tabulate import tabulate

    cells = [
        [_painted(look, output.cell(value), terminal.STDOUT) for look, value in zip(looks, row, strict=True)]
        for row in rows
    ]
    return tabulate(cells, headers=[look.heading for look in looks], disable_numparse=True)


def text(looks: Sequence[Look], rows: Sequence[Sequence[str]], columns: int, number: int) -> str:
    """Return rows of cells, each one line of printable text, as a table of at most so many columns.

    `number` is that of the stream they go to, for the colours.
    """
    headings = [[look.heading] for look in looks]
    widths = _widths(looks, headings, rows, columns)
    if widths is None:
        headings = [look.heading.split(" ") for look in looks]
        widths = _widths(looks, headings, rows, columns)
    if widths is None and rows:
        return _blocks(looks, rows, columns, number)
    widths = widths or [max(map(layout.width, words)) for words in headings]
    height = max(len(words) for words in headings)
    lines = [
        [words[row - height + len(words)] if row >= height - len(words) else "" for words in headings]
        for row in range(height)
    ]
    table = [_line(line, widths) for line in lines] + [_rule(widths)]
    for row in rows:
        cells = [layout.shorten(cell, width) for cell, width in zip(row, widths, strict=True)]
        table.append(_row(looks, cells, widths, number))
    return "\n".join(table)


def _widths(
    looks: Sequence[Look], headings: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], columns: int
) -> list[int] | None:
    """Return the width of each column, the widest ones narrowed as far as needed; None if that is too far."""
    least = [max(map(layout.width, words)) for words in headings]
    full = [max([least[index], *(layout.width(row[index]) for row in rows)]) for index in range(len(looks))]
    room = columns - len(GAP) * (len(looks) - 1)
    flexible = [
        index for index, look in enumerate(looks) if not look.is_id and full[index] > max(LEAST, least[index])
    ]
    for bound in range(min(max(full, default=0), columns), LEAST - 1, -1):
        widths = list(full)
        for index in flexible:
            widths[index] = min(full[index], max(bound, least[index]))
        if sum(widths) <= room:
            return widths
    return None


def _rule(widths: Sequence[int]) -> str:
    return _line(["-" * width for width in widths], widths)


def _row(looks: Sequence[Look], cells: Sequence[str], widths: Sequence[int], number: int) -> str:
    return _line(
        cells, widths, [_painted(look, cell, number) for look, cell in zip(looks, cells, strict=True)]
    )


def _line(cells: Sequence[str], widths: Sequence[int], shown: Sequence[str] | None = None) -> str:
    """Return the cells side by side; `shown` are the same with their colours."""
    blanks = [" " * (width - layout.width(cell)) for cell, width in zip(cells, widths, strict=True)]
    return GAP.join(cell + blank for cell, blank in zip(shown or cells, blanks, strict=True)).rstrip(" ")


def _painted(look: Look, cell: str, number: int) -> str:
    return colour.paint(cell, look.meaning(cell), number) if look.meaning else cell


def _blocks(looks: Sequence[Look], rows: Sequence[Sequence[str]], columns: int, number: int) -> str:
    """Return a block of lines for each row, nothing of which is left out."""
    width = max(layout.width(look.heading) for look in looks)
    return "\n\n".join(
        "\n".join(
            _block_line(look, cell, width, columns, number)
            for look, cell in zip(looks, row, strict=True)
            if cell
        )
        for row in rows
    )


def _block_line(look: Look, cell: str, width: int, columns: int, number: int) -> str:
    label = layout.pad(look.heading, width) + GAP
    if layout.width(label + cell) <= columns:
        return label + _painted(look, cell, number)
    bounded = cell if look.is_id else layout.shorten(cell, MOST_LINES * (columns - len(label)))
    return layout.wrap(label + bounded, columns, hang=layout.width(label))
