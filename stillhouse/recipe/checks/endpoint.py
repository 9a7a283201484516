"""What a teacher behind an endpoint can't be asked, found before anything is asked.

Separate because a field that an endpoint ignores would be believed: each rule here names the field and the way out.
"""

from typing import TYPE_CHECKING

from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.providers import PROVIDERS

if TYPE_CHECKING:
    from stillhouse.recipe.teacher import Teacher

# they say how a model's own files are loaded and served
_OF_AN_ENGINE = ("dtype", "quantization", "engine", "replicas")


def find_problems(teacher: "Teacher", endpoint: Endpoint) -> list[str]:
    """Return a line for each setting of `teacher` that `endpoint` can't honour; none where it can all."""
    who = f"provider {endpoint.provider}"
    fields = type(teacher).model_fields
    found = [
        f"{name} says how a model's own files are served, and has no effect behind an endpoint: leave it out"
        for name in _OF_AN_ENGINE
        if getattr(teacher, name) != fields[name].default
    ]
    if teacher.calibration == "batch":
        found.append(
            "calibration: batch needs the log-probability of every label, which no endpoint is asked for: set it to "
            "none, or serve the model's own files with vLLM (without endpoint)"
        )
    if teacher.prompt.layout == "text":
        found.append("prompt.layout: text is no chat; behind an endpoint take turns or list")
    return found + _execution(endpoint, who) + _sampling(teacher, endpoint, who) + _output(teacher, endpoint, who)


def _execution(endpoint: Endpoint, who: str) -> list[str]:
    if endpoint.execution == "realtime":
        if endpoint.batch != type(endpoint.batch)():
            return ["endpoint.batch says how batches are made: set endpoint.execution to batch, or leave it out"]
        return []
    if not endpoint.preset.has_batches:
        having = ", ".join(name for name, preset in PROVIDERS.items() if preset.has_batches)
        return [
            f"endpoint.execution: batch needs OpenAI's batch API (/files and /batches), which {who} does not have: "
            f"leave it at realtime, or take one of {having}"
        ]
    return []


def _sampling(teacher: "Teacher", endpoint: Endpoint, who: str) -> list[str]:
    sampling, can = teacher.sampling, endpoint.can
    found = []
    if sampling.temperature > endpoint.preset.max_temperature:
        found.append(f"sampling.temperature is above {endpoint.preset.max_temperature:g}, the most {who} takes")
    if sampling.top_k and "vllm" not in can:
        found.append(f"sampling.top_k is not taken by {who}: leave it at 0")
    if sampling.seed and "seed" not in can:
        found.append(f"sampling.seed is not taken by {who}: leave it at 0; stored answers are found again all the same")
    if sampling.logprobs and not {"vllm", "logprobs"} <= can:
        found.append(f"sampling.logprobs keeps log-probabilities by token id, which {who} does not give: leave it at 0")
    return found


def _output(teacher: "Teacher", endpoint: Endpoint, who: str) -> list[str]:
    kind, can = teacher.output.kind, endpoint.can
    if kind in ("choice", "json_schema") and not {"vllm", "json_schema"} & can:
        return [f"output.kind: {kind} can't be held by {who}: take skill (the skill's parser reads the answer) or free"]
    if kind == "regex" and "vllm" not in can:
        return [f"output.kind: regex can't be held by {who}: take skill, free or json_schema"]
    return []
