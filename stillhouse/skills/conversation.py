"""Conversation: the assistant's next reply after any number of turns, tool messages included.

A row is a whole dialogue. Its last reply, or each of its replies, is a case.
Example row: {"messages": [{"role": "user", "content": "I need a taxi to the airport."}, {"role": "assistant",
"content": "When shall it be there?"}, {"role": "user", "content": "At five in the morning."}, {"role": "assistant",
"content": "A taxi will be at your door at five tomorrow morning."}]} with `columns: {messages: messages}`; the answer
is the last turn.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from stillhouse.data.row import Messages, Row, content_sha256
from stillhouse.data.tool_calls import find_tagged_calls, with_calls
from stillhouse.metrics.metric import Metric
from stillhouse.metrics.overlap import BLEU, CHRF, ROUGE_L
from stillhouse.metrics.tool_calls import TOOL_CALL_ARGUMENTS, TOOL_CALL_NAMES, same_calls
from stillhouse.skills.prompts import transcript
from stillhouse.skills.prose import Prose
from stillhouse.skills.spoken_calls import answer_with_calls


class Conversation(Prose):
    """The assistant's next reply in a conversation of several turns."""

    metrics: ClassVar[tuple[Metric, ...]] = (ROUGE_L, CHRF, BLEU, TOOL_CALL_NAMES, TOOL_CALL_ARGUMENTS)
    how_measured: ClassVar[str] = (
        "Replies are compared with the recorded ones, after the recorded turns: ROUGE-L is the mean over "
        "replies of the F1 of the longest common word sequence (in scripts without spaces each character is a word), "
        "chrF and BLEU are sacrebleu's corpus scores divided by 100, BLEU with its tokenizer for the replies' script. "
        "These have bootstrap intervals. A good reply in other words scores low; an unreadable one counts as 0. They "
        "read a call of a tool as text; calls are also measured as such, on the rows in which the reference or the "
        "answer has some: the share with the reference's names, and with its names and arguments as JSON values, in "
        "any order, with Wilson intervals. Their n is the number of these rows, so it can differ between models."
    )
    is_dialogue: ClassVar[bool] = True
    prompt_fields: ClassVar[tuple[str, ...]] = ("targets",)

    kind: Literal["conversation"] = Field(description="the skill's name")
    targets: Literal["last", "all"] = Field(
        "last",
        description="last: the last reply of a conversation is learnt and measured; all: every reply is, each after "
        "the turns before it",
    )
    instruction: str = Field(
        "You are the assistant in this conversation. Write the next reply.",
        description="system prompt of teacher and zero-shot baseline; precedes the conversation's own",
    )

    def cases(self, row: Row) -> list[Row]:
        """Return a row for each reply to learn. Its prompt is the turns before the reply, its reference is the reply.

        If a dialogue ends with a user or tool turn, its last case has no recorded reply, and the teacher answers it.
        With `targets: last` a row keeps its id; with `all` the index of the reply's turn is added.
        """
        turns = row["messages"]
        last = len(turns) - 1 if turns[-1]["role"] == "assistant" else len(turns)
        if self.targets == "last":
            return [_case(row, last, row["id"])]
        replies = [at for at, turn in enumerate(turns) if _is_learnt(turn)]
        cases = [_case(row, at, f"{row['id']}#{at}") for at in sorted({*replies, last})]
        return [{**case, "dialogue": row["id"]} for case in cases]

    def as_text(self, messages: Messages) -> str:
        """Return the whole conversation as text, one `Role: content` line a turn: a reply depends on every turn."""
        return transcript(messages)

    def parse(self, text: str, labels: Sequence[str] = ()) -> str | None:
        """Return the reply without surrounding spaces, its calls of tools in one form; None if it is blank."""
        return answer_with_calls(text) or None

    def wording(self, text: str) -> str:
        """Return the text beside calls of tools; "" if there is none."""
        found = find_tagged_calls(answer_with_calls(text))
        return text if found is None else found[0]

    def equivalent(self, one: str, other: str) -> bool:
        """Return whether both have the same words and make the same calls: `1` and `"1"` are the same words only."""
        return super().equivalent(self.wording(one), self.wording(other)) and same_calls(one, other, self)

    def is_prose(self, answer: str) -> bool:
        """Return whether there is text beside calls of tools."""
        return bool(self.wording(answer))


def _is_learnt(turn: dict[str, Any]) -> bool:
    return turn["role"] == "assistant" and "weight" not in turn and bool(with_calls(turn).strip())


def _case(row: Row, at: int, row_id: str) -> Row:
    turns = row["messages"]
    is_recorded = at < len(turns) - 1
    references = [with_calls(turns[at])] if is_recorded else row["references"]
    prompt = turns[:at]
    digest = content_sha256(prompt)
    case: Row = {**row, "id": row_id, "messages": prompt, "references": references, "content_sha256": digest}
    reasoning = turns[at].get("reasoning", "") if at < len(turns) else ""
    if reasoning and references[:1] == [turns[at]["content"]]:
        case["reasoning"] = reasoning
    return case
