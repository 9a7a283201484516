import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import load_recipe
from stillhouse.recipe.terms import TERMS, forbidding_terms

FREE = "SmolLM2-135M"


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("gpt-4o-mini", "compatible", "openai"),
        ("gpt-5", "openai", "openai"),
        ("o3-mini", "compatible", "openai"),
        ("anything", "openai", "openai"),
        ("my-deployment", "azure", "microsoft"),
        ("claude-sonnet-4-5", "anthropic", "anthropic"),
        ("anthropic.claude-3-haiku", "bedrock", "anthropic"),
        ("gemini-2.5-pro", "compatible", "google"),
        ("meta-llama/Llama-2-70b-chat-hf", "", "llama2"),
        ("/models/llama-2-7b.Q4_K_M.gguf", "", "llama2"),
        ("meta-llama/Meta-Llama-3-70B-Instruct", "", "llama3"),
        ("meta-llama/Llama-3-8B", "", "llama3"),
    ],
)
def test_forbidding_terms_of_bound_models_are_named(model: str, provider: str, expected: str):
    assert forbidding_terms(model, provider, FREE) == expected


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("meta-llama/Llama-3.1-405B-Instruct", ""),
        ("meta-llama/Llama-3_3-70B", ""),
        ("meta-llama/Llama-3.2-1B", "vllm"),
        ("meta-llama/Llama-4-Scout", ""),
        ("openai/gpt-oss-120b", "vllm"),
        ("gpt2", ""),
        ("deepseek-chat", "deepseek"),
        ("Qwen/Qwen3-235B", ""),
        ("opus-mt", ""),
        ("/models/SmolLM2-135M-Instruct.Q4_1.gguf", ""),
    ],
)
def test_forbidding_terms_of_free_models_are_none(model: str, provider: str):
    assert forbidding_terms(model, provider, FREE) is None


@pytest.mark.parametrize(
    ("teacher", "student", "expected"),
    [
        ("Meta-Llama-3-70B", "meta-llama/Meta-Llama-3-8B", None),
        ("Llama-2-70b", "/models/llama-2-7b.gguf", None),
        ("Llama-2-70b", "meta-llama/Llama-3-8B", "llama2"),
    ],
)
def test_forbidding_terms_exempt_the_models_own_family(teacher: str, student: str, expected: str | None):
    assert forbidding_terms(teacher, "", student) == expected


def test_recipe_with_a_forbidding_teacher_is_refused_with_its_terms():
    with pytest.raises(RecipeError) as caught:
        load_recipe("demo", {"teachers.0.model": "meta-llama/Llama-2-70b-chat-hf"})
    message = str(caught.value)
    assert TERMS["llama2"].url in message
    assert "improve any other large language model" in message
    assert "teachers.0.accept_terms: llama2" in message


def test_recipe_that_accepts_other_terms_is_refused():
    model = {"teachers.0.model": "meta-llama/Llama-2-70b-chat-hf"}
    recipe = load_recipe("demo", {**model, "teachers.0.accept_terms": "llama2"})
    assert recipe.teacher.accept_terms == "llama2"
    with pytest.raises(RecipeError, match=r"accept_terms: llama2"):
        load_recipe("demo", {**model, "teachers.0.accept_terms": "llama3"})
    with pytest.raises(RecipeError, match=r"accept_terms.*'yes' is refused"):
        load_recipe("demo", {**model, "teachers.0.accept_terms": "yes"})
