"""The rules are found in their folder, and the recipe's section has their fields."""

import importlib

import pytest

from stillhouse.filters.rule import CandidateRule
from stillhouse.filters.rules.agreement import Agreement
from stillhouse.filters.rules.repetitive import Repetitive
from stillhouse.filters.settings import RULES, Filters, find_rules
from tests.support.builders import make_candidate
from tests.support.paths import ROOT

RULE = """
from pydantic import Field
from stillhouse.filters.rule import CandidateRule

class {name}(CandidateRule):
    name = "{name}"
    is_on: bool = Field(True, description="drop what {name} objects to")

    def objection(self, candidate):
        return None
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of rules that is empty yet."""
    folder = tmp_path / f"rules_of_{tmp_path.name.replace('-', '_')}"
    folder.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module(folder.name)


def write(package, file: str, text: str) -> None:
    importlib.invalidate_caches()
    with open(f"{package.__path__[0]}/{file}.py", "w") as stream:
        stream.write(text)


def test_find_rules_each_file_of_the_folder_is_a_rule_of_the_library():
    files = {path.stem for path in (ROOT / "stillhouse/filters/rules").glob("*.py")}
    assert {rule.__module__.rpartition(".")[2] for rule in RULES} == files
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_find_rules_new_file_is_found_and_runs_after_the_others_of_its_kind(package):
    write(package, "one", RULE.format(name="shouting"))
    write(package, "two", RULE.format(name="empty"))
    assert [rule.name for rule in find_rules(package)] == ["empty", "shouting"]
    assert all(issubclass(rule, CandidateRule) for rule in find_rules(package))


def test_find_rules_example_of_the_docs_is_a_rule(package):
    page = (ROOT / "docs/development/adding-a-filter.md").read_text()
    write(package, "shouting", page.split('rules/shouting.py"\n')[1].split("```")[0])
    [rule] = find_rules(package)
    candidate = make_candidate("HELP me NOW")
    assert rule(max_capitals=0.5).objection(candidate) == "78% of its letters are capitals"
    assert rule().objection(candidate) is None


@pytest.mark.parametrize(("text", "count"), [("", 0), (RULE.format(name="a") + RULE.format(name="b"), 2)])
def test_find_rules_file_without_exactly_one_rule_is_refused_by_name(package, text, count):
    write(package, "wrong", text)
    with pytest.raises(TypeError, match=rf"\.wrong defines {count} filter rules\. A file of this folder defines one"):
        find_rules(package)


def test_filters_fields_follow_the_rules_order_then_the_general_ones():
    of_rules = [name for rule in RULES for name in rule.model_fields]
    assert list(Filters.model_fields) == [*of_rules, "check_labels", "hard_share", "min_success_ratio"]


def test_filters_rule_has_the_settings_of_the_recipe():
    filters = Filters(min_agreement=0.5, max_repetition=0.2)
    assert filters.rule(Agreement) == Agreement(min_agreement=0.5)
    assert filters.rule(Repetitive) == Repetitive(max_repetition=0.2)
    assert [type(rule) for rule in filters.rules()] == list(RULES)


def test_filters_copy_gives_its_rules_the_new_setting():
    changed = Filters().model_copy(update={"min_agreement": 0.7})
    assert changed.rule(Agreement).min_agreement == 0.7
