"""The parts of a row and a recipe that every skill keeps in the prompts of all layouts."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.registry import SKILLS, AnySkill

LABELS = ("card_arrival", "refund")
OWN = {"role": "system", "content": "You serve a bank in Wales."}
ROW = [OWN, {"role": "user", "content": "where is it"}]
KIND = pytest.mark.parametrize("kind", SKILLS)


def skill(kind: str, **fields: Any) -> Any:
    labels = {"labels": LABELS} if kind in ("classification", "nli") else {}
    return TypeAdapter(AnySkill).validate_python({"kind": kind, **labels, **fields})


def shown(kind: str, messages: list[dict[str, Any]], layout: str = "turns", system: str = "", **fields: Any) -> str:
    """Return all that the teacher sees, as one text."""
    prompt = TeacherPrompt(layout=layout, system=system)
    made = skill(kind, **fields)
    if layout == "text":
        return made.teacher_text(messages, prompt, LABELS, [])
    return "\n".join(turn["content"] for turn in made.teacher_messages(messages, prompt, LABELS, []))


@pytest.mark.pitfall("task prompt")
@pytest.mark.parametrize("layout", ["turns", "list", "text"])
@KIND
def test_teacher_text_keeps_the_rows_system_prompt(kind, layout):
    for system, kept in (("Think in steps.", "Think in steps."), ("", skill(kind).instruction.split("{")[0])):
        text = shown(kind, ROW, layout, system)
        assert OWN["content"] in text
        assert kept in text
        assert text.index(kept) < text.index(OWN["content"])


@pytest.mark.pitfall("task prompt")
@pytest.mark.parametrize("system", ["", "Only facts about money."])
def test_chain_of_density_is_appended_to_the_instruction(system):
    text = shown("summarization", ROW, "turns", system, chain_of_density=3)
    plain = shown("summarization", ROW, "turns", system)
    assert "Write 3 summaries" in text
    for part in plain.split("\n\n"):
        assert part in text


@pytest.mark.pitfall("task prompt")
@KIND
def test_student_messages_keep_the_rows_system_prompt(kind):
    for instruction in ("", "Route it."):
        made = skill(kind, student_instruction=instruction)
        turns = made.student_messages(ROW, LABELS)
        assert turns[0]["content"] == "\n\n".join(filter(None, (instruction, OWN["content"])))


@pytest.mark.pitfall("turns")
@pytest.mark.parametrize("layout", ["turns", "text"])
@KIND
def test_teacher_text_different_dialogues_give_different_prompts(kind, layout):
    def talk(*contents: str) -> list[dict[str, str]]:
        roles = ("user", "assistant", "user")
        return [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]

    talks = [
        talk("a parcel", "Which?", "the blue one"),
        talk("an invoice", "Which?", "the blue one"),
        talk("a parcel", "Which?", "the red one"),
        talk("a parcel", "Late?", "the blue one"),
        [OWN, *talk("a parcel", "Which?", "the blue one")],
        talk("a parcel", "Which?", "the blue one")[-1:],
    ]
    assert len({shown(kind, messages, layout) for messages in talks}) == len(talks)
