"""The frozen models that all others derive from, and the rule that keeps identity and execution apart."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from stillhouse.url_credentials import RULE, has_password


class StrictModel(BaseModel):
    """A frozen model that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FrozenModel(StrictModel):
    """A section of a configuration; it also refuses passwords in addresses, NaN and infinity."""

    model_config = ConfigDict(validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_password(cls, value: Any) -> Any:
        texts = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(text, str) and has_password(text) for text in texts):
            raise ValueError(RULE)
        return value


def execution(default: Any, description: str, **bounds: Any) -> Any:
    """Return a field that says where or how fast work runs; it never enters a fingerprint."""
    return Field(default, description=description, json_schema_extra={"execution": True}, **bounds)


def provenance(default: Any, description: str, **bounds: Any) -> Any:
    """Return a field that is only recorded (a name, a licence); it never enters a fingerprint."""
    return Field(default, description=description, json_schema_extra={"execution": True}, **bounds)


def optional_identity(default: Any, description: str, **bounds: Any) -> Any:
    """Return a field that enters a fingerprint only if it is set, so that older artifacts stay valid."""
    return Field(default, description=description, json_schema_extra={"optional_identity": True}, **bounds)


def is_execution(model: type[BaseModel], name: str) -> bool:
    """Return whether field `name` of `model` is kept out of fingerprints."""
    return bool(_mark(model, name, "execution"))


def identity(value: Any) -> Any:
    """Return `value` as plain JSON types, without the execution fields of any model inside it.

    Raises:
        TypeError: for a value that has no stable serialisation; a guess would fork fingerprints silently.
    """
    if isinstance(value, BaseModel):
        return _identity_of_model(value)
    if isinstance(value, dict):
        return {str(key): identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [identity(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} has no stable serialisation; use JSON types or a FrozenModel")


def _identity_of_model(model: BaseModel) -> dict[str, Any]:
    kind, found = type(model), dict[str, Any]()
    for name, field in kind.model_fields.items():
        if is_execution(kind, name) or _is_unset(model, name):
            continue
        content = getattr(model, name)
        if only := _mark(kind, name, "only"):
            content = {part: getattr(content, part) for part in only if not _is_unset(content, part)}
        found |= identity(content) if _mark(kind, name, "merged") else {field.alias or name: identity(content)}
    return found


def _is_unset(part: BaseModel, name: str) -> bool:
    default = type(part).model_fields[name].default
    return bool(_mark(type(part), name, "optional_identity")) and getattr(part, name) == default


def _mark(model: type[BaseModel], name: str, mark: str) -> Any:
    extra = model.model_fields[name].json_schema_extra
    return extra.get(mark) if isinstance(extra, dict) else None
