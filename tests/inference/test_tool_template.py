import json
import re

import jinja2
import pytest

from stillhouse.inference.vllm.request import render

CALL = {"id": "call00001", "type": "function", "function": {"name": "f", "arguments": {"a": "ö"}}}
TALK = [{"role": "user", "content": "Go."}, {"role": "assistant", "content": "", "tool_calls": [CALL]}]
TOOL = {"type": "function", "function": {"name": "f", "description": "Of it.", "parameters": {"type": "object"}}}
PLAIN = "{% for turn in messages %}[{{ turn.role }}]{{ turn.content }}{% endfor %}"
CALLS = PLAIN.replace(
    "{% endfor %}", "{% for c in turn.tool_calls %}!{{ c.function.name }}{{ %s }}{% endfor %}{% endfor %}"
)
ARGUMENTS = "c.function.arguments"


def refuse(why: str):
    raise jinja2.TemplateError(why)


class Templated:
    """A tokenizer as far as its chat template goes."""

    def __init__(self, template: str) -> None:
        self.chat_template = template

    def apply_chat_template(self, turns, *, tokenize, add_generation_prompt=False, tools=None):
        environment = jinja2.Environment()
        environment.globals["raise_exception"] = refuse
        environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
        return environment.from_string(self.chat_template).render(messages=turns, tools=tools)


@pytest.mark.parametrize(
    ("template", "written"),
    [
        (PLAIN, '<tool_call>\n{"name":"f","arguments":{"a":"ö"}}\n</tool_call>'),
        (CALLS.replace("%s", ARGUMENTS + " | tojson"), '!f{"a": "ö"}'),
        (CALLS.replace("%s", ARGUMENTS), '!f{"a":"ö"}'),
        (CALLS.replace("%s", "'#' + " + ARGUMENTS), '!f#{"a":"ö"}'),
    ],
)
def test_render_calls_in_the_form_that_the_template_takes(template, written):
    assert render(Templated(template), TALK) == f"[user]Go.[assistant]{written}"


# as Mistral's templates: an id of another form is refused, in calls and in results
SHORT_IDS = (
    "{% for turn in messages %}[{{ turn.role }}]{% for c in turn.tool_calls %}"
    "{% if c.id | length != 9 %}{{ raise_exception('ids should have length 9!') }}{% endif %}"
    "!{{ c.function.name }}#{{ c.id }}{% endfor %}"
    "{% if turn.role == 'tool' %}{% if turn.tool_call_id | length != 9 %}{{ raise_exception('length 9!') }}{% endif %}"
    "#{{ turn.tool_call_id }} {% endif %}{{ turn.content }}{{ (turn.tool_calls or []) | map(attribute='function') | "
    "map(attribute='arguments') | map('tojson') | join }}{% endfor %}"
)


def talk(*ids: str) -> list:
    calls = [{**CALL, "id": own} for own in ids]
    results = [{"role": "tool", "content": own, "tool_call_id": own} for own in reversed(ids)]
    return [TALK[0], {**TALK[1], "tool_calls": calls}, *results]


def test_render_ids_that_a_template_refuses_become_such_as_it_takes():
    ids = ["call_1", "toolu_01A-b", "abcDEF123"]
    text = render(Templated(SHORT_IDS), talk(*ids))
    called, answered = re.findall(r"!f#(\w{9})", text), re.findall(r"\[tool\]#(\w{9}) (\S+?)(?=\[|$)", text)
    assert dict(zip(ids, called, strict=True)) == {content: own for own, content in answered}
    assert len(set(called)) == 3
    assert called[2] == "abcDEF123"
    assert all(own.isascii() and own.isalnum() for own in called)
    # the same id in a later turn's prompt
    assert called[0] in render(Templated(SHORT_IDS), talk("call_1"))


def test_render_ids_stay_where_a_template_takes_any():
    anything = SHORT_IDS.replace("!= 9", "== 0")
    assert "!f#call_1" in render(Templated(anything), talk("call_1"))


def test_render_tools_reach_the_template_or_the_system_turn():
    asked = [{**TALK[0], "tools": [TOOL]}]
    knows = "{% for tool in tools or [] %}<{{ tool.function.name }}>{% endfor %}" + PLAIN
    assert render(Templated(knows), asked) == "<f>[user]Go."
    assert render(Templated(knows), TALK[:1]) == "[user]Go."
    said = render(Templated(PLAIN), asked)
    assert said.startswith("[system]You may call these tools:\n" + json.dumps(TOOL["function"]))
    assert said.endswith("[user]Go.")
