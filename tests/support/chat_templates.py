"""Tokenizers with the chat templates of real families in short, rendered as servers render them."""

import datetime
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TEXTS = ["Where is my parcel?", "billing delivery boat Paris", "user assistant system Today Date"]
STOPS = ("<|im_end|>", "<|eot_id|>", "<|end|>", "<|return|>", "</s>", "<|endoftext|>")
_SPECIAL = [*STOPS, "<s>", "<unk>", "<|im_start|>", "<|start|>", "<|channel|>", "<|message|>", "<|user|>"]
_SPECIAL += ["<|assistant|>", "<|header|>", "<think>", "</think>"]

_CHATML = "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
_QWEN3_ANSWER = (
    "{{ '<|im_start|>assistant\n<think>\n' + (m.reasoning_content or '') + '\n</think>\n\n' + m.content.lstrip('\n')"
    " + '<|im_end|>\n' }}"
)
_QWEN3 = (
    "{% for m in messages %}{% if m.role == 'assistant' and loop.last %}" + _QWEN3_ANSWER + "{% else %}" + _CHATML
) + "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
_OFF = "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}"
# the block is written before the last answer, and in the prompt only if thinking is off
QWEN3 = _QWEN3 + _OFF + "{% endif %}{% endif %}"
# the prompt opens the block itself
QWEN3_5 = _QWEN3 + _OFF + "{% else %}{{ '<think>\n' }}{% endif %}{% endif %}"
# the same with an empty block of another form
NEMOTRON = QWEN3_5.replace("\n\n</think>\n\n", "</think>").replace(
    "'<|im_start|>assistant\n<think>\n' + (m.reasoning_content or '') + '\n</think>\n\n'",
    "'<|im_start|>assistant\n<think>' + (m.reasoning_content or '') + '</think>'",
)
# the prompt opens a block that no answer shows
DEEPSEEK_R1 = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '<|user|>' + m.content }}{% else %}"
    "{{ '<|assistant|>' + m.content.split('</think>')[-1] + '</s>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|><think>\n' }}{% endif %}"
)
GPT_OSS = (
    "{%- macro opening() -%}{{ 'Current date: ' + strftime_now('%Y-%m-%d') + '\n' }}"
    "{{- 'Reasoning: ' + (reasoning_effort if reasoning_effort is defined else 'medium') -}}{%- endmacro -%}"
    "{{- '<|start|>system<|message|>' }}{{- opening() + '<|end|>' }}"
    "{%- for m in messages -%}{%- if m.role == 'assistant' -%}{%- if m.thinking -%}"
    "{{- '<|start|>assistant<|channel|>analysis<|message|>' + m.thinking + '<|end|>' }}{%- endif -%}"
    "{{- '<|start|>assistant<|channel|>final<|message|>' + m.content + '<|return|>' }}"
    "{%- else -%}{{- '<|start|>user<|message|>' + m.content + '<|end|>' }}{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}\n<|start|>assistant\n{%- endif -%}"
)
LLAMA3_2 = (
    "{%- if not date_string is defined %}\n    {%- if strftime_now is defined %}\n"
    "        {%- set date_string = strftime_now('%d %b %Y') %}\n    {%- else %}\n"
    "        {%- set date_string = '26 Jul 2024' %}\n    {%- endif %}\n{%- endif %}\n"
    "{{- 'Today Date: ' + date_string + '\n\n' }}\n"
    "{%- for m in messages %}\n{{- '<|header|>' + m.role + '\n\n' + m.content | trim + '<|eot_id|>' }}\n{%- endfor %}\n"
    "{%- if add_generation_prompt %}\n{{- '<|header|>assistant\n\n' }}\n{%- endif %}\n"
)
# the date is fixed already, unless one is given
LLAMA3_1 = (
    "{%- if not date_string is defined %}{%- set date_string = '26 Jul 2024' %}{%- endif %}"
    "{{- 'Today Date: ' + date_string + '\n' }}{%- for m in messages %}{{- m.content + '<|eot_id|>' }}{%- endfor %}"
)
PHI3 = (
    "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ '<|endoftext|>' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content + '</s>' }}{% endif %}{% endfor %}"
)


class TemplatedTokenizer:
    """A tokenizer of the `tokenizers` library with a chat template."""

    bos_token, eos_token = "<s>", "</s>"

    def __init__(self, tokenizer: Tokenizer, template: str, now: str = "2026-11-27") -> None:
        """Give the tokenizer `template`; it is rendered on the day `now`."""
        self.tokenizer = tokenizer
        self.chat_template: Any = template
        self._now = datetime.datetime.fromisoformat(now)

    def __call__(self, text: str, add_special_tokens: bool = True) -> SimpleNamespace:
        """Return the ids of `text`; no token is added."""
        return SimpleNamespace(input_ids=self.tokenizer.encode(text, add_special_tokens=False).ids)

    def apply_chat_template(self, turns: Any, tokenize: bool, add_generation_prompt: bool, **told: Any) -> str:
        """Return the turns as transformers and vLLM render them."""
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["strftime_now"] = self._now.strftime
        environment.globals["raise_exception"] = self._refuse
        rendered = environment.from_string(self.chat_template).render(
            messages=turns,
            add_generation_prompt=add_generation_prompt,
            bos_token=self.bos_token,
            eos_token=self.eos_token,
            **told,
        )
        return str(rendered)

    def ids(self, *tokens: str) -> frozenset[int]:
        """Return the ids of those tokens that the vocabulary has."""
        return frozenset(id_ for token in tokens if (id_ := self.tokenizer.token_to_id(token)) is not None)

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of ids as the vocabulary writes them."""
        return [self.tokenizer.id_to_token(id_) for id_ in ids]

    @staticmethod
    def _refuse(message: str) -> None:
        raise TemplateError(message)


def byte_level(template: str, **options: Any) -> TemplatedTokenizer:
    """Return a tokenizer like GPT-2's and its followers', which puts nothing in front of a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return TemplatedTokenizer(tokenizer, template, **options)


def sentencepiece(template: str, **options: Any) -> TemplatedTokenizer:
    """Return a tokenizer like Llama 2's, which puts a space in front of a text; it is a token of its own or a part."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=[*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))],
        initial_alphabet=[*"abcdefghijklmnopqrstuvwxyzBWPTD[]/INST?▁"],
        show_progress=False,
    )
    # each word as its own text: merges across words are none of SentencePiece's
    tokenizer.train_from_iterator([f"{word}" for text in TEXTS for word in text.split()] * 3, trainer)
    return TemplatedTokenizer(tokenizer, template, **options)
