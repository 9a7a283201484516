from types import SimpleNamespace

import pytest
from transformers import GenerationConfig

from stillhouse.students.base_model import greedy_config, ordered_stops

END = SimpleNamespace(eos_token_id=7)


@pytest.mark.parametrize(
    "said",
    [
        {"do_sample": False, "temperature": 0.9, "top_p": 0.6},  # as Llama 2 chat's once was
        {"temperature": 1e-6},
        {"num_beams": 1, "length_penalty": 0.8, "early_stopping": True},
        {"do_sample": True, "temperature": 0.6, "top_k": 20, "repetition_penalty": 1.05},
    ],
)
def test_greedy_config_keeps_special_tokens_and_no_way_of_sampling(said, tmp_path):
    found = greedy_config(GenerationConfig(**said, eos_token_id=[3, 5], bos_token_id=1, pad_token_id=3), END)
    found.save_pretrained(tmp_path)
    read = GenerationConfig.from_pretrained(tmp_path)
    assert (read.eos_token_id, read.bos_token_id, read.pad_token_id) == ([3, 5, 7], 1, 3)
    for name in ("do_sample", "temperature", "top_p", "top_k", "repetition_penalty", "length_penalty"):
        assert getattr(read, name) in (None, False), name


@pytest.mark.parametrize(
    ("declared", "own", "stops"),
    [(None, None, []), (None, 7, [7]), (7, 7, [7]), (3, 7, [3, 7]), ([5, 3], 3, [5, 3]), ([5, 3], None, [5, 3])],
)
def test_ordered_stops_are_the_models_and_the_tokenizers_each_once(declared, own, stops):
    declared = SimpleNamespace(eos_token_id=declared)
    assert ordered_stops(declared, SimpleNamespace(eos_token_id=own)) == stops
