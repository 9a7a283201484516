"""Settings of batches that have no effect, or that a provider's batch API can't honour."""

from collections.abc import Iterator
from typing import Any

from stillhouse.recipe.batch import BatchSettings
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.providers import PROVIDERS


def find_batch_problems(endpoint: Endpoint) -> Iterator[str]:
    """Yield a line for each setting of batches that would be ignored or refused, from the field's name on."""
    if endpoint.execution == "realtime":
        if endpoint.batch != BatchSettings():
            yield "endpoint.batch has no effect on single requests: set endpoint.execution to batch, or leave it out"
        return
    if endpoint.stream:
        yield "endpoint.stream has no effect on batches: leave it out"
    if not endpoint.preset.has_batches:
        having = ", ".join(name for name, preset in PROVIDERS.items() if preset.has_batches)
        yield (
            f"endpoint.execution: batch needs a batch API, which provider {endpoint.provider} does not have: leave it "
            f"at realtime, or take one of {having}"
        )
    if endpoint.preset.batch_api == "gemini":
        yield from _gemini(endpoint)


def _gemini(endpoint: Endpoint) -> Iterator[str]:
    if not endpoint.address.endswith("/openai"):
        yield (
            f"endpoint.base_url: {endpoint.address} must end in /openai for batches of Gemini, which go to the address "
            "above it: correct it, or leave it out"
        )
    if not _is_thinking_alone(endpoint.extra_body):
        yield (
            "endpoint.extra_body can't be sent in a batch of Gemini, except for {extra_body: {google: "
            "{thinking_config: {...}}}}: write it so, or set endpoint.execution to realtime"
        )


def _is_thinking_alone(extra_body: dict[str, Any]) -> bool:
    config: Any = extra_body
    for name in ("extra_body", "google", "thinking_config"):
        if not isinstance(config, dict) or set(config) - {name}:
            return False
        config = config.get(name, {})
    return isinstance(config, dict)
