"""What scripts print: tables and CSV."""

import csv
import io

from tests.support.scripts import Invoked


def table(result: Invoked) -> list[list[str]]:
    """The cells of the first table that was printed, without its headers, one row a list."""
    lines = result.stdout.splitlines()
    rule = next(number for number, line in enumerate(lines) if line and set(line) <= {"-", " "})
    lines = lines[rule - 1 :]
    starts = [0]
    for position, letter in enumerate(lines[1]):
        if letter == " " and lines[1][position + 1] == "-":
            starts.append(position + 1)
    bounds = list(zip(starts, [*starts[1:], None], strict=True))
    return [[line[a:b].strip() for a, b in bounds] for line in lines[2:] if line.strip()]


def rows(result: Invoked) -> list[dict[str, str]]:
    """The rows of a printed CSV."""
    return list(csv.DictReader(io.StringIO(result.stdout, newline="")))
