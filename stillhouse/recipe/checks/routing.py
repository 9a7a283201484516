"""Settings of several teachers, their routing and mixing that contradict each other."""

from collections import Counter
from collections.abc import Iterator

from stillhouse.errors import did_you_mean
from stillhouse.filters.combine import Mixing
from stillhouse.filters.rules.unparsable import Unparsable
from stillhouse.filters.rules.verification import Verification
from stillhouse.filters.settings import Filters
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ROW, Routing


def find_routing_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each thing wrong with the teachers, their routing and mixing."""
    yield from _measured(recipe)
    if not recipe.has_several:
        for name, default in (("routing", Routing()), ("mixing", Mixing())):
            if getattr(recipe, name) != default:
                yield f"{name} is for several teachers, and `teachers` holds one: leave it out, or add a teacher"
        return
    counts = Counter(teacher.display_name for teacher in recipe.teachers)
    if shared := [name for name, count in counts.items() if count > 1]:
        yield f"several teachers are called {', '.join(map(repr, shared))}: give each its own `name`"
        return
    yield from _routes(recipe.routing, list(counts))
    yield from _mixing(recipe)
    yield from _labels_and_references(recipe)
    yield from _calibration(recipe)
    for field in ("check_labels", "hard_share"):
        if getattr(recipe.filters, field) != getattr(Filters(), field):
            yield f"filters.{field} needs the answers of a single teacher: leave it out, or run one teacher alone"


def _measured(recipe: Recipe) -> Iterator[str]:
    named, names = recipe.evaluation.teacher, [teacher.display_name for teacher in recipe.teachers]
    if named and named not in names:
        known = f"they are {', '.join(names)}.{did_you_mean(named, names)}"
        yield f"evaluation.teacher: no teacher is called {named!r}; {known}"


def _routes(routing: Routing, names: list[str]) -> Iterator[str]:
    if routing.kind not in BY_ROW:
        if routing.teachers or routing.default:
            yield f"routing.teachers and routing.default are for kind source and label; kind is {routing.kind}"
    elif not routing.teachers:
        yield f"routing.kind: {routing.kind} needs routing.teachers, a teacher's name for each value"
    if routing.kind != "source" and routing.column != Routing().column:
        yield f"routing.column is for kind: source; kind is {routing.kind}"
    named = {f"routing.teachers.{value}": name for value, name in routing.teachers.items()}
    if routing.default:
        named["routing.default"] = routing.default
    unknown = {field: name for field, name in named.items() if name not in names}
    for field, name in unknown.items():
        yield f"{field}: no teacher is called {name!r}; they are {', '.join(names)}.{did_you_mean(name, names)}"
    if routing.kind in BY_ROW and routing.teachers and not unknown:
        reached = {*routing.teachers.values(), routing.default or names[0]}
        unreached = [one for one in names if one not in reached]
        for name in unreached:
            yield f"teacher {name!r} would get no prompt: name it in routing.teachers, or leave it out"


def _mixing(recipe: Recipe) -> Iterator[str]:
    kind, by = recipe.mixing.kind, recipe.mixing.by
    if kind != "best" and by != Mixing().by:
        yield f"mixing.by: {by} is for kind: best; kind is {kind}"
    if kind == "best" and by == "judge" and recipe.judge is None:
        yield "mixing.by: judge needs a judge: name the model that scores the answers in the section `judge`"
    if kind != "keep_all" and recipe.routing.kind != "all":
        yield (
            f"mixing.kind: {kind} chooses among the answers of several teachers to one prompt. With routing.kind: "
            f"{recipe.routing.kind} there is one answer: set routing.kind to all, or leave mixing out"
        )
    if kind == "vote" and not recipe.skill.votes:
        yield f"mixing.kind: vote counts equal answers, and free texts never are; skill.kind is {recipe.skill.kind}"


def _labels_and_references(recipe: Recipe) -> Iterator[str]:
    """Yield what a choice by label or by verifier lacks."""
    if recipe.routing.kind == "label":
        yield from _column("routing.kind: label", ("label",), recipe)
    if recipe.routing.kind == "first_verified":
        setting, filters = "routing.kind: first_verified", recipe.filters
        if not (filters.rule(Verification).verification and filters.rule(Unparsable).unparsable):
            yield f"{setting} keeps only answers that verify: leave filters.verification and filters.unparsable on"
    elif (recipe.mixing.kind, recipe.mixing.by) == ("best", "verifier"):
        setting = "mixing.kind: best by verifier"
    else:
        return
    if recipe.skill.verifies:
        yield from _column(setting, ("reference", "label"), recipe)
    else:
        yield f"{setting}: an answer of a {recipe.skill.kind} neither agrees with a reference nor contradicts it"


def _column(setting: str, names: tuple[str, ...], recipe: Recipe) -> Iterator[str]:
    """Yield why `setting` finds none of the columns `names` in the rows that teachers are asked about."""
    columns, shown = recipe.data.train.columns, " or ".join(f"`{name}`" for name in names)
    if all(getattr(columns, name) is None for name in names):
        yield f"{setting} needs a column {shown}, and data.train.columns names none: name it"
    # a label is the row's reference only if no column is named for that
    elif recipe.training.use_references and ("reference" in names or columns.reference is None):
        yield (
            f"{setting} reads {shown}, and teachers are not asked about rows with a reference: set "
            "training.use_references to false"
        )


def _calibration(recipe: Recipe) -> Iterator[str]:
    """Yield teachers that are calibrated by a mean over all prompts, but asked only some of them."""
    kind = recipe.routing.kind
    for index, teacher in enumerate(recipe.teachers):
        is_asked_all = kind == "all" or (kind not in BY_ROW and index == 0)
        if teacher.calibration == "batch" and not is_asked_all:
            yield (
                f"teachers.{index}.calibration: batch takes a mean over all training prompts, and routing.kind: {kind} "
                f"asks {teacher.display_name!r} only some of them: set it to none"
            )
