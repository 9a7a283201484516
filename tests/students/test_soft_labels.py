"""A student's loss on the teacher's probabilities of the labels, on a tiny model in the engine environment."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.training import SoftLabels, Training, TrainingExecution
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import load_settings
from stillhouse.students.spec import TrainSpec
from tasks.orchestration.workers import Worker
from tests.support.engine_side import read_checks, run_engine_side

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny base model, and what the engine side found out."""
    folder = tmp_path_factory.mktemp("soft")
    return run_engine_side("soft_labels", folder)


@pytest.fixture(scope="module")
def checks(lab: Path) -> dict[str, Any]:
    return read_checks(lab)


def test_soft_loss_equals_its_definition_packed_and_apart(checks: dict[str, Any]) -> None:
    # the labels are several tokens each, and some begin alike: else the tree would be one fork
    assert min(len(answer) for answer in checks["answers"]) == 2 < 5 < max(len(answer) for answer in checks["answers"])
    assert len({answer[0] for answer in checks["answers"]}) == 2
    for loss in checks["losses"]:
        assert math.isclose(loss["apart"], loss["oracle"], rel_tol=1e-6)
        assert math.isclose(loss["packed"], loss["oracle"], rel_tol=1e-6)
    assert len({round(loss["oracle"], 3) for loss in checks["losses"]}) == len(checks["losses"])


def test_soft_loss_expected_over_the_teachers_answers_is_the_divergence_of_whole_labels(checks: dict[str, Any]) -> None:
    expected, whole = checks["chain_rule"]
    assert math.isclose(expected, whole, rel_tol=1e-6)


@pytest.mark.parametrize("way", ["full", "lora", "packed"])
def test_soft_labels_of_weight_0_train_bit_for_bit_as_none_do(checks: dict[str, Any], way: str) -> None:
    at_weight_0, at_weight_half = checks["is_plain"][way]
    assert at_weight_0
    assert not at_weight_half


def test_soft_loss_accumulated_over_batches_is_that_of_one_batch(checks: dict[str, Any]) -> None:
    (loss, norm), (summed_loss, summed_norm) = checks["steps"]
    assert math.isclose(loss, summed_loss, rel_tol=1e-5)
    assert math.isclose(norm, summed_norm, rel_tol=1e-5)


def test_soft_loss_keeps_what_a_mixture_of_experts_adds(checks: dict[str, Any]) -> None:
    ours, theirs = checks["experts"]
    assert math.isclose(ours, theirs, rel_tol=1e-6)


def test_gold_rows_make_no_choice(checks: dict[str, Any]) -> None:
    assert checks["num_with_choices"] == 9  # of 12 rows, every fourth one gold


def test_student_learns_the_teachers_probabilities_and_not_its_answer_alone(checks: dict[str, Any]) -> None:
    # the teacher gives the labels behind either first token 0.5 together; its answer always begins with the first
    assert checks["learnt"]["hard"][0] > 0.95
    assert all(abs(share - 0.5) < 0.05 for share in checks["learnt"]["soft"])


def test_train_counts_the_rows_that_have_probabilities(lab: Path) -> None:
    shares = {"billing": 0.7, "delivery": 0.3}
    rows = [
        {
            "prompt": [{"role": "user", "content": f"card {index}"}],
            "completion": [{"role": "assistant", "content": "billing"}],
            **({"label_probabilities": shares} if index % 3 else {}),
        }
        for index in range(6)
    ]
    (lab / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    here = TrainingExecution(threads=1, device="cpu")
    steps = {"max_steps": 2, "batch_size": 3, "learning_rate": 5e-4, "precision": "float32"}
    training = Training(soft_labels=SoftLabels(), execution=here, **steps)
    places = {"rows": str(lab / "rows.jsonl"), "checkpoints": str(lab / "checkpoints"), "out": str(lab / "out")}
    student = {"base_model": str(lab / "base"), "chat_template": MINIMAL_CHATML}
    spec = TrainSpec(validation=places["rows"], training=training, **student, **places)
    summary = run_worker(Worker.TRAIN, spec, python=PYTHON)
    assert (summary["rows"], summary["rows_with_soft_label"], summary["validation_rows"]) == (6, 4, 6)
    assert summary["validation_loss"] > 0
    assert (lab / "out" / "model.safetensors").is_file()
