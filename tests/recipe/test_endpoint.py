from pathlib import Path

import pytest

from stillhouse.recipe.load import load_recipe, parse_recipe
from stillhouse.recipe.providers import PROVIDERS
from stillhouse.recipe.terms import TERMS
from tests.support.builders import make_api_teacher, make_endpoint, make_recipe_fields, refusal_of, write_recipe

KEY = "sk-Pr0jectSecret-1234567890"


def test_endpoint_with_provider_only_takes_the_rest_from_it():
    found = make_endpoint()
    assert (found.address, found.key_variable) == ("https://api.deepseek.com", "DEEPSEEK_API_KEY")
    assert found.offered == {"logprobs"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_provider_example_is_a_valid_base_url(provider):
    found = make_endpoint(provider=provider, base_url=PROVIDERS[provider].example)
    assert found.address == PROVIDERS[provider].example


@pytest.mark.parametrize("provider", ["azure", "bedrock", "vllm", "compatible"])
def test_provider_without_known_address_needs_a_base_url(provider):
    message = refusal_of(make_recipe_fields(make_api_teacher(provider)))
    assert f"provider {provider} needs a base_url, as {PROVIDERS[provider].example}" in message


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key_env": KEY},
        {"api_key": KEY},
        {"base_url": f"https://host/v1?api_key={KEY}"},
        {"base_url": f"https://{KEY}@host/v1"},
        {"extra_body": {"Authorization": KEY}},
        {"extra_body": {"user": {"api-key": KEY}}},
        # another field is wrong, but the refused section has the key in it
        {"extra_body": {"metadata": KEY}, "concurrency": 0},
    ],
)
def test_recipe_with_a_key_is_refused_without_repeating_it(wrong):
    message = refusal_of(make_recipe_fields(make_api_teacher(**wrong)))
    assert "teachers.0.endpoint" in message
    assert KEY not in message


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"headers": {"x-gateway-api-key": KEY}}, "headers_from_env"),
        ({"headers": {"X-Route": f"Bearer {KEY}"}}, "headers_from_env"),
        ({"headers": {"Authorization": KEY}}, "is set by the request itself"),
        ({"headers": {"X-Title": f"{KEY}\nx-other: 1"}}, "one line"),
        ({"headers": {"X Title": "distil"}}, "is no header's name"),
        ({"headers_from_env": {"x-gateway": "AWS_SECRET_ACCESS_KEY"}}, "ends in _API_KEY"),
        ({"headers_from_env": {"x-gateway": KEY}}, "ends in _API_KEY"),
        ({"headers_from_env": {"Host": "GATEWAY_API_KEY"}}, "is set by the request itself"),
    ],
)
def test_header_that_is_no_business_of_a_recipe_is_refused_without_its_value(wrong, said):
    message = refusal_of(make_recipe_fields(make_api_teacher(**wrong)))
    assert said in message
    assert KEY not in message


def test_secret_headers_over_http_to_a_public_host_are_refused():
    secret = {"headers_from_env": {"x-gateway-key": "GATEWAY_API_KEY"}}
    open_address = make_api_teacher("compatible", base_url="http://gateway.example/v1", **secret)
    assert "use https://" in refusal_of(make_recipe_fields(open_address))
    assert make_endpoint(provider="compatible", base_url="http://10.0.0.7/v1", **secret).headers_from_env


def test_refusal_of_one_field_of_a_teacher_is_one_line():
    message = refusal_of(make_recipe_fields(make_api_teacher(concurrency=0)))
    assert message.count("\n") == 1
    assert "teachers.0.endpoint.concurrency: 0 is refused" in message


def test_provider_with_a_key_over_http_is_refused():
    assert "use https://" in refusal_of(make_recipe_fields(make_api_teacher(base_url="http://gateway.example/v1")))
    assert make_endpoint(base_url="http://127.0.0.1:8000/v1").address == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("setting", "provider", "expected"),
    [
        ({"calibration": "batch"}, "openai", "calibration: batch needs the log-probability of every label"),
        ({"sampling": {"seed": 3}}, "deepseek", "sampling.seed is not taken by provider deepseek"),
        ({"sampling": {"top_k": 5}}, "openai", "sampling.top_k is not taken"),
        ({"sampling": {"logprobs": 5}}, "openai", "sampling.logprobs keeps log-probabilities by token id"),
        ({"sampling": {"temperature": 1.5}}, "anthropic", "sampling.temperature: 1.5 is above 1"),
        ({"prompt": {"layout": "text"}}, "openai", "prompt.layout: text is not a chat"),
        ({"output": {"kind": "regex", "regex": "a|b"}}, "openai", "output.kind: regex can't be enforced"),
        ({"output": {"kind": "choice", "choice": ["a"]}}, "anthropic", "output.kind: choice can't be enforced"),
        ({"chat_template_kwargs": {"enable_thinking": False}}, "deepseek", "chat_template_kwargs are not taken by"),
        ({"template_date": "2026-11-27"}, "openai", "template_date has no effect behind an endpoint"),
        ({"dtype": "float16"}, "openai", "dtype says how a model's own files are served"),
        ({"replicas": 2}, "openai", "replicas says how"),
        ({"engine": {"threads": 2}}, "openai", "engine says how"),
    ],
)
def test_setting_that_the_endpoint_ignores_is_refused_by_name(setting, provider, expected):
    message = refusal_of(make_recipe_fields(make_api_teacher(provider) | setting))
    assert f"teachers.0.{expected}" in message


@pytest.mark.parametrize(
    "setting",
    [
        {"sampling": {"seed": 3, "top_k": 5, "logprobs": 5}},
        {"output": {"kind": "regex", "regex": "a|b"}},
        {"output": {"kind": "json_schema", "json_schema": {"type": "string"}}},
    ],
)
def test_vllm_server_settings_of_vllm_are_accepted(setting):
    assert parse_recipe(make_recipe_fields(make_api_teacher("vllm", base_url="http://gpu:8000/v1") | setting))


def test_offers_of_the_recipe_replace_those_of_the_provider():
    reasoning = make_api_teacher("openai", offers=["json_schema"])
    assert "sampling.seed is not taken" in refusal_of(make_recipe_fields(reasoning | {"sampling": {"seed": 3}}))
    assert make_endpoint(provider="openai", offers=["json_schema"]).offered == {"json_schema"}


def test_min_probability_without_log_probabilities_is_refused():
    confident = {"filters": {"min_probability": 0.6}}
    assert "filters.min_probability would drop every answer" in refusal_of(
        make_recipe_fields(make_api_teacher("anthropic"), **confident)
    )
    assert parse_recipe(make_recipe_fields(make_api_teacher("deepseek"), **confident))


def test_server_identity_is_empty_on_own_domains_and_the_address_elsewhere():
    assert make_endpoint(provider="openai").server_identity == ""
    assert make_endpoint(provider="openai", base_url="https://eu.api.openai.com/v1").server_identity == ""
    assert (
        make_endpoint(provider="bedrock", base_url="https://bedrock-mantle.eu-west-1.api.aws/v1").server_identity == ""
    )
    # a host that only begins with the domain belongs to someone else
    assert make_endpoint(provider="openai", base_url="https://evilapi.openai.com.example/v1").server_identity
    assert make_endpoint(provider="azure", base_url="https://One.openai.azure.com/openai/v1").server_identity == (
        "one.openai.azure.com/openai/v1"
    )
    assert make_endpoint(provider="vllm", base_url="http://gpu:8000/v1").server_identity == "gpu:8000/v1"
    moved = {
        make_endpoint(provider="vllm", base_url=f"http://gpu{n}:8000/v1", serves="me/model@1").server_identity
        for n in (1, 2)
    }
    assert moved == {"serves me/model@1"}


def test_model_behind_an_endpoint_is_not_resolved_as_a_path(tmp_path: Path):
    (tmp_path / "deepseek-chat").mkdir()
    recipe = load_recipe(write_recipe(tmp_path, make_recipe_fields(make_api_teacher())))
    assert recipe.teacher.model == "deepseek-chat"


def test_recipe_dumped_as_json_is_parsed_to_the_same():
    recipe = parse_recipe(make_recipe_fields(make_api_teacher("openai", serves="x")))
    assert parse_recipe(recipe.model_dump(mode="json")) == recipe


def test_provider_terms_are_entries_of_the_table():
    assert {provider.terms for provider in PROVIDERS.values()} - {""} <= set(TERMS)
