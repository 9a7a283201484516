"""A request in OpenAI's form becomes the same request in Anthropic's and Gemini's, and their answers come back."""

import json
from typing import Any

import pytest

from stillhouse.inference.api.batch.providers.anthropic_form import as_params
from stillhouse.inference.api.batch.providers.anthropic_form import read_result as read_anthropic
from stillhouse.inference.api.batch.providers.gemini_form import as_request
from stillhouse.inference.api.batch.providers.gemini_form import read_result as read_gemini
from stillhouse.inference.api.request import ResponseForm
from stillhouse.inference.api.response import read_reply
from tests.support.api.anthropic_server import answered as anthropic_line
from tests.support.api.gemini_server import answered as gemini_line

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALLS = [
    {"id": "call1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}},
    {"id": "call2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
]
FORM = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}
BODY: dict[str, Any] = {
    "model": "served",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "tool_calls": CALLS},
        {"role": "tool", "tool_call_id": "call1", "content": "rain"},
        {"role": "tool", "tool_call_id": "call2", "content": "noon"},
        {"role": "assistant", "content": "It rains."},
        {"role": "user", "content": "Thanks"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "weather", "description": "The weather", "parameters": SCHEMA}},
        {"type": "function", "function": {"name": "time"}},
    ],
    "max_tokens": 64,
    "temperature": 0.0,
    "top_p": 0.9,
    "stop": ["\n"],
}


def test_anthropic_request_has_instructions_in_front_and_results_of_tools_in_one_turn():
    added = {"thinking": {"type": "enabled", "budget_tokens": 32}, "output_config": {"effort": "low"}}
    assert as_params({**BODY, **added, "response_format": FORM}) == {
        "model": "served",
        "max_tokens": 64,
        "temperature": 0.0,
        "top_p": 0.9,
        "stop_sequences": ["\n"],
        "thinking": {"type": "enabled", "budget_tokens": 32},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
        "system": "Be brief.\nBe kind.",
        "messages": [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "call1", "name": "weather", "input": {"city": "Oslo"}},
                    {"type": "tool_use", "id": "call2", "name": "time", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call1", "content": "rain"},
                    {"type": "tool_result", "tool_use_id": "call2", "content": "noon"},
                ],
            },
            {"role": "assistant", "content": "It rains."},
            {"role": "user", "content": "Thanks"},
        ],
        "tools": [
            {"name": "weather", "description": "The weather", "input_schema": SCHEMA},
            {"name": "time", "input_schema": {"type": "object", "properties": {}}},
        ],
    }


def test_gemini_request_has_instructions_apart_and_names_the_functions_of_results():
    thinking = {"thinking_config": {"thinking_budget": 32}}
    assert as_request({**BODY, "response_format": FORM, "extra_body": {"google": thinking}}) == {
        "systemInstruction": {"parts": [{"text": "Be brief.\nBe kind."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Weather?"}]},
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
                    {"functionCall": {"name": "time", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "weather", "response": {"result": "rain"}}},
                    {"functionResponse": {"name": "time", "response": {"result": "noon"}}},
                ],
            },
            {"role": "model", "parts": [{"text": "It rains."}]},
            {"role": "user", "parts": [{"text": "Thanks"}]},
        ],
        "generationConfig": {
            "maxOutputTokens": 64,
            "temperature": 0.0,
            "topP": 0.9,
            "stopSequences": ["\n"],
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
            "thinkingConfig": {"thinking_budget": 32},
        },
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "weather", "description": "The weather", "parametersJsonSchema": SCHEMA},
                    {"name": "time"},
                ]
            }
        ],
    }


def test_request_of_one_turn_is_as_short_in_both_forms():
    body = {"model": "served", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 8}
    assert as_params(body) == body
    assert as_request(body) == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"maxOutputTokens": 8},
    }


CALLED = {
    "anthropic": anthropic_line(
        "k", "", "tool_use", content=[{"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Oslo"}}]
    ),
    "gemini": gemini_line(
        "k",
        candidates=[
            {
                "content": {"parts": [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]},
                "finishReason": "STOP",
            }
        ],
    ),
}
READERS = {"anthropic": read_anthropic, "gemini": read_gemini}


@pytest.mark.parametrize("provider", list(READERS))
def test_call_of_a_tool_comes_back_as_a_single_requests_does(provider):
    response = READERS[provider](json.dumps(CALLED[provider]).encode()).response
    assert response
    reply = read_reply(json.dumps(response.body).encode(), ResponseForm())
    assert reply.text == '<tool_call>\n{"name":"weather","arguments":{"city":"Oslo"}}\n</tool_call>'
    assert reply.finish_reason == "stop"


@pytest.mark.parametrize("provider", list(READERS))
@pytest.mark.parametrize("answer", [{}, {"content": 5}, {"candidates": [5]}, {"candidates": [{"content": 3}]}])
def test_answer_of_another_form_is_a_line_all_the_same(provider, answer):
    line = {
        "anthropic": {"custom_id": "k", "result": {"type": "succeeded", "message": answer}},
        "gemini": {"key": "k", "response": answer},
    }[provider]
    assert READERS[provider](json.dumps(line).encode()).custom_id == "k"


@pytest.mark.parametrize(("code", "status"), [(3, 400), (7, 403), (8, 429), (13, 500), (14, 503), (404, 404)])
def test_gemini_error_of_a_line_has_https_status(code, status):
    response = read_gemini(json.dumps({"key": "k", "error": {"code": code, "message": "no"}}).encode()).response
    assert response
    assert (response.status_code, response.body) == (status, {"error": {"message": "no"}})
