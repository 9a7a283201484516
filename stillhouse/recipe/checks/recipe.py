"""Settings of a recipe that contradict each other, found before any work starts.

Each section of a recipe checks itself. These checks read several sections. Each problem names the field and what to
change.
"""

from collections.abc import Iterator

from stillhouse.filters.rules.judge_score import JudgeScore
from stillhouse.recipe.checks.endpoint import find_endpoint_problems
from stillhouse.recipe.checks.gate import find_gate_problems
from stillhouse.recipe.checks.logits import find_logits_problems
from stillhouse.recipe.checks.on_policy import find_on_policy_problems
from stillhouse.recipe.checks.output import find_output_problems
from stillhouse.recipe.checks.preferences import find_preference_problems
from stillhouse.recipe.checks.race import find_race_problems
from stillhouse.recipe.checks.rounds import find_rounds_problems
from stillhouse.recipe.checks.routing import find_routing_problems
from stillhouse.recipe.checks.second_opinion import find_second_opinion_problems
from stillhouse.recipe.checks.skill import find_skill_problems
from stillhouse.recipe.checks.soft_labels import find_soft_label_problems
from stillhouse.recipe.checks.students import find_student_problems
from stillhouse.recipe.checks.sweep import find_sweep_problems
from stillhouse.recipe.checks.teaching import find_teaching_problems
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.recipe.terms import TERMS, forbidding_terms


def find_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each contradiction in the recipe; none if all is well."""
    for find in (
        find_endpoint_problems,
        find_skill_problems,
        find_output_problems,
        find_student_problems,
        find_soft_label_problems,
        find_teaching_problems,
        find_logits_problems,
        find_preference_problems,
        find_on_policy_problems,
        find_second_opinion_problems,
        find_rounds_problems,
        _find_budget_problems,
        find_routing_problems,
        _find_judge_problems,
        _find_terms_problems,
        find_gate_problems,
        find_sweep_problems,
        find_race_problems,
    ):
        yield from find(recipe)


def _find_budget_problems(recipe: Recipe) -> Iterator[str]:
    for field, model in recipe.served_models.items() if recipe.budget.is_set else ():
        if isinstance(model, Teacher) and model.replicas > 1:
            yield (
                f"budget needs a single engine: {field}.replicas: {model.replicas} would spend without knowing of each "
                "other. Set replicas to 1, or leave the budget out"
            )
        if model.endpoint and model.endpoint.execution == "batch":
            yield (
                "budget needs single requests: the cost of a batch is only known when it ends. Set "
                f"{field}.endpoint.execution to realtime, or leave the budget out"
            )


def _find_judge_problems(recipe: Recipe) -> Iterator[str]:
    if recipe.judge is None:
        if recipe.filters.rule(JudgeScore).min_judge_score is not None:
            yield "filters.min_judge_score needs a judge: name the model that scores the answers in the section `judge`"
        return
    if recipe.skill.has_labels:
        yield f"judge compares free answers; those of a {recipe.skill.kind} are right or wrong: leave it out"
    asked = recipe.judge_chooses or (recipe.rounds and recipe.rounds.choose == "judged_wrong")
    if not recipe.judge.against and not asked:
        yield (
            "judge would do nothing: name what to compare with in judge.against, or set filters.min_judge_score, or "
            "by: judge in training.preferences.pairs"
        )


def _find_terms_problems(recipe: Recipe) -> Iterator[str]:
    """Yield each model whose terms forbid training the student on what it answers or chooses."""
    for field, model in recipe.served_models.items():
        is_teacher = isinstance(model, Teacher)
        provider = model.endpoint.provider if model.endpoint else ""
        students = [forbidding_terms(model.model, provider, student.model) for student in recipe.all_students]
        name = next(filter(None, students), None)
        # a judge that only measures trains no student
        if name is None or name == model.accept_terms or not (is_teacher or recipe.judge_chooses):
            continue
        use = "answers" if is_teacher else "chooses training examples"
        way_out = "" if is_teacher else ", or choose nothing by a judge (filters.min_judge_score, mixing.by, pairs.by)"
        terms = TERMS[name]
        yield (
            f"{model.model} {use} under {terms.owner}'s terms ({terms.url}), which forbid {terms.rule}. If these terms "
            f"don't bind you, set {field}.accept_terms: {name}; else take another model{way_out}"
        )
