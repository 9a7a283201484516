"""A language-model student's prompts and answers: the very tokens and the very parser of its evaluation."""

from pathlib import Path
from typing import Any

from stillhouse.data.row import Messages
from stillhouse.errors import ModelError
from stillhouse.evaluation.candidate_prompts import decoding_of
from stillhouse.evaluation.engine_process import DecodingSpec
from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.vllm.chat_template import TemplateSettings, fix_settings
from stillhouse.inference.vllm.request import render, tokenize
from stillhouse.reasoning import opened_block, split_reasoning
from stillhouse.recipe.teacher import Sampling
from stillhouse.serving.engine import Wanted
from stillhouse.serving.errors import bad_request, too_long
from stillhouse.serving.record import ServingRecord

_ASKED = [{"role": "user", "content": "What is it?"}]


class LanguagePrompts:
    """Turns prompts into tokens, and what a model wrote into its answer's text."""

    def __init__(self, folder: Path, record: ServingRecord) -> None:
        """Load the student's tokenizer, which holds its chat template.

        Raises:
            ModelError: there is none, or it refuses a plain question.
        """
        self._record = record
        self._tokenizer: Any = load_tokenizer(str(folder))
        fix_settings(self._tokenizer, TemplateSettings())
        constraint = record.skill.constraint(record.labels)
        sampling = Sampling(max_tokens=record.max_tokens)
        self.decoding = decoding_of(self._tokenizer, constraint, sampling, is_scored=True)
        self._opened_block = "" if constraint else opened_block(self._rendered(_ASKED))

    @property
    def is_plain(self) -> bool:
        """Whether what the model writes is its answer from the first letter on, with no reasoning before it."""
        return not (self._opened_block or self.decoding.with_special_tokens or self.decoding.constraint)

    def token_ids(self, messages: Messages, room: int, max_tokens: int) -> tuple[int, ...]:
        """Return a prompt's tokens.

        Raises:
            ApiError: its turns are none that the student's template takes, or they leave no room for an answer.
        """
        try:
            ids = tokenize(self._tokenizer, self._rendered(messages))
        except ModelError as error:
            raise bad_request(str(error), code="wrong_roles", param="messages") from None
        if len(ids) + max_tokens > room:
            raise too_long(
                f"it has {len(ids)} tokens and its answer up to {max_tokens}; the model reads {room} together",
                param="messages",
            )
        return ids

    def decoding_for(self, wanted: Wanted) -> DecodingSpec:
        """Return how a request's answer is decoded; a label as in the evaluation, whatever is wanted."""
        if self.decoding.constraint:
            return self.decoding
        sampling = self.decoding.sampling.model_copy(
            update={
                "max_tokens": wanted.max_tokens or self.decoding.sampling.max_tokens,
                "temperature": wanted.temperature,
                "top_p": wanted.top_p,
                "stop": wanted.stop,
                "seed": wanted.seed,
            }
        )
        return self.decoding.model_copy(update={"sampling": sampling})

    def answer_text(self, text: str) -> str:
        """Return what the model wrote without its reasoning."""
        return split_reasoning(self._opened_block + text).answer

    def _rendered(self, messages: Messages) -> str:
        return render(self._tokenizer, self._record.skill.student_messages(messages, self._record.labels))
