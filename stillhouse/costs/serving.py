"""The cost of a request to an evaluated model."""

from collections.abc import Mapping
from typing import Any

from stillhouse.costs.price import ResolvedPrice, hourly, resolve_price
from stillhouse.recipe.recipe import Recipe


def usd_per_1k_requests(numbers: Mapping[str, Any], recipe: Recipe, *, is_teacher: bool = False) -> float | None:
    """Return US dollars for a thousand requests like the test rows; None if that is not known.

    A teacher that charges for tokens costs its mean tokens. All others cost their machine's time at the measured
    throughput.
    """
    price = hourly(recipe.costs.serving_usd_per_hour)
    if is_teacher:
        teacher_price = resolve_price(recipe.measured_teacher, recipe.costs)
        if recipe.measured_teacher.endpoint or teacher_price.by_tokens:
            price = teacher_price
    return _by_tokens(numbers, price) if price.by_tokens else _by_time(numbers, price)


def _by_tokens(numbers: Mapping[str, Any], price: ResolvedPrice) -> float | None:
    cost = price.usd(numbers.get("prompt_tokens_mean"), numbers.get("completion_tokens_mean"), None)
    return None if cost is None else 1000 * cost


def _by_time(numbers: Mapping[str, Any], price: ResolvedPrice) -> float | None:
    rate = numbers.get("requests_per_second")
    return price.usd(None, None, 1000 / rate) if rate else None
