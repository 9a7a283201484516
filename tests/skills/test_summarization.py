import itertools
import json

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.errors import RecipeError
from stillhouse.evaluation.comparison import gain, quality
from stillhouse.evaluation.scoring import Scoring
from stillhouse.filters.pipeline import apply_filters
from stillhouse.filters.settings import Filters
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.load import parse_recipe
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.registry import METRICS
from stillhouse.skills.summarization import Summarization
from tests.support.builders import make_completion, make_recipe_fields, make_row
from tests.support.paths import SHARED_DATA

SKILL = Summarization(kind="summarization", max_words=8)
DENSE = Summarization(kind="summarization", max_words=40, chain_of_density=3)
KEEP = Filters(min_success_ratio=0.0)
SETTINGS = Evaluation(resamples=200, metrics=Summarization.metric_names())
ROW = [{"role": "user", "content": "A long text."}]
TEXTS = ["the cat sat on the mat", "a dog ran home", "", "rain is expected in the whole of the north today"]
REFERENCES = [
    ["the cat sat on a mat", "on the mat sat the cat"],
    ["the dog ran all the way home"],
    ["nothing happened"],
    ["rain in the north today", "it will rain in the north", "the north expects rain today"],
]


def score(name: str, answer: str | None, *references: str) -> float:
    (value,) = METRICS[name].row_scores([answer], [references], SKILL)
    return value


def corpus_score(name: str, answers: list[str], references: list[list[str]]) -> float:
    return METRICS[name].statistic(answers, references, SKILL)(np.arange(len(answers)))


def test_rouge_hand_computed_cases():
    # 5 of 6 words shared; pairs: "the cat", "cat sat", "sat on" of 5; longest sequence: the cat sat on mat
    one, other = "the cat sat on the mat", "the cat sat on a mat"
    assert score("rouge_1", one, other) == pytest.approx(5 / 6)
    assert score("rouge_2", one, other) == pytest.approx(3 / 5)
    assert score("rouge_l", one, other) == pytest.approx(5 / 6)
    # precision 1, recall 1/2
    assert score("rouge_1", "rain today", "rain is likely today") == pytest.approx(2 / 3)
    assert score("rouge_l", None, "x") == score("rouge_l", "", "x") == 0


def test_rouge_takes_the_best_reference_in_any_script():
    assert score("rouge_l", "a b c", "x y z", "a b c") == 1
    assert score("rouge_1", "Кошка спит.", "кошка спит") == 1


CLOSE = {  # an answer, its reference, and the ROUGE-1 counted by hand: (shared, words of answer, of reference)
    "zh": ("市议会同意将这座桥关闭两年。", "市议会已同意将旧桥关闭两年。", (11, 13, 13)),
    "ja": ("市議会は橋を二年間閉鎖する。", "市議会は古い橋を二年間閉鎖する。", (13, 13, 15)),
    "th": ("สภาเมืองตกลงปิดสะพาน", "สภาเมืองตกลงปิดสะพานเก่า", None),
    "hi": ("परिषद ने पुल को बंद किया।", "परिषद ने पुराने पुल को बंद किया।", (6, 6, 7)),
    "ar": ("وافق المجلس على إغلاق الجسر", "وافق المجلس على إغلاق الجسر القديم", (5, 5, 6)),
}


@pytest.mark.parametrize("language", CLOSE)
def test_overlap_of_close_texts_in_any_script_is_high(language):
    answer, reference, counted = CLOSE[language]
    if counted:
        shared, given, expected = counted
        assert score("rouge_1", answer, reference) == pytest.approx(2 * shared / (given + expected))
    for name in ("rouge_1", "rouge_l"):
        assert 0.8 < score(name, answer, reference) < 1
        assert score(name, reference, reference) == 1
    assert 0.3 < corpus_score("bleu", [answer], [[reference]]) < 1
    assert corpus_score("bleu", [reference], [[reference]]) == pytest.approx(1)


def test_rouge_hindi_words_that_share_consonants_only_score_0():
    assert score("rouge_1", "की का के को", "कि कु कू कॉ") == 0


def test_bleu_cuts_each_row_by_its_script_and_equals_the_librarys_alone():
    tokenizers = {"zh": "zh", "ja": "char", "th": "char", "hi": "intl", "ar": "intl"}
    for language, tokenizer in tokenizers.items():
        answer, reference, _ = CLOSE[language]
        expected = sacrebleu.corpus_bleu([answer], [[reference]], tokenize=tokenizer).score / 100
        assert corpus_score("bleu", [answer], [[reference]]) == pytest.approx(expected)
    # by hand: 13 Chinese tokens of 14, full stop included, beside an English row
    english = METRICS["bleu"].statistic(TEXTS, REFERENCES, SKILL)(np.arange(4))
    mixed = METRICS["bleu"].statistic([*TEXTS, CLOSE["zh"][0]], [*REFERENCES, [CLOSE["zh"][1]]], SKILL)
    assert mixed(np.arange(4)) == pytest.approx(english)
    assert mixed(np.array([4])) == pytest.approx(corpus_score("bleu", [CLOSE["zh"][0]], [[CLOSE["zh"][1]]]))


@pytest.mark.parametrize(
    ("answer", "value"), [("市议会" * 4, 1), ("市议会" * 5, 0), ("ありがとう" * 3, 1), ("ありがとう" * 4, 0)]
)
def test_within_limit_counts_scripts_without_spaces(answer, value):
    assert score("within_limit", answer, "x") == value


@pytest.mark.parametrize(("answer", "value"), [("one two", 1), ("w " * 8, 1), ("w " * 9, 0), (None, 0)])
def test_within_limit_counts_words(answer, value):
    assert score("within_limit", answer, "x") == value


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("Summary: It rained.\n All day.", "It rained. All day."),
        ("Here is a short summary of it:\nIt rained.", "It rained."),
        (
            "Summary 1: Rain.\nSummary 2: Rain fell in the north.\n**Summary 3:** North rain, floods.",
            "North rain, floods.",
        ),
        ("It rained: all day.", "It rained: all day."),
        (" \n ...", None),
    ],
)
def test_parse_summary_is_the_last_one_without_its_heading(text, summary):
    assert SKILL.parse(text) == summary


def test_chain_of_density_is_only_in_the_teachers_prompt():
    teacher = DENSE.teacher_messages(ROW, TeacherPrompt(), (), [])[0]["content"]
    assert teacher.startswith(
        "Summarise the text in at most 40 words. Write 3 summaries of it, each of at most 40 words"
    )
    assert teacher.endswith('end after "Summary 3:".')
    assert "Write 3 summaries" in DENSE.teacher_text(ROW, TeacherPrompt(layout="text"), (), [])
    plain = {"role": "system", "content": "Summarise the text in at most 40 words."}
    assert DENSE.zero_shot_messages(ROW, ())[0] == plain
    assert DENSE.student_messages(ROW, ()) == ROW
    unlimited = Summarization(kind="summarization", max_words=0)
    assert unlimited.teacher_messages(ROW, TeacherPrompt(), (), [])[0]["content"] == "Summarise the text."


def test_filter_too_long_summary_is_dropped_by_the_last_of_a_chain():
    chain = "".join(f"Summary {n}: rain fell in the north again\n" for n in range(1, 6))
    completions = {
        "a": [make_completion("w " * 9)],
        "b": [make_completion(chain)],
        "c": [make_completion("too much of it " * 2)],
    }
    rows = [make_row("a"), make_row("b", "whatever else"), make_row("c")]
    result = apply_filters(rows, completions, KEEP, SKILL, ())
    assert {one.row["id"]: one.target for one in result.kept} == {
        "b": "rain fell in the north again",
        "c": "too much of it too much of it",
    }
    assert result.counts == {"repetitive": 1}
    distinct = " ".join(f"w{n}" for n in range(9))
    result = apply_filters(rows[:1], {"a": [make_completion(distinct)]}, KEEP, SKILL, ())
    assert result.counts == {"too_long": 1}
    assert result.dropped[0].detail == "9 words, at most 8"
    off = KEEP.model_copy(update={"too_long": False})
    assert len(apply_filters(rows[:1], {"a": [make_completion(distinct)]}, off, SKILL, ()).kept) == 1


def test_filter_several_summaries_are_all_kept():
    result = apply_filters(
        [make_row("a")], {"a": [make_completion("It rained."), make_completion("Rain fell.")]}, KEEP, SKILL, ()
    )
    assert len(result.kept) == 2


@pytest.mark.parametrize("name", ["bleu", "chrf"])
def test_corpus_statistic_on_repeated_rows_equals_the_librarys_score(name):
    found = METRICS[name].statistic(TEXTS, REFERENCES, SKILL)
    for rows in ([0, 1, 2, 3], [0, 0, 3], [1, 3, 3, 2, 0]):
        texts, references = [TEXTS[at] for at in rows], [REFERENCES[at] for at in rows]
        streams = [
            [one[at] if at < len(one) else None for one in references] for at in range(max(map(len, references)))
        ]
        repeated = {"bleu": sacrebleu.corpus_bleu, "chrf": sacrebleu.corpus_chrf}[name](texts, streams).score / 100
        assert found(np.array(rows)) == pytest.approx(repeated)


def test_bleu_equals_its_definition():
    # one reference as long: 5/6 words, 3/5 pairs, 2/4 triples, 1/3 quadruples, no brevity penalty
    expected = (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    assert corpus_score("bleu", ["the cat sat on the mat"], [["the cat sat on a mat"]]) == pytest.approx(expected)
    # half as long as its reference: exp(1 - 2) of a perfect precision
    assert corpus_score("bleu", ["a b c d"], [["a b c d e f g h"]]) == pytest.approx(np.exp(-1))


def test_chrf_equals_its_definition():
    # one letter n-gram order at a time, recall weighing twice; "ab" against "abc": orders 1 and 2 only count both
    orders = [(2 / 2, 2 / 3), (1 / 1, 1 / 2)]
    precision, recall = np.mean([p for p, _ in orders]), np.mean([r for _, r in orders])
    expected = 5 * precision * recall / (4 * precision + recall)
    assert corpus_score("chrf", ["ab"], [["abc"]]) == pytest.approx(expected)


def test_quality_and_gain_have_intervals_and_the_test_of_their_kind():
    predictions = {"student": TEXTS, "other": [None, "a dog", "x", "rain"]}
    found = quality(TEXTS, Scoring(REFERENCES, (), SETTINGS, SKILL))
    assert list(found) == list(Summarization.metric_names())
    for name, metric in found.items():
        assert metric["low"] <= metric["value"] <= metric["high"], name
        assert metric["n"] == 4
    assert found["bleu"]["value"] == pytest.approx(corpus_score("bleu", TEXTS, REFERENCES))
    tested = {
        name: gain(name, "student", "other", predictions, Scoring(REFERENCES, (), SETTINGS, SKILL))
        for name in ("rouge_l", "bleu")
    }
    assert 0 < tested["rouge_l"]["p_value"] <= 1
    assert tested["bleu"]["value"] > 0
    # all 16 ways to exchange the answers to four rows
    pairs = list(zip(predictions["student"], predictions["other"], strict=True))
    differences = [
        abs(_bleu([pair[first] for pair, first in zip(pairs, order, strict=True)])
            - _bleu([pair[1 - first] for pair, first in zip(pairs, order, strict=True)]))
        for order in itertools.product((0, 1), repeat=4)
    ]  # fmt: skip
    as_large = np.mean([one >= differences[0] - 1e-9 for one in differences])
    assert tested["bleu"]["p_value"] == pytest.approx(as_large, abs=0.1)


def _bleu(answers):
    return corpus_score("bleu", answers, REFERENCES)


def test_quality_within_limit_of_1_has_an_interval_with_width():
    settings = Evaluation(resamples=100, metrics=("within_limit",))
    share = quality(["one two"] * 4, Scoring(REFERENCES, (), settings, SKILL))["within_limit"]
    assert share["value"] == 1.0
    # Wilson's lower bound
    assert share["low"] == pytest.approx(4 / (4 + 1.959964**2))


def test_rouge_on_public_summaries_equals_the_librarys():
    path = SHARED_DATA / "summarisation_scitldr" / "test.jsonl"
    if not path.is_file():
        pytest.skip(f"the public summaries are not at {path}")
    from rouge_score.rouge_scorer import RougeScorer

    rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    rows = [row for row in rows if (row["document"] + "".join(row["summaries"])).isascii()][:60]
    first = [row["document"].split(". ")[0] for row in rows]
    references = [row["summaries"] for row in rows]
    own = RougeScorer(["rouge1", "rouge2", "rougeL"])
    settings = Evaluation(resamples=100, metrics=("rouge_1", "rouge_2", "rouge_l"))
    found = quality(first, Scoring(references, (), settings, SKILL))
    for name, theirs in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
        expected = [
            max(own.score(one, text)[theirs].fmeasure for one in g) for text, g in zip(first, references, strict=True)
        ]
        assert found[name]["value"] == pytest.approx(np.mean(expected))
    assert len(rows) == 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filters": {"min_agreement": 0.5}}, "free texts are never equal: leave it out; skill.kind is summarization"),
        (
            {"teachers": [{"model": "x", "prompt": {"examples": 2}}]},
            "teachers.0.prompt.examples: 2 does not go with skill.chain_of_density: set one of them to 0",
        ),
        ({"skill": {"kind": "summarization", "max_words": -1}}, r"skill\.max_words: -1 is refused"),
    ],
)
def test_recipe_of_kind_summarization_settings_without_effect_are_refused(change, message):
    with pytest.raises(RecipeError, match=message):
        parse_recipe(make_recipe_fields() | {"skill": {"kind": "summarization", "chain_of_density": 3}} | change)


@given(st.text() | st.from_regex(r"(Summary:|Summary 1:|TL;DR:|Here is|\*\*|[\"“*:\n ]|fact|点){0,20}", fullmatch=True))
def test_parse_of_the_summary_that_a_student_learns_is_the_summary(text):
    summary = SKILL.parse(text)
    if summary is not None:
        assert SKILL.parse(SKILL.training_target(text, summary)) == summary
