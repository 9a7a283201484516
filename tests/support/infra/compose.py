"""infra/compose.yaml as Compose reads it, without Compose: YAML with the variables of an env file put in."""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from dotenv import dotenv_values

from tests.support.paths import ROOT

COMPOSE = ROOT / "infra" / "compose.yaml"
EXAMPLE = ROOT / "infra" / "compose.env.example"
# $$, ${NAME:?why it is needed} and ${NAME:-default}
VARIABLE = re.compile(r"\$(?:\$|\{(\w+):([?-])([^}]*)\})")


def example() -> dict[str, str]:
    """Return the variables of the committed example."""
    return {name: value or "" for name, value in dotenv_values(EXAMPLE, interpolate=False).items()}


def load_compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the file with its variables put in, after parsing as Compose does it."""
    filled: dict[str, Any] = _fill(yaml.safe_load(COMPOSE.read_text()), variables)
    for service in filled["services"].values():
        given = service["environment"]
        # a variable without a value is handed on; one that is not set is not there
        handed = {name: variables[name] for name, value in given.items() if value is None and name in variables}
        service["environment"] = {**given, **handed}
    return filled


def _fill(node: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {name: _fill(value, variables) for name, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, variables) for value in node]
    return VARIABLE.sub(lambda found: _value(found, variables), node) if isinstance(node, str) else node


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, kind, rest = found.groups()
    if name is None:
        return "$"
    return variables.get(name, rest) if kind == "-" else variables[name]
