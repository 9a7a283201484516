from typing import Any

import numpy as np
import pytest

from stillhouse.evaluation.scoring import Scoring
from stillhouse.gate.decide import Decided, decide
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.gate import Gate
from stillhouse.reports.schema.gate import Looks
from stillhouse.skills.classification import Classification
from tests.support.gate import FIRST_LOOK, look_number

LABELS = ("a", "b")
ROWS = 400


def answers(*wrong: range) -> list[str]:
    """Return answers to rows that are all `a`, wrong in these places."""
    places = {place for one in wrong for place in one}
    return ["b" if row in places else "a" for row in range(ROWS)]


# of 400 rows: the teacher has 340 right, a near student loses 2 of these and gains 4
TEACHER = answers(range(60))
NEAR = answers(range(4, 62))
FAR = answers(range(120))
BEST = answers(range(30))


def decided(
    student: list[str], *, metric: str = "accuracy", clusters: np.ndarray | None = None, **more: Any
) -> Decided:
    scoring = Scoring(
        [["a"]] * ROWS, LABELS, Evaluation(metrics=(metric,), resamples=500), Classification(labels=LABELS), clusters
    )
    report = {
        "comparison": {"student": "student", "not_measured": {}, "strongest_alternative": "opening_of_text"},
        "models": {"student": {"weight_bytes": 5}, "baseline": {"which": "baseline_zero_shot"}},
    }
    report["comparison"] |= more.pop("comparison", {})
    return Decided(report, {"student": student, "teacher": TEACHER, "baseline_zero_shot": FAR} | more, scoring)


def gate(*rules: dict[str, Any]) -> Gate:
    return Gate.model_validate({"rules": rules})


def not_worse(model: str = "teacher", margin: float = 0.05, **more: Any) -> dict[str, Any]:
    return {"not_worse_than": {"model": model, "margin": margin, **more}}


def better(model: str = "teacher") -> dict[str, Any]:
    return {"better_than": {"model": model}}


def verdicts(found: Any) -> list[str]:
    return [rule.verdict for rule in found.rules]


def first_look() -> Looks:
    return FIRST_LOOK


def test_gate_without_rules_passes_and_is_no_look():
    found = decide(decided(NEAR), gate(), lambda: pytest.fail("counted a look"))
    assert (found.verdict, found.rules, found.looks) == ("passed", (), None)


@pytest.mark.parametrize(
    ("student", "margin", "verdict"),
    [(NEAR, 0.05, "passed"), (NEAR, 0.002, "undecidable"), (FAR, 0.05, "refused"), (BEST, 0.002, "passed")],
)
def test_not_worse_than_has_three_verdicts(student, margin, verdict):
    found = decide(decided(student), gate(not_worse(margin=margin)), first_look)
    assert (found.verdict, verdicts(found)) == (verdict, [verdict])
    assert found.passed is (verdict == "passed")


@pytest.mark.parametrize(("student", "verdict"), [(BEST, "passed"), (NEAR, "undecidable"), (FAR, "refused")])
def test_better_than_has_three_verdicts(student, verdict):
    assert verdicts(decide(decided(student), gate(better()), first_look)) == [verdict]


def test_comparison_shows_counts_that_its_p_value_can_be_computed_from_again():
    (rule,) = decide(decided(NEAR), gate(better()), first_look).rules
    assert (rule.test.only_student, rule.test.only_other, rule.test.rows) == (4, 2, ROWS)
    assert rule.test.p_value == pytest.approx(22 / 64)  # 4 or more of 6 heads
    assert rule.value == pytest.approx(2 / ROWS)
    assert rule.test.low < rule.value


def test_undecidable_names_the_rows_that_would_tell():
    (rule,) = decide(decided(NEAR), gate(not_worse(margin=0.005)), first_look).rules
    assert rule.verdict == "undecidable"
    assert rule.test.rows_needed > ROWS
    assert "rows can't tell" in rule.reason
    assert rule.test.power < 0.8


def test_whole_verdict_is_the_worst_of_the_rules():
    both = gate(not_worse(), not_worse("teacher", 0.001), better("base"))
    assert decide(decided(NEAR), both, first_look).verdict == "undecidable"
    assert decide(decided(NEAR), gate(not_worse("teacher", 0.001), better()), first_look).verdict == "undecidable"
    assert decide(decided(FAR), gate(not_worse("teacher", 0.001), better()), first_look).verdict == "refused"


def test_base_is_the_better_baseline():
    (rule,) = decide(decided(NEAR), gate(better("base")), first_look).rules
    assert (rule.test.model, rule.verdict) == ("baseline_zero_shot", "passed")


def test_champion_before_the_first_version_passes_and_says_so():
    found = decide(decided(NEAR), gate(not_worse("champion"), better("champion")), first_look)
    assert verdicts(found) == ["passed", "passed"]
    assert "there is no champion yet" in found.rules[0].reason


def test_champion_that_was_not_measured_is_undecidable_with_its_reason():
    why = {"comparison": {"not_measured": {"champion": "its export is gone"}}}
    (rule,) = decide(decided(NEAR, **why), gate(not_worse("champion")), first_look).rules
    assert (rule.verdict, rule.reason) == ("undecidable", "champion not measured: its export is gone")


def test_champion_that_was_measured_is_compared():
    (rule,) = decide(decided(NEAR, champion=BEST), gate(not_worse("champion", 0.02)), first_look).rules
    assert (rule.verdict, rule.test.model) == ("refused", "champion")


def test_champion_that_is_the_student_itself_passes_and_says_so():
    found = decide(decided(NEAR, champion=NEAR), gate(not_worse("champion", 0.001), better("champion")), first_look)
    assert verdicts(found) == ["passed", "passed"]
    assert found.rules[0].reason == "the champion is this very student"
    twin = decide(decided(NEAR, champion=list(NEAR)), gate(better("champion")), first_look)
    assert verdicts(twin) == ["undecidable"]


def test_opponent_that_was_not_measured_is_undecidable():
    (rule,) = decide(decided(NEAR), gate(better("strongest_alternative")), first_look).rules
    assert (rule.verdict, rule.value) == ("undecidable", None)


def test_rules_about_models_are_one_family_of_holm():
    alone = decide(decided(NEAR), gate(better()), first_look).rules[0].test
    both = decide(decided(NEAR), gate(better(), better("base"), not_worse()), first_look).rules[0].test
    assert alone.p_corrected == pytest.approx(alone.p_value)
    assert both.p_value == pytest.approx(alone.p_value)
    assert both.p_corrected == pytest.approx(alone.p_value)  # the largest of the family is not corrected
    smallest = decide(decided(BEST), gate(better(), not_worse(margin=0.001)), first_look).rules
    assert max(smallest, key=lambda one: one.test.p_value).test.p_corrected < 0.025
    assert min(one.test.p_corrected for one in smallest) == pytest.approx(2 * min(one.test.p_value for one in smallest))


def test_a_later_look_asks_for_more():
    rule = gate(not_worse(margin=0.02))
    assert verdicts(decide(decided(NEAR), rule, first_look)) == ["passed"]
    assert verdicts(decide(decided(NEAR), rule, lambda: look_number(40))) == ["undecidable"]


def test_rows_that_go_together_are_compared_as_groups():
    groups = np.repeat(np.arange(ROWS // 20), 20)
    (alone,) = decide(decided(FAR), gate(better()), first_look).rules
    (grouped,) = decide(decided(FAR, clusters=groups), gate(better()), first_look).rules
    assert alone.verdict == "refused"
    assert (grouped.test.num_groups, grouped.verdict) == (20, "undecidable")


def test_metric_of_all_rows_together_is_tested_by_the_bootstrap():
    (rule,) = decide(decided(FAR, metric="macro_f1"), gate(not_worse()), first_look).rules
    assert (rule.test.method, rule.test.metric, rule.verdict) == ("paired BCa bootstrap", "macro_f1", "refused")
    assert rule.test.only_student is None


def test_metric_that_was_not_measured_is_undecidable():
    why = {"comparison": {"not_measured": {"accuracy": "no row has a reference"}}}
    (rule,) = decide(decided(NEAR, **why), gate(not_worse()), first_look).rules
    assert rule.verdict == "undecidable"
    assert "no row has a reference" in rule.reason
