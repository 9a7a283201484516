"""One run of one recipe: what its stages are built with, and the log of what was built."""

import logging
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Self

from prefect.logging.handlers import APILogHandler

from stillhouse.artifacts.handle import ArtifactRef, Built, S_co
from stillhouse.artifacts.lease import Lease
from stillhouse.artifacts.store import Store, open_store
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense, PaidPart, budget_usage, completions_line
from stillhouse.costs.price import ResolvedPrice, resolve_price
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import ServedModel
from stillhouse.reports.schema.sweep import SweepResult
from stillhouse.runtime.log_filter import Encodable, hide_user_tracebacks
from stillhouse.runtime.orphan_guard import guard_ephemeral_server
from stillhouse.runtime.proxies import spare_loopback
from stillhouse.runtime.settings import Settings
from tasks.orchestration.params import P
from tasks.orchestration.stage import Stage

log = logging.getLogger("stillhouse")

Inputs = Mapping[str, ArtifactRef | None]


@dataclass
class Run:
    """One run of one recipe, a context: what it uses in the store is safe from clean-ups until the context ends.

    Stages hand their results to each other; nothing looks them up here.
    """

    recipe: Recipe
    settings: Settings
    refresh: frozenset[str]
    id: str
    # for the report: every finished stage in order, and what each paid one took
    built: list[Built[Any]] = field(default_factory=list)
    ledger: list[PaidPart] = field(default_factory=list)
    # the sweep whose winner this run is; None: of no sweep
    sweep: SweepResult | None = None

    def __post_init__(self) -> None:
        """Hold nothing in the store yet."""
        self._lease = Lease(self.store, self.id)

    def __enter__(self) -> Self:
        """Return the run itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take away the note of what the run uses; one that could not be taken away is void after a day."""
        self._lease.release()

    def with_recipe(self, recipe: Recipe) -> Self:
        """Return this run with another recipe: both hold, build and pay together."""
        other = copy(self)
        other.recipe = recipe
        return other

    @property
    def store(self) -> Store:
        """The artifact store."""
        return open_store(self.settings.store)

    def build(
        self, stage: Stage[P, S_co], inputs: Inputs, params: P, *, label: str = "", seconds_before: float = 0.0
    ) -> Built[S_co]:
        """Return the artifact of one stage call, found or built now; inputs that are None are left out.

        `seconds_before` is the time that work for the stage took outside of it.
        """
        label = label or stage.name
        given = _given(inputs)
        self._hold(ArtifactRef(stage=stage.name, fingerprint=stage.fingerprint_of(given, params)), *given.values())
        refresh = stage.name in self.refresh
        built = stage.run(given, params, self.settings, label=label, refresh=refresh)
        if seconds_before:
            built = replace(built, seconds=built.seconds + seconds_before)
        self.built.append(built)
        return built

    def _hold(self, *refs: ArtifactRef) -> None:
        self._lease.hold(
            [f"{ref.stage}/{ref.fingerprint}" for ref in refs],
            lambda: log.info("waiting: `stillhouse store gc` cleans up the store"),
        )

    def would_build(self, stage: Stage[P, S_co], inputs: Inputs, params: P) -> bool:
        """Return whether `build` would build the stage's artifact now, and not find it."""
        key = stage.fingerprint_of(_given(inputs), params)
        return stage.name in self.refresh or self.store.find(stage.name, key) is None

    def budget_for(self, model: ServedModel) -> BudgetScope:
        """Return what may still be requested of `model`, after all that this run has paid so far."""
        recipe = self.recipe
        return BudgetScope(
            budget=recipe.budget, price=resolve_price(model, recipe.costs), before=budget_usage(self.ledger)
        )

    def note_completions(
        self, expense: Expense, what: str, built: Built[GenerationSummary], price: ResolvedPrice
    ) -> None:
        """Enter into the ledger what a stage requested at `price`, and so take it off the budget."""
        self.ledger.append(completions_line(expense, what, built, price))


def join_prefect() -> None:
    """Send Stillhouse's log lines to the run's log in Prefect, and have a temporary server end with this process."""
    spare_loopback()
    guard_ephemeral_server()
    hide_user_tracebacks()
    logger = logging.getLogger("stillhouse")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, APILogHandler) for handler in logger.handlers):
        handler = APILogHandler()
        handler.addFilter(Encodable())
        logger.addHandler(handler)


def _given(inputs: Inputs) -> dict[str, ArtifactRef]:
    return {name: ref for name, ref in inputs.items() if ref is not None}
