import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.data.parquet_io import RowBuffer, batches, conversations
from stillhouse.data.row import ROW_SCHEMA
from stillhouse.data.turns import messages_array, read_rows, turns_of, write_rows

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Köln", "days": 2}}}
TALK = [
    {"role": "user", "content": "Rain?"},
    {"role": "assistant", "content": "", "reasoning": "I must look.", "tool_calls": [CALL]},
    {"role": "tool", "content": "no", "tool_call_id": "call_1", "name": "weather"},
    {"role": "assistant", "content": "No."},
]
PLAIN = [{"role": "user", "content": "Hi."}]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, st.lists, max_leaves=4)
calls = st.builds(
    lambda name, arguments: {"id": name, "type": "function", "function": {"name": name, "arguments": arguments}},
    texts,
    st.dictionaries(texts, values, max_size=2),
)
conversation = st.lists(
    st.fixed_dictionaries(
        {"role": texts, "content": texts},
        optional={
            "reasoning": texts,
            "tool_calls": st.lists(calls, min_size=1, max_size=2),
            "tool_call_id": texts,
            "name": texts,
        },
    ),
    max_size=3,
)


@given(st.lists(conversation, max_size=4))
def test_messages_array_any_turns_come_back_as_they_were(rows):
    assert turns_of(messages_array(rows)) == rows


@given(st.lists(conversation, min_size=1, max_size=4), st.data())
def test_turns_of_a_slice_are_those_of_its_rows(rows, data):
    start = data.draw(st.integers(0, len(rows) - 1))
    assert turns_of(messages_array(rows)[start:]) == rows[start:]


def test_row_buffer_turns_with_calls_and_without_come_back_exactly(tmp_path):
    buffer = RowBuffer("train")
    for name, turns, tools in (("a", TALK, "[]"), ("b", PLAIN, None)):
        buffer.add((name, "0" * 64, turns, [], None, "{}", tools))
    batch = buffer.take()
    assert batch.schema == ROW_SCHEMA
    write_rows(tmp_path / "rows.parquet", [])
    assert read_rows(tmp_path / "rows.parquet") == []
    assert turns_of(batch.column("messages")) == [TALK, PLAIN]
    assert batch.column("tools").to_pylist() == ["[]", None]


def test_read_rows_of_the_older_schema_have_plain_turns(tmp_path):
    old = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    table = pa.table({"id": ["a"], "messages": pa.array([PLAIN], old)})
    pq.write_table(table, tmp_path / "rows.parquet")
    assert read_rows(tmp_path / "rows.parquet") == [{"id": "a", "messages": PLAIN}]


@pytest.mark.parametrize("content", ["", "Let me see."])
def test_conversations_show_a_call_in_its_turn(tmp_path, content):
    turns = [TALK[0], {**TALK[1], "content": content}]
    write_rows(tmp_path / "rows.parquet", [{"id": "a", "messages": turns}, {"id": "b", "messages": PLAIN}])
    (batch,) = batches(tmp_path / "rows.parquet")
    said = '<tool_call>\n{"name":"weather","arguments":{"city":"Köln","days":2}}\n</tool_call>'
    shown = f"{content}\n{said}" if content else said
    assert list(conversations(batch)) == [[("user", "Rain?"), ("assistant", shown)], [("user", "Hi.")]]
