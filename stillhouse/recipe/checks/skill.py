"""Settings that would do nothing, or the wrong thing, for the recipe's skill."""

import math
from collections.abc import Iterator

from stillhouse.filters.rules.agreement import Agreement
from stillhouse.filters.rules.confidence import Confidence
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.recipe.teaching.reasoning_mix import ReasoningMix
from stillhouse.skills.registry import SKILLS


def find_skill_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each setting that does not fit the skill."""
    by_teacher = (_teacher(recipe, f"teachers.{index}", teacher) for index, teacher in enumerate(recipe.teachers))
    for problems in (_columns(recipe), _answers(recipe), *by_teacher):
        yield from (f"{problem}; skill.kind is {recipe.skill.kind}" for problem in problems)


def _columns(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each source that names columns of other skills only."""
    columns = dict.fromkeys(column for skill in SKILLS.values() for column in skill.columns)
    for role, source in recipe.data.sources.items():
        named = [one for one in columns if getattr(source.columns, one) is not None and one not in recipe.skill.columns]
        kinds = [kind for kind, skill in SKILLS.items() if not set(skill.columns).isdisjoint(named)]
        if named:
            shown = " and ".join(f"`{column}`" for column in named)
            yield f"data.{role}.columns names {shown}, for skill {' or '.join(kinds)} only: leave out, or set the kind"


def _answers(recipe: Recipe) -> Iterator[str]:
    skill, filters = recipe.skill, recipe.filters
    if recipe.training.reasoning != "drop" and skill.has_labels:
        yield (
            f"training.reasoning: {recipe.training.reasoning} teaches text before the answer, and an answer is held to "
            "the labels from its first token on: leave it out"
        )
    yield from _reasoning_mix(recipe)
    if filters.rule(Agreement).min_agreement and not skill.votes:
        yield "filters.min_agreement counts equal answers, and free texts are never equal: leave it out"
    if filters.check_labels and not skill.votes:
        yield "filters.check_labels compares answers with references, and a free text contradicts none: leave it out"
    yield from _certainty(recipe)
    if recipe.data.balance.by == "label" and not skill.has_labels:
        yield "data.balance.by: label needs a skill with labels: choose another group"


def _reasoning_mix(recipe: Recipe) -> Iterator[str]:
    """Yield shares of reasoning that the skill or the teachers' samples can't give."""
    training, skill, mix = recipe.training, recipe.skill, recipe.training.reasoning_mix
    if training.reasoning != "mix":
        if mix != ReasoningMix():
            yield f"training.reasoning_mix does nothing with training.reasoning: {training.reasoning}: set that to mix"
        return
    if mix.place == "text" and not skill.shows_steps and not skill.has_labels:
        yield (
            "training.reasoning_mix.place: text takes the steps out of an answer's text, which only skills do whose "
            f"answers show them ({', '.join(kind for kind, one in SKILLS.items() if one.shows_steps)}): set it to block"
        )
    if mix.long == mix.short == 0:
        yield "training.reasoning_mix teaches no reasoning at all: set training.reasoning to drop, or raise a share"
    if mix.short and not skill.votes:
        yield (
            "training.reasoning_mix.short takes the shortest of the samples that came to one answer, and free texts "
            "are never equal: set it to 0"
        )
    elif mix.short and all(teacher.sampling.n == 1 for teacher in recipe.teachers):
        yield (
            "training.reasoning_mix.short takes the shortest of several samples, and each teacher gives one: set "
            "teachers.0.sampling.n to 2 or more, or short to 0"
        )


def _certainty(recipe: Recipe) -> Iterator[str]:
    """Yield a bound on how sure a teacher must be that none of its answers has."""
    rule = recipe.filters.rule(Confidence)
    closed = [recipe.skill.has_labels or teacher.output.kind == "choice" for teacher in recipe.teachers]
    if rule.min_probability is not None and not any(closed):
        yield (
            "filters.min_probability is for answers of a fixed set, and a free text is the less probable the longer it "
            "is: write filters.min_mean_logprob, the least mean log-probability a token, such as "
            f"{math.log(rule.min_probability):.2g}"
        )
    if rule.min_mean_logprob is not None and all(closed):
        yield (
            "filters.min_mean_logprob is for free answers, and a mean over a label's tokens hides how unsure its first "
            "one was: write filters.min_probability, the least probability of the whole answer, such as "
            f"{math.exp(rule.min_mean_logprob):.2g}"
        )


def _teacher(recipe: Recipe, field: str, teacher: Teacher) -> Iterator[str]:
    skill, prompt, sampling = recipe.skill, teacher.prompt, teacher.sampling
    yield from (f"{field}.{problem}" for problem in skill.find_prompt_problems(prompt))
    if skill.has_labels:
        return
    if recipe.filters.check_labels and sampling.n == 1:
        yield (
            "filters.check_labels would find nothing: a single free answer is no evidence against a reference. Set "
            f"{field}.sampling.n to 2 or more"
        )
    if prompt.layout == "text" and not sampling.stop:
        yield f'{field}.prompt.layout: text does not mark its end: name one in sampling.stop, such as ["\\n\\n"]'
    if recipe.evaluation.max_tokens < sampling.max_tokens:
        yield (
            f"evaluation.max_tokens: {recipe.evaluation.max_tokens} would cut answers that {field}.sampling."
            f"max_tokens: {sampling.max_tokens} allows: raise it, or leave it out"
        )
    if teacher.calibration == "batch":
        yield f"{field}.calibration: batch needs a skill with labels: set it to none"
    if prompt.selection.endswith("_per_label"):
        yield f"{field}.prompt.selection: {prompt.selection} needs a skill with labels: set it to nearest"
