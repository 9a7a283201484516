"""What a teacher charges, and where that is known from."""

from datetime import UTC, datetime

import pytest

from stillhouse.costs.price import ResolvedPrice, generation_price, resolve_price
from stillhouse.recipe.costs import Costs
from stillhouse.recipe.teacher import Teacher

LISTED = {"model": "deepseek-v4-flash", "endpoint": {"provider": "deepseek"}}
OWN = Costs(teacher_usd_per_hour=3.6)


def resolved(costs: Costs | None = None, **teacher: object) -> ResolvedPrice:
    return resolve_price(Teacher.model_validate({"model": "./teacher", **teacher}), costs or Costs())


def test_resolve_price_recipes_own_wins():
    found = resolved(OWN, **LISTED, price={"input_usd_per_mtok": 2, "output_usd_per_mtok": 8})
    assert found.source == "the recipe"
    # 1000 prompt tokens at 2 and 500 completion tokens at 8 dollars a million
    assert found.usd(1000, 500, 9999.0) == pytest.approx(0.002 + 0.004)


def test_usd_of_cached_prompt_tokens_is_at_their_own_price():
    prices = {"input_usd_per_mtok": 2, "output_usd_per_mtok": 8}
    cached = resolved(OWN, **LISTED, price={**prices, "cached_input_usd_per_mtok": 0.5})
    # 400 at 2, 600 at 0.5 and 500 completion tokens at 8 dollars a million
    assert cached.usd(1000, 500, None, 600) == pytest.approx(0.0008 + 0.0003 + 0.004)
    assert cached.discounted(0.5).usd(1000, 500, None, 600) == pytest.approx(0.00255)
    # without a price of their own they cost as others
    assert resolved(OWN, **LISTED, price=prices).usd(1000, 500, None, 600) == pytest.approx(0.006)


def test_resolve_price_listed_model_has_the_lists_price_of_cached_tokens():
    found = resolved(model="gpt-4o", endpoint={"provider": "openai"}, accept_terms="openai")
    # the list's own words for this model: $1.25 a million
    assert found.usd(1_000_000, 0, None, 1_000_000) == pytest.approx(1.25)


@pytest.mark.parametrize("hour", [2, 5, 23])
def test_resolve_price_listed_model_is_at_its_dearest_hour(monkeypatch, hour):
    monkeypatch.setattr("stillhouse.costs.price._now", lambda: datetime(2026, 11, 23, hour, 10, tzinfo=UTC))
    found = resolved(**LISTED)
    assert found.source == "genai-prices 0.2.3: deepseek deepseek-v4-flash, its dearest hour"
    assert found.by_tokens
    # the list's own words: $0.15 and $0.6 a million tokens, from 1 to 4 and 6 to 10 o'clock twice as much
    assert found.usd(1_000_000, 1_000_000, None) == pytest.approx(1.5)


def test_resolve_price_same_all_day_names_no_hour():
    found = resolved(model="gpt-4o", endpoint={"provider": "openai"}, accept_terms="openai")
    assert found.source == "genai-prices 0.2.3: openai gpt-4o"
    # the list's own words for this model: $2.5 and $10 a million tokens
    assert found.usd(1_000_000, 1_000_000, None) == pytest.approx(12.5)


@pytest.mark.parametrize(
    "teacher",
    [
        {"model": "no-such-model", "endpoint": {"provider": "deepseek"}},
        # another's server under a listed name has other prices
        {"model": "deepseek-v4-flash", "endpoint": {"provider": "deepseek", "base_url": "https://proxy.example/v1"}},
        # a deployment's name is its owner's choice
        {"model": "gpt-4o", "endpoint": {"provider": "azure", "base_url": "https://r.openai.azure.com/openai/v1"}},
        {"model": "gpt-4o", "endpoint": {"provider": "vllm", "base_url": "http://127.0.0.1:8000/v1"}},
        {},
    ],
)
def test_resolve_price_unlisted_model_is_by_its_machine_or_unknown(teacher):
    nothing = resolved(**teacher)
    assert (nothing.is_known, nothing.source, nothing.usd(10, 10, 10.0)) == (False, "not known", None)
    by_hour = resolved(OWN, **teacher)
    assert by_hour.usd(10, 10, 1000.0) == pytest.approx(1.0)


def test_usd_unknown_amount_is_unknown():
    assert ResolvedPrice(usd_per_hour=1.0).usd(5, 5, None) is None
    assert ResolvedPrice(input_usd_per_mtok=1.0, output_usd_per_mtok=1.0).usd(None, 5, 5.0) is None


def test_resolve_price_free_is_known():
    free = resolved(price={"input_usd_per_mtok": 0, "output_usd_per_mtok": 0})
    assert free.is_known
    assert free.usd(100, 100, None) == 0.0


def test_generation_price_batches_are_discounted():
    def lessons(**endpoint: object) -> ResolvedPrice:
        price = {"input_usd_per_mtok": 2, "output_usd_per_mtok": 8}
        teacher = {"model": "gpt-4o", "price": price, "endpoint": {"provider": "openai", **endpoint}}
        return generation_price(Teacher.model_validate(teacher), OWN)

    single, batch = lessons(), lessons(execution="batch")
    assert single.usd(1_000_000, 1_000_000, None) == pytest.approx(10.0)
    assert batch.usd(1_000_000, 1_000_000, None) == pytest.approx(5.0)
    assert (single.source, batch.source) == ("the recipe", "the recipe, times 0.5")
    assert generation_price(Teacher(model="./own"), OWN).usd(1, 1, 1000.0) == pytest.approx(1.0)


# what the providers' own pages list for a batch, per million tokens
@pytest.mark.parametrize(
    ("provider", "model", "input_usd", "output_usd"),
    [("anthropic", "claude-sonnet-4-5", 1.5, 7.5), ("gemini", "gemini-2.5-flash", 0.15, 1.25)],
)
def test_generation_price_listed_batches_cost_what_the_provider_lists(provider, model, input_usd, output_usd):
    endpoint = {"provider": provider, "execution": "batch"}
    found = generation_price(Teacher.model_validate({"model": model, "endpoint": endpoint}), Costs())
    assert found.input_usd_per_mtok == pytest.approx(input_usd)
    assert found.output_usd_per_mtok == pytest.approx(output_usd)
    assert found.source.endswith("times 0.5")
