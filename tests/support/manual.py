"""The pages of the manual, and those of their tables that are made from the code.

`python -m tests.support.manual` writes the tables anew.
"""

from __future__ import annotations

import re
from pathlib import Path

from crowdops.config import declarations, env_file
from tests.support import script_sections

README = env_file.REPOSITORY / "README.md"
DOCS = env_file.REPOSITORY / "docs"
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"(<!-- (table|script): ([\w/]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Return the README and every page of docs."""
    return [README, *sorted(DOCS.glob("*.md"))]


def read(name: str) -> str:
    """Return the text of a page of docs, such as "runbook"."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def tables() -> dict[str, str]:
    """Return each table by the name that stands in its fence."""
    return {
        "settings": _table(
            ("setting", "variable", "default", "meaning"),
            [_setting(row) for row in declarations.SETTINGS],
        ),
        "parameters": _table(
            ("parameter", "default", "meaning"), [_parameter(row) for row in declarations.PARAMETERS]
        ),
        "server": _table(
            ("parameter", "default", "meaning"),
            [_parameter(row) for row in declarations.SERVER_PARAMETERS],
        ),
        "quality": _table(
            ("parameter", "default", "meaning"),
            [_parameter(row) for row in declarations.QUALITY_PARAMETERS],
        ),
    }


def renewed(text: str) -> str:
    """Return the text of a page with what stands in its fences as the code has it."""
    made = tables()

    def anew(match: re.Match[str]) -> str:
        kind, name = match[2], match[3]
        return match[1] + (made[name] if kind == "table" else script_sections.made_from_code(name)) + match[4]

    return FENCE.sub(anew, text)


def _setting(row: declarations.Setting) -> tuple[str, ...]:
    name = f"`{row.name}`" + (f", `{row.flag}`" if row.flag else "")
    return (name, f"`{row.variable}`", _default(row), f"{row.help} {row.advice}")


def _parameter(row: declarations.Setting) -> tuple[str, ...]:
    return (f"`{row.name}`", _default(row), f"{row.help} {row.advice}")


def _default(row: declarations.Setting) -> str:
    return (
        "required"
        if row.default is None and row in declarations.PARAMETERS[:7]
        else f"`{row.default}`"
        if row.default
        else ""
    )


def _table(headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headers, tuple("---" for _ in headers), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    for page in pages():
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
