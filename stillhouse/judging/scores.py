"""A score for each of a teacher's answers, by the answer's key.

Separate because filters and whatever else chooses among answers read the same table.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.data.row import Messages, Row
from stillhouse.judging.prompts import request_text, score_question
from stillhouse.judging.questions import JudgeReply
from stillhouse.judging.verdicts import read_score
from stillhouse.recipe.judge import Judge
from stillhouse.skills.skill import Skill

SCORE_SCHEMA = pa.schema(
    [
        ("key", pa.string()),  # of the answer, as in the teacher's completions
        ("score", pa.int8()),  # 1 to 5; null where what the judge said is no score
        ("said", pa.string()),
    ]
)


def score_questions(
    rows: Iterable[Row], answers: Iterable[Row], judge: Judge, skill: Skill, labels: Sequence[str]
) -> dict[str, Messages]:
    """Return a question about each answer, by its key: about what a student would learn of it.

    Failed and blank answers are not asked about. Of several rows with one answer's key, which had the same prompt, the
    first is shown.

    Args:
        rows: the prompts.
        answers: lines of the teacher's table of answers.
    """
    messages: dict[str, Any] = {}
    for row in rows:
        messages.setdefault(row["id"], row["messages"])
    questions: dict[str, Messages] = {}
    for line in answers:
        lesson = _lesson(line["text"], skill, labels)
        if line["finish_reason"].startswith("error") or not lesson or line["key"] in questions:
            continue
        request = request_text(messages[line["row_id"]], skill, labels)
        questions[line["key"]] = score_question(judge, request, lesson)
    return questions


def write_scores(path: Path, said: Mapping[str, JudgeReply]) -> dict[str, Any]:
    """Write the score of each answer, in the order of their keys, and return how many there are of each."""
    lines = [{"key": key, "score": read_score(said[key].text), "said": said[key].text} for key in sorted(said)]
    pq.write_table(pa.Table.from_pylist(lines, schema=SCORE_SCHEMA), path)
    given = [line["score"] for line in lines]
    scores = {str(number): given.count(number) for number in range(1, 6)}
    return {"scored": len(given), "unreadable": given.count(None), "scores": scores}


def read_scores(path: Path) -> dict[str, int | None]:
    """Return the scores by the answers' keys; None where the judge gave none that can be read."""
    return {line["key"]: line["score"] for line in pq.read_table(path).to_pylist()}


def _lesson(text: str, skill: Skill, labels: Sequence[str]) -> str:
    answer = skill.parse(text, labels)
    return text.strip() if answer is None else skill.training_target(text, answer)
