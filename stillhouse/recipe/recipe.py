"""The whole recipe: one YAML file, one frozen model."""

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from stillhouse.config import FrozenModel, execution, optional_identity, provenance
from stillhouse.filters.combine import Mixing
from stillhouse.filters.rules.judge_score import JudgeScore
from stillhouse.filters.settings import Filters
from stillhouse.recipe.costs import Budget, Costs
from stillhouse.recipe.data import Data
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.export import Export
from stillhouse.recipe.gate import Gate
from stillhouse.recipe.judge import Judge
from stillhouse.recipe.race import Race
from stillhouse.recipe.rounds import Rounds
from stillhouse.recipe.routing import Routing
from stillhouse.recipe.second_opinion import SecondOpinion
from stillhouse.recipe.student import Student
from stillhouse.recipe.sweep import Sweep
from stillhouse.recipe.teacher import ServedModel, Teacher
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.teaching.preferences import Pairs
from stillhouse.recipe.training import Training
from stillhouse.skills.registry import AnySkill

MOST_STUDENTS = 4


class Recipe(FrozenModel):
    """What a distillation is. Settings say where it runs (stillhouse/runtime/settings.py).

    Each section checks itself. `load.parse_recipe`, the only way to make a recipe, checks that sections fit together.
    """

    name: str = provenance(..., "short name, shown in run folders and exported models", pattern=r"^[a-z0-9][a-z0-9-]*$")
    skill: AnySkill
    data: Data
    teachers: tuple[Teacher, ...] = Field(
        min_length=1,
        max_length=16,
        description="models that the student learns from; it is compared with the best of them, or with the one that "
        "`evaluation.teacher` names",
    )
    routing: Routing = optional_identity(Routing(), "which of several teachers answers which prompt")
    mixing: Mixing = optional_identity(Mixing(), "which of several teachers' answers to one prompt are kept")
    second_opinion: SecondOpinion | None = optional_identity(
        None,
        "have a classifier on the labelled rows judge every prompt too, and train on the product of its probabilities "
        "with the teacher's; for skills with labels",
    )
    rounds: Rounds | None = optional_identity(
        None, "ask the teacher in rounds, each about the prompts that teach a student most; null: about all at once"
    )
    filters: Filters = Filters()
    judge: Judge | None = optional_identity(
        None, "model that compares test answers in pairs, and can score the teachers' answers"
    )
    student: Student | None = optional_identity(None, "the student; or name several in `students`")
    students: tuple[Student, ...] = optional_identity(
        (),
        "students that learn the same training examples, in place of `student`; the first is the main one, and the "
        "report compares all",
        max_length=MOST_STUDENTS,
    )
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    gate: Gate = Gate()
    export: tuple[Export, ...] = optional_identity(
        (), "formats that the student is converted to, each measured in the engine that serves it", max_length=16
    )
    race: Race | None = execution(
        None, "for `stillhouse race`: which teachers, prompts and filters are compared by the students that they make"
    )
    costs: Costs = provenance(Costs(), "hourly costs of machines, for the report's ledger and the forecast")
    sweep: Sweep | None = execution(
        None, "fields to try with other values, by `stillhouse sweep`; a run of the recipe pays no attention to it"
    )
    budget: Budget = execution(Budget(), "limits of what the answers may cost; a run ends before it exceeds one")

    @field_validator("evaluation")
    @classmethod
    def _fits_the_skill(cls, evaluation: Evaluation, info: ValidationInfo) -> Evaluation:
        skill, teachers = info.data.get("skill"), info.data.get("teachers")
        if skill is None or not teachers:  # they are refused already
            return evaluation
        if unknown := [name for name in evaluation.metrics if name not in skill.metric_names()]:
            known = ", ".join(skill.metric_names())
            raise ValueError(f"metrics names {', '.join(unknown)}; choose among those of skill {skill.kind}: {known}")
        defaults: dict[str, Any] = {} if evaluation.metrics else {"metrics": skill.metric_names()}
        if not skill.has_labels and "max_tokens" not in evaluation.model_fields_set:
            defaults["max_tokens"] = max(teacher.sampling.max_tokens for teacher in teachers)
        return evaluation.model_copy(update=defaults)

    @model_validator(mode="after")
    def _has_students(self) -> Self:
        if self.student is not None and self.students:
            raise ValueError("student and students are both set: name the one student in student, or all in students")
        if self.student is None and not self.students:
            raise ValueError("student: missing; the recipe needs it, or a list of several in students")
        return self

    @model_validator(mode="after")
    def _exports_its_students(self) -> Self:
        keys = [one.key for one in self.export]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"export names {', '.join(repeated)} more than once; each format and precision once")
        names = {student.display_name for student in self.all_students}
        if unknown := [one.student for one in self.export if one.student and one.student not in names]:
            raise ValueError(f"export names the student {unknown[0]!r}; the recipe has {', '.join(sorted(names))}")
        return self

    @property
    def all_students(self) -> tuple[Student, ...]:
        """The students, the main one first."""
        return self.students or (self.main_student,)

    @property
    def main_student(self) -> Student:
        """The first student, which the report compares with all else and the gate decides about."""
        main = self.students[0] if self.students else self.student
        assert main is not None, "a recipe without a student is refused"
        return main

    def training_of(self, student: Student) -> Training:
        """Return how a student learns: the section `training` with the fields that differ for it."""
        own = student.training
        if student.is_encoder:
            own = {"epochs": student.encoder.epochs, "learning_rate": student.encoder.learning_rate} | own
        return Training.model_validate(self.training.model_dump() | own) if own else self.training

    @property
    def learns_probabilities(self) -> bool:
        """Whether a student learns the teacher's probabilities of the labels."""
        return any(self.training_of(student).soft_labels for student in self.all_students)

    @property
    def top_logprobs(self) -> int:
        """The teacher's likeliest tokens that students learn at each position; 0: none learns from them."""
        return max((one.k for one in self.learnt_logits if not one.draws), default=0)

    @property
    def token_draws(self) -> LogitsSettings | None:
        """How students learn tokens drawn from the teacher at each position; None: none does."""
        return next((one for one in self.learnt_logits if one.draws), None)

    @property
    def learnt_logits(self) -> tuple[LogitsSettings, ...]:
        """How each student learns that learns the teacher's log-probabilities."""
        trained = [self.training_of(student) for student in self.all_students if not student.is_encoder]
        return tuple(one.logits for one in trained if one.kind == "logits")

    def asked_teacher(self, index: int) -> Teacher:
        """Return a teacher as it is asked for what is trained on: for as many log-probabilities as students learn."""
        teacher = self.teachers[index]
        k = max(teacher.sampling.logprobs, self.top_logprobs)
        return teacher.model_copy(update={"sampling": teacher.sampling.model_copy(update={"logprobs": k})})

    @property
    def uses_encoder(self) -> bool:
        """Whether `evaluation.encoder` is asked: by the alternatives without a teacher, a second opinion or rounds."""
        return (
            self.second_opinion is not None
            or self.rounds_student == "encoder"
            or (self.evaluation.no_teacher_alternatives and self.skill.has_labels)
        )

    @property
    def rounds_student(self) -> Literal["encoder", "main"] | None:
        """Who is taught in each round; None without rounds."""
        if self.rounds is None:
            return None
        return self.rounds.student or ("encoder" if self.skill.has_labels else "main")

    @property
    def served_models(self) -> dict[str, ServedModel]:
        """The teachers and the judge, by their field in the recipe."""
        teachers = {f"teachers.{index}": teacher for index, teacher in enumerate(self.teachers)}
        return {**teachers, "judge": self.judge} if self.judge else {**teachers}

    @property
    def judge_chooses(self) -> bool:
        """Whether a judge's scores decide what the student learns."""
        has_least_score = self.filters.rule(JudgeScore).min_judge_score is not None
        is_chosen = (self.mixing.kind, self.mixing.by) == ("best", "judge")
        return has_least_score or is_chosen or (self.pairs is not None and self.pairs.by == "judge")

    @property
    def pairs(self) -> Pairs | None:
        """Which samples are the pairs of a second step, those of all students; None if none has such a step."""
        found = [self.training_of(student).preferences for student in self.all_students if not student.is_encoder]
        return next((one.pairs for one in found if one), None)

    @property
    def teacher(self) -> Teacher:
        """The first teacher, which the form's `teacher` changes."""
        return self.teachers[0]

    @property
    def tested_teachers(self) -> dict[int, Teacher]:
        """The teachers that answer the test rows, by their place: the one that evaluation names, else all."""
        named = self.evaluation.teacher
        return {index: one for index, one in enumerate(self.teachers) if named in ("", one.display_name)}

    @property
    def measured_index(self) -> int:
        """The place in `teachers` of the one that the student is compared with.

        It is the first, until evaluation names another: a run names the best as soon as it is known.
        """
        return min(self.tested_teachers)

    @property
    def measured_teacher(self) -> Teacher:
        """The teacher that the student is compared with."""
        return self.teachers[self.measured_index]

    def comparing_with(self, teacher_index: int) -> Self:
        """Return the recipe with that teacher named as the one that the student is compared with."""
        named = {"teacher": self.teachers[teacher_index].display_name}
        return self.model_copy(update={"evaluation": self.evaluation.model_copy(update=named)})

    @property
    def has_several(self) -> bool:
        """Whether there are several teachers, so that prompts are routed and answers are mixed."""
        return len(self.teachers) > 1

    @property
    def teachers_by_label(self) -> dict[str, Teacher]:
        """Each teacher, by the label of its `generate` stage in a run."""
        return {f"generate {one.display_name}" if self.has_several else "generate": one for one in self.teachers}
