"""What a GGUF file says of prompts, ends and words, and whether llama.cpp reads a text as training did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, GGUFWriter

from stillhouse.errors import ModelError
from stillhouse.exports.gguf.model import GgufModel
from stillhouse.exports.gguf.vocabulary import Vocabulary, Words
from stillhouse.inference.vllm.request import render, tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stillhouse.exports.gguf.families import Family

# llama.cpp's names for ways to cut a text into words, the commonest first; that which reads TEXTS as training did is
# taken
_WAYS = ("llama-bpe", "qwen2", "smollm", "gpt-4o", "tekken", "gpt-2", "dbrx", "deepseek-llm", "falcon3", "starcoder")
_FIRST = {"qwen2": "qwen2", "qwen3": "qwen2", "phi3": "gpt-4o", "mistral": "tekken"}
# in which all of these ways differ: digits, contractions, runs of blanks and newlines, capitals, signs, other scripts
TEXTS = (
    "I've told you: they'RE at 12, 123, 1234 or 12345678 o'clock!!! What?? ('no')",
    "one  two   three\n\n four\t\tfive \n\n\n  six   \r\n seven ",
    "camelCase HTTPServer McDonald iPhone XMLHttpRequest42 snake_case ALLCAPS lower",
    "naïve Straße — “quoted” … ¿qué? нещо на български 我想在apple工作1314151天～ កាន់តែពិសេស 🚀 (normal) ✅ 3.3 3..3",
    "------=======  ''''''``````\"\"\"\"......!!!!!!?????? </s> <unk-like> a@b.c #1 50% $3,000.50",
)


def write_prompts(writer: GGUFWriter, tokenizer: Any, stops: Sequence[int]) -> None:
    """Write the special tokens and the chat template.

    Raises:
        ModelError: there is not one template.
    """
    template = getattr(tokenizer, "chat_template", None)
    if not isinstance(template, str):
        raise ModelError(f"A GGUF holds one chat template, and this student has {len(template or {})}.")
    writer.add_chat_template(template)
    if tokenizer.bos_token_id is not None:
        writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_add_bos_token(adds_bos(tokenizer))
    if tokenizer.pad_token_id is not None:
        writer.add_pad_token_id(tokenizer.pad_token_id)
    # which of them ends a turn, a message or a text makes no difference: llama.cpp stops at each
    first, *others = sorted(stops, key=lambda one: one != tokenizer.eos_token_id)
    writer.add_eos_token_id(first)
    for add, stop in zip((writer.add_eot_token_id, writer.add_eom_token_id), others, strict=False):
        add(stop)


def adds_bos(tokenizer: Any) -> bool:
    """Return whether the tokenizer puts its BOS token before a text by itself."""
    ids = tokenizer("a").input_ids
    return bool(ids) and ids[0] == tokenizer.bos_token_id


def choose_words(tokenizer: Any, vocabulary: Vocabulary, model_type: str, work: Path) -> Words:
    """Return how llama.cpp must cut a text into words to read prompts as training did.

    Raises:
        ModelError: none of the ways that are known does it.
    """
    path = work / "words.gguf"
    for words in _ways(vocabulary, model_type):
        writer = GGUFWriter(path, MODEL_ARCH_NAMES[MODEL_ARCH.LLAMA])
        vocabulary.write(writer, words)
        write_prompts(writer, tokenizer, [tokenizer.eos_token_id])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        found = _first_difference(path, tokenizer)
        if not found:
            return words
    raise ModelError(
        "No GGUF can be made of this student: no way of llama.cpp to cut a text into words gives the tokens that its "
        f"tokenizer gives, as of {found[-80:]!r}. Export it to another format."
    )


def _ways(vocabulary: Vocabulary, model_type: str) -> list[Words]:
    if vocabulary.model == "llama":
        # where only a text's first word gets a space, a prompt that begins with a special token gets none
        return [Words("default", adds_space=True), Words("default")]
    first = _FIRST.get(model_type, _WAYS[0])
    return [Words(way) for way in sorted(_WAYS, key=lambda one: one != first)]


def check_stops(path: Path, tokenizer: Any, stops: Sequence[int]) -> None:
    """Return if llama.cpp ends an answer where training ended it.

    Raises:
        ModelError: it does not.
    """
    model = GgufModel(path, vocab_only=True)
    try:
        missed = set(stops) - model.stop_ids
    finally:
        model.close()
    if missed:
        names = ", ".join(tokenizer.convert_ids_to_tokens(sorted(missed)))
        raise ModelError(f"llama.cpp would not stop at {names}, where the student's answers end.")


def _first_difference(path: Path, tokenizer: Any) -> str:
    """Return the first prompt of which llama.cpp makes other tokens than the tokenizer does; empty if there is none."""
    model = GgufModel(path, vocab_only=True)
    try:
        rendered = (render(tokenizer, [{"role": "user", "content": text}]) for text in TEXTS)
        return next((text for text in rendered if model.tokenize(text) != list(tokenize(tokenizer, text))), "")
    finally:
        model.close()


def name_of(tokenizer: Any, family: Family) -> str:
    """Return the file's `general.name`; llama.cpp takes blanks behind Phi-3's special tokens off by this name."""
    strips = any(token.rstrip for token in tokenizer.added_tokens_decoder.values())
    return "Student of phi-3" if family.arch == "PHI3" and strips else "Student"
