"""Recipes whose rounds can't be asked, or could not be measured."""

from collections.abc import Iterator

from stillhouse.filters.rules.judge_score import JudgeScore
from stillhouse.recipe.checks.soft_labels import scores_labels
from stillhouse.recipe.recipe import Recipe


def find_rounds_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each reason why `rounds` can't be asked."""
    if recipe.rounds is None:
        return
    if recipe.has_several:
        yield (
            f"rounds ask one teacher, and teachers names {len(recipe.teachers)}, among which routing chooses: leave "
            "rounds out, or name one teacher"
        )
    if recipe.filters.check_labels:
        yield "rounds choose prompts, and filters.check_labels asks about every labelled row: leave one of them out"
    if recipe.filters.rule(JudgeScore).min_judge_score is not None or recipe.judge_chooses:
        yield (
            "rounds are filtered one by one, and a judge's scores are had once all is answered: leave "
            "filters.min_judge_score and mixing.by: judge out, or rounds"
        )
    if recipe.token_draws:
        yield "rounds teach a student before all is answered, and training.logits.draws are drawn then: set draws to 0"
    if recipe.data.validation is None and not recipe.data.validation_fraction:
        yield (
            "rounds are measured on validation rows, and data.validation_fraction: 0 leaves none: raise it, or name "
            "labelled rows in data.validation"
        )
    yield from _student(recipe)
    yield from _choice(recipe)
    yield from _failed(recipe)


def _student(recipe: Recipe) -> Iterator[str]:
    """Yield why the student of the rounds can't be taught."""
    if recipe.rounds_student == "main":
        return
    if not recipe.skill.has_labels:
        yield (
            f"rounds.student: encoder chooses among labels, and skill.kind: {recipe.skill.kind} has none: set it to "
            "main"
        )
    elif recipe.evaluation.encoder is None:
        yield "rounds.student: encoder needs a sentence encoder, and evaluation.encoder is null: name one, or set main"


def _choice(recipe: Recipe) -> Iterator[str]:
    """Yield why prompts can't be chosen as the recipe says."""
    rounds = recipe.rounds
    assert rounds is not None, "asked of recipes with rounds"
    # a judge is refused there: its advice would lead nowhere
    if rounds.choose == "judged_wrong" and recipe.skill.has_labels:
        yield (
            f"rounds.choose: judged_wrong is for free answers, and those of a {recipe.skill.kind} are labels: take "
            "unsure or disagreement"
        )
    elif rounds.choose == "judged_wrong" and recipe.judge is None:
        yield "rounds.choose: judged_wrong needs a model that scores the student's answers: name it in `judge`"
    if rounds.choose == "disagreement" and not recipe.skill.has_labels:
        yield (
            f"rounds.choose: disagreement is about labels, and skill.kind: {recipe.skill.kind} has none: take unsure "
            "or judged_wrong"
        )


def _failed(recipe: Recipe) -> Iterator[str]:
    """Yield why more answers to failed prompts would be the same again."""
    assert recipe.rounds is not None, "asked of recipes with rounds"
    if recipe.rounds.samples_where_failed and recipe.skill.has_labels and scores_labels(recipe.teacher):
        yield (
            "rounds.samples_where_failed: this teacher says how probable it finds each label, so that more samples "
            "tell nothing new: set it to 0"
        )
