"""The worth of each filter: what the student's quality loses without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stillhouse.evaluation.family import holm
from stillhouse.evaluation.scoring import Scoring
from stillhouse.metrics.metric import Answers
from stillhouse.racing.differences import Estimate, Measured, estimate, measure
from stillhouse.racing.numbers import points, points_interval
from stillhouse.racing.summary import Estimated, FilterWorth, Verdict


@dataclass(frozen=True)
class LeftOut:
    """What came of leaving a filter out: the rows that this adds, and its students' answers; None: the same rows."""

    added: int
    answers: Sequence[Answers] | None


def filter_worths(
    metric: str, with_all: Sequence[Answers], left_out: Mapping[str, LeftOut], scoring: Scoring, matters: float
) -> list[FilterWorth]:
    """Return the worth of each filter, in the order of `left_out`.

    `with_all` holds the answers of the students with every filter. The p-values are Holm's over all filters that
    change a row.
    """
    tested = {name: one.answers for name, one in left_out.items() if one.answers is not None}
    base = measure(metric, with_all, scoring) if tested else None
    found = {name: _worth(base, measure(metric, answers, scoring), scoring) for name, answers in tested.items()}
    corrected = dict(zip(found, holm([one.p_value for one in found.values()]), strict=True))
    return [
        _entry(name, one.added, found.get(name), corrected.get(name, 1.0), scoring, matters)
        for name, one in left_out.items()
    ]


def _worth(base: Measured | None, without: Measured, scoring: Scoring) -> Estimate:
    assert base is not None, "some filter is tested"
    return estimate(base.less(without), scoring)


def _entry(
    name: str, added: int, worth: Estimate | None, p_value: float, scoring: Scoring, matters: float
) -> FilterWorth:
    verdict = verdict_of(worth, p_value, 1 - scoring.settings.confidence, matters)
    shown = Estimated(value=worth.value, low=worth.low, high=worth.high, p_value=p_value) if worth else None
    return FilterWorth(
        name=name, dropped=added, worth=shown, verdict=verdict, sentence=_sentence(name, verdict, shown, added, matters)
    )


def verdict_of(worth: Estimate | None, p_value: float, alpha: float, matters: float) -> Verdict:
    """Return what may be said of a filter: by the corrected p-value, or that its whole interval is too little."""
    if worth is None:
        return "drops_nothing"
    if p_value < alpha:
        return "earns" if worth.value > 0 else "costs"
    return "nothing" if worth.high < matters else "unshown"


def _sentence(name: str, verdict: Verdict, worth: Estimated | None, added: int, matters: float) -> str:
    if worth is None:
        return f"{name} earns nothing here: the student learns the same rows without it."
    interval = points_interval(worth.low, worth.high)
    rows = f"{added:,} row" if added == 1 else f"{added:,} rows"
    return {
        "earns": f"{name} earns {points(worth.value)} points {interval} by the {rows} that it drops: keep it.",
        "costs": f"{name} costs {points(-worth.value)} points {points_interval(-worth.high, -worth.low)}: the {rows} "
        "that it drops would teach the student more. Switch it off.",
        "nothing": f"{name} earns nothing: at most {points(worth.high)} points {interval}, less than the "
        f"{points(matters)} that matter.",
        "unshown": f"{name}: no worth is shown; it lies between {points(worth.low)} and {points(worth.high)} points. "
        "More prompts or more validation rows with labels would tell.",
    }[verdict]


def filter_conclusion(worths: Sequence[FilterWorth]) -> str:
    """Return in one sentence which filters to keep, which to switch off and which show nothing."""
    by: dict[str, list[str]] = {}
    for one in worths:
        by.setdefault(one.verdict, []).append(one.name)
    idle = [*by.get("nothing", ()), *by.get("drops_nothing", ())]
    parts = [
        (by.get("earns"), "earns its place: {}"),
        (by.get("costs"), "costs quality: {}"),
        (idle, "earns nothing: {}"),
        (by.get("unshown"), "not shown either way: {}"),
    ]
    said = [text.format(", ".join(names)) for names, text in parts if names]
    return f"{'; '.join(said)}."[:1].upper() + f"{'; '.join(said)}."[1:] if said else ""
