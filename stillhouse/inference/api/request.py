"""What an endpoint is sent for one sample of one prompt, and under which key its answer is stored.

Separate because the key must hold exactly what the request says, and a test can read both without a server.
"""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from stillhouse.data.row import Messages
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Sampling, Teacher

# OpenAI's schemas must be objects: a bare choice is asked for as this one's only field, and taken out of it again
ANSWER = "answer"
# tokens that the object around a choice takes
_WRAPPING_TOKENS = 16


class ResponseForm(BaseModel):
    """The form an answer is held to, as the endpoint is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: dict[str, Any] = {}  # of the request's body
    is_wrapped: bool = False  # the answer stands in a JSON object


class ChatRequest(BaseModel):
    """One sample of one prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    prompt: str  # canonical JSON of the messages, as `Outgoing` makes it
    sample_index: int

    @property
    def messages(self) -> Messages:
        """The chat turns."""
        messages: Messages = json.loads(self.prompt)
        return messages


def structured_output(endpoint: Endpoint, constraint: dict[str, Any]) -> ResponseForm:
    """Return how the endpoint holds an answer to `constraint`; no form where it offers none for it."""
    if not constraint:
        return ResponseForm()
    ((kind, value),) = constraint.items()
    if "vllm" in endpoint.can:
        return ResponseForm(fields={"structured_outputs": {"json" if kind == "json_schema" else kind: value}})
    if "json_schema" not in endpoint.can or kind not in ("choice", "json_schema"):
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


def num_logprobs(teacher: Teacher, endpoint: Endpoint) -> int:
    """Return the log-probabilities asked a token: those of the recipe, or -1 where not even the chosen token's come."""
    return teacher.sampling.logprobs if "logprobs" in endpoint.can else -1


def request_body(teacher: Teacher, endpoint: Endpoint, form: ResponseForm, question: ChatRequest) -> dict[str, Any]:
    """Return the body of the request, model and messages included."""
    sampling = teacher.sampling
    most = sampling.max_tokens + (_WRAPPING_TOKENS if form.is_wrapped else 0)
    return {
        **endpoint.extra_body,
        "model": teacher.model,
        "messages": question.messages,
        endpoint.preset.max_tokens_field: most,
        **_drawn(sampling, endpoint, question.sample_index),
        **_logprobs(sampling, endpoint),
        **form.fields,
    }


def _drawn(sampling: Sampling, endpoint: Endpoint, sample_index: int) -> dict[str, Any]:
    fields: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if endpoint.preset.has_known_defaults:
        fields = {name: value for name, value in fields.items() if value != 1.0}
    if "vllm" in endpoint.can:
        # as the engine here draws, whatever the server's or the model's own defaults are
        fields |= {"top_k": sampling.top_k, "min_p": 0.0, "repetition_penalty": 1.0}
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    if "seed" in endpoint.can and sampling.temperature > 0.0:
        fields["seed"] = sampling.seed + sample_index
    return fields


def _logprobs(sampling: Sampling, endpoint: Endpoint) -> dict[str, Any]:
    if "logprobs" not in endpoint.can:
        return {}
    if "vllm" not in endpoint.can:
        return {"logprobs": True}
    return {"logprobs": True, "top_logprobs": sampling.logprobs, "return_tokens_as_token_ids": True}


def _response_format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": ANSWER, "strict": True, "schema": schema}}
