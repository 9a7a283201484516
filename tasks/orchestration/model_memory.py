"""Reckons the memory of a run's models on this machine, and says which can't be served here."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from stillhouse.inference.loading import known_config
from stillhouse.inference.models import Checkpoint
from stillhouse.inference.stored_weights import loaded_bytes, stored_numbers
from stillhouse.inference.vllm.arguments import EngineModel
from stillhouse.inference.vllm.footprint import Footprint
from stillhouse.planning.model_memory import ModelMemory, memory_line, reckon_memory
from stillhouse.recipe.teacher import ServedModel, Teacher
from stillhouse.runtime.machine import Machine, engine_machine
from tasks.orchestration.engine_models import as_evaluated, as_served
from tasks.orchestration.passed_checks import folder_state, has_passed, note_passed
from tasks.orchestration.run import Run
from tasks.orchestration.run_models import find_checkpoint

# of a prompt, before any was counted
_PROMPT_TOKENS = 4096


def models_memory(run: Run, teachers: Sequence[Checkpoint], judge: Checkpoint | None) -> tuple[ModelMemory, ...]:
    """Return the memory of each model that an engine here serves: teachers, judge, and what students are made from."""
    return tuple(_all(run, teachers, judge, engine_machine(run.settings.engine_python)))


def named_models_memory(run: Run) -> tuple[ModelMemory, ...]:
    """Return the memory of the same models by their names alone: nothing is converted, and no commit looked up."""
    judge = run.recipe.judge
    return models_memory(run, named_teachers(run), _named(run, judge) if judge else None)


def named_teachers(run: Run) -> list[Checkpoint]:
    """Return the teachers by their names alone, in the recipe's order."""
    return [_named(run, teacher) for teacher in run.recipe.teachers]


def find_refusal(run: Run, field: str, config: ServedModel, checkpoint: Checkpoint) -> str:
    """Return why this machine can't serve the model of `field`, with what would; empty if it can, or that is not known.

    A run goes on all the same while it finds all answers stored: no engine starts then.
    """
    if isinstance(config, Teacher) and config.replicas > 1 and run.settings.ray_address:
        # other nodes serve it
        return ""
    machine = engine_machine(run.settings.engine_python)
    looked_at = ["memory", folder_state(checkpoint.path), config.model_dump(mode="json"), machine.model_dump()]
    is_folder = Path(checkpoint.path).is_dir()
    if is_folder and has_passed(run.settings, looked_at):
        return ""
    memory = _of_served(field, config, checkpoint, machine)
    if is_folder and memory.verdict == "fits":
        note_passed(run.settings, looked_at)
    return "\n  ".join([memory_line(memory), *memory.commands]) if memory.verdict == "does not fit" else ""


def _named(run: Run, model: ServedModel) -> Checkpoint:
    if model.endpoint:
        return Checkpoint.behind(model.endpoint, model.model, model.revision)
    return find_checkpoint(model.model, model.revision, run.settings)


def _all(run: Run, teachers: Sequence[Checkpoint], judge: Checkpoint | None, machine: Machine) -> Iterator[ModelMemory]:
    found = [*teachers, *([judge] if judge else [])]
    for (field, config), checkpoint in zip(run.recipe.served_models.items(), found, strict=True):
        if not config.endpoint:
            yield _of_served(field, config, checkpoint, machine)
    evaluation = run.recipe.evaluation
    for student in run.recipe.all_students:
        if not student.is_encoder:
            base = find_checkpoint(student.model, student.revision, run.settings)
            yield _reckon("evaluation", as_evaluated(student, base, evaluation), evaluation.max_tokens, machine)


def _of_served(field: str, config: ServedModel, checkpoint: Checkpoint, machine: Machine) -> ModelMemory:
    return _reckon(field, as_served(config, checkpoint), config.sampling.max_tokens, machine)


def _reckon(field: str, model: EngineModel, max_tokens: int, machine: Machine) -> ModelMemory:
    return reckon_memory(field, model, _footprint(model, max_tokens), machine)


def _footprint(model: EngineModel, max_tokens: int) -> Footprint | None:
    stored = stored_numbers(model.path, model.revision)
    if not stored:
        return None
    config = known_config(model.path, model.revision)
    if config is None:
        return None
    limit = getattr(config.get_text_config(), "max_position_embeddings", None) or 2**31
    tokens = model.engine.max_model_len or min(limit, _PROMPT_TOKENS + max_tokens)
    weights = loaded_bytes(stored, model.dtype, model.quantization)
    return Footprint.of(config, weights, tokens, (model.dtype, model.engine.kv_cache_dtype))
