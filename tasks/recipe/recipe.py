"""The whole recipe: one YAML file, one frozen model."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from tasks.recipe.base import Part, added_later, execution, provenance
from tasks.recipe.costs import Budget, Costs
from tasks.recipe.data import Data
from tasks.recipe.evaluation import Evaluation, Gate
from tasks.recipe.filters import Filters
from tasks.recipe.judge import Judge, misfits
from tasks.recipe.routing import Mixing, Routing
from tasks.recipe.routing_rules import objections
from tasks.recipe.skill import Skill
from tasks.recipe.student import Student, Training
from tasks.recipe.teacher import Teacher
from tasks.recipe.terms import TERMS, terms_of


class Recipe(Part):
    """What a distillation is; where it runs is said by settings (tasks/runtime/settings.py)."""

    name: str = provenance(
        ..., "short name; run folders and the model registry use it", pattern=r"^[a-z0-9][a-z0-9-]*$"
    )
    skill: Skill
    data: Data
    teachers: tuple[Teacher, ...] = Field(
        min_length=1, max_length=16, description="who answers; evaluation measures the first"
    )
    routing: Routing = added_later(Routing(), "which of several teachers is asked what")
    mixing: Mixing = added_later(Mixing(), "what is kept of several teachers' answers to one prompt")
    filters: Filters = Filters()
    judge: Judge | None = added_later(None, "who compares the test answers in pairs, and may score a teacher's")
    student: Student
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    gate: Gate = Gate()
    costs: Costs = provenance(Costs(), "what machines cost by the hour, for the report's ledger and the forecast")
    budget: Budget = execution(Budget(), "what the teacher's answers may cost; before it is passed a run ends")

    @field_validator("evaluation")
    @classmethod
    def _measured_as_the_skill_is(cls, evaluation: Evaluation, info: ValidationInfo) -> Evaluation:
        skill, teachers = info.data.get("skill"), info.data.get("teachers")
        if skill is None or not teachers:  # refused already
            return evaluation
        if strange := [name for name in evaluation.metrics if name not in skill.metrics]:
            raise ValueError(
                f"metrics names {', '.join(strange)}; {skill.kind} is measured by {', '.join(skill.metrics)}"
            )
        unset: dict[str, Any] = {} if evaluation.metrics else {"metrics": skill.metrics}
        if not skill.has_labels and "max_tokens" not in evaluation.model_fields_set:
            unset["max_tokens"] = max(teacher.sampling.max_tokens for teacher in teachers)
        return evaluation.model_copy(update=unset)

    @model_validator(mode="after")
    def _fits_the_skill(self) -> "Recipe":
        found = [*self._misfits(), *self._needs_of_labels()]
        for teacher in self.teachers:
            found += [*self._misfits_of(teacher), *self._needs_of_labels_of(teacher)]
        for is_wrong, why in found:
            if is_wrong:
                raise ValueError(f"{why}; skill.kind is {self.skill.kind}")
        return self

    def _misfits(self) -> Iterator[tuple[bool, str]]:
        """Yield settings that would do nothing, or the wrong thing, for this skill, and why."""
        skill = self.skill
        for role in ("train", "examples", "test"):
            source = getattr(self.data, role)
            for column, wanted in (("premise", "nli"), ("context", "qa")):
                is_named = source is not None and getattr(source.columns, column) is not None
                yield (
                    is_named and skill.kind != wanted,
                    f"data.{role}.columns names `{column}`, which is for a {wanted}",
                )
        yield bool(self.filters.min_agreement) and not skill.votes, "filters.min_agreement: free texts never agree"
        yield self.filters.check_labels and not skill.votes, "filters.check_labels: free texts contradict none"

    def _misfits_of(self, teacher: Teacher) -> Iterator[tuple[bool, str]]:
        """Yield the same of one teacher."""
        skill, prompt = self.skill, teacher.prompt
        yield (
            self.filters.check_labels and not skill.has_labels and teacher.sampling.n == 1,
            "filters.check_labels would find nothing: one free answer says too little, so set sampling.n to 2 or more",
        )
        yield (
            not skill.has_labels and prompt.layout == "text" and not teacher.sampling.stop,
            'prompt.layout: text has no end of its own: name one in sampling.stop, such as ["\\n\\n"]',
        )
        asked, measured = teacher.sampling.max_tokens, self.evaluation.max_tokens
        yield (
            not skill.has_labels and measured < asked,
            f"evaluation.max_tokens: {measured} would cut answers that sampling.max_tokens: {asked} lets a teacher end",
        )
        is_chain = bool(getattr(skill, "chain_of_density", 0))
        yield is_chain and prompt.examples > 0, "skill.chain_of_density goes without examples: set prompt.examples to 0"

    def _needs_of_labels(self) -> Iterator[tuple[bool, str]]:
        """Yield settings that go by labels where there are none."""
        is_set = self.data.balance.by == "label"
        yield not self.skill.has_labels and is_set, "data.balance.by: label goes by labels, and there are none"

    def _needs_of_labels_of(self, teacher: Teacher) -> Iterator[tuple[bool, str]]:
        """Yield the same of one teacher."""
        without, prompt = not self.skill.has_labels, teacher.prompt
        for setting, is_set in (
            ("calibration: batch", teacher.calibration == "batch"),
            (f"prompt.selection: {prompt.selection}", prompt.selection.endswith("_per_label")),
        ):
            yield without and is_set, f"{setting} goes by labels, and there are none"

    @model_validator(mode="after")
    def _budget_is_held_by_one(self) -> "Recipe":
        for field, asked in self.asked.items() if self.budget.is_set else ():
            if isinstance(asked, Teacher) and asked.replicas > 1:
                raise ValueError(
                    f"budget goes with one engine: {field}.replicas: {asked.replicas} ask at once and know nothing of "
                    "what the others spend. Set replicas to 1, or leave the budget out"
                )
            if asked.endpoint and asked.endpoint.execution == "batch":
                raise ValueError(
                    "budget goes with single requests: a batch is bought as a whole, and what it takes is known at "
                    f"its end. Set {field}.endpoint.execution to realtime, or leave the budget out"
                )
        return self

    @property
    def asked(self) -> dict[str, Teacher | Judge]:
        """Every model that is asked for something that may cost, by its field."""
        judges = {"judge": self.judge} if self.judge else {}
        return {**{f"teachers.{number}": teacher for number, teacher in enumerate(self.teachers)}, **judges}

    @property
    def judge_chooses(self) -> bool:
        """Whether a judge's scores decide what the student learns."""
        return self.filters.min_judge_score is not None or (self.mixing.kind, self.mixing.by) == ("best", "judge")

    @property
    def teacher(self) -> Teacher:
        """The first teacher: the one that evaluation measures, and that a form's `teacher` changes."""
        return self.teachers[0]

    @property
    def has_several(self) -> bool:
        """Whether there are several teachers, so that answers are routed and mixed."""
        return len(self.teachers) > 1

    @property
    def generations(self) -> dict[str, Teacher]:
        """The teacher of each generation, by what that is called in a run."""
        return {f"generate {one.called}" if self.has_several else "generate": one for one in self.teachers}

    @model_validator(mode="after")
    def _teachers_go_together(self) -> "Recipe":
        if found := list(objections(self)):
            raise ValueError("; ".join(found))
        return self

    @model_validator(mode="after")
    def _terms_allow_it(self) -> "Recipe":
        for number, asked in enumerate(self.teachers):
            provider = asked.endpoint.provider if asked.endpoint else ""
            name = terms_of(asked.model, provider, self.student.model)
            if name and asked.accept_terms != name:
                terms = TERMS[name]
                raise ValueError(
                    f"{asked.model} answers under {terms.owner}'s terms ({terms.url}), which forbid {terms.rule}. "
                    f"Where these don't bind you, set teachers.{number}.accept_terms: {name}; else take another teacher"
                )
        return self

    @model_validator(mode="after")
    def _confidence_is_known(self) -> "Recipe":
        for teacher in self.teachers:
            endpoint = teacher.endpoint
            if not endpoint or "logprobs" in endpoint.can:
                continue
            if self.filters.min_mean_logprob is not None:
                raise ValueError(
                    f"filters.min_mean_logprob would drop every answer: provider {endpoint.provider} gives no "
                    "log-probabilities for this model; leave it out"
                )
            if self.filters.hard_share is not None and not (self.skill.votes and teacher.sampling.n > 1):
                raise ValueError(
                    f"filters.hard_share knows no hard prompts: provider {endpoint.provider} gives no "
                    "log-probabilities for this model, and samples that could disagree are none; set sampling.n above "
                    "1 or leave it out"
                )
        return self

    @model_validator(mode="after")
    def _judge_fits(self) -> "Recipe":
        for why in misfits(self.judge, self.filters, self.skill, self.student.model, chooses=self.judge_chooses):
            raise ValueError(why)
        return self
