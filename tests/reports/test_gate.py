import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.evaluation import Gate, Rule
from stillhouse.reports.gate import evaluate_gate

REPORT = {
    "comparison": {"quality_retained": 0.95, "cost_reduction": None, "gain_over_baseline": {"low": 0.0}},
    "models": {"student": {"quality": {"accuracy": {"value": 0.9, "n": 250}}}, "baseline": None},
    "skill": "classification",
    "passed": True,
}


def rule(metric: str, op: str = ">=", bound: float = 0.92) -> dict:
    return evaluate_gate(REPORT, Gate(rules=(Rule(metric=metric, op=op, bound=bound),)))


def test_gate_passed_rule_shows_value_and_bound():
    assert rule("comparison.quality_retained") == {
        "passed": True,
        "rules": [
            {"rule": "comparison.quality_retained >= 0.92", "value": 0.95, "bound": 0.92, "passed": True},
        ],
    }


@pytest.mark.parametrize(
    ("op", "bound", "passed"),
    [
        (">=", 0.95, True),
        (">", 0.95, False),
        ("<=", 0.95, True),
        ("<", 0.95, False),
        ("<", 0.96, True),
        (">=", 1, False),
    ],
)
def test_gate_operators_mean_what_they_say(op, bound, passed):
    assert rule("comparison.quality_retained", op, bound)["passed"] is passed


def test_gate_one_failed_rule_fails_the_gate():
    rules = [Rule(metric="comparison.quality_retained", bound=bound) for bound in (0.9, 0.99)]
    found = evaluate_gate(REPORT, Gate(rules=tuple(rules)))
    assert not found["passed"]
    assert [one["passed"] for one in found["rules"]] == [True, False]


@pytest.mark.parametrize("metric", ["comparison.cost_reduction", "models.baseline.quality.accuracy.value"])
@pytest.mark.parametrize("op", [">=", "<"])
def test_gate_unmeasured_number_fails_the_rule(metric, op):
    found = rule(metric, op, 0.0)
    assert not found["passed"]
    assert found["rules"][0]["value"] is None


def test_gate_whole_numbers_count_too():
    assert rule("models.student.quality.accuracy.n", ">=", 200)["passed"]


@pytest.mark.parametrize(
    "metric", ["comparison.quality", "models.students.quality", "comparison.quality_retained.low", ""]
)
def test_gate_unknown_path_lists_the_known_fields(metric):
    with pytest.raises(RecipeError, match=r"the report has no .* there; it has"):
        rule(metric)


@pytest.mark.parametrize("metric", ["skill", "passed", "comparison"])
def test_gate_value_not_a_number_is_refused(metric):
    with pytest.raises(RecipeError, match="name a number of the report"):
        rule(metric)


def test_gate_without_rules_passes():
    assert evaluate_gate(REPORT, Gate()) == {"passed": True, "rules": []}


def test_gate_metric_without_anything_to_measure_fails_as_not_measured():
    report = {**REPORT, "comparison": {"not_measured": {"tool_call_names": "no reference calls a tool"}}}
    named = Gate(rules=(Rule(metric="models.student.quality.tool_call_names.value", bound=0.5),))
    (decided,) = evaluate_gate(report, named)["rules"]
    assert (decided["value"], decided["passed"]) == (None, False)
    with pytest.raises(RecipeError, match="no 'tool_call_names' there"):
        evaluate_gate(REPORT, named)
