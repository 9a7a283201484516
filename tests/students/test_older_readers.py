from stillhouse.students.older_readers import widen_config, widen_tokenizer_config


def test_widen_tokenizer_config_names_a_class_that_version_4_has():
    written = {"tokenizer_class": "TokenizersBackend", "eos_token": "</s>", "extra_special_tokens": ["<a>"]}
    assert widen_tokenizer_config(written) == {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "</s>",
        "additional_special_tokens": ["<a>"],
    }


def test_widen_tokenizer_config_a_class_of_both_versions_stays():
    written = {"tokenizer_class": "Qwen2Tokenizer", "extra_special_tokens": {"image_token": "<image>"}}
    assert widen_tokenizer_config(written) == written


def test_widen_config_rotary_base_stands_under_its_old_name_too():
    rope = {"rope_type": "default", "rope_theta": 100000.0}
    assert widen_config({"rope_parameters": rope}) == {"rope_parameters": rope, "rope_theta": 100000.0}


def test_widen_config_scaled_positions_have_the_old_entry():
    rope = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0}
    found = widen_config({"rope_parameters": rope})
    assert (found["rope_theta"], found["rope_scaling"]) == (500000.0, rope)


def test_widen_config_longrope_has_the_three_entries_that_version_4_allows():
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0], "long_factor": [2.0]}
    rope |= {"original_max_position_embeddings": 4096, "partial_rotary_factor": 0.75}
    found = widen_config({"original_max_position_embeddings": 4096, "rope_parameters": rope})
    assert found["rope_scaling"] == {"type": "longrope", "short_factor": [1.0], "long_factor": [2.0]}
    assert (found["rope_theta"], found["partial_rotary_factor"]) == (1e4, 0.75)


def test_widen_config_of_a_model_that_sees_reaches_the_language_model_inside():
    bases = {"full_attention": {"rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}
    written = {"vision_config": {"model_type": "v"}, "text_config": {"model_type": "t", "rope_parameters": bases}}
    text = widen_config(written)["text_config"]
    assert (text["rope_theta"], text["rope_local_base_freq"]) == (1e6, 1e4)


def test_widen_config_without_rotary_positions_stays():
    assert widen_config({"n_layer": 2, "rope_parameters": None}) == {"n_layer": 2, "rope_parameters": None}
