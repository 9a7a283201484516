import pytest

from stillhouse.data.tool_calls import as_turn, with_calls
from stillhouse.skills.spoken_calls import answer_with_calls

CALL = '<tool_call>\n{"name":"f","arguments":{"a":1}}\n</tool_call>'


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (' <tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call> ', CALL),
        ('Wait. <tool_call>{"arguments": {"a": 1}, "name": "f"}', f"Wait.\n{CALL}"),
        ('{"name": "f", "parameters": {"a": 1}}', CALL),
        ('<|python_tag|>{"type": "function", "name": "f", "parameters": {"a": 1}}', CALL),
        ('{"name": "f", "parameters": {"a": 1}}; {"name": "f", "parameters": {"a": 1}}', f"{CALL}\n{CALL}"),
        ('[TOOL_CALLS][{"name": "f", "arguments": {"a": 1}, "id": "abc123def"}]', CALL),
        (' [{"name": "f", "arguments": {"a": 1}}]', CALL),
        ('<|tool_call|>[{"name": "f", "arguments": {"a": 1}}]<|/tool_call|>', CALL),
        (" It rains. ", "It rains."),
        ('{"name": "Ann", "age": 3}', '{"name": "Ann", "age": 3}'),
        ('{"name": "Ann"}', '{"name": "Ann"}'),
        ("<tool_call> is a mark.", "<tool_call> is a mark."),
        ("[1, 2]", "[1, 2]"),
        ("[]", "[]"),
        ("", ""),
    ],
)
def test_answer_with_calls_forms_of_families_become_one(said, answer):
    assert answer_with_calls(said) == answer
    assert answer_with_calls(answer) == answer
    assert with_calls(as_turn(answer)) == answer
