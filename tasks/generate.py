"""Has the teacher answer every training and validation prompt that has no reference."""

from typing import Any

from tasks.artifacts.ref import ArtifactRef
from tasks.engine_stage import run_engine_worker
from tasks.engines.checkpoints import Checkpoint
from tasks.engines.start import environment_for
from tasks.run import Run
from tasks.stage import StageCall, stage
from tasks.teachers.completion import teacher_fingerprint
from tasks.teachers.spec import GenerateSpec


@stage("generate", version=1, on_device=True)
def generate(call: StageCall) -> dict[str, Any]:
    """Write completions.parquet; answers go to the completion store as they come."""
    split, balanced = call.folder("split"), call.folder("balance")
    teacher = call.execution["teacher"]
    spec = GenerateSpec(
        model_path=call.execution["path"],
        teacher=teacher,
        teacher_fingerprint=call.identity["teacher_fingerprint"],
        skill=call.execution["skill"],
        labels=tuple(call.identity["labels"]),
        skip_labelled=call.identity["skip_labelled"],
        rows=(str(balanced / "train.parquet"), str(split / "validation.parquet")),
        examples=str(split / "examples.parquet"),
        store=call.settings.store,
        out=str(call.work.folder),
    )
    return run_engine_worker(call, "tasks.teachers.worker", spec, environment_for(teacher.engine))


def ask_teacher(run: Run, teacher: Checkpoint, sides: ArtifactRef, balanced: ArtifactRef) -> ArtifactRef:
    """Return the teacher's answers; only those that no earlier run stored are asked."""
    recipe = run.recipe
    asked = recipe.teacher
    identity = {
        "teacher_fingerprint": teacher_fingerprint(teacher.identity, asked.dtype, asked.quantization),
        "prompt": asked.prompt,
        "sampling": asked.sampling,
        "output": asked.output,
        "instruction": recipe.skill.instruction,
        "labels": run.summary("validate")["labels"],
        "skip_labelled": recipe.training.use_references,
    }
    inputs = {"split": sides, "balance": balanced, **teacher.inputs}
    return run.build(generate, inputs, identity, teacher=asked, skill=recipe.skill, path=teacher.path)
