from typing import Any

import pytest

from stillhouse.inference.api.redaction import Redactor
from stillhouse.inference.api.request import (
    ApiModel,
    ChatRequest,
    ResponseForm,
    num_logprobs,
    request_body,
    structured_output,
)
from stillhouse.runtime.spool import Spool
from tests.support.api.requests import teacher

CHOICE = {"choice": ["billing", "delivery"]}


def sent(provider: str, constraint: dict[str, Any] | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    asked = teacher(provider, **fields)
    assert asked.endpoint
    prompt = Redactor(asked.endpoint).text([{"role": "user", "content": "hi"}])
    form = structured_output(asked.endpoint, constraint or {})
    model = ApiModel(asked, asked.endpoint, form, api_key="")
    return request_body(model, ChatRequest("k", Spool().add(prompt.encode()), index))


def form(provider: str, constraint: dict[str, Any]) -> ResponseForm:
    endpoint = teacher(provider).endpoint
    assert endpoint
    return structured_output(endpoint, constraint)


def test_body_on_openai_has_only_fields_that_all_its_models_take():
    assert sent("openai", sampling={"temperature": 1.0}) == {
        "model": "served",
        "messages": [{"role": "user", "content": "hi"}],
        "max_completion_tokens": 64,
        "seed": 0,
        "logprobs": True,
    }


def test_body_for_a_reasoning_model_leaves_out_refused_fields():
    fields = sent("openai", sampling={"temperature": 1.0}, endpoint={"offers": ["json_schema"]})
    assert set(fields) == {"model", "messages", "max_completion_tokens"}


def test_body_on_vllm_sets_all_fields_with_server_defaults():
    fields = sent("vllm", CHOICE, sampling={"top_k": 3, "logprobs": 5})
    assert (fields["temperature"], fields["top_p"], fields["top_k"]) == (0.0, 1.0, 3)
    assert (fields["min_p"], fields["repetition_penalty"]) == (0.0, 1.0)
    assert (fields["logprobs"], fields["top_logprobs"], fields["return_tokens_as_token_ids"]) == (True, 5, True)
    assert fields["structured_outputs"] == CHOICE


def test_body_on_vllm_takes_the_chat_template_s_arguments_and_is_as_before_without_them():
    assert sent("vllm", chat_template_kwargs={"enable_thinking": False})["chat_template_kwargs"] == {
        "enable_thinking": False
    }
    assert "chat_template_kwargs" not in sent("vllm")


def test_body_takes_extra_fields_but_keeps_its_own():
    fields = sent("deepseek", endpoint={"extra_body": {"thinking": {"type": "disabled"}}})
    assert fields["thinking"] == {"type": "disabled"}
    assert fields["max_tokens"] == 64


@pytest.mark.parametrize(("temperature", "seed"), [(0.0, None), (0.5, 9)])
def test_seed_is_sent_for_sampled_and_not_for_greedy_completions(temperature, seed):
    assert sent("openai", index=2, sampling={"temperature": temperature, "seed": 7}).get("seed") == seed


def test_choice_on_openai_is_the_only_field_of_an_object():
    found = form("openai", CHOICE)
    schema = found.fields["response_format"]["json_schema"]["schema"]
    assert found.is_wrapped
    assert schema["properties"]["answer"]["enum"] == CHOICE["choice"]
    assert (schema["required"], schema["additionalProperties"]) == (["answer"], False)
    # the object around the label takes tokens too
    assert sent("openai", CHOICE)["max_completion_tokens"] > sent("openai")["max_completion_tokens"]


def test_schema_of_the_recipe_is_sent_unchanged():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    found = form("azure", {"json_schema": schema})
    assert found.fields["response_format"]["json_schema"]["schema"] == schema
    assert not found.is_wrapped
    assert form("vllm", {"json_schema": schema}).fields == {"structured_outputs": {"json": schema}}


@pytest.mark.parametrize("provider", ["deepseek", "anthropic", "bedrock", "compatible"])
def test_provider_without_structured_output_gets_the_plain_prompt(provider):
    assert form(provider, CHOICE) == ResponseForm()


@pytest.mark.parametrize(("provider", "asked"), [("openai", 0), ("vllm", 5), ("anthropic", -1)])
def test_num_logprobs_without_the_chosen_tokens_is_minus_one(provider, asked):
    found = teacher(provider, sampling={"logprobs": max(asked, 0)})
    assert found.endpoint
    assert num_logprobs(found) == asked
