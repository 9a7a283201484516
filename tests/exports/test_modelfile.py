"""Ollama's Modelfile: its template, filled in as Ollama does, is what the chat template writes."""

import re

import pytest

from stillhouse.exports.gguf.modelfile import modelfile, ollama_template
from tests.support.chat_templates import LLAMA3_2, PHI3, QWEN3, byte_level, sentencepiece

SYSTEM, ASKED = "Name the topic {of} it.", "Where is my {{parcel}}?"
NO_SYSTEM = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ m.content + eos_token }}{% endif %}"
    "{% endfor %}"
)
TOKENIZERS = {
    "qwen 3": byte_level(QWEN3),
    "llama 3.2": byte_level(LLAMA3_2),
    "phi 3": sentencepiece(PHI3),
    "braces in the template": byte_level("{{ '{' + '{' }}{% for m in messages %}{{ m.content }}{% endfor %}|"),
}


def filled(template: str, system: str, prompt: str) -> str:
    """The part of Ollama's language that a template is written in; what follows the answer is left out of a prompt."""
    shown = template.partition("{{ .Response }}")[0]
    choice = r"\{\{ if \.System \}\}(.*)\{\{ else \}\}(.*)\{\{ end \}\}"
    shown = re.sub(choice, lambda found: found[1] if system else found[2], shown, flags=re.DOTALL)
    values = {"{{ .System }}": system, "{{ .Prompt }}": prompt, '{{ "{{" }}': "{{"}
    return re.sub(r"\{\{ .*? \}\}", lambda found: values[found[0]], shown)


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("system", ["", SYSTEM])
def test_modelfile_template_filled_in_is_what_the_chat_template_writes(name, system):
    turns = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": ASKED})
    rendered = TOKENIZERS[name].apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert filled(ollama_template(TOKENIZERS[name]), system, ASKED) == rendered


def test_modelfile_of_a_template_without_system_turn_has_none():
    assert ollama_template(sentencepiece(NO_SYSTEM)) == "<s>[INST] {{ .Prompt }} [/INST]{{ .Response }}</s>"


def test_modelfile_leaves_the_bos_to_llama_cpp_where_that_adds_it():
    written = modelfile(sentencepiece(NO_SYSTEM), ["</s>", 'a"b'], adds_bos=True)
    assert written.startswith('FROM ./model.gguf\nTEMPLATE """[INST]')
    assert written.endswith('PARAMETER temperature 0\nPARAMETER stop "</s>"\nPARAMETER stop "a\\"b"\n')
