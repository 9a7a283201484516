"""Ollama's Modelfile for an export: its own template language, rendered from the student's chat template."""

from collections.abc import Sequence
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.exports.gguf.files import MODEL
from stillhouse.inference.vllm.request import through_template

# texts that stand for the turns; no template changes them
_SYSTEM, _ASKED, _ANSWER = "SYSTEMTURN", "USERTURN", "ANSWERTURN"
_USER = {"role": "user", "content": _ASKED}


def modelfile(tokenizer: Any, stops: Sequence[str], *, adds_bos: bool) -> str:
    """Return the Modelfile: the prompts of training, greedy answers, and the texts at which training ended them.

    With `adds_bos` llama.cpp puts the BOS token before a prompt, and the template must not.

    Raises:
        ModelError: the chat template refuses a question.
    """
    template = ollama_template(tokenizer, tokenizer.bos_token if adds_bos else "")
    ends = [f"PARAMETER stop {_quoted(text)}" for text in stops]
    lines = [f"FROM ./{MODEL}", f'TEMPLATE """{template}"""', "PARAMETER temperature 0", *ends]
    return "".join(f"{line}\n" for line in lines)


def ollama_template(tokenizer: Any, left_out: str = "") -> str:
    """Return the chat template of one question, with and without a system turn, in Ollama's language.

    What the template begins with is `left_out`.
    """
    plain = _shown(tokenizer, [_USER], left_out)
    try:
        told = _shown(tokenizer, [{"role": "system", "content": _SYSTEM}, _USER], left_out)
    except ModelError:
        told = plain
    answered = through_template(
        tokenizer, [_USER, {"role": "assistant", "content": _ANSWER}], add_generation_prompt=False
    )
    end = _literal(answered.partition(_ANSWER)[2])
    if _SYSTEM not in told:
        return f"{_filled(plain)}{{{{ .Response }}}}{end}"
    return f"{{{{ if .System }}}}{_filled(told)}{{{{ else }}}}{_filled(plain)}{{{{ end }}}}{{{{ .Response }}}}{end}"


def _shown(tokenizer: Any, turns: list[dict[str, Any]], left_out: str) -> str:
    return through_template(tokenizer, turns, add_generation_prompt=True).removeprefix(left_out)


def _filled(shown: str) -> str:
    return _literal(shown).replace(_SYSTEM, "{{ .System }}").replace(_ASKED, "{{ .Prompt }}")


def _literal(text: str) -> str:
    """Return a text as Ollama's language writes it."""
    return text.replace("{{", '{{ "{{" }}')


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
