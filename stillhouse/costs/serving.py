"""What a request to a measured model costs."""

from collections.abc import Mapping
from typing import Any

from stillhouse.costs.price import ResolvedPrice, hourly, resolve_price
from stillhouse.recipe.recipe import Recipe


def usd_per_1k_requests(numbers: Mapping[str, Any], recipe: Recipe, *, is_teacher: bool = False) -> float | None:
    """Return US dollars for a thousand requests like the test rows; None where that is not known.

    A teacher that charges for tokens costs its mean tokens. All others cost the machine they are served on at the
    throughput measured.
    """
    tariff = hourly(recipe.costs.serving_usd_per_hour)
    if is_teacher:
        asked = resolve_price(recipe.teacher, recipe.costs)
        if recipe.teacher.endpoint or asked.by_tokens:
            tariff = asked
    return _by_tokens(numbers, tariff) if tariff.by_tokens else _by_time(numbers, tariff)


def _by_tokens(numbers: Mapping[str, Any], tariff: ResolvedPrice) -> float | None:
    cost = tariff.usd(numbers.get("prompt_tokens_mean"), numbers.get("completion_tokens_mean"), None)
    return None if cost is None else 1000 * cost


def _by_time(numbers: Mapping[str, Any], tariff: ResolvedPrice) -> float | None:
    rate = numbers.get("requests_per_second")
    return tariff.usd(None, None, 1000 / rate) if rate else None
