"""What a race is run with: its contestants, what is trained on their rows, and how its students are scored."""

from dataclasses import dataclass

from stillhouse.errors import ModelError, RecipeError
from stillhouse.evaluation.clusters import clusters_of
from stillhouse.evaluation.scoring import Scoring
from stillhouse.inference.encoder.files import EncoderFiles, find_encoder, why_none
from stillhouse.racing.slices import read_gold
from stillhouse.recipe.contestants import contestant_recipe, contestants_of, race_of
from stillhouse.recipe.race import DRAWS_OWN, DRAWS_QUICK, Race
from stillhouse.recipe.recipe import Recipe
from tasks.orchestration.run import Run
from tasks.race_slice import SliceRows


@dataclass(frozen=True)
class Learner:
    """What is trained on each contestant's rows."""

    kind: str  # encoder, tfidf or own
    words: str
    draws: int
    encoder: EncoderFiles | None = None


@dataclass(frozen=True)
class Contest:
    """A race before its first round."""

    race: Race
    recipes: dict[str, Recipe]  # by contestant
    learner: Learner

    @property
    def tested(self) -> tuple[str, ...]:
        """The filters that some contestant has on and whose worth is wanted."""
        return tuple(dict.fromkeys(name for contestant in self.recipes for name in self.tested_of(contestant)))

    def tested_of(self, contestant: str) -> tuple[str, ...]:
        """The filters whose worth is measured if this contestant wins, in the order in which they run."""
        wanted, active = self.race.filters, self.recipes[contestant].filters.active
        return tuple(name for name in active if wanted is None or name in wanted)


def contest_of(recipe: Recipe) -> Contest:
    """Return the race that a recipe asks for.

    Raises:
        RecipeError: there is one contestant and no filter to measure.
        ModelError: the encoder that is to learn is not there.
    """
    race = race_of(recipe)
    recipes = {one.name: contestant_recipe(recipe, one) for one in contestants_of(recipe)}
    contest = Contest(race, recipes, _learner(recipe, race))
    if len(recipes) < 2 and not contest.tested:
        raise RecipeError(
            "race: there is one contestant, the recipe itself, and no filter is on whose worth could be measured. Name "
            "two in race.contestants, or a second teacher in `teachers`."
        )
    return contest


def scoring_of(run: Run, rows: SliceRows) -> Scoring:
    """Return how answers to the validation rows are scored."""
    measured = read_gold(run.store.fetch(rows.drawn.ref), run.recipe.skill)
    return Scoring(
        references=[row["references"] for row in measured],
        labels=rows.labels,
        settings=run.recipe.evaluation,
        skill=run.recipe.skill,
        clusters=clusters_of(measured),
    )


def _learner(recipe: Recipe, race: Race) -> Learner:
    if race.student == "own" or not recipe.skill.has_labels:
        name = recipe.main_student.display_name
        return Learner("own", f"the recipe's student {name}", race.draws or DRAWS_OWN)
    draws, files = race.draws or DRAWS_QUICK, find_encoder(recipe.evaluation.encoder)
    if race.student == "encoder" and files is None:
        raise ModelError(f"race.student: encoder; {why_none(recipe.evaluation.encoder)}; or set race.student to tfidf.")
    if files is None or race.student == "tfidf":
        return Learner("tfidf", "logistic regression on TF-IDF of words and letters", draws)
    return Learner("encoder", "logistic regression on a sentence encoder's vectors", draws, files)
