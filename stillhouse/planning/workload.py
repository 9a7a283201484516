"""What one teacher is asked for, part by part: how much of it is answered, and what the rest will take.

Separate because a plan is the sum of such parts, of however many teachers.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from stillhouse.costs.forecast import Range
from stillhouse.costs.price import ResolvedPrice, generation_price, resolve_price
from stillhouse.costs.usage import Usage
from stillhouse.planning.probe_result import Probed, Workload
from stillhouse.planning.remaining import RemainingUsage, Sample, forecast_usage, sample_of, seconds_for
from stillhouse.planning.routing_forecast import RoutedRows
from stillhouse.recipe.recipe import Recipe
from stillhouse.teachers.probe import LESSONS, TEST_ROWS


class PlannedPart(BaseModel):
    """One thing a teacher is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    requests: int  # where answers decide who is asked, those expected
    stored: int
    missing: int
    bought: Usage  # what the stored answers took
    remaining: RemainingUsage
    tokens: Range | None  # in all, stored answers included
    usd: Range | None
    price: str


def planned_parts(probed: Probed, reach: RoutedRows, recipe: Recipe, place: int) -> list[PlannedPart]:
    """Return the parts of the teacher at `place` in the recipe: its lessons, and the test rows it is measured on."""
    asking = _Asking(probed, sample_of(probed.known), recipe, place)
    found = []
    for part in probed.known.parts:
        if part.name == LESSONS:
            sure = part.of_rows(reach.sure)
            found.append(asking.planned(sure, part.of_rows(reach.open, but=sure), reach.share))
        # the first teacher alone is measured
        elif place == 0:
            found.append(asking.planned(part, part.of_rows(()), None))
    return found


def planned_part(what: str, part: Workload, coming: RemainingUsage, missing: int, tariff: ResolvedPrice) -> PlannedPart:
    """Return a part of which `coming` is what its `missing` requests will take."""
    bought = part.bought
    paid = tariff.usd(bought.prompt_tokens, bought.completion_tokens, bought.seconds)
    tokens = (bought.prompt_tokens or 0) + (bought.completion_tokens or 0)
    return PlannedPart(
        what=what,
        requests=len(part.stored) + missing,
        stored=len(part.stored),
        missing=missing,
        bought=bought,
        remaining=coming,
        tokens=coming.tokens.plus(tokens) if coming.tokens else None,
        usd=coming.usd.plus(paid) if coming.usd and paid is not None else None,
        price=tariff.source,
    )


@dataclass(frozen=True)
class _Asking:
    """One teacher, with what its probe found."""

    probed: Probed
    sample: Sample
    recipe: Recipe
    place: int

    def planned(self, part: Workload, waiting: Workload, share: Range | None) -> PlannedPart:
        """Return `part` with that share of `waiting` which may be asked too."""
        asked = self.recipe.teachers[self.place]
        tariff = (resolve_price if part.name == TEST_ROWS else generation_price)(asked, self.recipe.costs)
        coming = self._forecast(part, tariff)
        expected = 0
        if waiting.places:
            coming = coming.plus(self._forecast(waiting, tariff).product(share))
            expected = round(share.value * len(waiting.missing)) if share else 0
        what = f"{asked.called if self.recipe.has_several else 'teacher'}: {part.name}"
        return planned_part(what, part, coming, len(part.missing) + expected, tariff)

    def _forecast(self, part: Workload, tariff: ResolvedPrice) -> RemainingUsage:
        asked, evaluation = self.recipe.teachers[self.place], self.recipe.evaluation
        timed = evaluation.warm_requests + evaluation.latency_requests if part.name == TEST_ROWS else 0
        seconds = seconds_for(part, self.sample, asked, self.probed.summary, timed)
        max_tokens = asked.sampling.max_tokens
        return forecast_usage(part, self.sample, tariff, max_tokens, seconds, is_exact=self.probed.known.is_exact)
