"""What a user wrote in a recipe's YAML, where YAML read something else: `yes` is true for it, and `12:30` is 750."""

from typing import Any

import yaml

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", type(None): "nothing"}


def compose(text: str) -> yaml.Node | None:
    """Return the nodes of a YAML document, which hold what was written."""
    return yaml.compose(text, Loader=yaml.SafeLoader)


def written_at(root: yaml.Node | None, location: tuple[Any, ...], value: Any) -> str | None:
    """Return the text of the unquoted scalar at `location` that YAML read as `value`; None if there is none.

    Names of the location that are in no document, such as a skill's kind, are passed over.
    """
    node = root
    for at, name in enumerate(location):
        if isinstance(node, yaml.MappingNode):
            is_key = location[at + 1 :] == ("[key]",)
            pair = next((pair for pair in node.value if pair[0].value == name or _read(pair[0]) == name), None)
            node = pair[0 if is_key else 1] if pair else node
        elif isinstance(node, yaml.SequenceNode) and isinstance(name, int) and name < len(node.value):
            node = node.value[name]
    is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
    # an override may have replaced what the document says
    return node.value if node is not None and is_plain and _read(node) == value and not isinstance(value, str) else None


def quoting_advice(value: Any, written: str | None) -> str:
    """Return what to write for a text that YAML reads as `value`; empty for a value that is no scalar."""
    if isinstance(value, str | dict | list):
        return ""
    kind = _KINDS.get(type(value), "a date" if hasattr(value, "isoformat") else type(value).__name__)
    shown = f' as "{written}"' if written else ""
    return f". YAML reads it as {kind}: for a text put it in quotes{shown}"


def _read(node: yaml.Node) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        return None
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError):
        return None
