"""Checks the settings of engines by vLLM's own EngineArgs before any work: no weights are read, no device is taken.

Command: `python -m stillhouse.inference.vllm.check_worker spec.json` (engine environment)
"""

from dataclasses import fields
from typing import Any

from stillhouse.config import StrictModel
from stillhouse.errors import RecipeError, did_you_mean
from stillhouse.inference.loading import one_line
from stillhouse.inference.vllm.arguments import EngineModel, engine_arguments
from stillhouse.runtime.worker import Reporter, serve

# each of vLLM's checks raises what it likes
_REFUSALS = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
    AssertionError,
    ImportError,
    OSError,
)


class CheckedModel(EngineModel):
    """A model whose engine is checked."""

    field: str  # the section of the recipe that holds the settings
    is_converted: bool = False  # later, from a GGUF file: what vLLM says of the model itself is not known yet


class CheckSpec(StrictModel):
    """The engines of a run."""

    models: tuple[CheckedModel, ...]


def check_engines(spec: CheckSpec, report: Reporter) -> dict[str, Any]:
    """Return the number of engines checked.

    Raises:
        RecipeError: vLLM knows no argument of that name, or refuses a value, or the model can't be spread so.
    """
    for model in spec.models:
        _check(model)
        report.beat()
    return {"checked": len(spec.models)}


def _check(model: CheckedModel) -> None:
    from vllm import EngineArgs, __version__

    known = [field.name for field in fields(EngineArgs)]
    for name in model.engine.arguments:
        if name not in known:
            raise RecipeError(
                f"{model.field}.engine.arguments: vLLM {__version__} has no engine argument {name!r}."
                + did_you_mean(name, known)
            )
    if model.is_converted:
        return
    try:
        EngineArgs(**engine_arguments(model)).create_engine_config()
    except _REFUSALS as error:
        raise RecipeError(
            f"{model.field}: vLLM {__version__} refuses {model.path} with these settings of its engine: "
            f"{_reason(error)}. Correct {model.field}.engine or quantization."
        ) from error


def _reason(error: Exception) -> str:
    """Return what vLLM says; of a pydantic error the rule that failed first, with its field."""
    items = error.errors() if hasattr(error, "errors") else []
    if not items:
        return one_line(error)
    where = ".".join(str(part) for part in items[0]["loc"])
    return one_line(f"{where}: {items[0]['msg']}" if where else items[0]["msg"].removeprefix("Value error, "))


if __name__ == "__main__":
    serve(CheckSpec, check_engines)
