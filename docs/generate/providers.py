"""docs/reference/providers.md, from stillhouse/recipe/providers.py."""

from docs.generate.markdown import code, page, table
from stillhouse.recipe.providers import PROVIDERS, Provider

_INTRO = """
`endpoint.provider` names one of these. [API teachers](../guides/api-teachers.md) shows how to use them. The table says
what a provider documents; if a model differs, `endpoint.offers` says what it can do.
"""
_AFTER = """
If the prompt alone holds the form, the skill's parser reads the answer, and the filters drop an answer that does not
have the form. A provider without a documented seed gives other completions on each request, so only stored ones repeat.
"""
_HEADER = ("provider", "key", "`base_url`", "form of the answer", "seed", "log-probabilities", "batches")


def providers_page() -> str:
    """Return the page of all providers."""
    rows = [[code(name), *_row(provider)] for name, provider in PROVIDERS.items()]
    return page("Providers", _INTRO, table(_HEADER, rows), _AFTER)


def _row(provider: Provider) -> list[str]:
    key = code(provider.key_variable) + ("" if provider.needs_key else ", if the server wants one")
    address = f"known: {code(provider.base_url)}" if provider.base_url else f"yours, as {code(provider.example)}"
    seed = "yes" if "seed" in provider.offers else "no"
    return [key, address, _form(provider), seed, _logprobs(provider), _batches(provider)]


def _form(provider: Provider) -> str:
    if "vllm" in provider.offers:
        return "vLLM's `structured_outputs`"
    return "`response_format`" if "json_schema" in provider.offers else "the prompt alone"


def _logprobs(provider: Provider) -> str:
    if "vllm" in provider.offers:
        return "top k, by token id"
    return "of the chosen tokens" if "logprobs" in provider.offers else "no"


def _batches(provider: Provider) -> str:
    if not provider.has_batches:
        return "no"
    factor = provider.batch_price_factor
    return "yes" + (f", at {factor:g} of the price" if factor else ", price by `batch.price_factor`")
