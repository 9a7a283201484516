import itertools

import pytest
from transformers import AutoConfig

from stillhouse.errors import ModelError
from stillhouse.students.initialise import check_layers, evenly_spaced


@pytest.mark.parametrize(
    ("num_layers", "keep", "expected"),
    [
        (30, 10, (0, 3, 6, 10, 13, 16, 19, 23, 26, 29)),
        (6, 4, (0, 2, 3, 5)),
        (5, 3, (0, 2, 4)),
        (12, 2, (0, 11)),
        (4, 4, (0, 1, 2, 3)),
        (1, 1, (0,)),
    ],
)
def test_evenly_spaced_known_sizes_keeps_first_last_and_equal_gaps(
    num_layers: int, keep: int, expected: tuple[int, ...]
) -> None:
    assert evenly_spaced(num_layers, keep) == expected


def test_evenly_spaced_all_sizes_are_distinct_ascending_and_nearly_equal() -> None:
    for num_layers in range(2, 40):
        for keep in range(2, num_layers + 1):
            indices = evenly_spaced(num_layers, keep)
            gaps = [after - before for before, after in itertools.pairwise(indices)]
            assert len(indices) == keep
            assert (indices[0], indices[-1]) == (0, num_layers - 1)
            assert min(gaps) >= 1
            assert max(gaps) - min(gaps) <= 1


def test_evenly_spaced_too_many_is_refused_with_both_numbers() -> None:
    with pytest.raises(ModelError, match=r"31.*30"):
        evenly_spaced(30, 31)


def test_evenly_spaced_one_of_many_is_refused() -> None:
    with pytest.raises(ModelError, match="first and the last"):
        evenly_spaced(30, 1)


@pytest.mark.parametrize("family", ["gemma3n", "gemma4"])
def test_check_layers_of_their_own_inputs_or_shapes_are_refused(family):
    with pytest.raises(ModelError, match=r"student\.layers is 2.*can't be cut.*layers to 0"):
        check_layers(AutoConfig.for_model(family), 2)


@pytest.mark.parametrize("family", ["llama", "gemma3", "qwen3_5", "mistral3", "qwen2_5_vl", "gpt_oss"])
def test_check_layers_counts_those_of_the_language_model(family):
    config = AutoConfig.for_model(family)
    num_layers = config.get_text_config().num_hidden_layers
    check_layers(config, num_layers)
    with pytest.raises(ModelError, match=rf"{num_layers + 1}.*{num_layers}"):
        check_layers(config, num_layers + 1)
