"""The request for one rollout of one prompt, as an endpoint gets it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from stillhouse.config import StrictModel
from stillhouse.data.row import Messages
from stillhouse.data.tool_calls import arguments_as_text, take_tools
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Sampling, Teacher
from stillhouse.runtime.spool import Spooled

# OpenAI's schemas must be objects: a bare choice is requested as this one's only field, and taken out of it again
ANSWER = "answer"
# tokens that the object around a choice takes
_WRAPPING_TOKENS = 16


class ResponseForm(StrictModel):
    """The form that the endpoint holds a completion to."""

    fields: dict[str, Any] = Field({})  # of the request's body
    is_wrapped: bool = False  # the completion is a JSON object around the choice


@dataclass(frozen=True)
class ApiModel:
    """A model behind an endpoint, and all that its requests have in common."""

    teacher: Teacher
    endpoint: Endpoint
    form: ResponseForm
    api_key: str = field(repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold."""
        return (self.api_key, *self.secret_headers.values())


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One rollout of one prompt, which is on disk: of a million prompts of 1,000 tokens they take 5 GB."""

    key: str
    place: Spooled  # of the prompt
    rollout_index: int
    row_id: str = ""  # of the first row with this prompt

    @property
    def prompt(self) -> str:
        """The canonical JSON of the messages, as `Redactor` makes it."""
        return self.place.read().decode()

    @property
    def messages(self) -> Messages:
        """The chat messages, in OpenAI's form."""
        turns, _ = take_tools(json.loads(self.prompt))
        shown = [{key: value for key, value in turn.items() if key != "reasoning"} for turn in turns]
        return [arguments_as_text(turn) if "tool_calls" in turn else turn for turn in shown]

    @property
    def tools(self) -> dict[str, Any]:
        """The field of the body with what the assistant may call; none without tools."""
        _, tools = take_tools(json.loads(self.prompt))
        return {"tools": tools} if tools else {}


def structured_output(endpoint: Endpoint, constraint: dict[str, Any]) -> ResponseForm:
    """Return how the endpoint holds a completion to `constraint`; an empty form if it can't."""
    if not constraint:
        return ResponseForm()
    ((kind, value),) = constraint.items()
    if "vllm" in endpoint.offered:
        return ResponseForm(fields={"structured_outputs": {"json" if kind == "json_schema" else kind: value}})
    if "json_schema" not in endpoint.offered or kind not in ("choice", "json_schema"):
        return ResponseForm()
    if kind == "json_schema":
        return ResponseForm(fields={"response_format": _response_format(value)})
    schema = {
        "type": "object",
        "properties": {ANSWER: {"type": "string", "enum": list(value)}},
        "required": [ANSWER],
        "additionalProperties": False,
    }
    return ResponseForm(fields={"response_format": _response_format(schema)}, is_wrapped=True)


def num_logprobs(teacher: Teacher) -> int:
    """Return the log-probabilities requested a token; -1 if an endpoint does not even give the chosen token's."""
    return -1 if teacher.endpoint and "logprobs" not in teacher.endpoint.offered else teacher.sampling.logprobs


def max_completion_tokens(model: ApiModel) -> int:
    """Return the tokens that a completion has at most."""
    return model.teacher.sampling.max_tokens + (_WRAPPING_TOKENS if model.form.is_wrapped else 0)


def request_body(model: ApiModel, request: ChatRequest) -> dict[str, Any]:
    """Return the body of the request, model and messages included."""
    sampling, endpoint = model.teacher.sampling, model.endpoint
    return {
        **endpoint.extra_body,
        **template_fields(model.teacher),
        "model": model.teacher.model,
        "messages": request.messages,
        **request.tools,
        endpoint.preset.max_tokens_field: max_completion_tokens(model),
        **_sampling_fields(sampling, endpoint, request.rollout_index),
        **_logprobs(sampling, endpoint),
        **model.form.fields,
    }


def template_fields(teacher: Teacher) -> dict[str, Any]:
    """Return the fields of a request, and of its key, that the endpoint's server gives its chat template."""
    told = teacher.chat_template_kwargs
    return {"chat_template_kwargs": told} if told else {}


def _sampling_fields(sampling: Sampling, endpoint: Endpoint, rollout_index: int) -> dict[str, Any]:
    fields: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if endpoint.preset.has_known_defaults:
        fields = {name: value for name, value in fields.items() if value != 1.0}
    if "vllm" in endpoint.offered:
        # as the engine here samples, whatever the server's or the model's own defaults are
        fields |= {"top_k": sampling.top_k, "min_p": 0.0, "repetition_penalty": 1.0}
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    if "seed" in endpoint.offered and sampling.temperature > 0.0:
        fields["seed"] = sampling.seed + rollout_index
    return fields


def _logprobs(sampling: Sampling, endpoint: Endpoint) -> dict[str, Any]:
    if "logprobs" not in endpoint.offered:
        return {}
    if "vllm" not in endpoint.offered:
        return {"logprobs": True}
    return {"logprobs": True, "top_logprobs": sampling.logprobs, "return_tokens_as_token_ids": True}


def _response_format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": ANSWER, "strict": True, "schema": schema}}
