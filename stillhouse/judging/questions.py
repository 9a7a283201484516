"""Questions to a judge as rows that any teacher's worker answers, and what it said to each.

Separate because here it becomes a teacher: a question is a row whose turns are the whole prompt, so that the workers,
the store of answers and their keys are those of every teacher, and no verdict is paid for twice.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from stillhouse.artifacts.store import StoreConfig
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.data.row import ROW_SCHEMA, Messages
from stillhouse.errors import ServiceUnavailable
from stillhouse.recipe.judge import Judge
from stillhouse.skills.conversation import Conversation
from stillhouse.teachers.spec import GenerateSpec

# a conversation without an instruction is asked as it stands
_AS_IT_STANDS = Conversation(kind="conversation", instruction="")
_QUESTIONS, _ANSWERS = "questions.parquet", "completions.parquet"
# more questions that got no answer are no measurement
_MOST_FAILED = 0.05


class JudgeReply(BaseModel):
    """What the judge said to one question; nothing where it was given up or refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    finish_reason: str


def write_questions(
    folder: Path,
    questions: Mapping[str, Messages],
    judge: Judge,
    choices: tuple[str, ...],
    *,
    model_path: str,
    fingerprint: str,
    store: StoreConfig,
    cap: BudgetScope,
) -> GenerateSpec:
    """Write the questions, by their ids, into `folder`, and return what a teacher's worker is told of them."""
    rows = [
        {**dict.fromkeys(ROW_SCHEMA.names), "id": name, "messages": turns, "references": []}
        for name, turns in questions.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=ROW_SCHEMA), folder / _QUESTIONS)
    return GenerateSpec(
        model_path=model_path,
        teacher=judge.asked_for(choices),
        teacher_fingerprint=fingerprint,
        skill=_AS_IT_STANDS,
        labels=(),
        rows=(str(folder / _QUESTIONS),),
        skip_labelled=False,
        examples=None,
        store=store,
        cap=cap,
        out=str(folder),
    )


def read_said(folder: Path) -> dict[str, JudgeReply]:
    """Return what was said to each question, by its id, and remove the files that carried both.

    Raises:
        ServiceUnavailable: more than a twentieth of the questions got no answer.
    """
    lines = pq.read_table(folder / _ANSWERS, columns=["row_id", "text", "finish_reason"]).to_pylist()
    said = {line["row_id"]: JudgeReply(text=line["text"], finish_reason=line["finish_reason"]) for line in lines}
    for name in (_QUESTIONS, _ANSWERS):
        (folder / name).unlink()
    # what a judge refuses to read is refused the next time too
    lost = sum(
        one.finish_reason.startswith("error") and one.finish_reason != "error:content_filter" for one in said.values()
    )
    if lost > _MOST_FAILED * len(said):
        raise ServiceUnavailable(
            f"{lost} of {len(said)} questions got no answer; the others are stored. Run again to ask these."
        )
    return said
