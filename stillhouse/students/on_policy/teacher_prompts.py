"""A row's prompt as a teacher of another tokenizer is given it, in its own chat template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.vllm.chat_template import TemplateSettings
from stillhouse.inference.vllm.request import render, tokenize
from stillhouse.students.served_template import serve_without_reasoning
from stillhouse.students.spec import TeacherWeights


class TeacherPrompts:
    """Adds `teacher_prompt`, token ids of the teacher, to the rows of a student."""

    def __init__(self, teacher: TeacherWeights, *, with_reasoning: bool) -> None:
        """Load the teacher's tokenizer; thinking is off in its template unless the student learns to reason.

        Raises:
            ModelError: it can't be loaded, or has no chat template.
        """
        self._tokenizer = load_tokenizer(teacher.model, teacher.revision)
        if not with_reasoning:
            serve_without_reasoning(self._tokenizer, TemplateSettings(), is_trained=False)

    def mark(self, row: Mapping[str, Any], encoded: Mapping[str, list[int]]) -> dict[str, list[int]]:
        """Return a row's token ids and mask, and the prompt as token ids of the teacher."""
        prompt = tokenize(self._tokenizer, render(self._tokenizer, row["prompt"]))
        return {**encoded, "teacher_prompt": list(prompt)}
