"""Markdown that reads the same on GitHub and on the site."""

from collections.abc import Iterable, Sequence

NOTE = "<!-- written by `make reference` from the code; a test fails if it is stale -->"


def page(title: str, *blocks: str) -> str:
    """Return a page: its title, a note that it is generated, and blocks with blank lines between."""
    return "\n\n".join([f"# {title}", NOTE, *(block.strip() for block in blocks if block.strip())]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def code(text: object) -> str:
    """Return `text` as code; empty for an empty text."""
    return f"`{text}`" if str(text) else ""


def codes(texts: Iterable[object]) -> str:
    """Return texts as code, with commas between."""
    return ", ".join(code(text) for text in texts)


def sentence(text: str) -> str:
    """Return `text` with a capital at its start and a full stop at its end."""
    text = " ".join(text.split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".") if text else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
