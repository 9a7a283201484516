"""What a teacher charges: by the recipe, by the price library, by the hour of an own machine, or nobody knows.

Separate because ledger, budget and forecast must count with the same price, and name where it is from.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version

from pydantic import BaseModel, ConfigDict

from stillhouse.recipe.costs import Costs
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import ServedModel

MTOK = 1_000_000
HOUR_S = 3600.0
UNKNOWN = "not known"
# what the price library calls our providers. An Azure deployment's name is its owner's choice and says no model; a
# server of one's own is priced by its machine.
_IN_THE_LIBRARY = {"openai": "openai", "deepseek": "deepseek", "anthropic": "anthropic", "bedrock": "aws"}
# small enough for the first tier, where prices depend on a request's length
_SAMPLE_TOKENS = 1000


class ResolvedPrice(BaseModel):
    """A price by tokens, or by the hour, or neither where none is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    usd_per_hour: float | None = None
    source: str = UNKNOWN

    @property
    def is_known(self) -> bool:
        """Whether work at this tariff has a price."""
        return self.by_tokens or self.usd_per_hour is not None

    @property
    def by_tokens(self) -> bool:
        """Whether tokens are what is paid for."""
        return self.input_usd_per_mtok is not None and self.output_usd_per_mtok is not None

    def usd(self, prompt_tokens: float | None, completion_tokens: float | None, seconds: float | None) -> float | None:
        """Return what this much work costs; None where the price, or the amount it goes by, is not known."""
        if self.input_usd_per_mtok is not None and self.output_usd_per_mtok is not None:
            if prompt_tokens is None or completion_tokens is None:
                return None
            return (prompt_tokens * self.input_usd_per_mtok + completion_tokens * self.output_usd_per_mtok) / MTOK
        if self.usd_per_hour is None or seconds is None:
            return None
        return seconds / HOUR_S * self.usd_per_hour

    def discounted(self, factor: float) -> "ResolvedPrice":
        """Return this price by tokens times `factor`; a machine's hours cost what they do."""
        if factor == 1.0 or self.input_usd_per_mtok is None or self.output_usd_per_mtok is None:
            return self
        return ResolvedPrice(
            input_usd_per_mtok=factor * self.input_usd_per_mtok,
            output_usd_per_mtok=factor * self.output_usd_per_mtok,
            source=f"{self.source}, times {factor:g}",
        )


def generation_price(teacher: ServedModel, costs: Costs) -> ResolvedPrice:
    """Return what `teacher` charges where time is no matter: through a provider's batches a part of its price."""
    return resolve_price(teacher, costs).discounted(teacher.endpoint.price_factor if teacher.endpoint else 1.0)


def resolve_price(teacher: ServedModel, costs: Costs) -> ResolvedPrice:
    """Return what `teacher` charges for a single answer: by its own price, the library's, or its machine's hours."""
    if teacher.price:
        return ResolvedPrice(**teacher.price.model_dump(), source="the recipe")
    if teacher.endpoint and (listed := _listed(teacher.model, teacher.endpoint)):
        return listed
    return hourly(costs.teacher_usd_per_hour)


def hourly(usd_per_hour: float | None) -> ResolvedPrice:
    """Return the tariff of a machine, unknown without a price."""
    return (
        ResolvedPrice()
        if usd_per_hour is None
        else ResolvedPrice(usd_per_hour=usd_per_hour, source="the recipe, by the hour")
    )


def _listed(model: str, endpoint: Endpoint) -> ResolvedPrice | None:
    """Return the price in the library that is installed: it is asked for nothing over the network."""
    provider = _IN_THE_LIBRARY.get(endpoint.provider)
    # `serves` stands in place of the address, which is what says whose prices hold
    elsewhere = endpoint.model_copy(update={"serves": ""}).place
    if provider is None or elsewhere:
        return None
    # here and not at the top: the engine's environment reads this module and has no price library
    from genai_prices import Usage, calc_price

    sample = Usage(input_tokens=_SAMPLE_TOKENS, output_tokens=_SAMPLE_TOKENS)
    try:
        found = [calc_price(sample, model, provider_id=provider, genai_request_timestamp=at) for at in _half_hours()]
    except LookupError:
        return None
    # some charge more at certain hours, and who must not pass a budget does not know when answers will come
    dearest = max(found, key=lambda price: price.total_price)
    by_hour = ", its dearest hour" if len({price.total_price for price in found}) > 1 else ""
    return ResolvedPrice(
        input_usd_per_mtok=float(dearest.input_price * Decimal(MTOK) / _SAMPLE_TOKENS),
        output_usd_per_mtok=float(dearest.output_price * Decimal(MTOK) / _SAMPLE_TOKENS),
        source=f"genai-prices {version('genai-prices')}: {provider} {dearest.model.id}{by_hour}",
    )


def _half_hours() -> list[datetime]:
    """Return the beginning of each half hour of today."""
    midnight = _now().replace(hour=0, minute=0, second=0, microsecond=0)
    return [midnight + number * timedelta(minutes=30) for number in range(48)]


def _now() -> datetime:
    return datetime.now(UTC)
