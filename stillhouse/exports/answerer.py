"""An export that answers a row as the student is evaluated: what is measured is what is served.

The engine environment alone loads one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from stillhouse.data.row import Messages, prompt_text
from stillhouse.exports.choices import choice_ids
from stillhouse.exports.manifest import read_manifest
from stillhouse.exports.rendering import Renderer
from stillhouse.exports.runtime import Classifier, Runtime, load_classifier, load_runtime
from stillhouse.reasoning import opened_block, split_reasoning
from stillhouse.skills.skill import Skill


class ExportAnswer(NamedTuple):
    """An answer with what its model says of how sure it is."""

    answer: str | None  # None: unreadable
    text: str  # as the model wrote it, without reasoning
    logprob: float | None  # of the label (nats); None: of free answers it is not known
    label_logprobs: list[float] | None  # of each label
    prompt_tokens: int | None  # None: not counted, of an encoder
    completion_tokens: int


class Answerer(Protocol):
    """An export that is loaded with its skill. Calls come one at a time; a server that has several threads locks."""

    def answer(self, messages: Messages) -> ExportAnswer:
        """Return the answer to a row's turns, which the skill's student prompt is put around.

        Raises:
            ModelError: the chat template refuses the turns.
            DataError: the prompt is longer than the model reads.
        """

    def close(self) -> None:
        """Free what the engine holds."""


def open_answerer(folder: Path, skill: Skill, labels: Sequence[str], *, threads: int, max_tokens: int) -> Answerer:
    """Return an export, loaded on `threads` threads; a free answer has at most `max_tokens` tokens.

    Raises:
        ModelError: it is no export, its engine is not installed, or can't load it.
    """
    if read_manifest(folder).kind == "encoder":
        return EncoderAnswerer(load_classifier(folder, threads), skill, labels)
    renderer = Renderer(folder)
    return TextAnswerer(load_runtime(folder, threads), renderer, skill, labels, max_tokens)


class EncoderAnswerer:
    """An encoder that chooses among the labels."""

    def __init__(self, classifier: Classifier, skill: Skill, labels: Sequence[str]) -> None:
        """Take a loaded encoder and the labels in their order for the skill."""
        self._classifier, self._skill, self._labels = classifier, skill, labels

    def answer(self, messages: Messages) -> ExportAnswer:
        """See `Answerer.answer`."""
        text = prompt_text(self._skill.student_messages(messages, self._labels))
        logits = np.asarray(self._classifier.logits([text])[0], dtype=np.float64)
        logprobs = logits - np.logaddexp.reduce(logits)
        # the graph's order is that of its training
        by_label = dict(zip(self._classifier.labels, map(float, logprobs), strict=True))
        best = max(by_label, key=lambda label: by_label[label])
        in_order = [by_label[label] for label in self._labels]
        return ExportAnswer(best, best, by_label[best], in_order, None, 0)

    def close(self) -> None:
        """Free the encoder."""
        del self._classifier


class TextAnswerer:
    """A language model that scores the labels, or writes a free answer."""

    def __init__(
        self, runtime: Runtime, renderer: Renderer, skill: Skill, labels: Sequence[str], max_tokens: int
    ) -> None:
        """Take a loaded engine and what renders its prompts."""
        self._runtime, self._renderer = runtime, renderer
        self._skill, self._labels, self._max_tokens = skill, labels, max_tokens
        self._choices: list[str] = skill.constraint(labels).get("choice", [])
        self._choice_ids = choice_ids(renderer.tokenizer, self._choices, renderer.stop_id) if self._choices else []

    def answer(self, messages: Messages) -> ExportAnswer:
        """See `Answerer.answer`."""
        rendered = self._renderer.render(self._skill.student_messages(messages, self._labels))
        room = max((len(ids) for ids in self._choice_ids), default=self._max_tokens)
        ids = self._renderer.token_ids(rendered, room)
        return self._choose(ids) if self._choices else self._write(rendered, ids)

    def close(self) -> None:
        """Free the engine."""
        self._runtime.close()

    def _choose(self, ids: Sequence[int]) -> ExportAnswer:
        scores = self._runtime.score(ids, self._choice_ids)
        place = int(np.argmax(scores))
        text = self._choices[place]
        return ExportAnswer(self._skill.parse(text, self._labels), text, scores[place], scores, len(ids), 1)

    def _write(self, rendered: str, ids: Sequence[int]) -> ExportAnswer:
        written = self._runtime.generate(ids, max_tokens=self._max_tokens, stop_ids=self._renderer.stop_ids)
        text = split_reasoning(opened_block(rendered) + self._renderer.decode(written)).answer
        return ExportAnswer(self._skill.parse(text, self._labels), text, None, None, len(ids), len(written))
