"""Questions to a judge as rows that any teacher's worker answers, and the judge's replies.

A question is a row whose messages are the whole prompt. So the judge has the workers and the completion store of a
teacher, and no verdict is paid for twice.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from stillhouse.artifacts.store import StoreConfig
from stillhouse.config import StrictModel
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.data.row import Messages
from stillhouse.data.turns import write_rows
from stillhouse.errors import ServiceUnavailable
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.conversation import Conversation
from stillhouse.teachers.spec import GenerateSpec

# a conversation without an instruction is sent unchanged
_UNCHANGED = Conversation(kind="conversation", instruction="")
_QUESTIONS, _COMPLETIONS = "questions.parquet", "completions.parquet"
# above this share of questions without a reply, the verdicts are not reported
_MAX_FAILED = 0.05


class JudgeReply(StrictModel):
    """The judge's reply to one question; an empty text if the request failed or was refused."""

    text: str
    finish_reason: str


def write_questions(
    folder: Path,
    questions: Mapping[str, Messages],
    judge: Teacher,
    *,
    model_path: str,
    fingerprint: str,
    store: StoreConfig,
    budget: BudgetScope,
) -> GenerateSpec:
    """Write the questions, by their ids, into `folder`, and return the spec for a teacher's worker.

    Args:
        judge: the judge as a teacher, restricted to the replies it may give.
    """
    rows = [{"id": name, "messages": turns, "references": []} for name, turns in questions.items()]
    write_rows(folder / _QUESTIONS, rows)
    return GenerateSpec(
        model_path=model_path,
        teacher=judge,
        teacher_fingerprint=fingerprint,
        skill=_UNCHANGED,
        labels=(),
        rows=(str(folder / _QUESTIONS),),
        skip_labelled=False,
        examples=None,
        store=store,
        budget=budget,
        out=str(folder),
    )


def read_replies(folder: Path) -> dict[str, JudgeReply]:
    """Return the reply to each question, by its id, and remove the files of questions and replies.

    Raises:
        ServiceUnavailable: more than a twentieth of the questions got no reply.
    """
    # imported here: the library behind it takes half a second to load, and this file's names are needed everywhere
    from stillhouse.inference.api.errors import REFUSALS

    lines = pq.read_table(folder / _COMPLETIONS, columns=["row_id", "text", "finish_reason"]).to_pylist()
    replies = {line["row_id"]: JudgeReply(text=line["text"], finish_reason=line["finish_reason"]) for line in lines}
    for name in (_QUESTIONS, _COMPLETIONS):
        (folder / name).unlink()
    reasons = [reply.finish_reason for reply in replies.values()]
    failed = sum(reason.startswith("error") and reason not in REFUSALS for reason in reasons)
    if failed > _MAX_FAILED * len(replies):
        raise ServiceUnavailable(
            f"{failed} of {len(replies)} questions got no reply; the others are stored. Run again to send these."
        )
    return replies
