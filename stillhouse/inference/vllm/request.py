"""One request to an engine, and the parameters that hold its completion to a form.

Generation and evaluation must send exactly the same requests.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jinja2 import TemplateError

from stillhouse.config import StrictModel
from stillhouse.data.tool_calls import CALLING_TOKEN, take_tools
from stillhouse.errors import ModelError
from stillhouse.inference.vllm.tool_template import fit_calls, fit_tools
from stillhouse.reasoning import shows_marks
from stillhouse.recipe.teacher import Sampling
from stillhouse.runtime.spool import Spooled

NO_TEMPLATE = (
    "The model has no chat template, as most base models. Set a teacher's prompt.layout to text, which needs none, a "
    "student's chat_template to minimal, or take the model's instruction-tuned version."
)


class AnyRequest(Protocol):
    """One rollout of one tokenised prompt, wherever its tokens are."""

    @property
    def key(self) -> str:
        """What says that two requests are the same."""

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The prompt's tokens."""

    @property
    def num_tokens(self) -> int:
        """How many these are."""

    @property
    def rollout_index(self) -> int:
        """Which of the prompt's completions this is, from 0."""


class Request(StrictModel):
    """A request whose tokens are in memory."""

    key: str
    token_ids: tuple[int, ...]
    rollout_index: int = 0

    @property
    def num_tokens(self) -> int:
        """The number of the prompt's tokens."""
        return len(self.token_ids)


@dataclass(frozen=True, slots=True)
class SpooledRequest:
    """A request whose tokens are on disk: of a million prompts of 1,000 tokens they take 4 GB."""

    key: str
    tokens: Spooled  # 32-bit integers
    rollout_index: int = 0

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The prompt's tokens, read from the disk."""
        return tuple(array("i", self.tokens.read()))

    @property
    def num_tokens(self) -> int:
        """The number of the prompt's tokens."""
        return self.tokens.size // array("i").itemsize


def render(tokenizer: Any, prompt: list[dict[str, Any]] | str) -> str:
    """Return the text a model is given: messages through the tokenizer's chat template, plain text unchanged.

    Raises:
        ModelError: the template refuses the messages.
    """
    if isinstance(prompt, str):
        return str((tokenizer.bos_token or "") if adds_bos(tokenizer) else "") + prompt
    return through_template(tokenizer, prompt, add_generation_prompt=True)


def through_template(tokenizer: Any, turns: list[dict[str, Any]], *, add_generation_prompt: bool) -> str:
    """Return `turns` as the chat template writes them, with the start of an answer if `add_generation_prompt`.

    Raises:
        ModelError: the template refuses them, as some do a system or tool turn.
    """
    # what a model thought before an earlier answer is no part of a later prompt
    shown = [{name: value for name, value in turn.items() if name != "reasoning"} for turn in turns]
    shown, tools = fit_tools(tokenizer, *take_tools(shown))
    shown = fit_calls(tokenizer, shown)
    told: dict[str, Any] = {"tools": tools} if tools else {}
    try:
        return str(
            tokenizer.apply_chat_template(shown, tokenize=False, add_generation_prompt=add_generation_prompt, **told)
        )
    except (TemplateError, TypeError, ValueError) as error:
        if not getattr(tokenizer, "chat_template", True):
            raise ModelError(NO_TEMPLATE) from error
        raise ModelError(
            f"The model's chat template refuses the turns {', '.join(turn['role'] for turn in turns)}: {error}. Take a "
            "model whose template knows them; a student can have chat_template: minimal, a teacher prompt.layout: text."
        ) from error


def tokenize(tokenizer: Any, rendered: str) -> tuple[int, ...]:
    """Return the token ids of a rendered prompt; the template has placed all special tokens already."""
    return tuple(tokenizer(rendered, add_special_tokens=False).input_ids)


def adds_bos(tokenizer: Any) -> bool:
    """Return whether the tokenizer puts the token of a text's beginning before a plain text."""
    ids = tokenizer("a").input_ids
    return bool(ids) and ids[0] == tokenizer.bos_token_id


def continuation_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of each text as it stands behind a prompt, in the middle of a text.

    SentencePiece puts a space in front of a text that it is given alone: decoding after a prompt, free or held to a
    choice, then writes other tokens than those.
    """
    anchors = ("\n", ".", "a") if _invents_a_space(tokenizer) else ("",)
    for anchor in anchors:
        before = _ids(tokenizer, anchor)
        whole = [_ids(tokenizer, anchor + text) for text in texts]
        if all(ids[: len(before)] == before for ids in whole):
            return [ids[len(before) :] for ids in whole]
    raise ModelError(
        f"The model's tokenizer joins {texts[0][:20]!r} with whatever stands before it, so the tokens of an answer are "
        "not known. Take a model with another tokenizer."
    )


def _invents_a_space(tokenizer: Any) -> bool:
    """Return whether a text's first word has other tokens than the same word on a new line."""
    newline, both = _ids(tokenizer, "\n"), _ids(tokenizer, "\na")
    return bool(newline) and both[: len(newline)] == newline and both[len(newline) :] != _ids(tokenizer, "a")


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False).input_ids) if text else []


def first_token_ids(tokenizer: Any, choices: list[str]) -> list[int] | None:
    """Return the first token of each choice behind a prompt, or None if two choices share it."""
    first = [ids[0] for ids in continuation_ids(tokenizer, choices)]
    return first if len(set(first)) == len(first) else None


def closing_texts(choices: list[str]) -> list[str]:
    """Return the choices as stop texts; none if one choice is part of another.

    An engine that stops on them saves the last decoding step: one of the two or three that a short label takes.
    """
    inside = any(one != other and one in other for one in choices for other in choices)
    return [] if inside else list(choices)


def shows_special_tokens(tokenizer: Any) -> bool:
    """Return whether the model marks reasoning or calls with special tokens, which a text must show to be read."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    special = {str(token) for token in added.values() if token.special}
    return shows_marks(special) or CALLING_TOKEN in special


def sampling_params(
    sampling: Sampling,
    constraint: dict[str, Any],
    rollout_index: int,
    label_token_ids: list[int] | None,
    *,
    with_special_tokens: bool = False,
) -> Any:
    """Return vLLM's parameters for one rollout under `constraint`, with the log-probabilities of `label_token_ids`."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    fields = sampling_fields(
        sampling, constraint, rollout_index, label_token_ids, with_special_tokens=with_special_tokens
    )
    held = fields.pop("structured_outputs")
    return SamplingParams(
        **fields,
        structured_outputs=StructuredOutputsParams(**held) if held else None,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def sampling_fields(
    sampling: Sampling,
    constraint: dict[str, Any],
    rollout_index: int,
    label_token_ids: list[int] | None,
    *,
    with_special_tokens: bool = False,
) -> dict[str, Any]:
    """Return the fields of `sampling_params` as JSON, as vLLM's server takes them."""
    greedy = sampling.temperature == 0.0
    ends = [] if sampling.stop else closing_texts(constraint.get("choice", []))
    return {
        "n": 1,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "max_tokens": sampling.max_tokens,
        "stop": list(sampling.stop) or ends or None,
        "include_stop_str_in_output": bool(ends),
        "seed": None if greedy else sampling.seed + rollout_index,
        "logprobs": None if label_token_ids else sampling.logprobs,
        "logprob_token_ids": label_token_ids,
        "structured_outputs": _structured(constraint) if constraint else None,
        "skip_special_tokens": not with_special_tokens,
    }


def _structured(constraint: dict[str, Any]) -> dict[str, Any]:
    return {"json" if name == "json_schema" else name: value for name, value in constraint.items()}
