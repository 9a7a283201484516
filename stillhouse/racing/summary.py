"""The report of a race: a frozen model, kept as race.json."""

from typing import Literal

from stillhouse.config import StrictModel

Verdict = Literal["earns", "costs", "nothing", "unshown", "drops_nothing"]


class Estimated(StrictModel):
    """A quality or a difference of two, in [0, 1] or [-1, 1], with its interval; p_value after Holm, None without."""

    value: float
    low: float
    high: float
    p_value: float | None = None


class Spent(StrictModel):
    """What a contestant's completions took, whichever run asked for them; None where it is not known."""

    prompts: int
    requests: int
    asked_now: int  # of these; the others were stored before
    tokens: int
    usd: float | None


class Standing(StrictModel):
    """One contestant in one round."""

    contestant: str
    quality: Estimated
    rows: int  # that its slice gave a student
    spent: Spent
    behind: Estimated | None  # its quality less the best one's; None of the best
    is_out: bool  # it ran in no later round


class Round(StrictModel):
    """The standings after one round, the best first."""

    standings: tuple[Standing, ...]


class FilterWorth(StrictModel):
    """What one filter is worth to the student: quality with it less quality without it, on the same prompts."""

    name: str
    dropped: int  # rows that are there only without it
    worth: Estimated | None  # None: it changes nothing, and no student was trained
    verdict: Verdict
    sentence: str


class RaceReport(StrictModel):
    """What a race found."""

    schema_version: int = 1
    run_id: str
    recipe: str
    created_at: str
    student: str  # what was trained, in words
    metric: str
    confidence: float
    validation_rows: int
    clusters: int | None = None
    draws: int
    plan: tuple[str, ...]
    rounds: tuple[Round, ...] = ()
    winner: str
    conclusion: str
    filters: tuple[FilterWorth, ...] = ()
    filter_conclusion: str = ""
    notes: tuple[str, ...] = ()
