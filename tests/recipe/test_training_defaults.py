"""What a recipe leaves open in a student's training, settled by size, method and device."""

import pytest

from stillhouse.config import identity
from stillhouse.recipe.training import Training
from stillhouse.recipe.training_defaults import with_defaults

MILLION, BILLION = 10**6, 10**9
# what was written by the version before, whose defaults were these for every size
BEFORE = {"learning_rate": 5e-4, "precision": "float32"}


def settled(parameters: int | None, on_gpu: bool = False, **fields: object) -> Training:
    return with_defaults(Training.model_validate(fields), parameters, on_gpu=on_gpu)


@pytest.mark.parametrize(
    ("parameters", "method", "rate"),
    [
        (135 * MILLION, "full", 5e-4),
        (600 * MILLION, "full", 1e-4),
        (1 * BILLION, "full", 5e-5),
        (4 * BILLION, "full", 2e-5),
        (8 * BILLION, "full", 1e-5),
        (70 * BILLION, "full", 1e-5),
        (135 * MILLION, "lora", 5e-4),
        (4 * BILLION, "lora", 2e-4),
        (8 * BILLION, "qlora", 1e-4),
        (None, "full", 5e-5),
    ],
)
def test_learning_rate_unset_follows_size_and_method(parameters, method, rate):
    assert settled(parameters, method=method).learning_rate == rate


def test_training_set_by_the_recipe_stays_whatever_the_size():
    given = {"learning_rate": 3e-3, "precision": "float32", "weights": "float32"}
    found = settled(8 * BILLION, on_gpu=True, **given, execution={"gradient_checkpointing": False})
    assert {name: getattr(found, name) for name in given} == given
    assert found.execution.gradient_checkpointing is False


@pytest.mark.parametrize(
    ("parameters", "method", "weights"),
    [
        (135 * MILLION, "full", None),  # 16 bytes a parameter fit any GPU, and no small change is rounded away
        (4 * BILLION, "full", "bfloat16"),
        (135 * MILLION, "lora", "bfloat16"),
        (8 * BILLION, "qlora", "bfloat16"),
    ],
)
def test_training_on_gpus_is_in_bfloat16_with_checkpointing(parameters, method, weights):
    found = settled(parameters, on_gpu=True, method=method)
    assert (found.precision, found.weights) == ("bfloat16", weights)
    assert found.execution.gradient_checkpointing is True


def test_training_on_a_cpu_of_a_small_student_has_the_fingerprint_of_the_version_before():
    assert identity(settled(135 * MILLION)) == identity(Training.model_validate(BEFORE))
    assert not {"weights", "optimizer"} & identity(settled(135 * MILLION)).keys()
    assert settled(135 * MILLION).execution.gradient_checkpointing is False
