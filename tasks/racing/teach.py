"""What one contestant has to teach: its teachers' completions of a slice, as its filters leave them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from stillhouse.artifacts.handle import Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.price import ResolvedPrice, generation_price
from stillhouse.dataset.summary import FilterSummary
from stillhouse.racing.summary import Spent
from stillhouse.recipe.recipe import Recipe
from tasks.balance import Rows
from tasks.convert import load_judge, load_teachers
from tasks.draw import draw_tokens
from tasks.filter import filter_completions
from tasks.judge import score_completions
from tasks.mix import Completions, generate_completions
from tasks.orchestration.run import Run
from tasks.race_slice import SliceRows, draw_slice
from tasks.second_opinion import form_second_opinion


class Taught(NamedTuple):
    """Training rows for the students of one contestant, with its recipe and its slice."""

    recipe: Recipe
    rows: SliceRows
    dataset: Built[FilterSummary]


@dataclass(frozen=True)
class Lesson:
    """The training rows of one contestant from one slice, and all that they were made of."""

    recipe: Recipe
    rows: SliceRows
    completions: Completions
    scores: Built[Any] | None
    opinions: Built[Any] | None
    draws: Mapping[int, Built[Any]]
    dataset: Built[FilterSummary]
    spent: Spent

    @property
    def taught(self) -> Taught:
        """What its students learn from."""
        return Taught(self.recipe, self.rows, self.dataset)


def teach(run: Run, recipe: Recipe, rows: Rows, prompts: int, seed: int) -> Lesson:
    """Return what a contestant makes of a slice; only completions that no run has stored are asked for.

    Raises:
        DataError: the rows lack what the race or the contestant's routing needs.
        BudgetSpent: the recipe's budget allows no further request.
    """
    own = run.with_recipe(recipe)
    drawn = draw_slice(own, rows, prompts, seed)
    teachers = load_teachers(own)
    completions = generate_completions(own, teachers, drawn)
    scores = score_completions(own, load_judge(own) if recipe.judge_chooses else None, completions, drawn)
    opinions = form_second_opinion(own, drawn)
    draws = draw_tokens(own, teachers, completions, drawn)
    dataset = filter_completions(own, completions, drawn, scores, opinions, draws)
    return Lesson(
        recipe=recipe,
        rows=drawn,
        completions=completions,
        scores=scores,
        opinions=opinions,
        draws=draws,
        dataset=dataset,
        spent=_spent(recipe, drawn, completions, scores),
    )


def leave_out(run: Run, lesson: Lesson, name: str) -> Built[FilterSummary]:
    """Return the training rows of a lesson without one filter; nobody is asked anything."""
    recipe = lesson.recipe.model_copy(update={"filters": lesson.recipe.filters.without(name)})
    own = run.with_recipe(recipe)
    return filter_completions(own, lesson.completions, lesson.rows, lesson.scores, lesson.opinions, lesson.draws)


def _spent(recipe: Recipe, rows: SliceRows, completions: Completions, scores: Built[Any] | None) -> Spent:
    parts = [
        (built, generation_price(recipe.teachers[number - 1], recipe.costs))
        for number, answers in completions.by_teacher.items()
        for built in answers
    ]
    if scores and recipe.judge:
        parts.append((scores, generation_price(recipe.judge, recipe.costs)))
    return Spent(
        prompts=rows.drawn.summary.prompts,
        requests=sum(built.summary.requests for built, _ in parts),
        asked_now=sum(0 if built.is_cached else built.summary.generated for built, _ in parts),
        tokens=sum(built.summary.usage.tokens for built, _ in parts if built.summary.usage),
        usd=_usd(parts),
    )


def _usd(parts: Iterable[tuple[Built[GenerationSummary], ResolvedPrice]]) -> float | None:
    """Return what all completions cost, whichever run asked for them; None if some price is not known."""
    costs = []
    for built, price in parts:
        usage = built.summary.usage
        costs.append(
            usage and price.usd(usage.prompt_tokens, usage.completion_tokens, usage.seconds, usage.cached_tokens or 0)
        )
    return None if any(cost is None for cost in costs) else float(sum(cost or 0.0 for cost in costs))
