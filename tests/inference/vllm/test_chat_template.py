import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.completions.key import completion_key
from stillhouse.errors import ModelError
from stillhouse.inference.vllm.chat_template import TemplateSettings, fix_settings, with_lead, with_settings
from stillhouse.inference.vllm.request import render
from stillhouse.recipe.teacher import Sampling
from stillhouse.students.tokens import encode
from tests.support.chat_templates import GPT_OSS, LLAMA3_1, LLAMA3_2, QWEN3, QWEN3_5, STOPS, byte_level

TURNS = [{"role": "user", "content": "Where is my parcel?"}]
ANSWER = [{"role": "assistant", "content": "boat"}]


@pytest.mark.parametrize("template", [LLAMA3_2, GPT_OSS])
def test_fix_settings_template_with_a_date_gives_the_same_prompt_key_and_row_on_every_day(template):
    seen = set()
    for day in ("2026-11-26", "2026-11-27"):
        tokenizer = byte_level(template, now=day)
        fix_settings(tokenizer, TemplateSettings())
        prompt = render(tokenizer, TURNS)
        row = encode(tokenizer, TURNS, ANSWER, tokenizer.ids(*STOPS))
        seen.add((prompt, completion_key("teacher", prompt, Sampling(), {}, 0), tuple(row["input_ids"])))
    assert len(seen) == 1


@pytest.mark.parametrize(("template", "shown"), [(LLAMA3_2, "Today Date: 03 Feb 2025"), (GPT_OSS, "date: 2025-02-03")])
def test_fix_settings_date_of_the_recipe_is_shown_in_the_template_s_own_form(template, shown):
    tokenizer = byte_level(template)
    fix_settings(tokenizer, TemplateSettings(template_date="2025-02-03"))
    assert shown in render(tokenizer, TURNS)


def test_fix_settings_template_with_a_fixed_date_keeps_it_unless_the_recipe_sets_one():
    tokenizer = byte_level(LLAMA3_1)
    fix_settings(tokenizer, TemplateSettings())
    assert tokenizer.chat_template == LLAMA3_1
    fix_settings(tokenizer, TemplateSettings(template_date="2025-02-03"))
    assert render(tokenizer, TURNS).startswith("Today Date: 03 Feb 2025\n")


@pytest.mark.parametrize("template", [QWEN3, QWEN3_5])
def test_fix_settings_without_arguments_leaves_a_template_without_a_date_unchanged(template):
    tokenizer = byte_level(template)
    fix_settings(tokenizer, TemplateSettings())
    assert tokenizer.chat_template == template


@pytest.mark.parametrize("format_", ["%d %b %Y", "%Y-%m-%d", "%B %-d, %Y", "%A, %d.%m.%y", "%H:%M", "%j"])
def test_with_settings_every_form_of_a_date_is_as_python_writes_it(format_):
    import datetime

    tokenizer = byte_level("{{ strftime_now('" + format_ + "') }}")
    fix_settings(tokenizer, TemplateSettings(template_date="2025-02-03"))
    assert render(tokenizer, TURNS) == datetime.datetime(2025, 2, 3).strftime(format_)


def test_fix_settings_arguments_are_defaults_that_a_server_s_caller_can_change():
    tokenizer = byte_level(GPT_OSS)
    fix_settings(tokenizer, TemplateSettings(chat_template_kwargs={"reasoning_effort": "low"}))
    assert "Reasoning: low" in render(tokenizer, TURNS)
    other = tokenizer.apply_chat_template(TURNS, tokenize=False, add_generation_prompt=True, reasoning_effort="high")
    assert "Reasoning: high" in other


def test_fix_settings_argument_that_the_template_does_not_read_is_refused_by_name():
    message = r"sets enable_thinkin, which the model's chat template does not read \(it reads enable_thinking\)"
    with pytest.raises(ModelError, match=message):
        fix_settings(byte_level(QWEN3), TemplateSettings(chat_template_kwargs={"enable_thinkin": False}))


def test_fix_settings_several_templates_of_one_tokenizer_all_get_them():
    tokenizer = byte_level(QWEN3)
    tokenizer.chat_template = {"default": QWEN3, "tool_use": QWEN3}
    fix_settings(tokenizer, TemplateSettings(chat_template_kwargs={"enable_thinking": False}))
    assert all(text.endswith(QWEN3) and text != QWEN3 for text in tokenizer.chat_template.values())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc'\"\\", max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(value=JSON)
def test_with_settings_any_json_value_reaches_the_template_unchanged(value):
    template = with_settings(" {{ probe(x) }}\n", TemplateSettings(chat_template_kwargs={"x": value}))
    seen = []
    shown = byte_level_free(template, seen)
    assert seen == [value]
    assert shown == " "


def byte_level_free(template: str, seen: list) -> str:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(probe=lambda value: seen.append(value) or "")


@given(
    start=st.sampled_from(["", "\n", "  \n", "   {% if true %}x{% endif %}", "{%- if true %} x{% endif %}", "{##}\n"]),
    end=st.sampled_from(["", "\n", "{% if add_generation_prompt %}>{% endif %}\n", " \n\n"]),
)
def test_with_settings_and_lead_what_the_template_writes_itself_stays(start, end):
    template = start + "body" + end
    fixed = with_lead(with_settings(template, TemplateSettings(chat_template_kwargs={"x": 1})), "\n\n'lead\\")
    one, other = byte_level(template), byte_level(fixed)
    assert render(other, TURNS) == render(one, TURNS) + "\n\n'lead\\"
