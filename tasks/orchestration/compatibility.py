"""Compares each student of a run with the teachers that it learns from, before a teacher is asked."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.checks.teaching import unread_lines
from stillhouse.recipe.student import Student
from stillhouse.students.compatibility import (
    Compatibility,
    ModelFacts,
    compare_models,
    facts_behind,
    facts_of,
    refuse_misfits,
)
from tasks.orchestration.passed_checks import folder_state, has_passed, note_passed
from tasks.orchestration.run import Run
from tasks.orchestration.run_models import find_checkpoint
from tasks.orchestration.student_models import StudentBase

log = logging.getLogger("stillhouse")


def check_compatibility(run: Run, bases: Sequence[StudentBase], teachers: Sequence[Checkpoint]) -> None:
    """Return if every student can learn from its teachers by its method; warn of what is allowed and unusual.

    Raises:
        ModelError: vocabularies differ where a method compares tokens, or rows may be longer than a student's context.
    """
    unusual: list[str] = []
    looked_at = _looked_at(run, bases, teachers)
    if not has_passed(run.settings, looked_at):
        students = [(base.config, base.checkpoint) for base in bases]
        by_tokens = any(run.recipe.training_of(base.config).needs_same_tokens for base in bases)
        found = list(_compare_all(run, students, teachers, with_tokens=by_tokens))
        refuse_misfits(found)
        unusual += [f"student {one.student.name}: {one.warning}" for one in found if one.warning]
        if not unusual:  # a warning is told in every run
            note_passed(run.settings, looked_at)
    for warning in dict.fromkeys([*unusual, *unread_lines(run.recipe)]):
        log.warning("%s", warning)


def named_compatibility(run: Run, teachers: Sequence[Checkpoint]) -> tuple[Compatibility, ...]:
    """Return how the recipe's students fit its teachers, for a plan: what is not on this machine is not known."""
    students = [(one, find_checkpoint(one.model, one.revision, run.settings)) for one in run.recipe.all_students]
    return tuple(_compare_all(run, students, teachers, with_tokens=True))


def _looked_at(run: Run, bases: Sequence[StudentBase], teachers: Sequence[Checkpoint]) -> list[Any]:
    """Return all that the comparison depends on, but for what a hub holds under a commit."""
    trainings = [run.recipe.training_of(base.config) for base in bases]
    return [
        "compatibility",
        [[one.path, folder_state(one.path)] for one in (*(base.checkpoint for base in bases), *teachers)],
        [base.config.model_dump(mode="json") for base in bases],
        [training.model_dump(mode="json") for training in trainings],
        [teacher.model_dump(mode="json") for teacher in run.recipe.teachers],
    ]


def _compare_all(
    run: Run, students: Sequence[tuple[Student, Checkpoint]], teachers: Sequence[Checkpoint], *, with_tokens: bool
) -> Iterator[Compatibility]:
    taught = [_teacher_facts(run, index, found, with_tokens) for index, found in enumerate(teachers)]
    for student, found in students:
        if student.is_encoder:
            continue
        training, template = run.recipe.training_of(student), student.template
        own = facts_of(
            student.display_name,
            found.path,
            student.revision,
            layers=student.layers,
            cut=student.cut,
            template=template,
            with_tokens=with_tokens,
        )
        for facts, teacher in zip(taught, teachers, strict=True):
            compared = compare_models(own, facts, training)
            # both are one file that nobody has converted yet
            is_one = compared.vocabularies == "not known" and found.is_same_model(teacher)
            yield compared.model_copy(update={"vocabularies": "same"}) if is_one else compared


def _teacher_facts(run: Run, index: int, found: Checkpoint, with_tokens: bool) -> ModelFacts:
    config = run.recipe.teachers[index]
    if config.endpoint:
        return facts_behind(config.display_name, config.model)
    return facts_of(config.display_name, found.path, config.revision, with_tokens=with_tokens)
