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
        # Qwen3-Coder: values without types, the opening mark left out at times
        ("<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>", CALL),
        ("Wait.\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>", f"Wait.\n{CALL}"),
        ("<tool_call><function=f><parameter=a>1", CALL),
        (
            "<tool_call>\n<function=f>\n<parameter=a>\n  x\ny <b>\n</parameter>\n<parameter=b>\nTrue\n</parameter>\n"
            "<parameter=c>\nnull\n</parameter>\n<parameter=d>\n[1, 2]\n</parameter>\n</function>\n</tool_call>",
            '<tool_call>\n{"name":"f","arguments":{"a":"  x\\ny <b>","b":true,"c":null,"d":[1,2]}}\n</tool_call>',
        ),
        ("<tool_call><function=f></function></tool_call>", '<tool_call>\n{"name":"f","arguments":{}}\n</tool_call>'),
        # Llama's own tools
        ('<function=f>{"a": 1}</function>', CALL),
        ("Write <function=f> and its name.", "Write <function=f> and its name."),
        # Mistral's later form, with its marks and without
        ('[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]f[CALL_ID]abc123def[ARGS]{"a": 1}', f"{CALL}\n{CALL}"),
        ('Wait.[TOOL_CALLS]f{"a": 1}', f"Wait.\n{CALL}"),
        ('f{"a": 1}', CALL),
        ('Result {"a": 1}', 'Result {"a": 1}'),
        ('json\n{"a": 1}', 'json\n{"a": 1}'),
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
