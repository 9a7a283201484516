"""Who can learn from whom by which method, told before anything is spent."""

import pytest

from stillhouse.errors import ModelError
from stillhouse.recipe.training import BY_TOKENS, Training
from stillhouse.students.compatibility import ModelFacts, compare_models, facts_behind, facts_of, refuse_misfits
from tests.support.compared_models import write_compared

FACTS = ModelFacts(name="one", parameters=10, context=4096, logits=600, tokens=600, vocabulary="v", template="t")


def training(kind: str = "sft", **fields: object) -> Training:
    # a kind of which the check must know, whether or not it is there yet
    return Training(**fields).model_copy(update={"kind": kind})


@pytest.mark.parametrize("kind", sorted(BY_TOKENS))
def test_compare_models_other_vocabulary_is_refused_where_tokens_are_compared(kind):
    other = FACTS.model_copy(update={"name": "other", "vocabulary": "w", "tokens": 900})
    found = compare_models(FACTS, other, training(kind))
    assert found.vocabularies == "differ"
    assert f"training.kind: {kind}" in found.problem
    assert "600 and 900 tokens" in found.problem
    assert "training.kind: sft" in found.problem
    with pytest.raises(ModelError, match=r"Student one: training\.kind"):
        refuse_misfits([found])


def test_compare_models_other_vocabulary_own_answers_are_bridged_where_asked():
    other = FACTS.model_copy(update={"vocabulary": "w"})
    assert "training.on_policy.bridge: gold" in compare_models(FACTS, other, training("on_policy")).problem
    bridged = training("on_policy", on_policy={"bridge": "gold"})
    assert compare_models(FACTS, other, bridged).problem == ""


def test_compare_models_other_vocabulary_text_training_fits():
    other = FACTS.model_copy(update={"vocabulary": "w", "template": "u"})
    found = compare_models(FACTS, other, training())
    assert (found.vocabularies, found.templates, found.verdict) == ("differ", "differ", "fits")
    refuse_misfits([found])


@pytest.mark.parametrize(
    ("logits", "expected"), [((151_936, 152_064), "not known"), ((32_064, 200_064), "differ"), ((None, 5), "not known")]
)
def test_compare_models_without_tokenizers_padding_is_no_difference(logits, expected):
    own, other = (ModelFacts(name="m", logits=number) for number in logits)
    assert compare_models(own, other, training("logits")).vocabularies == expected


def test_compare_models_rows_longer_than_the_context_are_refused():
    found = compare_models(FACTS, FACTS, training(max_length=8192))
    assert "at most 4096" in found.problem


def test_compare_models_fewer_logits_than_tokens_are_refused():
    narrow = FACTS.model_copy(update={"logits": 590})
    assert "600 tokens, and one gives 590" in compare_models(FACTS, narrow, training("logits")).problem
    assert compare_models(FACTS, narrow, training()).problem == ""


def test_compare_models_student_larger_than_its_teacher_is_allowed_with_a_warning():
    large = FACTS.model_copy(update={"name": "large", "parameters": 30})
    found = compare_models(large, FACTS, training())
    refuse_misfits([found])
    assert "30 parameters, more than teacher one with 10" in found.warning
    assert compare_models(FACTS, large, training()).warning == ""


def test_compare_models_nothing_known_refuses_nothing():
    unknown = ModelFacts(name="?")
    found = compare_models(unknown, unknown, training("logits", max_length=10**6))
    assert (found.problem, found.verdict) == ("", "not known before the models are loaded")


def test_facts_of_folders_same_and_other_tokenizers_are_told_apart(tmp_path):
    teacher = facts_of("teacher", write_compared(tmp_path / "a", numbers=70, max_position_embeddings=2048))
    padded = facts_of("padded", write_compared(tmp_path / "b", vocab_size=704))
    added = facts_of("added", write_compared(tmp_path / "c", specials=("<|tool|>",)))
    other = facts_of("other", write_compared(tmp_path / "d", words="sentencepiece"))
    kind = training("logits")
    assert teacher.parameters == 70
    assert teacher.context == 2048
    assert compare_models(padded, teacher, kind).vocabularies == "same"
    assert [compare_models(one, teacher, kind).vocabularies for one in (added, other)] == ["differ", "differ"]


def test_facts_of_broken_tokenizer_or_unconverted_file_are_not_known(tmp_path):
    path = write_compared(tmp_path / "a")
    (tmp_path / "a" / "tokenizer.json").write_text("{")
    assert facts_of("broken", path).vocabulary is None
    assert facts_of("file", str(tmp_path / "weights.gguf")) == ModelFacts(name="file")


def test_facts_behind_published_model_is_known_without_a_hub_and_others_are_not():
    assert facts_behind("v3", "deepseek-ai/DeepSeek-V3").logits == 129_280
    assert facts_behind("gpt", "gpt-5") == ModelFacts(name="gpt")


def test_compare_models_layers_that_do_not_fit_the_teacher_are_refused():
    student, teacher = FACTS.model_copy(update={"layers": 2}), FACTS.model_copy(update={"name": "large", "layers": 8})
    asked = Training.model_validate({"kind": "hidden_states", "hidden_states": {"layers": [1, 8]}})
    assert "layer 8, and the teacher has layers 0 to 7" in compare_models(student, teacher, asked).problem
    assert compare_models(teacher, student, Training(kind="hidden_states")).problem.startswith(
        "training.hidden_states.layers: even needs a student of at most the 2 layers"
    )
    # what nobody knows refuses nothing
    assert compare_models(student, FACTS, asked).problem == ""


def test_compare_models_layers_of_the_base_are_those_before_the_cut():
    student = FACTS.model_copy(update={"layers": 2, "layers_before_cut": 6, "vocabulary": "w"})
    settings = {"source": "base", "layers": [2, 5]}
    asked = Training.model_validate({"kind": "hidden_states", "hidden_states": settings})
    # the teacher's vocabulary is another, which nothing compares
    assert compare_models(student, FACTS.model_copy(update={"layers": 1}), asked).problem == ""
    short = student.model_copy(update={"layers_before_cut": 5})
    assert "layer 5, and the base has layers 0 to 4" in compare_models(short, FACTS, asked).problem


def test_compare_models_attention_of_a_family_without_keys_of_each_token_is_refused():
    teacher = FACTS.model_copy(update={"kind": "deepseek_v3"})
    assert "a model of kind deepseek_v3" in compare_models(FACTS, teacher, Training(kind="attention")).problem
    assert compare_models(FACTS, teacher, Training(kind="hidden_states")).problem == ""


def test_compare_models_relation_heads_that_divide_no_width_are_refused_before_work(tmp_path):
    sizes = {"hidden_size": 32, "num_attention_heads": 4}
    student = facts_of("small", write_compared(tmp_path / "a", **sizes, num_key_value_heads=2))
    teacher = facts_of("large", write_compared(tmp_path / "b", **sizes | {"hidden_size": 48}))
    assert student.widths == {"queries": 32, "keys": 16, "values": 16}
    asked = {
        heads: Training.model_validate({"kind": "attention", "attention": {"relation_heads": heads}})
        for heads in (7, 8)
    }
    assert (
        "relation_heads is 7, which must divide the widths [16, 32, 48]"
        in compare_models(student, teacher, asked[7]).problem
    )
    assert compare_models(student, teacher, asked[8]).problem == ""
