import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.data.turns import write_rows
from stillhouse.errors import DataError
from stillhouse.evaluation.comparison import gain, quality, quality_retained
from stillhouse.evaluation.first_metric import check_measurable
from stillhouse.evaluation.scoring import Scoring, unmeasured_metrics
from stillhouse.metrics.overlap import ROUGE_L
from stillhouse.metrics.tool_calls import TOOL_CALL_ARGUMENTS, TOOL_CALL_NAMES
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.conversation import Conversation

SKILL = Conversation(kind="conversation")
NAMES, WHOLE = TOOL_CALL_NAMES.name, TOOL_CALL_ARGUMENTS.name


def call(name: str, arguments: object) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


PARIS, ROME = call("weather", {"city": "Paris", "days": 1}), call("weather", {"city": "Rome", "days": 1})
MAIL = call("mail", {})


def scores(answer: str | None, *references: str) -> tuple[float, float]:
    found = [metric.row_scores([answer], [references], SKILL) for metric in (TOOL_CALL_NAMES, TOOL_CALL_ARGUMENTS)]
    return found[0][0], found[1][0]


@pytest.mark.parametrize(
    ("answer", "reference", "names", "whole"),
    [
        (PARIS, PARIS, 1, 1),
        (ROME, PARIS, 1, 0),
        (MAIL, PARIS, 0, 0),
        ("It rains.", PARIS, 0, 0),
        (None, PARIS, 0, 0),
        # a call that was not asked for
        (PARIS, "It rains.", 0, 0),
        (f"{PARIS}\n{MAIL}", PARIS, 0, 0),
        # each call as often, in any order, whatever is said beside them
        (f"{MAIL}\n{PARIS}", f"{PARIS}\n{MAIL}", 1, 1),
        (f"{PARIS}\n{PARIS}", PARIS, 0, 0),
        (f"{PARIS}\n{ROME}", f"{ROME}\n{ROME}", 1, 0),
        (f"I look.\n{PARIS}", PARIS, 1, 1),
        # JSON values: keys in any order, arguments as text, numbers by value
        (call("weather", {"days": 1, "city": "Paris"}), PARIS, 1, 1),
        (call("weather", '{"days": 1, "city": "Paris"}'), PARIS, 1, 1),
        (call("weather", {"city": "Paris", "days": 1.0}), PARIS, 1, 1),
        (call("f", {"a": [{"b": 2.0, "c": 1e300}]}), call("f", {"a": [{"c": 1e300, "b": 2}]}), 1, 1),
        (call("weather", {"city": "Paris", "days": "1"}), PARIS, 1, 0),
        (call("weather", {"city": "Paris", "days": True}), PARIS, 1, 0),
        (call("weather", {"city": "paris", "days": 1}), PARIS, 1, 0),
        (call("f", {"a": [1, 2]}), call("f", {"a": [2, 1]}), 1, 0),
        (call("f", {"a": None}), call("f", {}), 1, 0),
        # in another form that the skill reads
        ('[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Paris", "days": 1}}]', PARIS, 1, 1),
        (PARIS, '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Paris", "days": 1}}]', 1, 1),
    ],
)
def test_tool_calls_of_an_answer_against_a_reference(answer, reference, names, whole):
    assert scores(answer, reference) == (names, whole)


def test_tool_calls_row_without_any_call_does_not_count():
    assert all(map(math.isnan, scores("It rains.", "It snows.")))
    assert all(map(math.isnan, scores(None, "It snows.")))


def test_tool_calls_equal_to_any_reference_are_right():
    assert scores(ROME, PARIS, ROME) == (1, 1)
    assert scores("It rains.", PARIS, "It rains.") == (1, 1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (PARIS, call("weather", {"days": 1.0, "city": "Paris"}), True),
        (f"{MAIL}\n{PARIS}", f"{PARIS}\n{MAIL}", True),
        (PARIS, call("weather", {"city": "Paris", "days": "1"}), False),
        (f"I look.\n{PARIS}", f"I LOOK\n{PARIS}", True),
        (f"I look.\n{PARIS}", PARIS, False),
        ("It rains.", "it rains", True),
        ("It rains.", "It snows.", False),
    ],
)
def test_equivalent_replies_have_the_same_words_and_the_same_calls(one, other, same):
    assert SKILL.equivalent(one, other) is same
    assert SKILL.equivalent(other, one) is same


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
functions = st.tuples(st.sampled_from("fg"), st.dictionaries(st.text(max_size=3), values, max_size=3))


@given(st.lists(functions, min_size=1, max_size=4), st.randoms())
def test_tool_calls_shuffled_with_keys_turned_round_are_equal(made, random):
    shuffled = random.sample(made, len(made))
    turned = [call(name, dict(reversed(arguments.items()))) for name, arguments in shuffled]
    reference = "\n".join(call(name, arguments) for name, arguments in made)
    assert scores("\n".join(turned), reference) == (1, 1)
    assert scores("\n".join(turned[1:]), reference) == (0, 0)


REFERENCES = [[PARIS], [MAIL], ["It rains."], ["Sun."]]
ANSWERS = {
    "teacher": [PARIS, MAIL, "Rain.", "Sun."],  # 2 of 2
    "student": [ROME, MAIL, MAIL, "Sun."],  # names 2 of 3, whole 1 of 3
}


def scoring(*metrics: str, references=REFERENCES) -> Scoring:
    return Scoring(references, (), Evaluation(resamples=200, metrics=metrics), SKILL)


def test_quality_of_calls_is_the_share_of_the_rows_that_count():
    found = {role: quality(answers, scoring("rouge_l", NAMES, WHOLE)) for role, answers in ANSWERS.items()}
    shares = {role: {name: (one["value"], one["n"]) for name, one in values.items()} for role, values in found.items()}
    assert shares["teacher"][NAMES] == shares["teacher"][WHOLE] == (1.0, 2)
    assert shares["student"][NAMES] == (pytest.approx(2 / 3), 3)
    assert shares["student"][WHOLE] == (pytest.approx(1 / 3), 3)
    assert shares["student"]["rouge_l"][1] == 4
    # Wilson's interval of 1 in 3 at 95 %, by its formula
    z, p, n = 1.959963985, 1 / 3, 3
    middle, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    bounds = [(middle + sign * half) / (1 + z**2 / n) for sign in (-1, 1)]
    assert [found["student"][WHOLE][end] for end in ("low", "high")] == pytest.approx(bounds)


def test_gain_of_calls_is_the_difference_of_the_shares_with_its_exact_p_value():
    found = gain(WHOLE, "teacher", "student", ANSWERS, scoring(WHOLE))
    assert found["value"] == pytest.approx(1 - 1 / 3)
    assert found["low"] <= found["value"] <= found["high"]
    assert found["p_value"] == pytest.approx(0.5)  # 2 rows for, none against; a call too many is one of them
    assert quality_retained(WHOLE, {**ANSWERS}, scoring(WHOLE), "student").value == pytest.approx(1 / 3)


def test_quality_without_a_call_in_any_reference_leaves_the_metrics_out():
    plain = scoring("rouge_l", NAMES, WHOLE, references=[["It rains."], ["Sun."]])
    assert set(quality([PARIS, "Sun."], plain)) == {"rouge_l"}
    assert unmeasured_metrics(plain) == dict.fromkeys((NAMES, WHOLE), "no reference calls a tool")
    assert quality([PARIS, "Sun."], scoring(NAMES, references=plain.references)) == {}


def row(name: str, reply: str) -> dict:
    turns = [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": reply}]
    return {"id": name, "content_sha256": name, "messages": turns, "references": [reply], "source": "test"}


def test_check_measurable_refuses_test_rows_without_what_the_metric_needs(tmp_path):
    path = tmp_path / "test.parquet"
    write_rows(path, [row("a", "Rain."), row("b", "Sun.")])
    check_measurable(path, ROUGE_L, SKILL)
    with pytest.raises(DataError, match=r"with tool_call_names.* of 2 test rows no reference calls a tool. Name"):
        check_measurable(path, TOOL_CALL_NAMES, SKILL)
    write_rows(path, [row("a", "Rain."), row("b", PARIS)])
    check_measurable(path, TOOL_CALL_NAMES, SKILL)
