"""The requests of a generation to an engine: rows read, prompts rendered, keys made."""

from array import array
from collections.abc import Callable, Iterable
from itertools import tee
from typing import Any

from stillhouse.completions.completion import CompletionSlot
from stillhouse.completions.key import completion_key
from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.completions.table import AnswerForm
from stillhouse.data.row import Row
from stillhouse.inference.api.request import num_logprobs
from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.vllm.answer_tokens import answer_form, check_room
from stillhouse.inference.vllm.chat_template import fix_settings, settings_of
from stillhouse.inference.vllm.held_answers import check_held
from stillhouse.inference.vllm.request import (
    AnyRequest,
    SpooledRequest,
    first_token_ids,
    render,
    shows_special_tokens,
    tokenize,
)
from stillhouse.reasoning import opened_block
from stillhouse.runtime.spool import Spool, Spooled
from stillhouse.runtime.worker import Reporter
from stillhouse.skills.cases import is_asked, read_cases, rows_to_check, stream_cases
from stillhouse.teachers.prompting import Prompter
from stillhouse.teachers.spec import AskSpec, read_row_ids


def rows_of(spec: AskSpec) -> Iterable[Row]:
    """Return the rows that the teacher answers, one a prompt; read as they are taken, since there are millions."""
    rows = (row for path in spec.rows for row in stream_cases(path, spec.skill))
    if spec.check_labels:
        return rows_to_check(list(rows), examples_of(spec))
    only = None if spec.only is None else read_row_ids(spec.only)
    return (row for row in rows if is_asked(row, spec.skip_labelled) and (only is None or row["id"] in only))


def examples_of(spec: AskSpec) -> list[Row]:
    """Return the labelled rows that prompts may show."""
    return read_cases(spec.examples, spec.skill) if spec.examples else []


def open_recorder(spec: AskSpec, keys: Iterable[str], reporter: Reporter, form: AnswerForm) -> CompletionRecorder:
    """Return the recorder of the teacher's completions of `keys`, with those that the store has."""
    return CompletionRecorder(
        keys,
        reporter,
        store=spec.store,
        teacher=spec.teacher_fingerprint,
        budget=spec.budget,
        form=form,
        # what is asked of scored labels does not depend on their number, which is in no request
        min_logprobs=0 if form.label_token_ids else num_logprobs(spec.teacher),
    )


class PreparedRequests:
    """All requests of a generation with their keys; rows with equal prompts share one request."""

    def __init__(self, spec: AskSpec, beat: Callable[[], None] = lambda: None) -> None:
        """Render and tokenise every row's prompt; `beat` is called for each: a million take half an hour."""
        self.spec = spec
        teacher = spec.teacher
        rows, asked = tee(rows_of(spec))
        tokenizer = load_tokenizer(spec.model_path, teacher.revision)
        fix_settings(tokenizer, settings_of(teacher))
        self.tokenizer = tokenizer
        prompter = Prompter(teacher, spec.skill, spec.labels, examples_of(spec))
        self.constraint = prompter.constraint(teacher)
        if self.constraint and teacher.prompt.layout != "text":
            check_held(tokenizer, teacher.model)
        choices = self.constraint.get("choice") if teacher.output.kind == "skill" else None
        # of each label, if their scores are requested
        self.label_token_ids = first_token_ids(tokenizer, choices) if choices else None
        self.shows_special_tokens = shows_special_tokens(tokenizer)
        self.opened_block = ""  # the mark of reasoning that the prompts end in, if the template opens it
        check_room(tokenizer, self.constraint.get("choice", ()), teacher.sampling, teacher.model)
        self.form = answer_form(tokenizer, self.label_token_ids, self.constraint)
        self.slots: list[CompletionSlot] = []
        tokens, requests = Spool(), dict[str, AnyRequest]()
        output = self._output()
        for row, prompt in zip(rows, prompter.prompts(asked, beat), strict=True):
            beat()
            rendered = render(tokenizer, prompt)
            # an answer that is held to a form is none of the block
            self.opened_block = "" if self.constraint else opened_block(rendered)
            place: Spooled | None = None  # one for all rollouts
            for index in range(teacher.sampling.n):
                key = completion_key(spec.teacher_fingerprint, rendered, teacher.sampling, output, index)
                if key not in requests:
                    place = place or tokens.add(array("i", tokenize(tokenizer, rendered)).tobytes())
                    requests[key] = SpooledRequest(key, place, index)
                self.slots.append(CompletionSlot(row["id"], index, key))
        self.requests = list(requests.values())

    def _output(self) -> dict[str, Any]:
        return {**self.constraint, "scored": self.label_token_ids} if self.label_token_ids else self.constraint
