import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.artifacts.store import StoreConfig
from stillhouse.data.columns import map_row
from stillhouse.data.read import read
from stillhouse.data.row import ROW_SCHEMA
from stillhouse.data.row_checks import check_prompt
from stillhouse.data.sources import resolve
from stillhouse.data.split import split
from stillhouse.data.tool_calls import as_turn, calls_as_text
from stillhouse.data.validate import validate
from stillhouse.evaluation.comparison import quality
from stillhouse.evaluation.scoring import Scoring
from stillhouse.recipe.data import Columns, Data, Source
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.cases import read_cases
from stillhouse.skills.conversation import Conversation
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.teachers.prompting import Prompter
from stillhouse.teachers.requests import rows_of
from stillhouse.teachers.spec import AskSpec
from tests.support.paths import SHARED_DATA

LAST, ALL = (Conversation(kind="conversation", targets=targets) for targets in ("last", "all"))
COLUMNS = Columns(messages="messages")


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


TALK = [
    turn("system", "Be brief."),
    turn("user", "Weather?"),
    turn("assistant", "<tool_call>\n{}\n</tool_call>"),
    turn("tool", "rain"),
    turn("assistant", "It rains."),
    turn("user", "And tomorrow?"),
    turn("assistant", "Sun."),
]


def mapped(turns: list, **more) -> dict:
    name, digest, messages, references, *_ = map_row(
        {"messages": turns, **more}, COLUMNS, frozenset(["messages"]), is_dialogue=True
    )
    return {"id": name, "messages": messages, "references": references, "content_sha256": digest}


def test_cases_last_has_all_turns_before_the_last_reply():
    row = {**mapped(TALK), "id": "d"}
    (case,) = LAST.cases(row)
    assert (case["id"], case["messages"], case["references"]) == ("d", TALK[:-1], ["Sun."])
    assert case["content_sha256"] != row["content_sha256"]


def test_cases_all_has_each_reply_after_the_turns_before_it():
    cases = ALL.cases({**mapped(TALK), "id": "d"})
    assert [(case["id"], len(case["messages"]), case["references"]) for case in cases] == [
        ("d#2", 2, [TALK[2]["content"]]),
        ("d#4", 4, ["It rains."]),
        ("d#6", 6, ["Sun."]),
    ]
    assert cases[1]["messages"] == TALK[:4]  # system and tool turns stay


@pytest.mark.parametrize("end", [4, 6])
def test_cases_dialogue_without_a_last_reply_has_no_reference(end):
    row = mapped(TALK[:end])
    assert row["references"] == []
    assert [(case["messages"], case["references"]) for case in LAST.cases(row)] == [(TALK[:end], [])]
    assert [bool(case["references"]) for case in ALL.cases(row)] == [True] * (end // 2 - 1) + [False]


def test_map_row_reference_column_replaces_the_recorded_reply():
    columns = Columns(messages="messages", reference="good")
    record = {"messages": TALK, "good": ["Sunny.", "It will be sunny."]}
    row = map_row(record, columns, frozenset(record), is_dialogue=True)
    assert row[3] == ["Sunny.", "It will be sunny."]
    assert map_row({**record, "good": None}, columns, frozenset(record), is_dialogue=True)[3] == ["Sun."]


@pytest.mark.parametrize("as_text", [False, True])
def test_map_row_tool_calls_are_kept_and_the_reference_shows_them(as_text):
    call = {"type": "function", "function": {"name": "weather", "arguments": '{"city": "Bergen"}'}}
    turns = [turn("user", "Weather?"), {"role": "assistant", "content": None, "tool_calls": [call, call]}]
    expected = '<tool_call>\n{"name":"weather","arguments":{"city":"Bergen"}}\n</tool_call>'
    found = mapped(json.dumps(turns) if as_text else turns)
    assert [called["function"]["name"] for called in found["messages"][1]["tool_calls"]] == ["weather"] * 2
    assert found["references"] == [f"{expected}\n{expected}"]


def test_cases_all_skip_replies_of_weight_0_and_take_calls():
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": {}}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    row = {**mapped([TALK[1], {**TALK[4], "weight": 0}, TALK[1], asked, turn("tool", "5"), TALK[4]]), "id": "d"}
    cases = ALL.cases(row)
    assert [case["id"] for case in cases] == ["d#3", "d#5"]
    assert cases[0]["references"] == ['<tool_call>\n{"name":"f","arguments":{}}\n</tool_call>']
    shown = ALL.student_messages(cases[1]["messages"], ())
    assert [sorted(one) for one in shown] == [
        *[["content", "role"]] * 3,
        ["content", "role", "tool_calls"],
        ["content", "role", "tool_call_id"],
    ]


def test_student_messages_several_system_turns_become_one():
    shown = LAST.student_messages([turn("system", "Be kind."), turn("system", "Be brief."), TALK[1]], ())
    assert shown == [turn("system", "Be kind.\n\nBe brief."), TALK[1]]


@pytest.mark.parametrize(
    ("turns", "is_dialogue", "reason"),
    [
        ([("user", "a"), ("assistant", "b")], True, None),
        ([("user", "a"), ("assistant", "b")], False, "wrong_roles"),
        ([("user", "a"), ("assistant", "b"), ("tool", "c")], True, None),
        ([("user", "a"), ("assistant", " ")], True, "empty_prompt"),
        ([("system", "a")], True, "wrong_roles"),
        ([("assistant", "a")], True, "wrong_roles"),
        ([("user", "a"), ("user", "b")], True, "wrong_roles"),
        ([("system", "a"), ("system", "b"), ("user", "c")], False, None),
        ([("user", "a"), ("system", "b"), ("user", "c")], False, "wrong_roles"),
    ],
)
def test_check_prompt_dialogue_may_end_with_the_reply(turns, is_dialogue, reason):
    found = check_prompt(turns, 100, is_dialogue=is_dialogue)
    assert (found.reason if found else None) == reason


def test_messages_keep_roles_and_append_the_dialogues_system_turn():
    messages = LAST.teacher_messages(TALK[:-1], TeacherPrompt(system="Reply."), (), [])
    assert messages == [turn("system", "Reply.\n\nBe brief."), *TALK[1:-1]]
    assert LAST.student_messages(TALK[:-1], ()) == TALK[:-1]
    assert LAST.parse(" Sun.\n") == "Sun."
    assert LAST.parse(" \n") is None


def test_quality_of_recorded_replies_is_1_and_of_others_is_less():
    references = [["It rains in the north."], ["Sun all day long."]]
    settings = Evaluation(resamples=100, metrics=Conversation.metric_names())
    same = quality([accepted[0] for accepted in references], Scoring(references, (), settings, LAST))
    assert {name: found["value"] for name, found in same.items()} == pytest.approx(dict.fromkeys(same, 1.0))
    other = quality(["It rains.", None], Scoring(references, (), settings, LAST))
    # 2 of 2 words, 2 of 5: F1 4/7, and 0 for the unreadable one
    assert other["rouge_l"]["value"] == pytest.approx(4 / 7 / 2)
    assert all(0 < found["value"] < 1 or name == "bleu" for name, found in other.items())


def test_teacher_text_has_all_turns_of_row_and_examples():
    example = {**mapped(TALK), "id": "e"}
    row = {**mapped([turn("user", "Snow?"), turn("assistant", "Where?"), turn("user", "Oslo")]), "id": "r"}
    example_text = (
        "System: Be brief.\nUser: Weather?\nAssistant: <tool_call>\n{}\n</tool_call>\nTool: rain\n"
        "Assistant: It rains.\nUser: And tomorrow?"
    )

    def shown(**prompt):
        teacher = Teacher(model="x", prompt=TeacherPrompt(system="Reply.", examples=1, output_name="Reply", **prompt))
        cases = [case for one in (row, example) for case in LAST.cases(one)]
        return next(Prompter(teacher, LAST, (), cases[1:]).prompts(cases[:1]))

    text = "User: Snow?\nAssistant: Where?\nUser: Oslo"
    assert shown(layout="text", input_name="Talk") == (
        f"Reply.\n\nTalk: {example_text}\nReply: Sun.\n\nTalk: {text}\nReply:"
    )
    turns = shown()
    assert turns[1:3] == [turn("user", example_text), turn("assistant", "Sun.")]
    assert turns[3:] == row["messages"]


def test_teacher_text_lists_the_tools_of_the_row():
    tool = {"type": "function", "function": {"name": "find", "description": "Fährt", "parameters": {}}}
    row = mapped(TALK[1:2]) | {"id": "r"}
    row["messages"] = [{**row["messages"][0], "tools": [tool]}]
    teacher = Teacher(model="x", prompt=TeacherPrompt(system="Reply.", layout="text", output_name="Reply"))
    (text,) = Prompter(teacher, LAST, (), []).prompts([row])
    assert text == (
        'Reply.\n\nYou may call these tools:\n{"name": "find", "description": "Fährt", "parameters": {}}\n'
        'Write a call as\n<tool_call>\n{"name": ..., "arguments": {...}}\n</tool_call>\n\n'
        "Message: User: Weather?\nReply:"
    )


@pytest.mark.parametrize(
    ("skill", "learnt", "answered"), [(LAST, ["d"], ["o"]), (ALL, ["d#2", "d#4", "d#6", "o#2"], ["o#4"])]
)
def test_rows_of_a_generation_are_the_cases_without_a_recorded_reply(tmp_path, skill, learnt, answered):
    rows = [{**mapped(TALK), "id": "d"}, {**mapped(TALK[:4]), "id": "o"}]
    rows = [row | {"label": None, "source": "train", "meta": "{}"} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=ROW_SCHEMA), tmp_path / "train.parquet")
    spec = AskSpec(
        model_path="teacher",
        teacher=Teacher(model="./teacher", replicas=2),
        teacher_fingerprint="t" * 64,
        skill=skill,
        labels=(),
        rows=(str(tmp_path / "train.parquet"),),
        skip_labelled=True,
        examples=None,
        store=StoreConfig(url=str(tmp_path / "store")),
    )
    again = AskSpec.model_validate_json(spec.model_dump_json())  # as a worker or a replica reads it
    assert [row["id"] for row in rows_of(again)] == answered
    every = list(rows_of(again.model_copy(update={"skip_labelled": False})))
    assert [row["id"] for row in every if row["references"]] == learnt
    assert len(every) == len(learnt) + len(answered)


def test_public_dialogues_keep_each_reply_in_the_split_of_its_dialogue(tmp_path):
    path = SHARED_DATA / "conversation_sgd" / "train_part.jsonl"
    if not path.is_file():
        pytest.skip(f"the public dialogues are not at {path}")
    rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line][:150]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = Columns(messages="messages", id="id")
    source = Source(path=str(tmp_path / "rows.jsonl"), columns=columns)
    read(source, resolve(source), "train", tmp_path / "read", is_dialogue=True)
    data = Data(train=source)
    summary = validate({"train": tmp_path / "read"}, data, ALL, tmp_path / "valid")
    assert summary.labels == ()
    split(tmp_path / "valid", data, False, tmp_path / "split")
    replies = {row["id"]: sum(one["role"] == "assistant" for one in row["messages"]) for row in rows}
    seen: dict[str, set[str]] = {}
    for name in ("train", "validation", "test"):
        kept = pq.read_table(tmp_path / "split" / f"{name}.parquet").to_pylist()
        cases = read_cases(tmp_path / "split" / f"{name}.parquet", ALL)
        assert len(cases) == sum(replies[row["id"]] for row in kept)
        assert all(case["references"] and case["messages"][-1]["role"] == "user" for case in cases)
        assert len(read_cases(tmp_path / "split" / f"{name}.parquet", LAST)) == len(kept)
        seen[name] = {case["id"].split("#")[0] for case in cases}
    assert seen["test"]
    assert not seen["test"] & (seen["train"] | seen["validation"])


arguments = st.dictionaries(
    st.text(), st.recursive(st.none() | st.booleans() | st.text() | st.integers(-9, 9), st.lists, max_leaves=4)
)
functions = st.tuples(st.text(min_size=1), arguments).map(lambda pair: {"name": pair[0], "arguments": pair[1]})


@given(st.text() | st.from_regex(r"(<tool_call>|[\[{\"name:,}\] \n]|</tool_call>|x){0,30}", fullmatch=True))
def test_parse_of_the_reply_that_a_student_learns_is_the_reply(text):
    reply = LAST.parse(text)
    if reply is not None:
        assert LAST.parse(LAST.training_target(text, reply)) == reply


@given(st.text(alphabet=st.characters(exclude_characters="<>[]{}|")), st.lists(functions, min_size=1, max_size=3))
def test_parse_of_a_reply_with_calls_is_its_text_and_each_call(content, calls):
    written = calls_as_text(content.strip(), [{"function": call} for call in calls])
    reply = LAST.parse(LAST.training_target(written, written))
    assert reply == written
    turn = as_turn(reply)
    assert turn["content"] == content.strip()
    assert [call["function"] for call in turn["tool_calls"]] == calls
