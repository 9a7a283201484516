"""Evens out the training rows."""

from dataclasses import dataclass

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.data.summaries import BalanceSummary, SplitSummary, ValidateSummary
from stillhouse.recipe.data import Balance
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class BalanceParams(Params):
    """The recipe's rule."""

    balance: Balance


@dataclass(frozen=True)
class Rows:
    """The rows of a recipe, ready for its models."""

    valid: Built[ValidateSummary]
    splits: Built[SplitSummary]
    train: Built[BalanceSummary]  # the training rows after balancing

    @property
    def labels(self) -> tuple[str, ...]:
        """The recipe's labels, or those of the rows; empty for a skill without labels."""
        return self.valid.summary.labels

    @property
    def inputs(self) -> dict[str, ArtifactRef]:
        """The rows as inputs of a stage."""
        return {"split": self.splits.ref, "balance": self.train.ref}


@stage("balance", version=2)
def balance(call: StageCall[BalanceParams]) -> BalanceSummary:
    """Write train.parquet with the rows chosen by the recipe's rule."""
    # imported here, as in the other stages over rows: a run that finds its artifact need not wait for polars
    from stillhouse.data.balance import balance as write_balanced

    return write_balanced(call.folder("split"), call.params.balance, call.work.folder)


def balance_rows(run: Run, valid: Built[ValidateSummary], splits: Built[SplitSummary]) -> Rows:
    """Return all rows, with the training rows balanced; validation and test rows stay as they are."""
    train = run.build(balance, {"split": splits.ref}, BalanceParams(balance=run.recipe.data.balance))
    return Rows(valid, splits, train)
