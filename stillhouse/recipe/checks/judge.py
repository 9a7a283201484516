"""A judge that does not go with the rest of the recipe."""

from collections.abc import Iterator

from stillhouse.filters.rules.judge_score import JudgeScore
from stillhouse.filters.settings import Filters
from stillhouse.recipe.judge import Judge
from stillhouse.recipe.terms import TERMS, terms_of
from stillhouse.skills.skill import Skill


def find_judge_problems(
    judge: Judge | None, filters: Filters, skill: Skill, student: str, *, chooses: bool
) -> Iterator[str]:
    """Yield a line for each thing wrong with the judge in this recipe; none if all is well.

    `chooses` says whether the judge's scores decide what the student learns.
    """
    if judge is None:
        if filters.rule(JudgeScore).min_judge_score is not None:
            yield "filters.min_judge_score needs a judge: say in the section `judge` which model scores the answers"
        return
    if skill.has_labels:
        yield f"judge compares free answers; those of a {skill.kind} are right or wrong: leave it out"
    if not judge.against and not chooses:
        yield "judge would be asked nothing: name in judge.against whom to compare with, or set filters.min_judge_score"
    provider = judge.endpoint.provider if judge.endpoint else ""
    name = terms_of(judge.model, provider, student)
    if chooses and name and judge.accept_terms != name:
        terms = TERMS[name]
        yield (
            f"{judge.model} scores answers under {terms.owner}'s terms ({terms.url}), which forbid {terms.rule}, and "
            "its scores choose what the student learns. If these terms don't bind you, set judge.accept_terms: "
            f"{name}; else leave filters.min_judge_score or mixing.by: judge out (a judge that only measures trains no "
            "student), or take another judge"
        )
