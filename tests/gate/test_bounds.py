import pytest
from scipy import stats

from stillhouse.errors import RecipeError
from stillhouse.gate.bounds import decide_ceilings, decide_contamination, decide_number, decide_rows
from stillhouse.recipe.gate import Ceilings, Rule
from stillhouse.reports.schema.gate import GateRule
from tests.support.gate import FIRST_LOOK, look_number

WILSON = stats.binomtest(225, 250).proportion_ci(0.95, method="wilson")
REPORT = {
    "recipe": {"data": {"test_similarity": 0.8, "test_run_words": 8}},
    "data": {"test": 250, "near_test": 0},
    "comparison": {
        "quality_retained": 0.95,
        "quality_retained_low": 0.91,
        "quality_retained_high": 0.99,
        "cost_reduction": None,
        "gain_over_baseline": {"value": 0.03, "low": -0.01, "high": 0.07, "p_value": 0.1},
    },
    "models": {
        "student": {
            "quality": {"accuracy": {"value": 0.9, "low": WILSON.low, "high": WILSON.high, "n": 250}},
            "latency_ms": {"p50": 40.0, "p95": 80.0},
            "weight_bytes": 54_000_000,
            "peak_memory_bytes": None,
            "cost_usd_per_1k_requests": 0.01,
        },
        "baseline": None,
    },
    "skill": "classification",
    "passed": True,
}


def rule(metric: str, op: str = ">=", bound: float = 0.92, look: int = 1) -> GateRule:
    return decide_number(REPORT, Rule(metric=metric, op=op, bound=bound), look_number(look))


def test_number_passed_rule_shows_value_and_bound():
    found = rule("comparison.quality_retained")
    assert (found.rule, found.value, found.bound) == ("comparison.quality_retained >= 0.92", 0.95, 0.92)
    assert found.passed


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
def test_number_operators_mean_what_they_say(op, bound, passed):
    assert rule("comparison.quality_retained", op, bound).verdict == ("passed" if passed else "refused")


@pytest.mark.parametrize("metric", ["comparison.cost_reduction", "models.baseline.quality.accuracy.value"])
@pytest.mark.parametrize("op", [">=", "<"])
def test_number_not_measured_is_undecidable(metric, op):
    found = rule(metric, op, 0.0)
    assert (found.value, found.verdict, found.reason) == (None, "undecidable", "not measured")


def test_number_whole_numbers_count_too():
    assert rule("models.student.quality.accuracy.n", ">=", 200).passed


@pytest.mark.parametrize(
    "metric", ["comparison.quality", "models.students.quality", "comparison.quality_retained.low", ""]
)
def test_number_unknown_path_lists_the_known_fields(metric):
    with pytest.raises(RecipeError, match=r"the report has no .* there; it has"):
        rule(metric)


@pytest.mark.parametrize("metric", ["skill", "passed", "comparison"])
def test_number_value_not_a_number_is_refused(metric):
    with pytest.raises(RecipeError, match="name a number of the report"):
        rule(metric)


def test_number_metric_without_anything_to_measure_is_undecidable():
    report = {**REPORT, "comparison": {"not_measured": {"tool_call_names": "no reference calls a tool"}}}
    named = Rule(metric="models.student.quality.tool_call_names.value", bound=0.5)
    assert decide_number(report, named, FIRST_LOOK).verdict == "undecidable"
    with pytest.raises(RecipeError, match="no 'tool_call_names' there"):
        decide_number(REPORT, named, FIRST_LOOK)


@pytest.mark.parametrize(
    ("metric", "op", "bound", "verdict"),
    [
        ("comparison.quality_retained_low", ">=", 0.91, "passed"),
        ("comparison.quality_retained_low", ">=", 0.95, "undecidable"),  # [0.91, 0.99] holds it
        ("comparison.quality_retained_low", ">=", 0.995, "refused"),
        ("comparison.quality_retained_high", "<=", 0.95, "undecidable"),
        ("comparison.quality_retained_high", "<=", 0.9, "refused"),
        ("comparison.gain_over_baseline.low", ">", 0.0, "undecidable"),
        ("comparison.gain_over_baseline.low", ">", -0.02, "passed"),
        ("comparison.gain_over_baseline.low", ">", 0.08, "refused"),
        # the easier end: nothing is left open
        ("comparison.quality_retained_high", ">=", 0.98, "passed"),
        ("comparison.quality_retained_high", ">=", 0.995, "refused"),
    ],
)
def test_end_of_an_interval_that_holds_the_bound_is_undecidable(metric, op, bound, verdict):
    assert rule(metric, op, bound).verdict == verdict


@pytest.mark.parametrize("look", [2, 5, 20])
def test_end_of_a_quality_at_a_later_look_is_that_of_the_wider_wilson_interval(look):
    # the oracle: SciPy's own interval at what the look may spend
    low = stats.binomtest(225, 250).proportion_ci(1 - 2 * 0.05 / (look * (look + 1)), method="wilson").low
    metric = "models.student.quality.accuracy.low"
    assert rule(metric, ">=", low - 1e-4, look).verdict == "passed"
    assert rule(metric, ">=", low + 1e-4, look).verdict == "undecidable"
    assert rule(metric, ">=", low + 1e-4).verdict == "passed"


def test_end_of_a_difference_at_a_later_look_is_wider_by_the_normal_quantiles():
    wider = stats.norm.isf(0.05 / 6) / stats.norm.isf(0.025)
    low = 0.95 - 0.04 * wider
    assert rule("comparison.quality_retained_low", ">=", low - 1e-6, 2).verdict == "passed"
    assert rule("comparison.quality_retained_low", ">=", low + 1e-6, 2).verdict == "undecidable"


def test_end_over_groups_at_a_later_look_is_wider_by_student_s_quantiles():
    report = {**REPORT, "comparison": {**REPORT["comparison"], "num_clusters": 12}}
    low = 0.95 - 0.04 * stats.t.isf(0.05 / 6, 11) / stats.t.isf(0.025, 11)
    for bound, verdict in ((low - 1e-6, "passed"), (low + 1e-6, "undecidable")):
        rule_ = Rule(metric="comparison.quality_retained_low", bound=bound)
        assert decide_number(report, rule_, look_number(2)).verdict == verdict


def test_ceilings_are_of_the_student_and_in_the_recipe_s_units():
    ceilings = Ceilings(latency_p50_ms=43, latency_p95_ms=60, weights_mb=54, memory_mb=210, cost_usd_per_1k_requests=1)
    found = list(decide_ceilings(REPORT["models"]["student"], ceilings))
    assert [one.verdict for one in found] == ["passed", "refused", "passed", "undecidable", "passed"]
    assert [one.value for one in found] == [40.0, 80.0, 54.0, None, 0.01]


@pytest.mark.parametrize(
    ("settings", "data", "verdict"),
    [
        ({}, {}, "passed"),
        ({}, {"near_test": 3}, "refused"),
        ({"test_similarity": None}, {}, "undecidable"),
        ({"test_run_words": None}, {}, "undecidable"),
        ({}, {"near_test": None}, "undecidable"),
    ],
)
def test_contamination_free_needs_both_searches_and_nothing_found(settings, data, verdict):
    report = {
        "recipe": {"data": REPORT["recipe"]["data"] | settings},
        "data": REPORT["data"] | data,
    }
    assert decide_contamination(report).verdict == verdict


@pytest.mark.parametrize(("least", "verdict"), [(250, "passed"), (251, "undecidable")])
def test_min_test_rows_too_few_can_t_tell(least, verdict):
    assert decide_rows(REPORT, least).verdict == verdict
