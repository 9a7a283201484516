"""Judges whose every opinion is known, and pairs put to them without a model."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from stillhouse.data.row import Messages
from stillhouse.judging.pairs import pair_lines, pair_questions, with_verdicts
from stillhouse.judging.questions import JudgeReply
from stillhouse.recipe.judge import Judge
from stillhouse.skills.conversation import Conversation

JUDGE = Judge(model="owner/judge")
SKILL = Conversation(kind="conversation")
Opinion = Callable[[str, str], str]


def shown(turns: Messages) -> dict[str, str]:
    """Return what a question shows, by its name: request, answer A, answer B, answer, reference answer."""
    found = re.findall(r"\[Begin of ([^\]]+)\]\n(.*?)\n\[End of \1\]", turns[-1]["content"], re.DOTALL)
    return dict(found)


def longer(first: str, second: str) -> str:
    return "C" if len(first) == len(second) else "A" if len(first) > len(second) else "B"


def always_first(first: str, second: str) -> str:
    return "A"


def row(name: str, *references: str) -> dict[str, Any]:
    return {"id": name, "messages": [{"role": "user", "content": f"say {name}"}], "references": list(references)}


def judged(student: Sequence[str | None], other: Sequence[str | None], opinion: Opinion) -> list[dict[str, Any]]:
    """Return the lines of the student's answers beside the teacher's, as the opinion goes."""
    rows = [row(f"r{number}") for number in range(len(student))]
    lines = pair_lines(rows, {"student": student, "teacher": other}, {"teacher": "teacher"})
    said = {}
    for name, turns in pair_questions(lines, rows, JUDGE, SKILL, ()).items():
        parts = shown(turns)
        said[name] = JudgeReply(text=opinion(parts["answer A"], parts["answer B"]), finish_reason="stop")
    return with_verdicts(lines, said)
