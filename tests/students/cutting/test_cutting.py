"""Cuts of tiny models, in the engine environment: what was planted as useless goes, and nothing else changes."""

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stillhouse.recipe.cut import Cut
from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings
from stillhouse.students.cutting.families import FAMILIES
from stillhouse.students.size import num_parameters

PYTHON = load_settings().engine_python
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PYTHON.exists(), reason="no engine environment"),
]


def write_rows(path: Path, count: int) -> None:
    """Write rows that differ, of which one in two has another answer."""
    words = ("parcel", "refund", "card", "lost", "late", "broken", "invoice")
    with path.open("w") as file:
        for number in range(count):
            text = " ".join(words[(number * step) % len(words)] for step in range(1, 4 + number % 5))
            answer = "delivery" if number % 2 else "billing"
            turns = {"prompt": ("user", text), "completion": ("assistant", answer)}
            row = {name: [{"role": role, "content": said}] for name, (role, said) in turns.items()}
            file.write(json.dumps({"id": str(number)} | row) + "\n")


def in_engine(module: str, *arguments: str) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    command = [str(PYTHON), "-m", f"tests.support.workers.{module}", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cutting")
    write_rows(folder / "rows.jsonl", 60)
    write_rows(folder / "validation.jsonl", 9)
    in_engine("cutting", str(folder))
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "cuts.json").read_text())
    return found


@pytest.mark.parametrize("kind", FAMILIES)
def test_cut_of_planted_layers_neurons_and_heads_changes_no_logit(found: dict[str, Any], kind: str) -> None:
    cut = found["families"][kind]
    assert cut["layers"] == [0, 1, 3, 5], "the layers that add nothing are 2 and 4"
    assert cut["difference"] < 1e-5 * cut["scale"]
    assert cut["cached_decoding_is_equal"]
    assert math.isclose(cut["loss_cut"], cut["loss_whole"], rel_tol=1e-6)
    narrower = cut["kept"]["neurons"] / cut["whole"]["neurons"], cut["kept"]["heads"] / cut["whole"]["heads"]
    assert narrower == (0.5, 0.5 if FAMILIES[kind].heads else 1.0)


@pytest.mark.parametrize("kind", FAMILIES)
def test_cut_parameters_are_about_those_planned_without_weights(folder: Path, found: dict[str, Any], kind: str) -> None:
    cut = found["families"][kind]
    asked = Cut(layers="influence", feed_forward=0.5, heads=0.5 if FAMILIES[kind].heads else 1.0)
    planned = num_parameters(str(folder / "bases" / kind), "", 4, asked)
    # norms and biases are left out, and GPT-2's positions count as layers: much here, little in a real model
    assert planned == pytest.approx(cut["parameters"], rel=0.06)
    assert cut["parameters"] < cut["whole_parameters"]


def test_cut_writes_the_sizes_that_engines_read(found: dict[str, Any]) -> None:
    config = found["families"]["llama"]["config"]
    names = ("num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim")
    assert [config[name] for name in names] == [4, 32, 2, 1, 8]
    assert found["families"]["gpt2"]["config"]["n_inner"] == 64


@pytest.mark.parametrize("name", ["influence", "neurons", "heads"])
def test_importance_equals_its_definition_by_hand(found: dict[str, Any], name: str) -> None:
    measured, by_hand = found["numbers"][name], found["numbers"][f"manual_{name}"]
    assert measured == pytest.approx(by_hand, rel=1e-5, abs=1e-9)
    assert max(measured) > 0.1


def test_losses_equal_those_by_hand_and_of_models_without_the_layer(found: dict[str, Any]) -> None:
    numbers = found["numbers"]
    assert math.isclose(numbers["loss"], numbers["manual_loss"], rel_tol=1e-6)
    assert numbers["loss_without"] == pytest.approx(numbers["manual_loss_without"], abs=1e-5)
    assert [numbers["loss_without"][layer] for layer in (2, 4)] == pytest.approx([0, 0], abs=1e-6)


def test_cut_to_given_first_and_dearest_layers(found: dict[str, Any]) -> None:
    cuts = found["cuts"]
    assert cuts["given"]["layers"] == [1, 2, 5]
    assert cuts["first"]["layers"] == [0, 1, 2]
    dear = cuts["loss"]["layer_importance"]
    assert cuts["loss"]["layers"] == sorted(sorted(range(6), key=lambda layer: dear[layer])[2:])


def test_cut_of_evenly_spaced_layers_alone_measures_and_writes_no_weights(found: dict[str, Any]) -> None:
    even = found["cuts"]["even"]
    assert (even["layers"], even["files"]) == ([0, 2, 3, 5], ["cut.json"])
    assert even["loss_cut"] != even["loss_whole"]


def test_cut_of_heads_that_share_all_keys_keeps_these(found: dict[str, Any]) -> None:
    shared = found["cuts"]["shared"]
    assert (shared["kept"]["heads"], shared["kept"]["kv_heads"]) == (2, 1)
    assert shared["difference"] < 1e-5 * shared["scale"]


def test_embeddings_untied_start_equal_tied_share_and_new_know_nothing(found: dict[str, Any]) -> None:
    cuts = found["cuts"]
    assert (cuts["untied"]["is_tied"], cuts["untied"]["difference"]) == (False, 0.0)
    assert cuts["untied"]["parameters"] > cuts["untied"]["whole_parameters"]
    assert cuts["tied"]["is_tied"]
    assert cuts["tied"]["parameters"] < cuts["tied"]["whole_parameters"]
    assert not cuts["new"]["is_tied"]
    assert cuts["new"]["difference"] > 0.1 * cuts["new"]["scale"]


def test_cut_loss_is_of_validation_rows_if_there_are_any(found: dict[str, Any]) -> None:
    cuts = found["cuts"]
    assert (cuts["validation"]["loss_on_validation"], cuts["even"]["loss_on_validation"]) == (True, False)
    assert cuts["validation"]["layers"] == cuts["even"]["layers"]
    assert cuts["validation"]["loss_whole"] != cuts["even"]["loss_whole"]


def test_correction_trains_the_whole_before_the_cut(found: dict[str, Any]) -> None:
    corrected, plain = found["cuts"]["corrected"], found["cuts"]["first"]
    assert "loss_corrected" not in plain
    assert corrected["loss_corrected"] < 0.5 * corrected["loss_whole"] == 0.5 * plain["loss_whole"]
    assert corrected["loss_corrected"] < corrected["loss_cut"] < 0.5 * plain["loss_cut"]


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "phi3", "gpt2"])
def test_cut_is_served_by_vllm_as_the_whole_is(folder: Path, kind: str) -> None:
    written = []
    for which in ("whole", "cut"):
        in_engine("cut_served", str(folder), kind, which)
        written.append(json.loads((folder / "served" / f"{kind}-{which}" / "tokens.json").read_text()))
    assert written[0] == written[1]
    assert len({token for tokens in written[0] for token in tokens}) > 4, "any model would write these"
