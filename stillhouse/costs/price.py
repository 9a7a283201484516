"""The price of a model: from the recipe, the price library, the hours of an own machine, or not known.

Ledger, budget and forecast count with the same price, and each names its source.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version

from stillhouse.config import StrictModel
from stillhouse.recipe.costs import Costs
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import ServedModel

MTOK = 1_000_000
HOUR_S = 3600.0
UNKNOWN = "not known"
# small enough for the first tier, where prices depend on a request's length
_SAMPLE_TOKENS = 1000


class ResolvedPrice(StrictModel):
    """A price by tokens, by the hour, or neither if it is not known."""

    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    cached_input_usd_per_mtok: float | None = None  # None: as other prompt tokens
    usd_per_hour: float | None = None
    source: str = UNKNOWN

    @property
    def is_known(self) -> bool:
        """Whether there is a price."""
        return self.by_tokens or self.usd_per_hour is not None

    @property
    def by_tokens(self) -> bool:
        """Whether tokens are paid, not hours."""
        return self.input_usd_per_mtok is not None and self.output_usd_per_mtok is not None

    def usd(
        self,
        prompt_tokens: float | None,
        completion_tokens: float | None,
        seconds: float | None,
        cached_tokens: float = 0.0,
    ) -> float | None:
        """Return the cost in US dollars; None if the price is not known, or the amount that it applies to.

        `cached_tokens` are those of the prompts' that the provider had in its cache.
        """
        if self.input_usd_per_mtok is not None and self.output_usd_per_mtok is not None:
            if prompt_tokens is None or completion_tokens is None:
                return None
            cached_price = self.cached_input_usd_per_mtok
            saved = 0.0 if cached_price is None else cached_tokens * (self.input_usd_per_mtok - cached_price)
            full = prompt_tokens * self.input_usd_per_mtok + completion_tokens * self.output_usd_per_mtok
            return (full - saved) / MTOK
        if self.usd_per_hour is None or seconds is None:
            return None
        return seconds / HOUR_S * self.usd_per_hour

    def discounted(self, factor: float) -> "ResolvedPrice":
        """Return this price by tokens times `factor`; a price by the hour stays as it is."""
        if factor == 1.0 or self.input_usd_per_mtok is None or self.output_usd_per_mtok is None:
            return self
        cached_price = self.cached_input_usd_per_mtok
        return ResolvedPrice(
            input_usd_per_mtok=factor * self.input_usd_per_mtok,
            output_usd_per_mtok=factor * self.output_usd_per_mtok,
            cached_input_usd_per_mtok=None if cached_price is None else factor * cached_price,
            source=f"{self.source}, times {factor:g}",
        )


def generation_price(model: ServedModel, costs: Costs) -> ResolvedPrice:
    """Return the price of `model` in a generation, where time does not matter: batches are discounted."""
    return resolve_price(model, costs).discounted(model.endpoint.price_factor if model.endpoint else 1.0)


def resolve_price(model: ServedModel, costs: Costs) -> ResolvedPrice:
    """Return the price of a single request to `model`: the recipe's, the library's, or its machine's by the hour."""
    if model.price:
        return ResolvedPrice(**model.price.model_dump(), source="the recipe")
    if model.endpoint and (listed := _listed(model.model, model.endpoint)):
        return listed
    return hourly(costs.teacher_usd_per_hour)


def hourly(usd_per_hour: float | None) -> ResolvedPrice:
    """Return the price of a machine; not known for None."""
    return (
        ResolvedPrice()
        if usd_per_hour is None
        else ResolvedPrice(usd_per_hour=usd_per_hour, source="the recipe, by the hour")
    )


def _listed(model: str, endpoint: Endpoint) -> ResolvedPrice | None:
    """Return the price in the installed library, which uses no network."""
    provider = endpoint.preset.price_library_id
    # without `serves`, which would hide the address: that tells whose prices hold
    elsewhere = endpoint.model_copy(update={"serves": ""}).server_identity
    if not provider or elsewhere:
        return None
    # not at the top: the engine's environment imports this module and has no price library
    from genai_prices import Usage, calc_price

    sample = Usage(input_tokens=_SAMPLE_TOKENS, output_tokens=_SAMPLE_TOKENS)
    hours = _half_hours()
    try:
        prices = [calc_price(sample, model, provider_id=provider, genai_request_timestamp=at) for at in hours]
    except LookupError:
        return None
    # some providers charge more at certain hours, and nobody knows when the requests will be sent
    dearest = max(prices, key=lambda price: price.total_price)
    cached = calc_price(
        Usage(input_tokens=_SAMPLE_TOKENS, cache_read_tokens=_SAMPLE_TOKENS),
        model,
        provider_id=provider,
        genai_request_timestamp=hours[prices.index(dearest)],
    )
    by_hour = ", its dearest hour" if len({price.total_price for price in prices}) > 1 else ""
    return ResolvedPrice(
        input_usd_per_mtok=float(dearest.input_price * Decimal(MTOK) / _SAMPLE_TOKENS),
        output_usd_per_mtok=float(dearest.output_price * Decimal(MTOK) / _SAMPLE_TOKENS),
        cached_input_usd_per_mtok=float(cached.total_price * Decimal(MTOK) / _SAMPLE_TOKENS),
        source=f"genai-prices {version('genai-prices')}: {provider} {dearest.model.id}{by_hour}",
    )


def _half_hours() -> list[datetime]:
    """Return the beginning of each half hour of today."""
    midnight = _now().replace(hour=0, minute=0, second=0, microsecond=0)
    return [midnight + number * timedelta(minutes=30) for number in range(48)]


def _now() -> datetime:
    return datetime.now(UTC)
