"""On-policy training of tiny models beside its definitions, in the engine environment.

These fail where TRL computes something else than it did: losses and gradients are compared with float64.
"""

import math
import re
from typing import Any

import pytest

from stillhouse.runtime.settings import load_settings
from tests.support.engine_side import read_checks, run_engine_side

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the engine side found out."""
    folder = tmp_path_factory.mktemp("on-policy")
    run_engine_side("on_policy", folder)
    return read_checks(folder)


def test_loss_equals_the_divergence_of_its_beta_and_temperature(checks: dict[str, Any]) -> None:
    for loss in checks["losses"]:
        assert math.isclose(loss["ours"], loss["oracle"], rel_tol=1e-5), loss
        assert loss["gradient_far"] < 1e-4, loss
    # each pair is another number, so that none can stand for the other
    assert len({round(loss["oracle"], 4) for loss in checks["losses"]}) == len(checks["losses"])


def test_text_step_has_the_supervised_trainers_loss(checks: dict[str, Any]) -> None:
    assert math.isclose(checks["text"]["ours"], checks["text"]["sft"], rel_tol=1e-5)


def test_steps_do_not_depend_on_how_their_rows_are_split(checks: dict[str, Any]) -> None:
    assert checks["accumulation"] < 1e-4


def test_training_on_own_answers_lowers_the_reverse_kl_of_new_ones(checks: dict[str, Any]) -> None:
    assert checks["learning"]["after"] < 0.9 * checks["learning"]["before"]


def test_sampling_temperature_is_not_that_of_the_comparison(checks: dict[str, Any]) -> None:
    assert checks["sampling"]["compared_at"] == 3.0
    # nearly greedy against free
    assert checks["sampling"]["cold"] != checks["sampling"]["hot"]


def test_own_answers_end_behind_any_of_the_students_stop_tokens(checks: dict[str, Any]) -> None:
    found = checks["sampling"]
    assert len(found["cold"][0]) == 6
    # the same student, had it a second stop token that it writes at once
    assert found["stopped"][0] == [found["stops"][1]]
    for answer in found["stopped"]:
        assert not set(answer[:-1]) & set(found["stops"])


def test_adapter_learns_and_is_merged_as_it_answered(checks: dict[str, Any]) -> None:
    assert checks["lora"]["steps"] == 4
    assert checks["lora"]["effect"] > 1e-4
    assert checks["lora"]["merge_difference"] < 1e-4


def test_teacher_of_a_padded_vocabulary_is_compared_without_the_padding(checks: dict[str, Any]) -> None:
    assert checks["padded"]["widths"][0] < checks["padded"]["widths"][1]
    assert math.isclose(checks["padded"]["ours"], checks["padded"]["oracle"], rel_tol=1e-5)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("other vocabulary", r"vocabularies differ .* training\.on_policy\.bridge: gold"),
        ("no teacher", r"name a teacher without `endpoint`"),
        ("context", r"max_new_tokens: 250 .* context of 256: set it to at most"),
    ],
)
def test_job_that_cannot_be_trained_is_refused_with_a_remedy(checks: dict[str, Any], job: str, said: str) -> None:
    assert re.search(said, checks["refusals"][job])


def test_gold_equals_its_definition_for_other_and_equal_tokenizers(checks: dict[str, Any]) -> None:
    for loss in checks["gold"]["losses"]:
        assert math.isclose(loss["ours"], loss["oracle"], rel_tol=1e-4), loss


def test_gold_training_comes_nearer_to_a_teacher_of_another_tokenizer(checks: dict[str, Any]) -> None:
    history = checks["gold"]["history"]
    assert min(history) < 0.95 * history[0]


def test_server_teachers_loss_is_the_divergence_on_the_tokens_it_names(checks: dict[str, Any]) -> None:
    for loss in checks["server"]:
        assert math.isclose(loss["ours"], loss["oracle"], rel_tol=1e-4), loss


def test_training_killed_in_either_part_ends_with_equal_weights(checks: dict[str, Any]) -> None:
    # of 12 steps the first 5 learn text; checkpoints are kept every 2
    logs = [one["log"] for one in checks["resume"]["equal"]]
    assert [any("going on from checkpoint-" in line for line in lines) for lines in logs] == [True, True]
    assert all(one["weights"] and one["summary"] for one in checks["resume"]["equal"])


def test_validation_loss_chooses_the_best_step_of_both_parts(checks: dict[str, Any]) -> None:
    summary = checks["resume"]["summary"]
    losses = {one["step"]: one["validation_loss"] for one in summary["history"] if "validation_loss" in one}
    assert sorted(losses) == [4, 8, 12]
    assert summary["validation_loss"] == min(losses.values()) == losses[summary["best_step"]]


def test_server_is_sent_token_ids_and_the_key_and_its_refusal_is_told(checks: dict[str, Any]) -> None:
    found = checks["client"]
    assert found["sent"]["path"] == "/v1/completions"
    assert found["sent"]["key"] == "Bearer k"
    assert (found["sent"]["prompt"], found["sent"]["prompt_logprobs"]) == ([[5, 6, 7]], 1)
    # of the answer's two tokens
    assert found["read"]["actual_logprobs"] == [[[-0.5], [-0.5]]]
    assert "answered 404" in found["refused"]
    assert "--max-logprobs" in found["refused"]


def test_worker_trains_a_cut_student_across_tokenizers_and_exports_it(checks: dict[str, Any]) -> None:
    found = checks["whole"]
    assert (found["steps"], found["layers"]) == (6, 4)
    assert "from step 4 on the student answers itself" in found["log"]
