import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stillhouse.data.columns import map_row
from stillhouse.errors import RecipeError
from stillhouse.evaluation.comparison import gain, quality
from stillhouse.evaluation.difference_tests import permutation_p_value
from stillhouse.evaluation.scoring import Scoring
from stillhouse.filters.pipeline import apply_filters
from stillhouse.filters.settings import Filters
from stillhouse.recipe.data import Columns
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.load import parse_recipe
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.qa import Qa
from stillhouse.skills.registry import METRICS
from tests.support.builders import make_completion, make_recipe_fields, make_row, refusal_of
from tests.support.paths import SHARED_DATA

OPEN = Qa(kind="qa")
NONE = Qa(kind="qa", no_answer="no answer")
SETTINGS = Evaluation(resamples=500, metrics=("exact_match", "token_f1"))
KEEP = Filters(min_success_ratio=0.0)


def test_map_row_context_stands_before_the_question():
    columns = Columns(text="q", context="c", reference="a")
    _, _, messages, references, *_ = map_row(
        {"q": "Who?", "c": "Ann ran.", "a": ["Ann", "ann r."]}, columns, frozenset("qca")
    )
    assert messages == [{"role": "user", "content": "Context: Ann ran.\n\nQuestion: Who?"}]
    assert references == ["Ann", "ann r."]


@pytest.mark.parametrize(
    ("skill", "system"),
    [
        (OPEN, "Answer the question in as few words as possible."),
        (NONE, 'Answer the question in as few words as possible. If there is no answer, say "no answer".'),
    ],
)
def test_instruction_allows_no_answer_only_if_the_recipe_does(skill, system):
    turns = skill.teacher_messages([{"role": "user", "content": "Who?"}], TeacherPrompt(), (), [])
    assert turns[0] == {"role": "system", "content": system}
    assert skill.constraint(()) == {}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Paris", "Paris"),
        ('  Answer: "Jane Austen"\nShe also wrote Emma.', "Jane Austen"),
        ("The answer is: 42.", "42."),
        ("**Answer:** Paris", "Paris"),
        ("Answer:\nParis", "Paris"),
        ("### Answer\nParis", "Paris"),
        ("### **Final answer**\n\n*Paris*", "Paris"),
        ("Sure! Here is the answer:\n- `Paris`", "Paris"),
        ("```\nParis\n```", "Paris"),
        ("> Paris", "Paris"),
        ("\\boxed{Paris}", "Paris"),
        ('{"answer": "Paris"}', "Paris"),
        ("The answer is Paris.", "Paris"),
        ("The answer is Washington D.C.", "Washington D.C."),
        ("La respuesta es París.", "París"),
        ("La réponse est : Paris", "Paris"),
        ("Die Antwort lautet Paris.", "Paris"),
        ("A resposta é Paris.", "Paris"),
        ("Ответ — Париж.", "Париж"),
        ("Jawabannya adalah Paris.", "Paris"),
        ("答案：巴黎", "巴黎"),
        ("答案是**巴黎**。", "巴黎"),
        ("答えは東京です。", "東京"),
        ("الإجابة هي باريس.", "باريس"),
        ("उत्तर: पेरिस", "पेरिस"),
        ("«Париж»", "Париж"),
        ("A", "A"),
        ("2*3*4", "2*3*4"),
        ("Answer isle", "Answer isle"),
        ("Class: Mammalia", "Class: Mammalia"),
        ("snake_case_name", "snake_case_name"),
        ("-5", "-5"),
        ("No Country for Old Men", "No Country for Old Men"),
        ("Unknown Pleasures", "Unknown Pleasures"),
        ("", None),
        ("...", None),
    ],
)
def test_parse_qa_is_the_first_line_without_lead_and_quotes(text, answer):
    assert OPEN.parse(text, ()) == answer
    assert NONE.parse(text, ()) == answer


@pytest.mark.parametrize(
    "text",
    [
        "No answer.",
        "I don’t know",
        "I do not know who that was.",
        "Unanswerable",
        "not mentioned in the text",
        "The passage does not say when.",
        "This cannot be answered from the context",
        "N/A",
        "There is no information given.",
        "我不知道。",
        "Je ne sais pas.",
        "No lo sé",
        "Я не знаю.",
        "मुझे नहीं पता।",
    ],
)
def test_parse_refusal_is_no_answer_or_none(text):
    assert NONE.parse(text, ()) == "no answer"
    assert OPEN.parse(text, ()) is None


def test_filter_no_answer_is_not_a_refusal_and_contradicts_an_answer():
    rows = [make_row("right", "no answer"), make_row("wrong", "Paris"), make_row("free")]
    completions = {one: [make_completion("I cannot answer that.")] for one in ("right", "wrong", "free")}
    result = apply_filters(rows, completions, KEEP, NONE, ())
    assert {kept.row["id"]: kept.target for kept in result.kept} == {"right": "no answer", "free": "no answer"}
    assert result.counts == {"verification": 1}
    assert apply_filters(rows, completions, KEEP, OPEN, ()).counts == {"refused": 3}


def test_filter_samples_vote_by_normalised_answer():
    texts = ["The Beatles", "beatles", "Queen", "Beatles!"]
    result = apply_filters([make_row("a")], {"a": [make_completion(text) for text in texts]}, KEEP, OPEN, ())
    assert result.kept[0].target in ("The Beatles", "beatles", "Beatles!")
    assert result.counts == {"not_majority": 3}
    strict = KEEP.model_copy(update={"min_agreement": 0.8})
    assert apply_filters(
        [make_row("a")], {"a": [make_completion(text) for text in texts]}, strict, OPEN, ()
    ).counts == {"agreement": 4}


def score(metric: str, answer: str | None, references: list[str], skill: Qa) -> float:
    (value,) = METRICS[metric].row_scores([answer], [references], skill)
    return value


@pytest.mark.parametrize(
    ("answer", "references", "skill", "exact", "f1"),
    [
        # by hand: normalised "cat sat" against "cat sat on mat": 2 shared, 2 * 2 / (2 + 4)
        ("The cat sat.", ["a cat sat on the mat"], OPEN, 0, 4 / 6),
        ("U.S.A", ["usa"], OPEN, 1, 1),
        ("ten ten", ["ten"], OPEN, 0, 2 / 3),  # a word counts as often as it stands in both
        ("Bob", ["Alice", "Bob Smith"], OPEN, 0, 2 / 3),  # the best of the references
        ("The", ["a"], OPEN, 1, 1),  # normalisation leaves nothing of both
        ("The", ["dog"], OPEN, 0, 0),
        ("A", ["A"], OPEN, 1, 1),
        ("B", ["A"], OPEN, 0, 0),
        ("東京。", ["東京"], OPEN, 1, 1),
        ("東京都", ["東京"], OPEN, 0, 2 * 2 / (3 + 2)),  # characters are words
        ("«Париж»", ["Париж"], OPEN, 1, 1),
        ("¿París?", ["parís"], OPEN, 1, 1),
        ("１９１４", ["1914"], OPEN, 1, 1),
        ("नई दिल्ली।", ["नई दिल्ली"], OPEN, 1, 1),
        ("की", ["का"], OPEN, 0, 0),
        (None, ["dog"], OPEN, 0, 0),
        ("no answer", ["no answer"], NONE, 1, 1),
        ("there was no reply", ["no answer"], NONE, 0, 0),  # no credit for the word "no"
        ("there was no reply", ["No answer."], NONE, 0, 0),
        ("there was no reply", ["no answer"], OPEN, 0, 2 / 6),
    ],
)
def test_qa_scores_equal_squad_on_hand_computed_cases(answer, references, skill, exact, f1):
    assert score("exact_match", answer, references, skill) == exact
    assert score("token_f1", answer, references, skill) == pytest.approx(f1)


@given(st.text() | st.from_regex(r"(Answer: |\*\*|The answer is |答案是|# |- )*[\w*_`.\n ]{0,20}", fullmatch=True))
def test_parse_of_what_a_student_learns_is_the_answer(text):
    answer = OPEN.parse(text)
    if answer is not None:
        assert OPEN.parse(OPEN.training_target(text, answer)) == answer


words = st.lists(st.sampled_from(["the", "a", "cat", "Dog,", "ran.", "5"]), max_size=6).map(" ".join)


@given(words, words)
def test_token_f1_is_symmetric_bounded_and_1_for_the_same_answer(one, other):
    value = score("token_f1", one, [other], OPEN)
    assert value == pytest.approx(score("token_f1", other, [one], OPEN))
    assert 0 <= value <= 1
    assert score("token_f1", one, [one], OPEN) == 1
    assert value >= score("exact_match", one, [other], OPEN)


def test_gain_tests_a_share_by_mcnemar_and_a_mean_by_permutation():
    references = [["big dog"]] * 6
    predictions = {"student": ["big dog"] * 5 + [None], "other": ["dog"] * 5 + ["cat"]}
    found = quality(predictions["student"], Scoring(references, (), SETTINGS, OPEN))
    assert found["exact_match"]["value"] == pytest.approx(5 / 6)
    wilson = stats.binomtest(5, 6).proportion_ci(0.95, "wilson")
    assert found["exact_match"]["low"] == pytest.approx(wilson.low)
    exact = gain("exact_match", "student", "other", predictions, Scoring(references, (), SETTINGS, OPEN))
    assert exact["value"] == pytest.approx(5 / 6)
    assert exact["p_value"] == pytest.approx(2 / 2**5)
    f1 = gain("token_f1", "student", "other", predictions, Scoring(references, (), SETTINGS, OPEN))
    assert f1["value"] == pytest.approx(5 / 6 - 5 / 6 * 2 / 3)
    assert f1["p_value"] == pytest.approx(4 / 2**6)  # five equal differences: both signs, the tied row either way


def test_permutation_p_value_equals_all_sign_flips():
    rng = np.random.default_rng(1)
    ours, theirs = rng.random(8), rng.random(8) * 0.8
    flips = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1)
    means = ((ours - theirs)[:, None] * flips).mean(axis=0)
    least = np.abs((ours - theirs).mean()) - 1e-12
    assert permutation_p_value(ours, theirs, 10_000, 0) == pytest.approx((np.abs(means) >= least).mean())
    assert permutation_p_value(ours, ours, 100, 0) == 1.0
    with pytest.raises(ValueError, match="1 and 2 rows"):
        permutation_p_value([1], [1, 2], 100, 0)


def test_public_questions_each_accepted_answer_scores_1():
    path = SHARED_DATA / "qa_nq_open" / "efficientqa_test.jsonl"
    if not path.is_file():
        pytest.skip(f"the public questions are not at {path}")
    rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    references = [row["answer"] for row in rows]
    for pick in (0, -1):
        found = quality([accepted[pick] for accepted in references], Scoring(references, (), SETTINGS, OPEN))
        assert {name: metric["value"] for name, metric in found.items()} == {"exact_match": 1.0, "token_f1": 1.0}
    read = [OPEN.parse(accepted[0], ()) for accepted in references]
    assert sum(answer is None for answer in read) / len(read) < 0.01
    assert 0.97 < quality(read, Scoring(references, (), SETTINGS, OPEN))["exact_match"]["value"] <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"evaluation": {"metrics": ["accuracy"]}},
            "metrics names accuracy; choose among those of skill qa: exact_match",
        ),
        (
            {"data": {"balance": {"by": "label"}}},
            "data.balance.by: label needs a skill with labels: choose another group; skill.kind is qa",
        ),
        (
            {"teachers": {"prompt": {"layout": "text"}}},
            r"layout: text does not mark its end: name one in sampling\.stop",
        ),
        ({"teachers": {"calibration": "batch"}}, "calibration: batch needs a skill with labels"),
        (
            {"evaluation": {"max_tokens": 63}},
            "evaluation.max_tokens: 63 would cut answers that teachers.0.sampling.max_tokens: 64",
        ),
        (
            {"teachers": {"prompt": {"selection": "fixed_per_label"}}},
            "prompt.selection: fixed_per_label needs a skill with labels",
        ),
        (
            {"data": {"train": {"path": "x", "columns": {"messages": "m", "context": "c"}}}},
            "`context` needs `text`",
        ),
    ],
)
def test_recipe_of_kind_qa_settings_without_effect_are_refused(change, message):
    content = make_recipe_fields() | {"skill": {"kind": "qa"}}
    content["data"] |= change.get("data", {})
    content["teachers"][0] |= change.get("teachers", {})
    content |= {"evaluation": change.get("evaluation", {})}
    with pytest.raises(RecipeError, match=message):
        parse_recipe(content)


def test_recipe_of_kind_qa_refusal_is_one_line():
    content = make_recipe_fields() | {"skill": {"kind": "qa"}}
    content["teachers"][0]["calibration"] = "batch"
    message = "teachers.0.calibration: batch needs a skill with labels: set it to none; skill.kind is qa."
    assert refusal_of(content) == f"Recipe inline is refused:\n  - {message}"


def test_recipe_of_kind_qa_max_tokens_is_its_teachers():
    content = make_recipe_fields() | {"skill": {"kind": "qa"}}
    assert parse_recipe(content).evaluation.max_tokens == 64
    content["teachers"][0]["sampling"] = {"max_tokens": 24}
    assert parse_recipe(content).evaluation.max_tokens == 24
    again = parse_recipe(parse_recipe(content).model_dump(mode="json"))
    assert again == parse_recipe(content)
    content["evaluation"] = {"max_tokens": 32}
    assert parse_recipe(content).evaluation.max_tokens == 32
    # labels are short, so the teacher's limit does not count
    assert parse_recipe(make_recipe_fields()).evaluation.max_tokens == 16
