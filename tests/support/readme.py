"""The README's reference tables, made from the code: `python -m tests.support.readme` writes them anew."""

from __future__ import annotations

import re

from crowdops.config import declarations, env_file

README = env_file.REPOSITORY / "README.md"
FENCE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


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
    }


def renewed(text: str) -> str:
    """Return the README's text with its tables as the code has them."""
    made = tables()
    return FENCE.sub(lambda match: match[1] + made[match[2]] + match[3], text)


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
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
