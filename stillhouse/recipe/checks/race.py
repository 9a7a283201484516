"""What of a race can't be run, found before anything is asked."""

from collections.abc import Iterator

from stillhouse.errors import RecipeError, did_you_mean
from stillhouse.filters.rules.judge_score import JudgeScore
from stillhouse.filters.settings import OFF
from stillhouse.recipe.contestants import contestant_recipe, contestants_of
from stillhouse.recipe.race import Race
from stillhouse.recipe.recipe import Recipe


def find_race_problems(recipe: Recipe) -> Iterator[str]:
    """Yield each contestant or filter that is not there, and a race of one."""
    race = recipe.race
    if race is None:
        return
    yield from _find_name_problems(race)
    if race.student in ("encoder", "tfidf") and not recipe.skill.has_labels:
        yield (
            f"race.student: {race.student} learns labels, and the answers of a {recipe.skill.kind} are free: set it to "
            "own, or leave it out"
        )
    seen: dict[str, str] = {}
    for contestant in contestants_of(recipe) if race.contestants else ():
        try:
            found = contestant_recipe(recipe, contestant)
        except RecipeError as error:
            yield str(error)
            continue
        same = seen.setdefault(found.model_dump_json(), contestant.name)
        if same != contestant.name:
            yield f"race: contestants {same} and {contestant.name} are the same; change one, or leave it out"
        if found.filters.rule(JudgeScore).min_judge_score is not None and found.judge is None:
            yield (
                f"race: contestant {contestant.name} filters by a judge's score, and the recipe has no judge: name it "
                "in the section `judge`"
            )


def _find_name_problems(race: Race) -> Iterator[str]:
    names = [contestant.name for contestant in race.contestants]
    if len(names) == 1:
        yield (
            f"race.contestants has {names[0]} alone, and a race needs two: add the one it is to beat, or leave "
            "contestants out to compare the recipe's teachers"
        )
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        yield f"race.contestants names {', '.join(repeated)} more than once; give each a name of its own"
    for name in race.filters or ():
        if name not in OFF:
            # people name a filter by its field, as well as by what the report counts
            by_field = [known for known, fields in OFF.items() if name in fields]
            hint = f" {name} is a field of {by_field[0]}: name that." if by_field else did_you_mean(name, OFF)
            yield f"race.filters names {name!r}; the filters are {', '.join(OFF)}.{hint}"
