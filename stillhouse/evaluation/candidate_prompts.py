"""How one model of a comparison is asked: from a row to a parsed answer.

Separate because latency is timed over exactly this path, and quality is judged on exactly its answers.
"""

from collections.abc import Callable, Sequence
from typing import Any

from stillhouse.data.row import Row
from stillhouse.evaluation.engine_process import DecodingSpec, Finished
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.inference.vllm.request import Request, first_token_ids, render, tokenize
from stillhouse.recipe.teacher import Sampling
from stillhouse.teachers.calibration import calibrate
from stillhouse.teachers.prompting import Prompter


class CandidatePrompter:
    """Turns rows into one model's requests and its outputs into answers."""

    def __init__(self, spec: EvaluateSpec, candidate: Candidate, tokenizer: Any, examples: Sequence[Row]) -> None:
        """Build the prompts' maker; a teacher's index of labelled examples is built here, once."""
        self._labels = spec.labels
        self._skill = spec.skill
        self._tokenizer = tokenizer
        self._is_teacher = candidate.prompting == "teacher"
        self._prior = spec.prior if self._is_teacher else None
        if self._is_teacher:
            prompter = Prompter(spec.teacher, spec.skill, spec.labels, examples)
            self._prompts: Callable[[Sequence[Row]], Any] = prompter.prompts
            constraint = prompter.constraint(spec.teacher)
        else:
            show = (
                self._skill.zero_shot_messages if candidate.prompting == "zero_shot" else self._skill.student_messages
            )
            self._prompts = lambda rows: (show(row["messages"], spec.labels) for row in rows)
            constraint = self._skill.constraint(spec.labels)
        scored = first_token_ids(tokenizer, constraint["choice"]) if self._prior else None
        # where a text without a chat template ends is part of how the teacher is asked
        stop = spec.teacher.sampling.stop if self._is_teacher else ()
        sampling = Sampling(max_tokens=spec.evaluation.max_tokens, stop=stop)
        self.form = DecodingSpec(sampling=sampling, constraint=constraint, scored=scored)

    def requests(self, rows: Sequence[Row]) -> list[Request]:
        """Return the model's requests for `rows`, ids as their row numbers."""
        return [
            Request(key=str(number), token_ids=tokenize(self._tokenizer, render(self._tokenizer, prompt)))
            for number, prompt in enumerate(self._prompts(rows))
        ]

    def answer(self, finished: Finished) -> str | None:
        """Return the parsed answer, or None where it can't be read."""
        if self._prior and finished.scores:
            return self._labels[calibrate(finished.scores, self._prior)[0]]
        return self._skill.parse(finished.text, self._labels)
