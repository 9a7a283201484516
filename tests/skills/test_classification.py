import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.skills.classification import Classification
from stillhouse.skills.prompts import TeacherPrompt

LABELS = ("card_arrival", "lost_card", "refund")
ROW = [{"role": "user", "content": "where is my card"}]
EXAMPLES = [("my money is not back", "refund"), ("card gone", "lost_card")]
SKILL = Classification(labels=LABELS)


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_teacher_messages_turns_layout_has_examples_as_turns():
    prompt = TeacherPrompt(system="Pick from {labels} as {json}")
    assert SKILL.teacher_messages(ROW, prompt, LABELS, EXAMPLES) == [
        turn("system", "Pick from card_arrival, lost_card, refund as {json}"),
        turn("user", "my money is not back"),
        turn("assistant", "refund"),
        turn("user", "card gone"),
        turn("assistant", "lost_card"),
        turn("user", "where is my card"),
    ]


def test_teacher_messages_list_layout_has_examples_in_the_system_turn():
    prompt = TeacherPrompt(system="Classify.", layout="list")
    assert SKILL.teacher_messages(ROW, prompt, LABELS, EXAMPLES) == [
        turn(
            "system",
            "Classify.\n\nMessage: my money is not back\nLabel: refund\n\nMessage: card gone\nLabel: lost_card",
        ),
        turn("user", "where is my card"),
    ]


def test_teacher_messages_default_instruction_names_the_labels():
    messages = SKILL.teacher_messages(ROW, TeacherPrompt(), LABELS, [])
    assert "card_arrival, lost_card, refund" in messages[0]["content"]
    assert messages == SKILL.zero_shot_messages(ROW, LABELS)


def test_student_messages_default_is_the_bare_row():
    assert SKILL.student_messages(ROW, LABELS) == ROW


def test_student_messages_instruction_precedes_the_rows_system_turn():
    skill = Classification(labels=LABELS, student_instruction="Route.")
    row = [turn("system", "You serve a bank."), *ROW]
    assert skill.student_messages(row, LABELS) == [
        turn("system", "Route.\n\nYou serve a bank."),
        *ROW,
    ]
    assert row[0]["content"] == "You serve a bank."


@pytest.mark.parametrize("text", ["refund", " Refund.\n", "**REFUND**", '"refund"', "refund!"])
def test_parse_label_with_other_case_and_punctuation_is_read(text):
    assert SKILL.parse(text, LABELS) == "refund"


@pytest.mark.parametrize(
    "text", ["", "...", "the refund", "refunds", "refund lost_card", "card arrival", "The label is not refund"]
)
def test_parse_label_any_other_text_is_none(text):
    assert SKILL.parse(text, LABELS) is None


@pytest.mark.parametrize(
    ("labels", "text", "label"),
    [
        (("<5", "5-10", ">10"), "5.", None),
        (("<5", "5-10", ">10"), "10", None),
        (("C++", "Java"), "C", None),
        (("A+", "B"), "A", None),
        (("A*", "B"), "A", None),
        (("-1", "0"), "1", None),
        (("-1", "1"), "- 1", None),
        (("1", "5"), "5.0", None),
        (("1", "5"), "5.0 (Excellent)", None),
        (("50%", "5"), "50", None),
        (("-1", "0", "1"), "**-1**.", "-1"),
        (("-1", "0", "1"), "−1", "-1"),
        (("A+", "A", "A-"), "A.", "A"),
        (("C", "C++", "C#"), "`C#`", "C#"),
        (("C", "C++", "C#"), "Label: C++.", "C++"),
        (("C", "C++"), "**Label:** C", "C"),
        (("a", "b"), "b)", "b"),
        (("a", "b"), "(B)", "b"),
        (("refund", "card"), "- refund", "refund"),
        (("billing, refunds", "billing"), "billing, refunds.", "billing, refunds"),
        (("正面", "负面"), "标签：正面。", "正面"),
        (("Позитив", "Негатив"), "«позитив»!", "Позитив"),
        (("café", "thé"), "CAFE\u0301.", "café"),
        (("सकारात्मक", "नकारात्मक"), "सकारात्मक।", "सकारात्मक"),
        ((":)", ":("), ":(", ":("),
        (("spam", "ham"), '{"label": "spam"}', "spam"),
        (("spam", "ham"), '```json\n{"Category": "Spam", "confidence": 0.9}\n```', "spam"),
        (("spam", "ham"), "```\nspam\n```", "spam"),
        (("spam", "ham"), "<label>spam</label>", "spam"),
        (("spam", "ham"), "### Label\n**spam**", "spam"),
        (("spam", "ham"), "1. spam", "spam"),
        (("spam", "ham"), "→ spam", "spam"),
        (("spam", "ham"), "Output: spam", "spam"),
        (("spam", "ham"), '{"label": "eggs"}', None),
        (("spam", "ham"), '{"label": "spam", "intent": "ham"}', None),
        (("spam", "ham"), '{"label": ["spam", "ham"]}', None),
        (("spam", "ham"), "spam\nham", None),
        (("spam", "ham"), "not spam", None),
        (("-1", "1"), '{"label": -1}', "-1"),
        (("1.0", "1"), '{"label": 1.0}', "1.0"),
        (("C++", "C"), '{"label": "C++"}', "C++"),
        (("1", "5"), "1. 5", None),
        (("0", "1"), '{"label": true}', None),
        (('{"label": "a"}', "a"), '{"label": "a"}', '{"label": "a"}'),
        (("card arrival", "x"), "Card  arrival", "card arrival"),
    ],
)
def test_parse_label_signs_belong_to_it_and_marks_do_not(labels, text, label):
    assert SKILL.parse(text, labels) == label


def test_parse_labels_that_differ_in_case_need_the_exact_text():
    assert SKILL.parse("C", ("C", "C++", "c")) == "C"
    assert SKILL.parse("c++", ("C", "C++")) == "C++"
    assert SKILL.parse("YES", ("Yes", "yes")) is None


@given(st.lists(st.text(alphabet="abcXYZ_+ ", min_size=1).filter(str.strip), min_size=2, unique_by=str.strip))
def test_parse_label_is_read_as_itself(labels):
    assert [SKILL.parse(label, labels) for label in labels] == labels


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=2, unique_by=str.strip))
def test_parse_label_in_any_script_and_with_signs_is_read_as_itself(labels):
    assert [SKILL.parse(SKILL.training_target(label, label), labels) for label in labels] == labels


def test_verify_label_any_reference_agrees_and_none_does_not():
    assert SKILL.verify("refund", ["lost_card", "Refund"])
    assert not SKILL.verify("refund", ["lost_card"])
    assert not SKILL.verify("refund", [])
    assert SKILL.verify("refund", ["refund", "refund"])


def test_constraint_is_a_choice_of_the_labels():
    assert SKILL.constraint(LABELS) == {"choice": ["card_arrival", "lost_card", "refund"]}
