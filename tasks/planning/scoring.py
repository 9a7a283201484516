"""What it will take to have the judge score the teachers' answers, those to come included.

Separate because the length of a question about an answer that is not there yet is foretold too, by its prompt's.
"""

from tasks.costs.forecast import exactly
from tasks.costs.tariff import lessons_tariff
from tasks.planning.ahead import Ahead, Sample, ahead
from tasks.planning.duration import seconds_for
from tasks.planning.heard import Heard
from tasks.planning.known import Known, Part
from tasks.planning.parts import PlannedPart, planned_part
from tasks.planning.scored import Scored
from tasks.recipe.judge import Judge
from tasks.recipe.recipe import Recipe
from tasks.teachers.probe import prompts_of


def scoring_part(scored: Scored, heard: Heard, judge: Judge, recipe: Recipe) -> PlannedPart:
    """Return the judge's part of the plan: a question about each answer, but for those that failed."""
    tariff = lessons_tariff(judge, recipe.costs)

    def take(part: Part, sample: Sample, *, is_exact: bool = False) -> Ahead:
        seconds = seconds_for(part, sample, judge, scored.summary)
        return ahead(part, sample, tariff, judge.sampling.max_tokens, seconds, is_exact=is_exact)

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
        for part, reaching in ((sure, exactly(1.0)), (waiting, to.share)):
            if part.missing:
                scored_share = reaching.times(share) if reaching else None
                coming = coming.plus(take(part, by_prompt).by(scored_share))
                missing += len(part.missing) * (scored_share.value if scored_share else 0.0)
    return planned_part("judge: scores", questions, coming, round(missing), tariff)


def _sampled_answers(scored: Scored, heard: Heard) -> set[str]:
    """Return the keys of the scored answers that the forecast goes by: those to the probe's prompts, where any are."""
    probed = {line["key"] for row_id in heard.sampled for line in heard.used.get(row_id, ())}
    return probed & scored.took.keys() or set(scored.took)


def _by_prompt(lessons: Part, sample: set[str], scored: Scored) -> Sample:
    """Return the scored answers over the lengths of the prompts they were given to."""
    prompts = [(keys[0], [key for key in keys if key in sample]) for keys in prompts_of(lessons.places).values()]
    return Sample(
        sizes=[float(lessons.sizes[first]) for first, found in prompts if found],
        answers=[[scored.took[key] for key in found] for _, found in prompts if found],
    )


def _asked_share(scored: Scored, known: Known) -> float:
    """Return the share of a teacher's answers that are asked about: none is about one that failed."""
    # where the probe asked nothing, all that could be answered is
    answers = set(known.probed) or set(known.lessons.stored)
    return len(scored.asked_about & answers) / len(answers) if answers else 1.0
