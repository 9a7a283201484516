"""A stage's parameters: one frozen model, whose fields say what decides the artifact and what does not."""

from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field

from stillhouse.config import FrozenModel

T = TypeVar("T")

# a field that says where or how fast work runs; it never enters a fingerprint
Execution = Annotated[T, Field(json_schema_extra={"execution": True})]
# a field that enters a fingerprint only if it differs from its default, so that older artifacts stay valid
IfSet = Annotated[T, Field(json_schema_extra={"optional_identity": True})]
# a mapping whose items enter the fingerprint as fields of their own
Merged = Annotated[T, Field(json_schema_extra={"merged": True})]


def only(*names: str, alias: str | None = None) -> Any:
    """Return a field's mark: of the model in it only these fields enter the fingerprint, together as `alias` if given.

    `teacher: Annotated[Teacher, only("prompt", "sampling")]`
    """
    return Field(alias=alias, json_schema_extra={"only": list(names), "merged": alias is None})


class Params(FrozenModel):
    """Base of all stages' parameters. A field without a mark is identity: the fingerprint is made of it."""

    model_config = ConfigDict(populate_by_name=True)


P = TypeVar("P", bound=Params)
