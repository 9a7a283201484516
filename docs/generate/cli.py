"""docs/reference/cli.md, from the Typer application."""

import inspect
from typing import Any

import typer

from deployments.cli import app
from docs.generate.markdown import code, page, table
from docs.generate.models import type_in_words

_INTRO = """
`stillhouse` is the command of the control environment: `.venv/control/bin/stillhouse`. A user's mistake is one message
and exit code 2, an error that nobody foresaw one line and exit code 1.
"""


def cli_page() -> str:
    """Return the page of every command with its arguments and options."""
    return page("Command line", _INTRO, *_sections("stillhouse", typer.main.get_command(app)))


def _sections(name: str, command: Any) -> list[str]:
    text, _, example = inspect.cleandoc(command.help or "").partition("Example: ")
    usage = f"    {example.strip()}" if example else ""
    own = "\n\n".join(filter(None, [f"## {name}", " ".join(text.split()), usage, _options(command.params)]))
    children = getattr(command, "commands", {})
    return [own, *(part for inner, child in children.items() for part in _sections(f"{name} {inner}", child))]


def _options(parameters: list[Any]) -> str:
    rows = []
    for parameter in parameters:
        is_option = parameter.opts[0].startswith("-")
        shown = parameter.opts[0] if is_option else parameter.name.upper()
        rows.append([code(shown), _value(parameter), _default(parameter), parameter.help or ""])
    return table(("option", "value", "default", "meaning"), rows) if rows else ""


def _value(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    if kind is bool:
        return "none: a flag"
    bounds = "" if parameter.max is None else f", {parameter.min} to {parameter.max}"
    return type_in_words(kind) + bounds


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default in (None, "", False) else code(parameter.default)
