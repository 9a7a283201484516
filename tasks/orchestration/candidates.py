"""The models of a comparison that an engine here serves, and how each is prompted."""

from typing import Any

from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.evaluation.spec import Candidate
from stillhouse.inference.models import Checkpoint
from stillhouse.inference.vllm.chat_template import TemplateSettings, settings_of
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.registry import METRICS
from tasks.orchestration.student_models import StudentBase


def teacher_identity(config: Teacher, checkpoint: Checkpoint) -> tuple[Any, ...]:
    """Return all that decides the answers of a teacher in an engine here."""
    # named only if there are any: what was measured without stop texts stays valid
    stop = [config.sampling.stop] if config.sampling.stop else []
    told = [settings_of(config).model_dump()] if settings_of(config) != TemplateSettings() else []
    engine = [config.engine.answers_identity] if config.engine.answers_identity else []
    return (checkpoint.identity, config.dtype, config.quantization, config.prompt, config.output, *stop, *told, *engine)


def teacher_candidate(recipe: Recipe, config: Teacher, checkpoint: Checkpoint) -> Candidate:
    """Return how a teacher in an engine here is asked."""
    return Candidate(
        role=ModelRole.TEACHER,
        path=checkpoint.path,
        revision=config.revision,
        dtype=config.dtype,
        quantization=config.quantization,
        template=settings_of(config),
        # what runs a student on one GPU has no room for a teacher that was asked on four
        engine=recipe.evaluation.engine.with_placement_of(config.engine),
        refusal=checkpoint.refusal,
        prompting="teacher",
        is_timed=recipe.evaluation.time_teacher,
        # a cascade's threshold goes by what both are right on; where nobody knows, the teacher is not asked
        answers_validation=recipe.data.validation is not None
        and METRICS[recipe.evaluation.metrics[0]].kind != "corpus",
    )


def student_candidates(recipe: Recipe, base: StudentBase, trained: dict[ModelRole, str]) -> tuple[Candidate, ...]:
    """Return the main student's base and the student checkpoints, whose folders `trained` holds."""
    main, dtype, engine = base.config, recipe.evaluation.student_dtype, recipe.evaluation.engine
    zero_shot = Candidate(
        role=ModelRole.BASELINE_ZERO_SHOT,
        path=base.checkpoint.path,
        revision=main.revision,
        dtype=dtype,
        template=settings_of(main) if main.chat_template == "model" else TemplateSettings(),
        without_reasoning=not recipe.training.teaches_reasoning,
        engine=engine,
        prompting="zero_shot",
    )
    students = (
        Candidate(
            role=role,
            path=path,
            dtype=dtype,
            engine=engine,
            prompting="student",
            is_timed=role is not ModelRole.STUDENT_LABELLED_ONLY,
            # a champion too, as when it was a student: so its answers of then are found
            answers_validation=role in (*STUDENTS, ModelRole.CHAMPION),
        )
        for role, path in trained.items()
    )
    # an encoder writes no answer
    return (*(() if main.is_encoder else (zero_shot,)), *students)
