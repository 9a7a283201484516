"""All requests of a generation, rendered and keyed, for the workers that drive an engine."""

from typing import Any

from stillhouse.completions.completion import completion_key
from stillhouse.inference.vllm.engine import load_tokenizer
from stillhouse.inference.vllm.request import Request, label_token_ids, render, tokenize
from stillhouse.skills.cases import asked_of, read_cases, unclaimed
from stillhouse.teachers.prompting import Prompter
from stillhouse.teachers.spec import AskSpec, read_row_ids


def rows_of(spec: AskSpec) -> list[dict[str, Any]]:
    """Return the rows that the teacher is to answer, one a prompt."""
    rows = [row for path in spec.rows for row in read_cases(path, spec.skill)]
    if spec.check_labels:
        return rows + unclaimed(examples_of(spec), rows)
    rows = asked_of(rows, spec.skip_labelled)
    if spec.only is None:
        return rows
    only = read_row_ids(spec.only)
    return [row for row in rows if row["id"] in only]


def examples_of(spec: AskSpec) -> list[dict[str, Any]]:
    """Return the labelled rows that prompts may show."""
    return read_cases(spec.examples, spec.skill) if spec.examples else []


class PreparedRequests:
    """All requests of a generation with their keys; equal prompts share one request."""

    def __init__(self, spec: AskSpec, rows: list[dict[str, Any]]) -> None:
        """Render and tokenise every row's prompt."""
        tokenizer = load_tokenizer(spec.model_path, spec.teacher.revision)
        prompter = Prompter(spec.teacher, spec.skill, spec.labels, examples_of(spec))
        self.constraint = prompter.constraint(spec.teacher)
        choices = self.constraint.get("choice") if spec.teacher.output.kind == "skill" else None
        self.scored = label_token_ids(tokenizer, choices) if choices else None
        self.places: list[tuple[dict[str, Any], int, str]] = []
        requests: dict[str, Request] = {}
        for row, prompt in zip(rows, prompter.prompts(rows), strict=True):
            rendered = render(tokenizer, prompt)
            for index in range(spec.teacher.sampling.n):
                key = completion_key(spec.teacher_fingerprint, rendered, spec.teacher.sampling, self._output(), index)
                if key not in requests:
                    requests[key] = Request(id=key, token_ids=tokenize(tokenizer, rendered), sample_index=index)
                self.places.append((row, index, key))
        self.requests = list(requests.values())

    def _output(self) -> dict[str, Any]:
        return {**self.constraint, "scored": self.scored} if self.scored else self.constraint
