"""Reads recorded calls of tools, and definitions of tools, in the forms that people have them."""

from typing import Any

import orjson

from stillhouse.data.record import InvalidRecord


class CallIds:
    """Gives ids to calls that have none, and to tools' results the id of the call they answer, in one conversation."""

    def __init__(self) -> None:
        self._given = 0
        self._open: list[tuple[str, str]] = []  # ids and names of calls without a result

    def called(self, recorded: Any, name: str) -> str:
        """Return the id of a call."""
        self._given += 1
        # nine letters and digits: some chat templates take no other form
        own = str(recorded) if recorded else f"call{self._given:05d}"
        self._open.append((own, name))
        return own

    def answered(self, name: Any) -> str:
        """Return the id of the first call without a result, of the tool `name` if there is one; "" if all have one."""
        found = next((call for call in self._open if call[1] == name), next(iter(self._open), None))
        if found is None:
            return ""
        self._open.remove(found)
        return found[0]


def read_calls(calls: list[Any], at: int, ids: CallIds) -> list[dict[str, Any]]:
    """Return the calls of turn number `at` in OpenAI's form, their arguments as objects.

    Raises:
        InvalidRecord: a call has no name, or its arguments are no JSON object.
    """
    read = []
    for call in calls:
        function = call.get("function", call) if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str) or not name:
            raise InvalidRecord("bad_tool_call", f"a call of turn {at} must name a function, it is {_short(call)}")
        recorded = function.get("arguments", function.get("parameters"))
        arguments = read_arguments(recorded)
        if arguments is None:
            raise InvalidRecord(
                "bad_tool_call",
                f"the arguments of {name} in turn {at} must be a JSON object, or text of one, not {_short(recorded)}",
            )
        own = ids.called(call.get("id") or call.get("call_id"), name)
        read.append({"id": own, "type": "function", "function": {"name": name, "arguments": arguments}})
    return read


def read_arguments(value: Any) -> dict[str, Any] | None:
    """Return the arguments of a call; None if they are no JSON object. A call without any has empty ones."""
    if isinstance(value, str) and value.strip():
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    if value is None or value == "":
        return {}
    return value if isinstance(value, dict) else None


def read_tools(value: Any) -> str | None:
    """Return tools' definitions as JSON text of a list in OpenAI's form; None for none.

    Raises:
        InvalidRecord: it is no list of functions with names, nor JSON text of one.
    """
    if isinstance(value, str) and value.strip():
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise InvalidRecord("bad_tools", f"tools are text but no JSON list of functions: {error}") from error
    tools = value if isinstance(value, list) else [value] if value else []
    read = []
    for tool in tools:
        function = tool.get("function", tool) if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str):
            raise InvalidRecord("bad_tools", f"a tool must be a function with a name, it is {_short(tool)}")
        function = {key: item for key, item in function.items() if key != "type"}
        if "parameters" not in function and "input_schema" in function:  # Anthropic's name
            function["parameters"] = function.pop("input_schema")
        if isinstance(function.get("parameters"), str):
            function["parameters"] = read_arguments(function["parameters"])
        read.append({"type": "function", "function": function})
    return orjson.dumps(read).decode() if read else None


def _short(value: Any) -> str:
    return repr(value)[:80]
