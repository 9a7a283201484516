"""What a student's chat template has it continue with, and how the template is made to serve just that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stillhouse.errors import ModelError
from stillhouse.inference.vllm.chat_template import (
    TemplateSettings,
    fix_settings,
    reads,
    settings_of,
    with_lead,
)
from stillhouse.inference.vllm.request import through_template

if TYPE_CHECKING:
    from stillhouse.data.row import Messages
    from stillhouse.students.spec import StudentSpec

# a block of reasoning that a generation prompt opens, or opens and closes; some templates leave it out of the answers
# that they show
_BLOCK_AT_END = re.compile(r"(<think(?:ing)?>|\[THINK\])(\s*)(</think(?:ing)?>\s*|\[/THINK\]\s*)?\Z")
_EMPTY_BLOCK = re.compile(r"\A(<think(?:ing)?>\s*</think(?:ing)?>|\[THINK\]\s*\[/THINK\])\s*")
_ASKED = [{"role": "user", "content": "What is it?"}]
_ANSWER = "Something"
# the keys under which templates look for a turn's reasoning
_OPENINGS = ("<think>", "<thinking>", "[THINK]")
_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")


def prepare_template(tokenizer: Any, spec: StudentSpec) -> None:
    """Give the student's tokenizer the template that it is trained and served with, in place.

    The recipe's arguments and date are fixed in it. If reasoning is not taught, thinking is off unless the recipe sets
    it, and the generation prompt goes on to where the answer begins (behind an empty block of reasoning, or the name of
    a channel), so that an answer held to a choice begins where training showed it.

    Raises:
        ModelError: the template does not read an argument, or refuses a question.
    """
    if spec.reasoning == "drop":
        serve_without_reasoning(tokenizer, settings_of(spec))
    else:
        fix_settings(tokenizer, settings_of(spec))


def serve_without_reasoning(tokenizer: Any, settings: TemplateSettings, *, is_trained: bool = True) -> None:
    """Fix `settings` in the template, thinking off, and have the generation prompt end where an answer begins.

    A model that is not trained on it writes the space before an answer itself.

    Raises:
        ModelError: as `prepare_template`.
    """
    is_off = {"enable_thinking": False} if reads(tokenizer, "enable_thinking") else {}
    told = settings.model_copy(update={"chat_template_kwargs": is_off | settings.chat_template_kwargs})
    fix_settings(tokenizer, told)
    template = tokenizer.chat_template
    lead = answer_lead(tokenizer)
    if not is_trained and not lead.strip():
        return
    if lead and isinstance(template, dict):
        tokenizer.chat_template = {name: with_lead(text, lead) for name, text in template.items()}
    elif lead:
        tokenizer.chat_template = with_lead(template, lead)


def answer_lead(tokenizer: Any) -> str:
    """Return what the template writes between its generation prompt and an answer without reasoning."""
    shown = through_template(tokenizer, _ASKED, add_generation_prompt=True)
    turns = [*_ASKED, {"role": "assistant", "content": _ANSWER}]
    whole = through_template(tokenizer, turns, add_generation_prompt=False)
    if whole.startswith(shown):
        lead, found, _ = whole[len(shown) :].partition(_ANSWER)
        return lead if found else ""
    block = _BLOCK_AT_END.search(shown)
    if block and not block[3] and whole.startswith(shown[: block.start()] + _ANSWER):
        return _closing_of(block)
    return ""


def target_text(tokenizer: Any, shown: str, prompt: Messages, completion: Messages) -> str:
    """Return what follows the served prompt `shown` in the whole conversation, as the template writes it.

    Raises:
        ModelError: the template does not go on from the served prompt, does not show the answer, or refuses the turns.
    """
    *calls, last = completion
    reasoning = last.get("reasoning") or ""
    answer = str(last["content"]).strip()
    if reasoning:
        return _with_reasoning(tokenizer, shown, [*prompt, *calls], last)
    whole = through_template(tokenizer, [*prompt, *completion], add_generation_prompt=False)
    block = _BLOCK_AT_END.search(shown)
    if whole.startswith(shown):
        target = whole[len(shown) :]
    elif block and whole.startswith(shown[: block.start()]):
        # the template leaves a block of reasoning out of answers once they are given
        closing = "" if block[3] else _closing_of(block)
        target = closing + _EMPTY_BLOCK.sub("", whole[block.start() :])
    else:
        raise _unlike(shown, whole)
    if answer not in target:
        raise ModelError(
            f"The student's chat template does not show the answer {answer[:80]!r}: it writes {target[:80]!r}. Take a "
            "model whose template shows plain text, or student.chat_template: minimal."
        )
    return target


def _with_reasoning(tokenizer: Any, shown: str, before: Messages, last: dict[str, Any]) -> str:
    """Return what follows `shown` if the turn `last` is written with its reasoning.

    Raises:
        ModelError: the template has no place for reasoning.
    """
    reasoning, answer = last["reasoning"].strip(), str(last["content"])
    turn = {name: value for name, value in last.items() if name != "reasoning"}
    named = turn | dict.fromkeys(_REASONING_KEYS, reasoning)
    block = _BLOCK_AT_END.search(shown)
    opened = block[1] if block and not block[3] else next((mark for mark in _OPENINGS if reads(tokenizer, mark)), "")
    written = turn | {"content": f"{opened}\n{reasoning}\n{_closing(opened)}\n\n{answer}"}
    for way in (named, written) if opened else (named,):
        whole = through_template(tokenizer, [*before, way], add_generation_prompt=False)
        if whole.startswith(shown) and reasoning in whole[len(shown) :] and answer.strip() in whole[len(shown) :]:
            return whole[len(shown) :]
    whole = through_template(tokenizer, [*before, turn], add_generation_prompt=False)
    if block and not block[3] and whole.startswith(shown[: block.start()]):
        # the prompt opens a block that the template leaves out of answers
        return f"{reasoning}\n{_closing(block[1])}\n\n{whole[block.start() :]}"
    raise ModelError(
        "The student's chat template has no place for the reasoning before an answer, which training.reasoning "
        f"teaches. The served prompt ends with {shown[-60:]!r}. Set training.reasoning to drop, let the template think "
        "(student.chat_template_kwargs, as {enable_thinking: true}), take a model that reasons, or mix the steps in an "
        "answer's own text (training.reasoning_mix.place: text, for math)."
    )


def _closing(opening: str) -> str:
    return opening.replace("<", "</").replace("[", "[/")


def _closing_of(block: re.Match[str]) -> str:
    """Return what closes the empty block that a prompt ends in, as most templates write it."""
    return f"{'' if block[2] else chr(10)}\n{_closing(block[1])}\n\n"


def _unlike(shown: str, whole: str) -> ModelError:
    return ModelError(
        "The student's chat template renders a prompt differently if its answer follows, so training would see other "
        f"prompts than serving does. Served: {_around(shown, whole)!r}. With its answer: {_around(whole, shown)!r}. "
        "Set what differs in student.chat_template_kwargs (enable_thinking: false for many reasoning models), or give "
        "the student a template that keeps the prompt, such as chat_template: minimal."
    )


def _around(text: str, other: str) -> str:
    """Return the piece of `text` around its first difference from `other`."""
    same = next((n for n, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), None)
    first = min(len(text), len(other)) if same is None else same
    return text[max(0, first - 40) : first + 40]
