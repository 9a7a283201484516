"""What a server must know of a student besides its weights: how it was asked in its evaluation, and what that found."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from stillhouse.config import StrictModel
from stillhouse.errors import ModelError
from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Teacher
from stillhouse.reports.schema.models import Cascade, Certainty
from stillhouse.reports.schema.report import Report
from stillhouse.skills.registry import AnySkill

RECORD = "serving.json"
ORIGIN = "origin"  # the folder in a pulled one that holds what is no file of the model
# what a confusion matrix calls the answers that can't be read
_UNREADABLE = "unparsable"
M = TypeVar("M", bound=BaseModel)
_SKILL: TypeAdapter[Any] = TypeAdapter(AnySkill)


class ServingRecord(StrictModel):
    """One student as its evaluation asked it: prompt, labels, bounds, and how its certainty is set right."""

    schema_version: Literal[1] = 1
    model: str  # the recipe's name
    role: ModelRole
    kind: Literal["causal_lm", "encoder"]
    skill: AnySkill
    labels: tuple[str, ...]  # in the order of an encoder's logits; empty for free answers
    temperature: float | None  # of its certainty, from validation rows; None: not measured
    threshold: float | None  # the certainty below which it hands back to the teacher; None: no cascade was measured
    max_prompt_chars: int  # longer prompts were in no row
    max_tokens: int  # of a free answer
    dtype: Literal["bfloat16", "float16", "float32"]
    engine: Engine
    teacher: Teacher  # that it was compared with


def serving_record(report: Report, role: ModelRole | None = None) -> ServingRecord:
    """Return the record of a student of the report; of the one that the report is about if none is named.

    Raises:
        ModelError: the report is of no such student, or its recipe is of another version of Stillhouse.
    """
    role = role or report.comparison.student
    if getattr(report.models, role, None) is None:
        raise ModelError(f"Run {report.run_id} measured no {role}: name one of its students.")
    recipe = report.recipe
    certainty, cascade = _certainty_of(report, role)
    try:
        evaluation = Evaluation.model_validate(recipe["evaluation"])
        return ServingRecord(
            model=str(recipe["name"]),
            role=role,
            kind=_kind_of(report, role),
            skill=_SKILL.validate_python(recipe["skill"]),
            labels=_labels_of(report),
            temperature=certainty.temperature if certainty else None,
            threshold=cascade.threshold if cascade else None,
            max_prompt_chars=recipe["data"]["max_prompt_chars"],
            max_tokens=evaluation.max_tokens,
            dtype=evaluation.student_dtype,
            engine=evaluation.engine,
            teacher=_teacher_of(recipe, evaluation),
        )
    except (ValidationError, LookupError, TypeError) as error:
        raise ModelError(
            f"The report of run {report.run_id} does not say how its student is asked ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}). Run its recipe again: stages that are the same are found."
        ) from error


def write_record(folder: Path, record: ServingRecord) -> None:
    """Write the record beside a student's weights, where `read_record` finds it."""
    (folder / RECORD).write_text(record.model_dump_json(indent=1), encoding="utf-8")


def read_record(folder: Path) -> ServingRecord:
    """Return the record in a student's folder, or what its run's report says if that was pulled with it.

    Raises:
        ModelError: there is neither, or one is of another form.
    """
    for path in (folder / RECORD, folder / ORIGIN / RECORD):
        if path.is_file():
            return _read(ServingRecord, path)
    report = folder / ORIGIN / "report.json"
    if report.is_file():
        return serving_record(_read(Report, report))
    raise ModelError(
        f"{folder} has no {RECORD}, so nobody knows how its model was asked when it was measured. Serve it from the "
        "store (NAME@champion, runs:/RUN_ID), or take the folder from there with `stillhouse models pull`."
    )


def _read(kind: type[M], path: Path) -> M:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path} can't be read by this version of Stillhouse: {said}. Pull the model again."
        ) from error


def _certainty_of(report: Report, role: ModelRole) -> tuple[Certainty | None, Cascade | None]:
    own = report.students.get(role)
    if own is not None:
        return own.certainty, own.cascade
    if role is report.comparison.student:
        return report.comparison.certainty, report.comparison.cascade
    return None, None


def _kind_of(report: Report, role: ModelRole) -> Any:
    own = report.students.get(role)
    return own.kind if own else "causal_lm"


def _labels_of(report: Report) -> tuple[str, ...]:
    """Return the labels as evaluation had them: those of the rows, where the recipe names none."""
    if report.confusion is None:
        return ()
    if named := tuple(report.recipe["skill"].get("labels") or ()):
        return named
    *labels, last = report.confusion.labels
    # no row has it as its reference, which tells it from a label of that name
    is_none = last == _UNREADABLE and not any(report.confusion.matrix[-1])
    return tuple(labels if is_none else report.confusion.labels)


def _teacher_of(recipe: Mapping[str, Any], evaluation: Evaluation) -> Teacher:
    teachers = [Teacher.model_validate(one) for one in recipe["teachers"]]
    named = [one for one in teachers if one.display_name == evaluation.teacher]
    return (named or teachers)[0]
