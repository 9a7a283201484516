"""Decides by the recipe's rules whether the student may be promoted.

Numbers come from the finished report, so the gate sees none that a reader does not. Two models are compared by their
answers to the test rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scoring import Scoring
from stillhouse.gate.bounds import decide_ceilings, decide_contamination, decide_number, decide_rows
from stillhouse.gate.comparisons import Comparison, decide_comparisons
from stillhouse.gate.evidence import Opponent, pair
from stillhouse.metrics.metric import Answers
from stillhouse.recipe.gate import BetterThan, NotWorseThan, Rule
from stillhouse.recipe.gate import Gate as Rules
from stillhouse.reports.schema.gate import Gate, GateRule, Looks, verdict_of

CHAMPION = "champion"  # its role in the report, once there is one
CountLook = Callable[[], Looks]
_NO_CHAMPION = "there is no champion yet; the first version has none to be compared with"
_IS_CHAMPION = "the champion is this very student"


@dataclass(frozen=True)
class Decided:
    """What the gate decides from: the report as plain JSON types, and all answers to the test rows by role."""

    report: Mapping[str, Any]
    answers: Mapping[Any, Answers]
    scoring: Scoring

    @property
    def student(self) -> str:
        """The role of the student that the report is about."""
        return str(self.report["comparison"]["student"])

    def opponent(self, named: BetterThan) -> Opponent:
        """Return the model that a rule names, or why there is none."""
        comparison, models = self.report["comparison"], self.report["models"]
        role = {
            "teacher": ModelRole.TEACHER.value,
            "champion": CHAMPION,
            "base": (models.get("baseline") or {}).get("which"),
            "strongest_alternative": comparison.get("strongest_alternative"),
        }[named.model]
        why_not = comparison.get("not_measured", {}).get(role or named.model, "")
        answers = self.answers.get(role) if role else None
        if role == CHAMPION and answers is None and not why_not:
            return Opponent(CHAMPION, None, why_settled=_NO_CHAMPION)
        # the same list, not an equal one: another student may give the same answers
        if role == CHAMPION and answers is self.answers[self.student]:
            return Opponent(CHAMPION, None, why_settled=_IS_CHAMPION)
        return Opponent(role or named.model, answers, why_not)


def decide(decided: Decided, gate: Rules, count_look: CountLook) -> Gate:
    """Return the gate's block; a look at the test set is counted if there are rules.

    Raises:
        RecipeError: a rule names something that is not a number of the report.
    """
    if not gate.rules:
        return Gate(passed=True, verdict="passed", rules=())
    comparisons = {at: _comparison(decided, rule) for at, rule in enumerate(gate.rules) if _named(rule)}
    looks = count_look()
    tested = dict(zip(comparisons, decide_comparisons(list(comparisons.values()), looks), strict=True))
    rules = [
        line
        for at, rule in enumerate(gate.rules)
        for line in ([tested[at]] if at in tested else _single(decided, rule, looks))
    ]
    verdict = verdict_of([rule.verdict for rule in rules])
    return Gate(passed=verdict == "passed", verdict=verdict, rules=tuple(rules), looks=looks)


def _named(rule: Rule) -> BetterThan | NotWorseThan | None:
    return rule.not_worse_than or rule.better_than


def _comparison(decided: Decided, rule: Rule) -> Comparison:
    named = _named(rule)
    assert named is not None, "only rules about two models come here"
    metric = named.metric or decided.scoring.settings.metrics[0]
    opponent = decided.opponent(named)
    margin = named.margin if isinstance(named, NotWorseThan) else None
    what = "better than" if margin is None else f"not worse by {margin:g} than"
    is_measured = metric not in decided.report["comparison"].get("not_measured", {})
    paired = None
    if opponent.answers is not None and is_measured:
        paired = pair(metric, decided.answers[decided.student], opponent.answers, decided.scoring)
    elif not is_measured:
        why = decided.report["comparison"]["not_measured"][metric]
        opponent = Opponent(opponent.role, None, f"{metric}, {why}")
    return Comparison(f"{what} {named.model}, by {metric}", opponent, metric, margin, paired)


def _single(decided: Decided, rule: Rule, looks: Looks) -> list[GateRule]:
    """Return the decision of a rule about one number; ceilings are one line each."""
    if rule.at_most is not None:
        return list(decide_ceilings(decided.report["models"][decided.student], rule.at_most))
    if rule.contamination_free:
        return [decide_contamination(decided.report)]
    if rule.min_test_rows is not None:
        return [decide_rows(decided.report, rule.min_test_rows)]
    return [decide_number(decided.report, rule, looks)]
