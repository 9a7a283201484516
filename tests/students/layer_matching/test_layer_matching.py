"""Students that learn another model's layers, in the engine environment: losses, steps, resumes and refusals."""

import math
from typing import Any

import pytest

from stillhouse.runtime.settings import load_settings
from tests.support.engine_side import read_checks, run_engine_side

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("layers")
    run_engine_side("layer_matching", folder)
    return read_checks(folder)


@pytest.mark.parametrize("name", ["mse", "relative_mse", "cosine", "last", "given", "completion"])
def test_loss_equals_its_definition_at_either_padding_side(checks: dict[str, Any], name: str) -> None:
    right, left, expected = checks["losses"][name]
    assert math.isclose(right, expected, rel_tol=5e-6)
    assert math.isclose(left, expected, rel_tol=5e-6)


@pytest.mark.parametrize("place", [0, 1], ids=["hidden_states", "attention"])
def test_matching_of_an_uncut_student_and_its_base_is_zero_and_of_a_cut_one_is_not(
    checks: dict[str, Any], place: int
) -> None:
    assert abs(checks["equal"][place]) < 1e-7
    assert checks["cut"][place] > 1e-3


@pytest.mark.parametrize("name", ["states", "relations", "packed"])
def test_step_does_not_depend_on_batches_checkpointing_or_packing(checks: dict[str, Any], name: str) -> None:
    plain, *others = checks["steps"][name]
    for other in others:
        assert all(math.isclose(one, two, rel_tol=1e-5) for one, two in zip(plain, other, strict=True))


@pytest.mark.parametrize(("name", "projections"), [("states", 2), ("adapter", 2), ("relations", 0)])
def test_training_killed_and_resumed_has_equal_weights_and_exports_no_projection(
    checks: dict[str, Any], name: str, projections: int
) -> None:
    found = checks["resumed"][name]
    assert found["weights"]
    assert found["history"]
    assert found["projections_kept"] == projections
    assert found["exported_beside_the_base"] == []


def test_matching_in_bfloat16_is_near_that_in_float32(checks: dict[str, Any]) -> None:
    plain, halved = checks["steps"]["bfloat16"]
    assert all(math.isclose(one, two, rel_tol=0.03) for one, two in zip(plain, halved, strict=True))


def test_training_brings_hidden_states_nearer_to_the_teachers(checks: dict[str, Any]) -> None:
    losses = checks["resumed"]["states"]["losses"]
    assert losses[-1] < 0.9 * losses[0]


def test_validation_is_the_cross_entropy_alone_as_in_plain_training(checks: dict[str, Any]) -> None:
    plain, *others = checks["validation"]
    assert all(math.isclose(loss, plain, rel_tol=1e-6) for loss in others)


def test_what_does_not_fit_is_refused_by_its_name(checks: dict[str, Any]) -> None:
    said = checks["refusals"]
    assert "training.hidden_states.layers names 3 layers, and the student has 2" in said["length"]
    assert "names layer 8, and the teacher has layers 0 to 7" in said["range"]
    assert "relation_heads is 5" in said["heads"]
    assert "1, 2, 4, 8, or 0" in said["heads"]
    assert "training.attention.source to base, or training.kind to sft" in said["vocabulary"]
