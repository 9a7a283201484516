"""Every pitfall has a test, and every test of a pitfall names one that is known."""

import ast
from pathlib import Path

from tests.support.known_pitfalls import PITFALLS

TESTS = Path(__file__).parent


def pitfalls_named() -> list[str]:
    calls = [
        node
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.pitfall"
    ]
    assert all(len(call.args) == 1 for call in calls), "one pitfall a mark"
    return [ast.literal_eval(call.args[0]) for call in calls]


def test_every_pitfall_has_a_test_and_no_test_names_another():
    assert set(pitfalls_named()) == set(PITFALLS)
