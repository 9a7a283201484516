"""The judge's scores of a teacher's completions, by the completion's key."""

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
        ("key", pa.string()),  # of the completion
        ("score", pa.int8()),  # 1 to 5; null if the reply can't be read
        ("said", pa.string()),  # the judge's reply
    ]
)


def score_questions(
    rows: Iterable[Row], completions: Iterable[dict[str, Any]], judge: Judge, skill: Skill, labels: Sequence[str]
) -> dict[str, Messages]:
    """Return a question about each completion, by its key; it shows the text that a student would learn.

    There is no question about a failed or blank completion, nor about one of another row: labelled examples have
    completions too if the recipe checks labels, but no student learns them. Rows with the same prompt share a key; the
    first is shown.

    Args:
        rows: the prompts.
        completions: lines of the teacher's table of completions.
    """
    messages: dict[str, Messages] = {}
    for row in rows:
        messages.setdefault(row["id"], row["messages"])
    questions: dict[str, Messages] = {}
    for line in completions:
        if line["row_id"] not in messages or line["key"] in questions or line["finish_reason"].startswith("error"):
            continue
        target = _training_target(line["text"], skill, labels)
        if not target:
            continue
        request = request_text(messages[line["row_id"]], skill, labels)
        questions[line["key"]] = score_question(judge, request, target)
    return questions


def write_scores(path: Path, replies: Mapping[str, JudgeReply]) -> dict[str, Any]:
    """Write the score of each completion, in the order of their keys, and return the number of each score."""
    texts = {key: replies[key].text for key in sorted(replies)}
    lines = [{"key": key, "score": read_score(text), "said": text} for key, text in texts.items()]
    pq.write_table(pa.Table.from_pylist(lines, schema=SCORE_SCHEMA), path)
    scores = [line["score"] for line in lines]
    counts = {str(score): scores.count(score) for score in range(1, 6)}
    return {"scored": len(scores), "unreadable": scores.count(None), "scores": counts}


def read_scores(path: Path) -> dict[str, int | None]:
    """Return the scores by the completions' keys; None if the judge's reply can't be read."""
    return {line["key"]: line["score"] for line in pq.read_table(path).to_pylist()}


def _training_target(text: str, skill: Skill, labels: Sequence[str]) -> str:
    answer = skill.parse(text, labels)
    return text.strip() if answer is None else skill.training_target(text, answer)
