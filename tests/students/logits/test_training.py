"""A student's loss on a teacher's stored log-probabilities, on a tiny model in the engine environment."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from stillhouse.completions.token_numbers import TokenLine, tokens_path, top_numbers, write_token_lines
from stillhouse.errors import ModelError
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.training import Training, TrainingExecution
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import load_settings
from stillhouse.students.spec import TrainSpec
from tasks.orchestration.workers import Worker
from tests.support.engine_side import read_checks, run_engine_side
from tests.support.killed_training import kill_after_first_checkpoint

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]
LIKELY = {7: math.log(0.5), 8: math.log(0.3), 9: math.log(0.1)}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny base model, and what the engine side found out."""
    folder = tmp_path_factory.mktemp("logits")
    return run_engine_side("logits", folder)


@pytest.fixture(scope="module")
def checks(lab: Path) -> dict[str, Any]:
    return read_checks(lab)


def test_logits_loss_on_random_tensors_is_its_definition_in_float64(checks: dict[str, Any]) -> None:
    assert len(checks["random"]["oracle"]) == 15  # 5 ways, 3 numbers of known tokens
    for ours, theirs in checks["random"]["oracle"]:
        assert math.isclose(ours, theirs, rel_tol=1e-6)
    assert all(checks["random"]["gradient"])


def test_logits_loss_at_k_of_the_vocabulary_is_the_dense_kl(checks: dict[str, Any]) -> None:
    for ours, dense in checks["random"]["dense"]:
        assert abs(ours - dense) < 1e-5
        assert dense > 1.0


def test_logits_loss_of_equal_models_is_0(checks: dict[str, Any]) -> None:
    assert max(abs(loss) for loss in checks["random"]["equal"]) < 1e-6


def test_logits_loss_of_a_toy_is_the_sum_by_hand(checks: dict[str, Any]) -> None:
    assert abs(checks["toy"] - (0.7 * math.log(0.7 / 0.5) + 0.3 * math.log(0.3 / 0.5))) < 1e-6


@pytest.mark.parametrize("way", ["apart", "packed", "turned", "padded on the left"])
def test_logits_loss_is_that_of_its_rows_however_they_are_arranged(checks: dict[str, Any], way: str) -> None:
    for loss in checks["losses"]:
        assert math.isclose(loss[way], loss["oracle"], rel_tol=1e-6)
    assert len({round(loss["oracle"], 3) for loss in checks["losses"]}) == len(checks["losses"])


def test_draws_loss_is_its_definition_and_draws_are_spread_as_the_teacher(checks: dict[str, Any]) -> None:
    for ours, theirs in checks["draws"]["oracle"]:
        # 200,000 draws: five standard deviations of the share of a token are 0.0055
        assert ours == pytest.approx(theirs, abs=0.0055, rel=1e-6)


def test_draws_loss_and_its_gradient_are_right_on_average(checks: dict[str, Any]) -> None:
    # the three divergences and their gradients at two temperatures, over 200,000 draws
    assert len(checks["draws"]["means"]) == 12
    for ours, exact in checks["draws"]["means"]:
        assert ours == pytest.approx(exact, abs=0.012)


def test_draws_loss_of_equal_models_is_0(checks: dict[str, Any]) -> None:
    assert max(abs(loss) for loss in checks["draws"]["equal"]) < 1e-6


def test_draw_worker_writes_the_teachers_own_probabilities_again_and_again(checks: dict[str, Any]) -> None:
    drawn = checks["drawn"]
    # a completion without tokens has no draws
    assert drawn["summary"] == {"completions": 2, "tokens": 4}
    assert drawn["again"]
    assert len(drawn["pairs"]) == 4
    for ours, theirs in drawn["pairs"]:
        assert len(ours) == 12
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_logits_loss_counts_the_tokens_that_the_teacher_wrote(checks: dict[str, Any]) -> None:
    covered, of = checks["covered"]
    assert 0 < covered < of


def test_logits_loss_accumulated_over_batches_is_that_of_one_batch(checks: dict[str, Any]) -> None:
    (loss, norm), (summed_loss, summed_norm) = checks["steps"]
    assert math.isclose(loss, summed_loss, rel_tol=1e-5)
    assert math.isclose(norm, summed_norm, rel_tol=1e-5)


def test_student_comes_nearer_to_the_teacher_by_its_logits_than_by_its_text(checks: dict[str, Any]) -> None:
    before, after = checks["divergence"]["logits"]
    assert after < 0.95 * before
    assert checks["divergence"]["text"][1] > before
    assert checks["divergence"]["lora"][1] < checks["divergence"]["lora"][0]


def write_rows(folder: Path, name: str, tokens: tuple[int, ...]) -> None:
    """Write rows of which two of three have numbers of the teacher's `tokens`."""
    rows = [
        {
            "id": str(index),
            "prompt": [{"role": "user", "content": f"card {index}"}],
            "completion": [{"role": "assistant", "content": "card" if index % 2 else "plan"}],
        }
        for index in range(18)
    ]
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    numbers = top_numbers(tokens, [LIKELY] * len(tokens), 3)
    assert numbers is not None
    lines = [TokenLine(line, str(line), None, 0, numbers) for line in range(18) if line % 3]
    write_token_lines(lines, tokens_path(path))


def spec_of(lab: Path, folder: Path, name: str) -> TrainSpec:
    training = Training(
        kind="logits",
        logits=LogitsSettings(k=3),
        epochs=4,
        batch_size=3,
        learning_rate=0.01,
        precision="float32",
        save_every=4,
        early_stopping_patience=0,
        execution=TrainingExecution(threads=1, device="cpu"),
    )
    return TrainSpec(
        base_model=str(lab / "base"),
        layers=4,
        chat_template=MINIMAL_CHATML,
        rows=str(folder / "train.jsonl"),
        validation=str(folder / "validation.jsonl"),
        training=training,
        checkpoints=str(folder / name / "checkpoints"),
        out=str(folder / name / "out"),
    )


def tokens_of(lab: Path, text: str) -> tuple[int, ...]:
    from tokenizers import Tokenizer

    return tuple(Tokenizer.from_file(str(lab / "base" / "tokenizer.json")).encode(text).ids)


def test_train_on_logits_killed_and_resumed_exports_equal_bytes(lab: Path, tmp_path: Path) -> None:
    for name in ("train", "validation"):
        write_rows(tmp_path, name, tokens_of(lab, "plan"))
    whole, killed = (spec_of(lab, tmp_path, name) for name in ("whole", "killed"))
    summary = run_worker(Worker.TRAIN, whole, python=PYTHON)
    kill_after_first_checkpoint(killed)
    logs: list[str] = []
    run_worker(Worker.TRAIN, killed, python=PYTHON, on_event=lambda event: logs.append(getattr(event, "text", "")))
    assert any(text.startswith("going on from checkpoint-") for text in logs)
    ours, theirs = ({path.name: path.read_bytes() for path in Path(one.out).iterdir()} for one in (killed, whole))
    assert ours == theirs
    # half of the rows say "card", which is not what the teacher wrote
    assert 0 < summary["teacher_tokens"] < summary["learnt_tokens"]
    assert f"{summary['teacher_tokens']} of {summary['learnt_tokens']} tokens" in " ".join(logs)
    assert summary["validation_loss"] > 0


def test_train_on_logits_of_another_vocabulary_is_refused_with_the_remedy(lab: Path, tmp_path: Path) -> None:
    for name in ("train", "validation"):
        write_rows(tmp_path, name, (3, 4, 3))
    with pytest.raises(ModelError, match=r"their vocabularies\s+differ.*training\.kind: sft"):
        run_worker(Worker.TRAIN, spec_of(lab, tmp_path, "other"), python=PYTHON)
