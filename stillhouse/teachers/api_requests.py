"""The requests of a generation to an endpoint, redacted and keyed; rows with equal prompts share one request."""

import os
from collections.abc import Callable, Iterable
from itertools import tee

from stillhouse.completions.completion import CompletionSlot
from stillhouse.completions.key import completion_key
from stillhouse.completions.table import AnswerForm
from stillhouse.data.row import Row
from stillhouse.inference.api.credentials import read_api_key, read_secret_headers
from stillhouse.inference.api.redaction import Redactor
from stillhouse.inference.api.request import ApiModel, ChatRequest, structured_output, template_fields
from stillhouse.runtime.spool import Spool, Spooled
from stillhouse.teachers.prompting import Prompter
from stillhouse.teachers.requests import examples_of
from stillhouse.teachers.spec import AskSpec

# personal data in several 100,000 prompts takes minutes to find: a silent worker would be ended
_LOG_EVERY = 10_000


class ChatRequests:
    """The requests for all rows and rollouts."""

    def __init__(
        self,
        spec: AskSpec,
        rows: Iterable[Row],
        log: Callable[[str], None] = lambda _: None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """Make every row's prompt; the progress goes to `log`, and `beat` is called for each.

        Raises:
            DataError: labels, or the completions' form, hold personal data that may not be sent.
        """
        self.spec = spec
        sampling = spec.teacher.sampling
        prompter = Prompter(spec.teacher, spec.skill, spec.labels, examples_of(spec))
        constraint = prompter.constraint(spec.teacher)
        self.form = structured_output(spec.endpoint, constraint)
        self.answers = AnswerForm(is_closed="choice" in constraint)
        redactor = Redactor(spec.endpoint)
        redactor.check(spec.labels, self.form)
        self.slots: list[CompletionSlot] = []
        output = self.form.fields | template_fields(spec.teacher)
        prompts, requests = Spool(), dict[str, ChatRequest]()
        rows, asked = tee(rows)
        for number, (row, prompt) in enumerate(zip(rows, prompter.prompts(asked, beat), strict=True), start=1):
            beat()
            if number % _LOG_EVERY == 0:
                log(f"{number} prompts made")
            assert not isinstance(prompt, str), "the recipe refuses layout text behind an endpoint"
            text = redactor.text(prompt)
            place: Spooled | None = None  # one for all rollouts
            for index in range(sampling.n):
                key = completion_key(spec.teacher_fingerprint, text, sampling, output, index)
                if key not in requests:
                    place = place or prompts.add(text.encode())
                    requests[key] = ChatRequest(key, place, index, row["id"])
                self.slots.append(CompletionSlot(row["id"], index, key))
        self.all = list(requests.values())
        self.redacted = redactor.redacted

    def model(self) -> ApiModel:
        """Return the model that the requests go to, with its API key.

        Raises:
            RecipeError: the key, or the secret of a header, is not set.
        """
        api_key = read_api_key(self.spec.endpoint, os.environ)
        headers = read_secret_headers(self.spec.endpoint, os.environ)
        return ApiModel(self.spec.teacher, self.spec.endpoint, self.form, api_key, headers)
