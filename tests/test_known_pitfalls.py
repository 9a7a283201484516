"""Every trap has a test, and every test of a trap names one that is known."""

import ast
from pathlib import Path

from tests.support.known_pitfalls import TRAPS

TESTS = Path(__file__).parent


def traps_named() -> list[str]:
    calls = [
        node
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.peers"
    ]
    assert all(len(call.args) == 1 for call in calls), "one trap a mark"
    return [ast.literal_eval(call.args[0]) for call in calls]


def test_every_trap_has_a_test_and_no_test_names_another():
    assert set(traps_named()) == set(TRAPS)
