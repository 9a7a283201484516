"""Conversation: the assistant's next reply after any number of turns, tool messages among them.

Separate because a row is a whole dialogue, of which the last reply or every one is a case of its own. Example:
user "Book a table", assistant "For how many?", user "Two" -> "Done: a table for two."
"""

from collections.abc import Sequence
from typing import Any

from stillhouse.data.row import Messages, content_sha256
from stillhouse.skills import prompts
from stillhouse.skills.free_text import closed_answers as closed_answers
from stillhouse.skills.free_text import constraint as constraint
from stillhouse.skills.free_text import has_wording as has_wording
from stillhouse.skills.free_text import lesson as lesson
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.prompts import student_messages as student_messages
from stillhouse.skills.prompts import teacher_messages as teacher_messages
from stillhouse.skills.prompts import zero_shot_messages as zero_shot_messages
from stillhouse.skills.skill import Conversation
from stillhouse.skills.summarization import rouge
from stillhouse.skills.summarization import same as same
from stillhouse.skills.summarization import verify as verify

votes = Conversation.votes
measured = (
    "Replies are compared with the recorded ones, given the recorded turns before: ROUGE-L is the mean over replies of "
    "the F1 of the longest common word sequence, chrF and BLEU are sacrebleu's corpus scores divided by 100. All have "
    "bootstrap intervals over replies; a good reply in other words scores low, an unreadable one 0."
)

row_scores = {"rouge_l": rouge("rougeL")}


def cases(row: dict[str, Any], skill: Conversation) -> list[dict[str, Any]]:
    """Return a row for each reply to learn: the turns before it as prompt, and the reply as reference.

    A dialogue that ends with a user or tool turn has one case without a recorded reply, which the teacher answers.
    With `targets: last` a row keeps its id; with `all` the number of the reply's turn is added.
    """
    turns = row["messages"]
    last = len(turns) - 1 if turns[-1]["role"] == "assistant" else len(turns)
    if skill.targets == "last":
        return [_case(row, last, row["id"])]
    replies = [at for at, turn in enumerate(turns) if turn["role"] == "assistant" and turn["content"].strip()]
    return [_case(row, at, f"{row['id']}#{at}") for at in sorted({*replies, last})]


def as_text(messages: Messages) -> str:
    """Return all turns as plain text, each after its speaker: a reply is none to the user's words alone."""
    return prompts.transcript(messages)


def teacher_text(
    row_messages: Messages,
    skill: Conversation,
    prompt: TeacherPrompt,
    labels: Sequence[str],
    examples: Sequence[tuple[str, str]],
) -> str:
    """Return the teacher's prompt as plain text that holds the whole conversation, for layout `text`."""
    return prompts.teacher_text(row_messages, skill, prompt, labels, examples, as_text)


def parse(text: str, labels: Sequence[str] = (), skill: Any = None) -> str | None:
    """Return the reply without space around it; None for a blank one."""
    return text.strip() or None


def _case(row: dict[str, Any], at: int, name: str) -> dict[str, Any]:
    turns = row["messages"]
    is_inner = at < len(turns) - 1
    references = [turns[at]["content"]] if is_inner else row["references"]
    prompt = turns[:at]
    return {**row, "id": name, "messages": prompt, "references": references, "content_sha256": content_sha256(prompt)}
