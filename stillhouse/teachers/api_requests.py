"""The questions of a generation with their keys; equal prompts share one."""

from collections.abc import Callable, Sequence

from stillhouse.completions.completion import completion_key
from stillhouse.data.row import Row
from stillhouse.inference.api.redaction import Redactor
from stillhouse.inference.api.request import ChatRequest, structured_output
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.teachers.prompting import Prompter
from stillhouse.teachers.requests import examples_of
from stillhouse.teachers.spec import AskSpec

# personal data in every prompt takes minutes to find in so many hundred thousand: a silent worker would be ended
_TOLD_EVERY = 10_000


class ChatRequests:
    """What is asked for each row and sample."""

    def __init__(
        self, spec: AskSpec, endpoint: Endpoint, rows: Sequence[Row], log: Callable[[str], None] = lambda _: None
    ) -> None:
        """Make every row's prompt; `log` is told how far it is.

        Raises:
            DataError: labels, or the form of the answers, hold personal data that may not be sent.
        """
        prompter = Prompter(spec.teacher, spec.skill, spec.labels, examples_of(spec))
        self.form = structured_output(endpoint, prompter.constraint(spec.teacher))
        outgoing = Redactor(endpoint)
        outgoing.check(spec.labels, self.form)
        self.places: list[tuple[str, int, str]] = []  # row id, sample index, key
        questions: dict[str, ChatRequest] = {}
        sampling = spec.teacher.sampling
        for number, (row, prompt) in enumerate(zip(rows, prompter.prompts(rows), strict=True), start=1):
            if number % _TOLD_EVERY == 0:
                log(f"{number} of {len(rows)} prompts made")
            assert not isinstance(prompt, str), "the recipe refuses layout text behind an endpoint"
            text = outgoing.text(prompt)
            for index in range(sampling.n):
                key = completion_key(spec.teacher_fingerprint, text, sampling, self.form.fields, index)
                if key not in questions:
                    questions[key] = ChatRequest(key=key, prompt=text, sample_index=index)
                self.places.append((row["id"], index, key))
        self.all = list(questions.values())
        # {prompts, marks}: of how many prompts; None where they are sent as they are
        self.redacted = outgoing.found
