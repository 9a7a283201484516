"""What it will take to have the judge score the teachers' answers, those to come included.

Separate because the length of a question about an answer that is not there yet is foretold too, by its prompt's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stillhouse.artifacts.store import Store
from stillhouse.costs.forecast import exact_range
from stillhouse.costs.price import generation_price
from stillhouse.judging.verdicts import read_score
from stillhouse.planning.probe_result import AnswerUsage, ProbeResult, Workload, lines_of, read_known
from stillhouse.planning.remaining import RemainingUsage, Sample, forecast_usage, seconds_for
from stillhouse.planning.snapshot import AnswerSnapshot
from stillhouse.planning.workload import PlannedPart, planned_part
from stillhouse.recipe.judge import SCORES, Judge
from stillhouse.recipe.recipe import Recipe
from stillhouse.teachers.probe import prompts_of


@dataclass(frozen=True)
class Scored:
    """The judge as a teacher: its questions are rows by the key of the answer they are about."""

    known: ProbeResult
    scores: Mapping[str, int | None]  # by the answers' keys; None where what the judge said is no score
    summary: Mapping[str, Any]

    @cached_property
    def took(self) -> Mapping[str, AnswerUsage]:
        """What each score took, by the answers' keys."""
        questions = self.known.lessons
        return {answer: questions.stored[key] for answer, _, key in questions.places if key in questions.stored}

    @cached_property
    def asked_about(self) -> frozenset[str]:
        """The keys of all answers known that are no failures, and that a run has scored."""
        return frozenset(answer for answer, _, _ in self.known.lessons.places)

    def lacks(self, answer: str) -> bool:
        """Return whether a score is yet to come."""
        return answer in self.asked_about and answer not in self.took


def read_scored(folder: Path, store: Store, judge: Judge, fingerprint: str, summary: Mapping[str, Any]) -> Scored:
    """Return what the probe in `folder` found would be asked, with what `store` holds of it now.

    Raises:
        StoreError: the store can't be read.
    """
    known = read_known(folder, store, judge.asked_for(SCORES), fingerprint)
    (lines,) = lines_of([known])
    return Scored(known, {answer: read_score(said["text"]) for answer, (said,) in lines.items()}, summary)


def scoring_part(scored: Scored, heard: AnswerSnapshot, judge: Judge, recipe: Recipe) -> PlannedPart:
    """Return the judge's part of the plan: a question about each answer, but for those that failed."""
    tariff = generation_price(judge, recipe.costs)

    def take(part: Workload, sample: Sample, *, is_exact: bool = False) -> RemainingUsage:
        seconds = seconds_for(part, sample, judge, scored.summary)
        return forecast_usage(part, sample, tariff, judge.sampling.max_tokens, seconds, is_exact=is_exact)

    questions = scored.known.lessons
    sample = _sampled_answers(scored, heard)
    by_question = Sample(
        sizes=[float(questions.sizes[key]) for answer, _, key in questions.places if answer in sample],
        answers=[[scored.took[answer]] for answer, _, _ in questions.places if answer in sample],
    )
    coming = take(questions, by_question, is_exact=scored.known.is_exact)
    missing = float(len(questions.missing))
    for known, to in zip(heard.known, heard.reach, strict=True):
        by_prompt = _by_prompt(known.lessons, sample, scored)
        sure = known.lessons.of_rows(to.sure)
        waiting = known.lessons.of_rows(to.open, but=sure)
        share = _asked_share(scored, known)
        for part, reaching in ((sure, exact_range(1.0)), (waiting, to.share)):
            if part.missing:
                scored_share = reaching.times(share) if reaching else None
                coming = coming.plus(take(part, by_prompt).product(scored_share))
                missing += len(part.missing) * (scored_share.value if scored_share else 0.0)
    return planned_part("judge: scores", questions, coming, round(missing), tariff)


def _sampled_answers(scored: Scored, heard: AnswerSnapshot) -> set[str]:
    """Return the keys of the scored answers that the forecast goes by: those to the probe's prompts, where any are."""
    probed = {line["key"] for row_id in heard.sampled for line in heard.used.get(row_id, ())}
    return probed & scored.took.keys() or set(scored.took)


def _by_prompt(lessons: Workload, sample: set[str], scored: Scored) -> Sample:
    """Return the scored answers over the lengths of the prompts they were given to."""
    prompts = [(keys[0], [key for key in keys if key in sample]) for keys in prompts_of(lessons.places).values()]
    return Sample(
        sizes=[float(lessons.sizes[first]) for first, found in prompts if found],
        answers=[[scored.took[key] for key in found] for _, found in prompts if found],
    )


def _asked_share(scored: Scored, known: ProbeResult) -> float:
    """Return the share of a teacher's answers that are asked about: none is about one that failed."""
    # where the probe asked nothing, all that could be answered is
    answers = set(known.probed) or set(known.lessons.stored)
    return len(scored.asked_about & answers) / len(answers) if answers else 1.0
