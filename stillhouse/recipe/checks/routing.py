"""Routing and mixing that don't go together, or with the teachers: a route to nobody would be believed."""

from collections import Counter
from collections.abc import Iterator

from stillhouse.errors import did_you_mean
from stillhouse.filters.combine import Mixing
from stillhouse.filters.rules.unparsable import Unparsable
from stillhouse.filters.rules.verification import Verification
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ROW, Routing


def find_routing_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each thing wrong with the teachers, their routing and mixing; none if all is well."""
    if len(recipe.teachers) == 1:
        yield from _alone(recipe)
        return
    counted = Counter(teacher.display_name for teacher in recipe.teachers)
    if twice := [name for name, number in counted.items() if number > 1]:
        yield f"several teachers are called {', '.join(map(repr, twice))}: give each its own `name`"
        return
    yield from _routes(recipe)
    yield from _mixing(recipe)
    yield from _verified(recipe)
    yield from _calibrated(recipe)
    if recipe.filters.check_labels:
        yield "filters.check_labels compares labels with one teacher's answers: leave it out, or run one teacher alone"
    if recipe.filters.hard_share is not None:
        yield "filters.hard_share goes by what was hard for one teacher: leave it out, or run one teacher alone"


def _alone(recipe: Recipe) -> Iterator[str]:
    for part, default in (("routing", Routing()), ("mixing", Mixing())):
        if getattr(recipe, part) != default:
            yield f"{part} is for several teachers, and `teachers` holds one: leave it out, or add a teacher"


def _routes(recipe: Recipe) -> Iterator[str]:
    routing, names = recipe.routing, [teacher.display_name for teacher in recipe.teachers]
    if routing.kind not in BY_ROW:
        if routing.teachers or routing.default:
            yield f"routing.teachers and routing.default go with kind source or label; kind is {routing.kind}"
    elif not routing.teachers:
        yield f"routing.kind: {routing.kind} needs routing.teachers, a teacher's name for each value"
    if routing.kind != "source" and routing.column != Routing().column:
        yield f"routing.column goes with kind: source; kind is {routing.kind}"
    named = {f"routing.teachers.{value}": name for value, name in routing.teachers.items()}
    if routing.default:
        named["routing.default"] = routing.default
    unknown = {field: name for field, name in named.items() if name not in names}
    for field, name in unknown.items():
        yield f"{field}: no teacher is called {name!r}; they are {', '.join(names)}.{did_you_mean(name, names)}"
    if routing.kind in BY_ROW and routing.teachers and not unknown:
        reached = {*routing.teachers.values(), routing.default or names[0]}
        for name in (name for name in names if name not in reached):
            yield f"teacher {name!r} would be asked nothing: name it in routing.teachers, or leave it out"
    if routing.kind == "label":
        yield from _labelled_rows(recipe)


def _labelled_rows(recipe: Recipe) -> Iterator[str]:
    columns = recipe.data.train.columns
    if columns.label is None:
        yield "routing.kind: label goes by labels, and data.train.columns names no `label`"
    elif columns.reference is None and recipe.training.use_references:
        yield (
            "routing.kind: label goes by labels, and rows that have one are not asked: set training.use_references to "
            "false"
        )


def _mixing(recipe: Recipe) -> Iterator[str]:
    kind, by, skill = recipe.mixing.kind, recipe.mixing.by, recipe.skill
    if kind != "best" and by != Mixing().by:
        yield f"mixing.by: {by} goes with kind: best; kind is {kind}"
    if kind == "best" and by == "judge" and recipe.judge is None:
        yield "mixing.by: judge needs a judge: say in the section `judge` which model scores the answers"
    if kind == "keep_all":
        return
    if recipe.routing.kind != "all":
        yield (
            f"mixing.kind: {kind} chooses among the answers of several teachers to one prompt, and with routing.kind: "
            f"{recipe.routing.kind} there is one: set routing.kind to all, or leave mixing out"
        )
    if kind == "vote" and not skill.votes:
        yield f"mixing.kind: vote counts equal answers, and free texts never are; skill.kind is {skill.kind}"


def _verified(recipe: Recipe) -> Iterator[str]:
    """Yield what a choice by the verifier needs and lacks: a skill that verifies, or prompts with a reference."""
    if recipe.routing.kind == "first_verified":
        setting = "routing.kind: first_verified"
        filters = recipe.filters
        if not (filters.rule(Verification).verification and filters.rule(Unparsable).unparsable):
            yield f"{setting} keeps what verifies alone: leave filters.verification and filters.unparsable on"
    elif recipe.mixing.kind == "best" and recipe.mixing.by == "verifier":
        setting = "mixing.kind: best by verifier"
    else:
        return
    columns = recipe.data.train.columns
    if not recipe.skill.verifies:
        yield f"{setting}: no answer of a {recipe.skill.kind} plainly agrees with a reference or contradicts it"
    elif columns.reference is None and columns.label is None:
        yield f"{setting} goes by references, and data.train.columns names neither `reference` nor `label`"
    elif recipe.training.use_references:
        yield (
            f"{setting} goes by references, and rows that have one are not asked: set training.use_references to false"
        )


def _calibrated(recipe: Recipe) -> Iterator[str]:
    """Yield teachers that answer only some prompts but are calibrated by a mean over all of them."""
    kind = recipe.routing.kind
    for index, teacher in enumerate(recipe.teachers):
        asked_all = kind == "all" or (kind not in BY_ROW and index == 0)
        if teacher.calibration == "batch" and not asked_all:
            yield (
                f"teachers.{index}.calibration: batch goes by a mean over all training prompts, and routing.kind: "
                f"{kind} asks {teacher.display_name!r} some of them only: set it to none"
            )
