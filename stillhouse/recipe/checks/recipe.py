"""Sections of a recipe that don't go together, found before any work starts.

Each section checks itself. These rules read several; each names the field and the way out.
"""

from collections.abc import Iterator

from stillhouse.filters.rules.confidence import Confidence
from stillhouse.recipe.checks.endpoint import find_endpoint_problems
from stillhouse.recipe.checks.judge import find_judge_problems
from stillhouse.recipe.checks.routing import find_routing_problems
from stillhouse.recipe.checks.skill import find_skill_problems, find_teacher_problems
from stillhouse.recipe.judge import VERDICTS
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.recipe.terms import TERMS, terms_of


def find_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each thing wrong with the recipe as a whole; none if all is well."""
    for index, teacher in enumerate(recipe.teachers):
        yield from find_endpoint_problems(f"teachers.{index}", teacher)
    if recipe.judge:
        yield from find_endpoint_problems("judge", recipe.judge.asked_for(VERDICTS))
    for problem in _skill(recipe):
        yield f"{problem}; skill.kind is {recipe.skill.kind}"
    yield from _budget(recipe)
    yield from find_routing_problems(recipe)
    yield from _terms(recipe)
    yield from _logprobs(recipe)
    yield from find_judge_problems(
        recipe.judge, recipe.filters, recipe.skill, recipe.student.model, chooses=recipe.judge_chooses
    )


def _skill(recipe: Recipe) -> Iterator[str]:
    yield from find_skill_problems(recipe.skill, recipe.data, recipe.filters)
    for index, teacher in enumerate(recipe.teachers):
        field, max_tokens = f"teachers.{index}", recipe.evaluation.max_tokens
        yield from find_teacher_problems(field, teacher, recipe.skill, recipe.filters, max_tokens)


def _budget(recipe: Recipe) -> Iterator[str]:
    for field, model in recipe.served_models.items() if recipe.budget.is_set else ():
        if isinstance(model, Teacher) and model.replicas > 1:
            yield (
                f"budget goes with one engine: {field}.replicas: {model.replicas} ask at once and know nothing of "
                "what the others spend. Set replicas to 1, or leave the budget out"
            )
        if model.endpoint and model.endpoint.execution == "batch":
            yield (
                "budget goes with single requests: a batch is bought as a whole, and what it costs is known at its "
                f"end. Set {field}.endpoint.execution to realtime, or leave the budget out"
            )


def _terms(recipe: Recipe) -> Iterator[str]:
    for index, teacher in enumerate(recipe.teachers):
        provider = teacher.endpoint.provider if teacher.endpoint else ""
        name = terms_of(teacher.model, provider, recipe.student.model)
        if name and teacher.accept_terms != name:
            terms = TERMS[name]
            yield (
                f"{teacher.model} answers under {terms.owner}'s terms ({terms.url}), which forbid {terms.rule}. If "
                f"these don't bind you, set teachers.{index}.accept_terms: {name}; else take another teacher"
            )


def _logprobs(recipe: Recipe) -> Iterator[str]:
    """Yield filters that need log-probabilities, for a teacher that gives none."""
    for index, teacher in enumerate(recipe.teachers):
        endpoint = teacher.endpoint
        if not endpoint or "logprobs" in endpoint.can:
            continue
        if recipe.filters.rule(Confidence).min_mean_logprob is not None:
            yield (
                f"filters.min_mean_logprob would drop every answer of teachers.{index}: provider {endpoint.provider} "
                "gives no log-probabilities for this model; leave it out"
            )
        if recipe.filters.hard_share is not None and not (recipe.skill.votes and teacher.sampling.n > 1):
            yield (
                f"filters.hard_share finds no hard prompts of teachers.{index}: provider {endpoint.provider} gives no "
                "log-probabilities for this model, and there are no samples that could disagree; set sampling.n above "
                "1 or leave it out"
            )
