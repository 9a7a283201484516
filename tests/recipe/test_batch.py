"""Batches in a recipe: who has them, at which price, and settings that they can't honour."""

from typing import Any

import pytest

from stillhouse.config import identity
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.providers import PROVIDERS
from tests.support.builders import make_api_teacher, make_endpoint, make_recipe_fields, refusal_of

FACTORS = {"openai": 0.5, "azure": 0.5, "anthropic": 0.5, "gemini": 0.5, "mistral": 0.5, "compatible": 1.0}


@pytest.mark.parametrize(("provider", "factor"), FACTORS.items())
def test_batches_of_a_provider_that_has_them_are_accepted_at_its_price(provider, factor):
    found = make_endpoint(provider=provider, base_url=PROVIDERS[provider].example, execution="batch")
    assert (found.execution, found.price_factor) == ("batch", factor)
    assert make_endpoint(provider=provider, base_url=PROVIDERS[provider].example).price_factor == 1.0
    cheap = {"execution": "batch", "batch": {"price_factor": 0.6}}
    assert make_endpoint(provider=provider, base_url=PROVIDERS[provider].example, **cheap).price_factor == 0.6


@pytest.mark.parametrize("provider", ["deepseek", "bedrock", "vllm"])
def test_batches_of_a_provider_without_them_are_refused(provider):
    message = refusal_of(
        make_recipe_fields(make_api_teacher(provider, base_url=PROVIDERS[provider].example, execution="batch"))
    )
    assert f"batch needs a batch API, which provider {provider} does not have" in message
    assert "take one of openai, azure, anthropic, gemini, mistral, compatible" in message


def test_batch_limits_with_single_requests_are_refused():
    message = refusal_of(make_recipe_fields(make_api_teacher("openai", batch={"max_requests": 10})))
    assert "set endpoint.execution to batch, or leave it out" in message


@pytest.mark.parametrize("limits", [{"max_requests": 50_001}, {"max_megabytes": 201}, {"poll_s": 301}])
def test_batch_limits_out_of_range_are_refused(limits):
    message = refusal_of(make_recipe_fields(make_api_teacher("openai", execution="batch", batch=limits)))
    assert f"teachers.0.endpoint.batch.{next(iter(limits))}: {next(iter(limits.values()))} is refused" in message


def test_batch_timeout_is_the_deadline_and_an_hour():
    assert make_endpoint(provider="openai", execution="batch", batch={"deadline_h": 30}).batch_timeout_s == 31 * 3600
    assert make_endpoint(provider="openai").batch_timeout_s == 0


def test_execution_by_batch_changes_no_identity():
    one, other = (
        make_endpoint(provider="openai"),
        make_endpoint(provider="openai", execution="batch", batch={"poll_s": 9}),
    )
    assert identity(one) == identity(other)
    assert one.model_identity("m", "") == other.model_identity("m", "")


def test_provider_unknown_is_refused_with_the_known_ones():
    message = refusal_of(make_recipe_fields({"model": "m", "endpoint": {"provider": "opnai"}}))
    assert "teachers.0.endpoint.provider: 'opnai' is refused: Input should be 'openai', 'azure'," in message


THINKING = {"extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}}


def test_batch_of_gemini_takes_the_thinking_that_single_requests_take():
    fields = make_api_teacher("gemini", execution="batch", extra_body=THINKING)
    assert (
        parse_recipe(make_recipe_fields({**fields, "accept_terms": "google"})).teacher.endpoint.extra_body == THINKING
    )


@pytest.mark.parametrize(
    "extra_body",
    [
        {"reasoning_effort": "low"},
        {"extra_body": {"google": {"cached_content": "x"}}},
        {"extra_body": {"google": {"thinking_config": 5}}},
        {**THINKING, "service_tier": "flex"},
        {"extra_body": "x"},
    ],
)
def test_batch_of_gemini_with_fields_of_no_known_place_is_refused(extra_body: dict[str, Any]):
    message = refusal_of(make_recipe_fields(make_api_teacher("gemini", execution="batch", extra_body=extra_body)))
    assert "endpoint.extra_body can't be sent in a batch of Gemini" in message


def test_batch_of_gemini_behind_another_kind_of_address_is_refused():
    address = "https://generativelanguage.googleapis.com/v1beta"
    message = refusal_of(make_recipe_fields(make_api_teacher("gemini", execution="batch", base_url=address)))
    assert f"endpoint.base_url: {address} must end in /openai for batches" in message
