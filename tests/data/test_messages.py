import json
from collections import Counter

import pytest

from stillhouse.data.columns import map_row, named_columns
from stillhouse.data.messages import read_messages
from stillhouse.data.record import InvalidRecord
from stillhouse.data.recorded_calls import read_tools
from stillhouse.recipe.data import Columns

ASK = {"role": "user", "content": "Weather?"}
FUNCTION = {"name": "weather", "arguments": {"city": "Bergen"}}
CALL = {"id": "call_a", "type": "function", "function": FUNCTION}


def call(number: str) -> dict:
    return {**CALL, "id": number}


def read(*turns: object) -> list:
    ignored: Counter[str] = Counter()
    found = read_messages(list(turns), ignored)
    assert not ignored
    return found


def refusal(*turns: object) -> tuple[str, str]:
    with pytest.raises(InvalidRecord) as caught:
        read_messages(list(turns), Counter())
    return caught.value.reason, caught.value.detail


def test_read_messages_sharegpt_becomes_the_chat_turns():
    turns = [("system", "Be kind."), ("human", "Hi."), ("gpt", "Hello."), ("Human", "Bye."), ("GPT", "")]
    assert read(*({"from": who, "value": text} for who, text in turns)) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Bye."},
        {"role": "assistant", "content": ""},
    ]


@pytest.mark.parametrize("who", ["gpt", "chatgpt", "bing", "bard", "Claude", "model", "bot"])
def test_read_messages_sharegpt_any_product_that_answered_is_the_assistant(who):
    assert read({"from": "human", "value": "Hi."}, {"from": who, "value": "Hello."})[1]["role"] == "assistant"


def test_read_messages_one_list_a_key_is_a_list_of_turns():
    ignored: Counter[str] = Counter()
    turns = {"from": ["human", "gpt"], "value": ["Hi.", "Hello."], "weight": [None, None]}
    assert [turn["content"] for turn in read_messages(turns, ignored)] == ["Hi.", "Hello."]
    with pytest.raises(InvalidRecord, match="a list of at least one turn"):
        read_messages({"role": ["user"], "content": ["a", "b"]}, ignored)


def test_read_messages_sharegpt_calls_and_observations_are_joined_by_an_id():
    turns = [
        {"from": "human", "value": "Weather?"},
        {"from": "function_call", "value": json.dumps(FUNCTION)},
        {"from": "observation", "value": "rain"},
    ]
    assert read(*turns)[1:] == [
        {"role": "assistant", "content": "", "tool_calls": [call("call00001")]},
        {"role": "tool", "content": "rain", "tool_call_id": "call00001"},
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "It is "}, {"type": "output_text", "text": "100."}], "It is \n100."),
        ([{"type": "input_text", "text": "Hei", "cache_control": {"type": "ephemeral"}}], "Hei"),
        (["one", "two"], "one\ntwo"),
        ({"type": "text", "text": "alone", "image_url": None}, "alone"),
        ([], ""),
    ],
)
def test_read_messages_parts_of_text_become_the_content(content, text):
    assert read({"role": "user", "content": content}) == [{"role": "user", "content": text}]


def test_read_messages_parts_that_are_no_text_are_refused_by_name_and_count():
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    sound = {"type": "input_audio", "input_audio": {"data": ""}}
    reason, detail = refusal(ASK, {"role": "user", "content": [{"type": "text", "text": "See"}, image, image, sound]})
    assert reason == "not_text"
    assert detail.startswith("turn 1 holds parts that are no text (2 image_url, 1 input_audio)")


def test_read_messages_developer_is_the_system():
    assert read({"role": "developer", "content": "Be brief."}) == [{"role": "system", "content": "Be brief."}]


@pytest.mark.parametrize("arguments", [{"city": "Bergen"}, '{"city": "Bergen"}'])
@pytest.mark.parametrize("content", [{"content": None}, {"content": ""}, {}])
def test_read_messages_openai_calls_keep_their_ids(arguments, content):
    recorded = {**CALL, "function": {**FUNCTION, "arguments": arguments}}
    turns = [
        ASK,
        {"role": "assistant", **content, "tool_calls": [recorded, {**recorded, "id": "call_b"}]},
        {"role": "tool", "content": "rain", "tool_call_id": "call_b", "name": "weather"},
    ]
    assert read(*turns)[1:] == [
        {"role": "assistant", "content": "", "tool_calls": [CALL, call("call_b")]},
        {"role": "tool", "content": "rain", "tool_call_id": "call_b", "name": "weather"},
    ]


def test_read_messages_old_function_call_and_its_result_get_one_id():
    asked = {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": ""}}
    found = read(ASK, asked, {"role": "function", "name": "weather", "content": "rain"})
    assert found[1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": {}}
    assert found[2] == {"role": "tool", "content": "rain", "tool_call_id": "call00001", "name": "weather"}


def test_read_messages_calls_written_into_the_text_are_calls():
    said = f"One moment.\n<tool_call>\n{json.dumps(FUNCTION)}\n</tool_call>"
    answered = {"from": "tool", "value": "<tool_response>\nrain\n</tool_response>"}
    assert read({"from": "gpt", "value": said}, answered) == [
        {"role": "assistant", "content": "One moment.", "tool_calls": [call("call00001")]},
        {"role": "tool", "content": "rain", "tool_call_id": "call00001"},
    ]


@pytest.mark.parametrize(
    "turn",
    [
        {"content": "101", "reasoning_content": "100 and one."},
        {"content": "101", "reasoning": "100 and one."},
        {"content": "101", "thinking": "100 and one."},
        {"content": "<think>\n100 and one.\n</think>\n\n101"},
        {"content": [{"type": "thinking", "thinking": "100 and one."}, {"type": "text", "text": "101"}]},
    ],
)
def test_read_messages_recorded_reasoning_stands_apart_from_the_answer(turn):
    assert read({"role": "assistant", **turn}) == [
        {"role": "assistant", "content": "101", "reasoning": "100 and one."},
    ]


def test_read_messages_other_keys_are_counted():
    ignored: Counter[str] = Counter()
    turns = [{**ASK, "timestamp": 3, "audio": None}, {"role": "assistant", "content": "a", "timestamp": 4, "score": 1}]
    read_messages(turns, ignored)
    assert ignored == {"timestamp": 2, "score": 1}


def test_read_messages_a_refusal_is_the_content():
    assert read({"role": "assistant", "content": None, "refusal": "I can't."})[0]["content"] == "I can't."


@pytest.mark.parametrize(
    ("turn", "reason", "said"),
    [
        ({"role": "narrator", "content": "a"}, "unknown_role", "turn 1 has the role 'narrator'; roles are "),
        ({"content": "a"}, "unknown_role", "turn 1 has no role, only content"),
        (
            {"role": "user", "content": 3},
            "bad_messages",
            "of turn 1 must be text or a list of parts, it is int",
        ),
        ({"role": "user"}, "bad_messages", "turn 1 has no content, only role"),
        ("Hi", "bad_messages", "turn 1 must be an object with role and content, not 'Hi'"),
        ({"role": "assistant", "tool_calls": [{"id": "x"}]}, "bad_tool_call", "a call of turn 1 must name a function"),
        (
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{city"}},
            "bad_tool_call",
            "the arguments of f in turn 1 must be a JSON object, or text of one, not '{city'",
        ),
        ({"role": "assistant", "content": "a", "weight": 0.5}, "bad_weight", "turn 1 has the weight 0.5"),
        ({"role": "assistant", "content": "a", "reasoning": ["b"]}, "bad_messages", "reasoning of turn 1 must be text"),
    ],
)
def test_read_messages_odd_turn_is_refused_with_its_number_and_what_it_is(turn, reason, said):
    found, detail = refusal(ASK, turn)
    assert found == reason
    assert said in detail


def mapped(record: dict, columns: Columns) -> tuple:
    return map_row(record, columns, frozenset(named_columns(columns).values()), is_dialogue=True)


def test_map_row_ends_at_the_last_reply_that_is_to_be_learnt():
    columns = Columns(messages="m")
    said = [ASK, {"role": "assistant", "content": "Rain."}, ASK, {"role": "assistant", "content": "Eh.", "weight": 0}]
    row = mapped({"m": said}, columns)
    assert (row[2], row[3]) == (said[:2], ["Rain."])
    with pytest.raises(InvalidRecord, match="nothing_to_learn"):
        mapped({"m": [said[0], said[3]]}, columns)


def test_map_row_conversation_that_ends_in_a_call_has_it_as_reference():
    row = mapped({"m": [ASK, {"role": "assistant", "content": None, "tool_calls": [CALL]}]}, Columns(messages="m"))
    assert row[3] == ['<tool_call>\n{"name":"weather","arguments":{"city":"Bergen"}}\n</tool_call>']


DEFINED = {"name": "weather", "description": "Of a city.", "parameters": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    "value",
    [
        [{"type": "function", "function": DEFINED}],
        json.dumps([DEFINED]),
        {**DEFINED, "type": "function"},
        [{"name": "weather", "description": "Of a city.", "input_schema": DEFINED["parameters"]}],
        [{"function": {**DEFINED, "parameters": json.dumps(DEFINED["parameters"])}}],
    ],
)
def test_read_tools_forms_of_definitions_become_one(value):
    assert json.loads(read_tools(value) or "") == [{"type": "function", "function": DEFINED}]


def test_read_tools_none_and_no_functions():
    assert [read_tools(value) for value in (None, "", [], "[]")] == [None] * 4
    for value in ("weather(city)", ["weather"], [{"type": "function"}], 3):
        with pytest.raises(InvalidRecord, match="bad_tools"):
            read_tools(value)


@pytest.mark.parametrize(
    ("answers", "texts"),
    [
        ({"text": ["room 1", "room one"], "answer_start": [5, 5]}, ["room 1", "room one"]),
        ({"text": [], "answer_start": []}, []),
    ],
)
def test_map_row_squad_answers_are_the_references(answers, texts):
    columns = Columns(text="q", reference="answers")
    assert map_row({"q": "Where?", "answers": answers}, columns, frozenset(("q", "answers")))[3] == texts


def test_map_row_other_objects_are_no_references():
    with pytest.raises(InvalidRecord, match="wrong_type"):
        map_row({"q": "Where?", "a": {"spans": []}}, Columns(text="q", reference="a"), frozenset("qa"))


def turns_of_record(record: dict, **columns: str) -> list:
    named = Columns(**columns)
    return map_row(record, named, frozenset(named_columns(named).values()), is_dialogue=True)[2]


@pytest.mark.parametrize(
    ("given", "turns"),
    [
        ("Be kind.", [("system", "Be kind."), ("user", "Hi.")]),
        ("", [("user", "Hi.")]),
        (" \n", [("user", "Hi.")]),
        (None, [("user", "Hi.")]),
    ],
)
def test_map_row_system_column_stands_before_a_text_and_before_turns(given, turns):
    expected = [{"role": role, "content": text} for role, text in turns]
    assert turns_of_record({"q": "Hi.", "s": given}, text="q", system="s") == expected
    talk = [{"from": "human", "value": "Hi."}]
    assert turns_of_record({"t": talk, "s": given}, messages="t", system="s") == expected


def test_map_row_system_column_is_joined_to_a_conversations_own_and_never_repeated():
    own = [{"role": "system", "content": "Be brief."}, ASK]
    both = turns_of_record({"t": own, "s": "Be kind."}, messages="t", system="s")
    assert [turn["content"] for turn in both] == ["Be kind.", "Be brief.", "Weather?"]
    assert turns_of_record({"t": own, "s": "Be brief."}, messages="t", system="s") == own


def test_map_row_system_column_that_is_no_text_is_refused():
    with pytest.raises(InvalidRecord, match="'s' must be text, it is a list"):
        turns_of_record({"q": "Hi.", "s": ["Be kind."]}, text="q", system="s")
