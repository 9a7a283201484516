"""The plan's table of students and teachers: who can learn from whom, and by which method."""

from collections.abc import Callable, Sequence

from stillhouse.reports.numbers import count
from stillhouse.students.compatibility import Compatibility, ModelFacts

COMPATIBILITY = ("student", "teacher", "method", "vocabulary", "chat template", "context", "parameters", "verdict")


def compatibility_rows(found: Sequence[Compatibility]) -> list[list[str]]:
    """Return the cells of each pair; numbers are the student's, then the teacher's."""
    return [
        [
            one.student.name,
            one.teacher.name,
            one.method,
            one.vocabularies if one.vocabularies != "differ" else f"differ: {_pair(one, _tokens)}",
            one.templates,
            _pair(one, lambda model: model.context),
            _pair(one, lambda model: model.parameters),
            one.verdict,
        ]
        for one in found
    ]


def _tokens(model: ModelFacts) -> int | None:
    return model.tokens or model.logits


def _pair(one: Compatibility, number: Callable[[ModelFacts], int | None]) -> str:
    found = [number(model) for model in (one.student, one.teacher)]
    return " / ".join("?" if value is None else count(value) for value in found)
