"""Tables of pydantic models: a section for each model that is reached from a root, with a row for each field."""

import inspect
import json
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.generate.markdown import code, codes, sentence

_PLAIN = {str: "text", int: "integer", float: "number", bool: "true or false", dict: "mapping", Any: "any JSON value"}
_UNITS = {"_s": "seconds", "_seconds": "seconds", "_h": "hours", "_gib": "GiB", "_bytes": "bytes", "_usd": "US dollars"}
_RULES = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}", "min_length": "at least {} entries"}
_RULES |= {"max_length": "at most {} entries", "pattern": "matches `{}`"}


def reached(root: type[BaseModel], path: str = "", is_execution: bool = False) -> Iterator[tuple[type, str, bool]]:
    """Yield each model below `root` with its path, and whether a field above it is execution."""
    yield root, path, is_execution
    for name, field in root.model_fields.items():
        for model in models_in(field.annotation):
            many = "[]" if get_origin(field.annotation) is tuple else ""
            below = f"{path}.{name}{many}" if path else f"{name}{many}"
            yield from reached(model, below, is_execution or mark_of(field) == "execution")


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for item in get_args(annotation) for model in models_in(item)]


def mark_of(field: FieldInfo) -> str:
    """Return `execution`, `identity if set` or `identity`."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    if extra.get("execution"):
        return "execution"
    return "identity if set" if extra.get("optional_identity") else "identity"


def type_of(name: str, field: FieldInfo) -> str:
    """Return a field's type in words, with its unit if the name has one."""
    unit = next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")
    return type_in_words(field.annotation) + (f", {unit}" if unit else "")


def type_in_words(annotation: Any) -> str:
    """Return an annotation in the words of YAML."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_in_words(arguments[0])
    if origin is Literal:
        return codes(arguments)
    if origin in (Union, UnionType):
        shown = dict.fromkeys("null" if item is type(None) else type_in_words(item) for item in arguments)
        return " or ".join(shown)
    if origin in (tuple, list):
        return f"list of {type_in_words(arguments[0])}"
    if origin is dict:
        return f"mapping of text to {type_in_words(arguments[1])}"
    if models_in(annotation):
        return f"[{annotation.__name__}](#{anchor(annotation)})"
    return _PLAIN.get(annotation) or str(getattr(annotation, "__name__", annotation)).lower()


def default_of(field: FieldInfo) -> str:
    """Return a field's default as it is written in YAML or JSON; `required` if it has none."""
    if field.is_required():
        return "required"
    value = field.default if field.default is not PydanticUndefined else field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "its defaults"
    return code(json.dumps(value, ensure_ascii=False, default=str))


def bounds_of(field: FieldInfo) -> str:
    """Return the bounds of a field's value."""
    found = [(name, getattr(rule, name, None)) for rule in field.metadata for name in _RULES]
    return ", ".join(_RULES[name].format(value) for name, value in found if value is not None)


def anchor(model: type[BaseModel]) -> str:
    """Return the anchor of a model's section."""
    return model.__name__.lower()


def heading(model: type[BaseModel], paths: list[str]) -> str:
    """Return a section's heading, where it is in the file, and what the model is."""
    places = f"At {codes(paths)}. " if any(paths) else ""
    return f"## {model.__name__}\n\n{places}{sentence(inspect.getdoc(model) or '')}"
