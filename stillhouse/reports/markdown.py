"""Markdown tables of user data: a `|`, a newline or a tag in a cell stays text."""

from collections.abc import Sequence


def cell(text: str) -> str:
    """Return `text` on one line, with pipes, backticks and angle brackets as entities."""
    line = " ".join(text.split()).replace("&", "&amp;")
    for sign, entity in (("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("`", "&#96;")):
        line = line.replace(sign, entity)
    return line


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, all columns but the first aligned right."""
    rule = ["---", *("---:" for _ in header[1:])]
    lines = [[cell(name) for name in header], rule, *([cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
