"""The memory of training, against arithmetic by hand from the models' published sizes."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from stillhouse.inference.published_models import PUBLISHED_MODELS
from stillhouse.planning.training_memory import GIB, StudentShape, reckon_training, training_bytes, training_line
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.training import Training
from stillhouse.recipe.training_defaults import with_defaults
from stillhouse.runtime.machine import Gpu, Machine
from stillhouse.runtime.settings import load_settings
from tasks.orchestration import training_memory
from tests.support.builders import make_recipe_fields

PHI_4_MINI, LLAMA_8B = "microsoft/Phi-4-mini-instruct", "meta-llama/Llama-3.1-8B-Instruct"
# weights and gradients and AdamW's two numbers, of 2 bytes each; or both of these in one byte each
BYTES_EACH = {"adamw": 8, "adamw_8bit": 6}


def shape(name: str) -> StudentShape:
    model = PUBLISHED_MODELS[name]
    return StudentShape.of(model.config(), sum(model.numbers.values()))


def settled(**fields: object) -> Training:
    return with_defaults(Training(**{"batch_size": 4, "max_length": 2048, **fields}), 4 * 10**9, on_gpu=True)


@pytest.mark.parametrize("optimizer", BYTES_EACH)
def test_training_bytes_in_full_are_those_of_each_parameter_and_what_a_layer_keeps(optimizer):
    found = training_bytes(shape(LLAMA_8B), settled(optimizer=optimizer))
    # 32 inputs of layers of 8,192 tokens; one layer twice: 8 * 4096, 2 * (32 + 16) * 128 and 4 * 14336 numbers
    activations = 8192 * 2 * (32 * 4096 + 2 * (8 * 4096 + 2 * 48 * 128 + 4 * 14_336))
    logits = 256 * 128_256 * 8
    assert found == 8_030_261_248 * BYTES_EACH[optimizer] + activations + logits + GIB


def test_training_bytes_of_an_adapter_are_those_of_the_weights_and_its_own():
    found = training_bytes(shape(LLAMA_8B), settled(method="lora"))
    without = training_bytes(shape(LLAMA_8B), settled(method="lora", lora={"r": 1}))
    # peft counts 41.9 million parameters for rank 16 on all linear layers of this model; each takes 16 bytes
    assert (found - without) / 15 * 16 == pytest.approx(41_943_040 * 16, rel=0.01)


def test_training_bytes_in_4_bits_are_about_a_quarter_of_the_weights():
    lora, qlora = (training_bytes(shape(PHI_4_MINI), settled(method=method)) for method in ("lora", "qlora"))
    # 3.836 billion less 0.615 of embeddings, which stay as they are, by 2 - 0.52 bytes
    assert lora - qlora == pytest.approx((3_836_021_760 - 614_596_608) * 1.48, rel=0.001)


def test_training_bytes_without_checkpointing_hold_every_layer():
    kept = training_bytes(shape(PHI_4_MINI), settled(execution={"gradient_checkpointing": False}))
    assert kept - training_bytes(shape(PHI_4_MINI), settled()) > 20 * GIB


def test_training_bytes_of_a_model_beside_the_student_are_those_of_its_weights_alone():
    student, beside = shape(PHI_4_MINI), 8_030_261_248
    for fields, each in (({}, 2), ({"precision": "float32"}, 4)):
        alone = training_bytes(student, settled(**fields))
        assert training_bytes(student, settled(**fields), beside) - alone == beside * each


def test_training_bytes_of_one_of_four_processes_are_its_share_of_weights_and_rows():
    alone, whole = (training_bytes(shape(LLAMA_8B), settled(batch_size=size)) for size in (4, 1))
    of_four = {"batch_size": 4, "execution": {"processes": 4, "gradient_checkpointing": True}}
    assert training_bytes(shape(LLAMA_8B), settled(**of_four)) == whole < alone
    of_four["execution"] |= {"sharding": "fsdp"}
    assert whole - training_bytes(shape(LLAMA_8B), settled(**of_four)) == pytest.approx(8_030_261_248 * 8 * 3 / 4)


@pytest.mark.parametrize("name", [PHI_4_MINI, LLAMA_8B])
def test_reckon_training_of_a_real_student_fits_80_gb_by_an_adapter_and_says_what_full_takes(name):
    found = reckon_training("s", shape(name), settled(method="lora"), 80 * GIB, on_gpu=True)
    assert (found.verdict, list(found.others)) == ("fits", ["full", "qlora"])
    assert found.others["qlora"] < found.needed_bytes < found.others["full"]
    assert "lora): about" in training_line(found)
    small = reckon_training("s", shape(name), settled(), 16 * GIB, on_gpu=True)
    assert small.verdict == "may not fit"


def test_trainings_memory_is_of_the_machine_and_the_settled_recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    fields = make_recipe_fields()
    fields["student"] = {"model": PHI_4_MINI}
    run = SimpleNamespace(recipe=parse_recipe(fields), settings=load_settings())
    gpus = (Gpu(index="0", uuid="GPU-0", name="H100", memory_bytes=80 * GIB),)
    for found, expected in ((gpus, 3_836_021_760 * 8), ((), 3_836_021_760 * 16)):
        machine = Machine(gpus=found, memory_bytes=64 * GIB)
        monkeypatch.setattr(training_memory, "engine_machine", lambda _, machine=machine: machine)
        monkeypatch.setattr(training_memory, "trains_on_gpu", lambda *_: True)
        (memory,) = training_memory.trainings_memory(run)
        assert (memory.on_gpu, memory.available_bytes) == (bool(found), (80 if found else 64) * GIB)
        # on a CPU the activations of all layers are kept
        assert expected < memory.needed_bytes < expected + (4 if found else 40) * GIB
