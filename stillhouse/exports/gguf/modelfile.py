"""Ollama's Modelfile for an export: its own template language, rendered from the student's chat template."""

from collections.abc import Sequence
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.exports.gguf.model import MODEL
from stillhouse.inference.vllm.request import through_template

# texts that stand for the turns; no template changes them
_SYSTEM, _ASKED, _ANSWER = "SYSTEMTURN", "USERTURN", "ANSWERTURN"
_USER = {"role": "user", "content": _ASKED}


def modelfile(tokenizer: Any, stops: Sequence[int]) -> str:
    """Return the Modelfile: the same prompts as in training, greedy answers, the same ends.

    Raises:
        ModelError: the chat template refuses a question.
    """
    ends = [f"PARAMETER stop {_quoted(text)}" for text in tokenizer.convert_ids_to_tokens(list(stops))]
    lines = [f"FROM ./{MODEL}", f'TEMPLATE """{ollama_template(tokenizer)}"""', "PARAMETER temperature 0", *ends]
    return "".join(f"{line}\n" for line in lines)


def ollama_template(tokenizer: Any) -> str:
    """Return the chat template of one question, with and without a system turn, in Ollama's language."""
    plain = _shown(tokenizer, [_USER])
    try:
        told = _shown(tokenizer, [{"role": "system", "content": _SYSTEM}, _USER])
    except ModelError:
        told = plain
    answered = through_template(
        tokenizer, [_USER, {"role": "assistant", "content": _ANSWER}], add_generation_prompt=False
    )
    end = _literal(answered.partition(_ANSWER)[2])
    if _SYSTEM not in told:
        return f"{_filled(plain)}{{{{ .Response }}}}{end}"
    return f"{{{{ if .System }}}}{_filled(told)}{{{{ else }}}}{_filled(plain)}{{{{ end }}}}{{{{ .Response }}}}{end}"


def _shown(tokenizer: Any, turns: list[dict[str, Any]]) -> str:
    shown = through_template(tokenizer, turns, add_generation_prompt=True)
    # llama.cpp puts it there where its tokenizer would
    bos = tokenizer.bos_token or ""
    ids = tokenizer("a").input_ids
    return shown.removeprefix(bos) if bos and ids and ids[0] == tokenizer.bos_token_id else shown


def _filled(shown: str) -> str:
    return _literal(shown).replace(_SYSTEM, "{{ .System }}").replace(_ASKED, "{{ .Prompt }}")


def _literal(text: str) -> str:
    """Return a text as Ollama's language writes it."""
    return text.replace("{{", '{{ "{{" }}')


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
