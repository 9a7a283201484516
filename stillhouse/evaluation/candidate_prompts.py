"""From a row to one model's parsed answer: exactly what latency is timed over and quality is measured on."""

from collections.abc import Callable, Sequence
from typing import Any

from stillhouse.data.row import Row
from stillhouse.evaluation.engine_process import DecodingSpec, EngineReply
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.inference.vllm.answer_tokens import tokens_needed
from stillhouse.inference.vllm.request import Request, first_token_ids, render, shows_special_tokens, tokenize
from stillhouse.reasoning import opened_block, split_reasoning
from stillhouse.recipe.teacher import Sampling
from stillhouse.teachers.calibration import calibrate
from stillhouse.teachers.prompting import Prompter


def decoding_of(tokenizer: Any, constraint: dict[str, Any], sampling: Sampling, *, is_scored: bool) -> DecodingSpec:
    """Return how a model with this tokenizer decodes an answer; `is_scored`: with the log-probability of each label.

    `max_tokens` is for free answers: a label that is cut is none, so the longest always has room.
    """
    choices = constraint.get("choice", [])
    needed = tokens_needed(tokenizer, choices, sampling.stop)
    return DecodingSpec(
        sampling=sampling.model_copy(update={"max_tokens": max(sampling.max_tokens, needed)}),
        constraint=constraint,
        label_token_ids=first_token_ids(tokenizer, choices) if choices and is_scored else None,
        with_special_tokens=shows_special_tokens(tokenizer),
    )


class CandidatePrompter:
    """Turns rows into one model's requests, and its replies into answers."""

    def __init__(self, spec: EvaluateSpec, candidate: Candidate, tokenizer: Any, examples: Sequence[Row]) -> None:
        """Prepare the prompts; a teacher's index of labelled examples is built here, once."""
        self._labels = spec.labels
        self._skill = spec.skill
        self._tokenizer = tokenizer
        is_teacher = candidate.prompting == "teacher"
        self._prior = spec.prior if is_teacher else None
        if is_teacher:
            prompter = Prompter(spec.teacher, spec.skill, spec.labels, examples)
            self._prompts: Callable[[Sequence[Row]], Any] = prompter.prompts
            constraint = prompter.constraint(spec.teacher)
        else:
            is_zero_shot = candidate.prompting == "zero_shot"
            messages = self._skill.zero_shot_messages if is_zero_shot else self._skill.student_messages
            self._prompts = lambda rows: (messages(row["messages"], spec.labels) for row in rows)
            constraint = self._skill.constraint(spec.labels)
        # a prompt without a chat template needs the teacher's stop texts to end
        stop = spec.teacher.sampling.stop if is_teacher else ()
        # a teacher's labels are scored to calibrate it, a student's to say how sure it is
        is_scored = bool(self._prior) or candidate.prompting == "student"
        sampling = Sampling(max_tokens=spec.evaluation.max_tokens, stop=stop)
        self.decoding = decoding_of(tokenizer, constraint, sampling, is_scored=is_scored)
        self._opened_block = ""

    def requests(self, rows: Sequence[Row]) -> list[Request]:
        """Return the model's requests for `rows`; their keys are row numbers."""
        rendered = [render(self._tokenizer, prompt) for prompt in self._prompts(rows)]
        if rendered and not self.decoding.constraint:
            self._opened_block = opened_block(rendered[0])
        return [
            Request(key=str(number), token_ids=tokenize(self._tokenizer, text)) for number, text in enumerate(rendered)
        ]

    def answer_text(self, reply: EngineReply) -> str:
        """Return the reply's text without its reasoning."""
        return split_reasoning(self._opened_block + reply.text).answer

    def answer(self, reply: EngineReply) -> str | None:
        """Return the parsed answer, or None if it can't be read."""
        if self._prior and reply.scores:
            return self._labels[calibrate(reply.scores, self._prior)[0]]
        return self._skill.parse(self.answer_text(reply), self._labels)
