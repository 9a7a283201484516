import json

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


class Templated:
    """A tokenizer as far as its chat template goes."""

    def __init__(self, template: str) -> None:
        self.chat_template = template

    def apply_chat_template(self, turns, *, tokenize, add_generation_prompt=False, tools=None):
        environment = jinja2.Environment()
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


def test_render_tools_reach_the_template_or_the_system_turn():
    asked = [{**TALK[0], "tools": [TOOL]}]
    knows = "{% for tool in tools or [] %}<{{ tool.function.name }}>{% endfor %}" + PLAIN
    assert render(Templated(knows), asked) == "<f>[user]Go."
    assert render(Templated(knows), TALK[:1]) == "[user]Go."
    said = render(Templated(PLAIN), asked)
    assert said.startswith("[system]You may call these tools:\n" + json.dumps(TOOL["function"]))
    assert said.endswith("[user]Go.")
