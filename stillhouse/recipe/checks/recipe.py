"""What the parts of a recipe can't be told together, found before any work starts.

Separate because each part checks itself, and here stands what only the whole recipe can tell: each rule names the
field and the way out.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stillhouse.filters.rules.agreement import Agreement
from stillhouse.filters.rules.confidence import Confidence
from stillhouse.recipe.checks import routing as routing_rules
from stillhouse.recipe.checks.judge import find_judge_problems
from stillhouse.recipe.teacher import Teacher
from stillhouse.recipe.terms import TERMS, terms_of

if TYPE_CHECKING:
    from stillhouse.recipe.recipe import Recipe


def find_problems(recipe: "Recipe") -> Iterator[str]:
    """Yield a line for each thing wrong with the recipe as a whole; none where all is well."""
    skill = f"; skill.kind is {recipe.skill.kind}"
    yield from (why + skill for is_wrong, why in (*_skill(recipe), *_labels(recipe)) if is_wrong)
    for teacher in recipe.teachers:
        found = (*_skill_of(recipe, teacher), *_labels_of(recipe, teacher))
        yield from (why + skill for is_wrong, why in found if is_wrong)
    yield from _budget(recipe)
    if several := list(routing_rules.find_problems(recipe)):
        yield "; ".join(several)
    yield from _terms(recipe)
    yield from _logprobs(recipe)
    yield from find_judge_problems(
        recipe.judge, recipe.filters, recipe.skill, recipe.student.model, chooses=recipe.judge_chooses
    )


def _skill(recipe: "Recipe") -> Iterator[tuple[bool, str]]:
    """Yield settings that would do nothing, or the wrong thing, for this skill, and why."""
    skill = recipe.skill
    for role in ("train", "examples", "test"):
        source = getattr(recipe.data, role)
        for column, wanted in (("premise", "nli"), ("context", "qa")):
            is_named = source is not None and getattr(source.columns, column) is not None
            yield is_named and skill.kind != wanted, f"data.{role}.columns names `{column}`, which is for a {wanted}"
    yield (
        bool(recipe.filters.rule(Agreement).min_agreement) and not skill.votes,
        "filters.min_agreement: free texts never agree",
    )
    yield recipe.filters.check_labels and not skill.votes, "filters.check_labels: free texts contradict none"


def _skill_of(recipe: "Recipe", teacher: Teacher) -> Iterator[tuple[bool, str]]:
    """Yield the same of one teacher."""
    skill, prompt = recipe.skill, teacher.prompt
    yield (
        recipe.filters.check_labels and not skill.has_labels and teacher.sampling.n == 1,
        "filters.check_labels would find nothing: one free answer says too little, so set sampling.n to 2 or more",
    )
    yield (
        not skill.has_labels and prompt.layout == "text" and not teacher.sampling.stop,
        'prompt.layout: text has no end of its own: name one in sampling.stop, such as ["\\n\\n"]',
    )
    asked, measured = teacher.sampling.max_tokens, recipe.evaluation.max_tokens
    yield (
        not skill.has_labels and measured < asked,
        f"evaluation.max_tokens: {measured} would cut answers that sampling.max_tokens: {asked} lets a teacher end",
    )
    is_chain = bool(getattr(skill, "chain_of_density", 0))
    yield is_chain and prompt.examples > 0, "skill.chain_of_density goes without examples: set prompt.examples to 0"


def _labels(recipe: "Recipe") -> Iterator[tuple[bool, str]]:
    """Yield settings that go by labels where there are none."""
    is_set = recipe.data.balance.by == "label"
    yield not recipe.skill.has_labels and is_set, "data.balance.by: label goes by labels, and there are none"


def _labels_of(recipe: "Recipe", teacher: Teacher) -> Iterator[tuple[bool, str]]:
    """Yield the same of one teacher."""
    without, prompt = not recipe.skill.has_labels, teacher.prompt
    for setting, is_set in (
        ("calibration: batch", teacher.calibration == "batch"),
        (f"prompt.selection: {prompt.selection}", prompt.selection.endswith("_per_label")),
    ):
        yield without and is_set, f"{setting} goes by labels, and there are none"


def _budget(recipe: "Recipe") -> Iterator[str]:
    for field, asked in recipe.asked.items() if recipe.budget.is_set else ():
        if isinstance(asked, Teacher) and asked.replicas > 1:
            yield (
                f"budget goes with one engine: {field}.replicas: {asked.replicas} ask at once and know nothing of "
                "what the others spend. Set replicas to 1, or leave the budget out"
            )
        if asked.endpoint and asked.endpoint.execution == "batch":
            yield (
                "budget goes with single requests: a batch is bought as a whole, and what it takes is known at its "
                f"end. Set {field}.endpoint.execution to realtime, or leave the budget out"
            )


def _terms(recipe: "Recipe") -> Iterator[str]:
    for number, asked in enumerate(recipe.teachers):
        provider = asked.endpoint.provider if asked.endpoint else ""
        name = terms_of(asked.model, provider, recipe.student.model)
        if name and asked.accept_terms != name:
            terms = TERMS[name]
            yield (
                f"{asked.model} answers under {terms.owner}'s terms ({terms.url}), which forbid {terms.rule}. Where "
                f"these don't bind you, set teachers.{number}.accept_terms: {name}; else take another teacher"
            )


def _logprobs(recipe: "Recipe") -> Iterator[str]:
    """Yield filters that go by log-probabilities of a teacher that gives none."""
    for teacher in recipe.teachers:
        endpoint = teacher.endpoint
        if not endpoint or "logprobs" in endpoint.can:
            continue
        if recipe.filters.rule(Confidence).min_mean_logprob is not None:
            yield (
                f"filters.min_mean_logprob would drop every answer: provider {endpoint.provider} gives no "
                "log-probabilities for this model; leave it out"
            )
        if recipe.filters.hard_share is not None and not (recipe.skill.votes and teacher.sampling.n > 1):
            yield (
                f"filters.hard_share knows no hard prompts: provider {endpoint.provider} gives no log-probabilities "
                "for this model, and samples that could disagree are none; set sampling.n above 1 or leave it out"
            )
