"""Settings of a teacher or judge that its endpoint can't honour: it would ignore them, and they would be believed."""

from collections.abc import Iterator

from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.providers import PROVIDERS
from stillhouse.recipe.teacher import Output, Sampling, Teacher

# they say how a model's own files are loaded and served
_OF_AN_ENGINE = ("dtype", "quantization", "engine", "replicas")


def find_endpoint_problems(field: str, teacher: Teacher) -> Iterator[str]:
    """Yield a line for each setting that the endpoint of `teacher` can't honour; `field` is its place in the recipe."""
    if not teacher.endpoint:
        return
    for problem in (
        *_engine(teacher),
        *_execution(teacher.endpoint),
        *_sampling(teacher.sampling, teacher.endpoint),
        *_output(teacher.output, teacher.endpoint),
    ):
        yield f"{field}.{problem}"


def _engine(teacher: Teacher) -> Iterator[str]:
    for name in _OF_AN_ENGINE:
        if getattr(teacher, name) != Teacher.model_fields[name].default:
            yield f"{name} says how a model's own files are served, and has no effect behind an endpoint: leave it out"
    if teacher.calibration == "batch":
        yield (
            "calibration: batch needs the log-probability of every label, which no endpoint is asked for: set it to "
            "none, or serve the model's own files with vLLM (without endpoint)"
        )
    if teacher.prompt.layout == "text":
        yield "prompt.layout: text is no chat; behind an endpoint take turns or list"


def _execution(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.execution == "realtime" and endpoint.batch != type(endpoint.batch)():
        yield "endpoint.batch says how batches are made: set endpoint.execution to batch, or leave it out"
    if endpoint.execution == "batch" and not endpoint.preset.has_batches:
        having = ", ".join(name for name, preset in PROVIDERS.items() if preset.has_batches)
        yield (
            "endpoint.execution: batch needs OpenAI's batch API (/files and /batches), which provider "
            f"{endpoint.provider} does not have: leave it at realtime, or take one of {having}"
        )


def _sampling(sampling: Sampling, endpoint: Endpoint) -> Iterator[str]:
    who, can = f"provider {endpoint.provider}", endpoint.can
    if sampling.temperature > endpoint.preset.max_temperature:
        yield f"sampling.temperature is above {endpoint.preset.max_temperature:g}, the most {who} takes"
    if sampling.top_k and "vllm" not in can:
        yield f"sampling.top_k is not taken by {who}: leave it at 0"
    if sampling.seed and "seed" not in can:
        yield f"sampling.seed is not taken by {who}: leave it at 0; stored answers are found again all the same"
    if sampling.logprobs and not {"vllm", "logprobs"} <= can:
        yield f"sampling.logprobs keeps log-probabilities by token id, which {who} does not give: leave it at 0"


def _output(output: Output, endpoint: Endpoint) -> Iterator[str]:
    who, kind, can = f"provider {endpoint.provider}", output.kind, endpoint.can
    if kind in ("choice", "json_schema") and not {"vllm", "json_schema"} & can:
        yield f"output.kind: {kind} can't be held by {who}: take skill (the skill's parser reads the answer) or free"
    if kind == "regex" and "vllm" not in can:
        yield f"output.kind: regex can't be held by {who}: take skill, free or json_schema"
