"""Settings that would do nothing, or the wrong thing, for the recipe's skill."""

from collections.abc import Iterator

from stillhouse.filters.rules.agreement import Agreement
from stillhouse.filters.settings import Filters
from stillhouse.recipe.data import Data
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.registry import SKILLS
from stillhouse.skills.skill import Skill


def find_skill_problems(skill: Skill, data: Data, filters: Filters) -> Iterator[str]:
    """Yield a line for each setting of data and filters that does not go with the skill."""
    for role, source in data.sources.items():
        for column, kinds in _columns_of_skills().items():
            if getattr(source.columns, column) is not None and skill.kind not in kinds:
                yield f"data.{role}.columns names `{column}`, which is for a {' or '.join(kinds)}"
    if filters.rule(Agreement).min_agreement and not skill.votes:
        yield "filters.min_agreement: free texts never agree"
    if filters.check_labels and not skill.votes:
        yield "filters.check_labels: free texts contradict none"
    if data.balance.by == "label" and not skill.has_labels:
        yield "data.balance.by: label goes by labels, and there are none"


def find_teacher_problems(
    field: str, teacher: Teacher, skill: Skill, filters: Filters, max_tokens: int
) -> Iterator[str]:
    """Yield a line for each setting of a teacher that does not go with the skill.

    `field` is the teacher's place in the recipe, `max_tokens` the length of an answer in evaluation.
    """
    yield from (f"{field}.{problem}" for problem in skill.find_prompt_problems(teacher.prompt))
    if skill.has_labels:
        return
    if filters.check_labels and teacher.sampling.n == 1:
        yield (
            "filters.check_labels would find nothing: one free answer says too little, so set "
            f"{field}.sampling.n to 2 or more"
        )
    if teacher.prompt.layout == "text" and not teacher.sampling.stop:
        yield f'{field}.prompt.layout: text has no end of its own: name one in sampling.stop, such as ["\\n\\n"]'
    if max_tokens < teacher.sampling.max_tokens:
        yield (
            f"evaluation.max_tokens: {max_tokens} would cut answers that {field}.sampling.max_tokens: "
            f"{teacher.sampling.max_tokens} lets a teacher end"
        )
    if teacher.calibration == "batch":
        yield f"{field}.calibration: batch goes by labels, and there are none"
    if teacher.prompt.selection.endswith("_per_label"):
        yield f"{field}.prompt.selection: {teacher.prompt.selection} goes by labels, and there are none"


def _columns_of_skills() -> dict[str, list[str]]:
    """Return the columns that are for some skills only, and the kinds of these skills."""
    columns: dict[str, list[str]] = {}
    for kind, skill in SKILLS.items():
        for column in skill.columns:
            columns.setdefault(column, []).append(kind)
    return columns
