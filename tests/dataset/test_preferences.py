"""Pairs of a better and a worse sample of one prompt: which are made, what is left out, and what is counted."""

from typing import Any

import pytest

from stillhouse.dataset.preferences import find_pairs
from stillhouse.errors import QualityError
from stillhouse.filters.pipeline import apply_filters
from stillhouse.filters.settings import Filters
from stillhouse.recipe.teaching.preferences import Pairs
from stillhouse.recipe.teaching.reasoning_mix import ReasoningMix
from stillhouse.skills.classification import Classification
from stillhouse.skills.math import Math
from stillhouse.skills.summarization import Summarization
from tests.support.builders import make_completion, make_completion_line, make_row
from tests.support.dataset import build_dataset

MATH = Math(kind="math")
OPEN = Filters(min_success_ratio=0.0, verification=False)


def rollouts(row_id: str, *texts: str, thoughts: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return [
        make_completion_line(row_id, text, sample_index=index, key=f"{row_id} {index}")
        | {"reasoning": thoughts[index] if thoughts else ""}
        for index, text in enumerate(texts)
    ]


def built(folder, rows, lines, pairs, **options):
    settings = {"skill": MATH, "labels": (), "use_references": False, "pairs": pairs} | options
    settings = {"filters": Filters(min_success_ratio=0.0)} | settings
    summary, _, found = build_dataset(folder, train=rows, answers=lines, **settings)
    return summary.preferences, found["preferences"]


def test_write_dataset_verifier_pairs_a_right_sample_with_a_wrong_one(tmp_path):
    rows = [make_row("a", "7"), make_row("b", "7"), make_row("c", "7"), make_row("d"), make_row("e", "7")]
    lines = [
        *rollouts("a", "3 + 5 = 8\n#### 8", "3 + 4 = 7\n#### 7"),
        *rollouts("b", "#### 7", "#### 7.0"),
        *rollouts("c", "#### 8", "#### 9"),
        *rollouts("d", "#### 7", "#### 8"),
        *rollouts("e", "#### 7"),
    ]
    counts, (pair,) = built(tmp_path, rows, lines, Pairs(by="verifier", least=1))
    assert (pair["id"], pair["samples"], pair["scores"]) == ("a", [1, 0], [1.0, 0.0])
    assert pair["prompt"] == [{"role": "user", "content": "message a"}]
    assert pair["chosen"] == [{"role": "assistant", "content": "3 + 4 = 7\n#### 7"}]
    assert pair["rejected"] == [{"role": "assistant", "content": "3 + 5 = 8\n#### 8"}]
    # all right, all wrong; no reference; a single sample
    assert counts.left_out == {"alike": 2, "unscored": 1, "single": 1}
    assert (counts.prompts, counts.pairs) == (5, 1)


def test_write_dataset_majority_pairs_the_kept_answer_with_another(tmp_path):
    lines = [*rollouts("a", "pet", "car", "car"), *rollouts("b", "pet", "pet", "pet")]
    options = {"skill": Classification(labels=("car", "pet")), "labels": ("car", "pet")}
    counts, (pair,) = built(tmp_path, [make_row("a"), make_row("b")], lines, Pairs(by="majority", least=1), **options)
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("car", "pet")
    assert counts.left_out == {"alike": 1}


def judged(scores: dict[str, int | None], pairs: Pairs, filters: Filters = OPEN):
    completions = {"a": [make_completion(text, key=text) for text in scores]}
    skill = Summarization(kind="summarization")
    result = apply_filters([make_row("a")], completions, filters, skill, (), scores=scores)
    found, left_out = find_pairs(result, pairs, skill)
    texts = [(pair.chosen.candidate.target, pair.rejected.candidate.target) for pair in found]
    return texts, left_out


SCORES = {"A fair text.": 3, "The best text.": 5, "A poor text.": 1, "Not read by it.": None}


def test_find_pairs_judge_takes_the_widest_margin_first_and_other_texts_next():
    assert judged(SCORES, Pairs(by="judge"))[0] == [("The best text.", "A poor text.")]
    pairs, _ = judged(SCORES, Pairs(by="judge", per_prompt=3))
    assert pairs[0] == ("The best text.", "A poor text.")
    assert set(pairs) == {
        ("The best text.", "A poor text."),
        ("The best text.", "A fair text."),
        ("A fair text.", "A poor text."),
    }


def test_find_pairs_judge_margin_below_the_least_is_no_pair():
    scores = {"One text.": 4, "Another text.": 3}
    assert judged(scores, Pairs(by="judge", least_margin=2)) == ([], {"alike": 1})
    assert judged(scores, Pairs(by="judge", least_margin=1))[0] == [("One text.", "Another text.")]


def test_find_pairs_what_a_filter_dropped_is_never_the_better_one():
    refused = "I'm sorry, but I can't help with that."
    assert judged({refused: 5, "A text.": 1}, Pairs(by="judge")) == ([], {"no_better": 1})
    assert judged({refused: 1, "A text.": 5}, Pairs(by="judge"))[0] == [("A text.", refused)]


def test_find_pairs_leave_out_samples_that_were_cut_off_or_failed():
    completions = {"a": [make_completion("A text.", key="1"), make_completion("A cut", "length", key="2")]}
    completions["a"].append(make_completion("", "error:timeout", key="3"))
    skill = Summarization(kind="summarization")
    result = apply_filters([make_row("a")], completions, OPEN, skill, (), scores={"1": 5, "2": 1, "3": 1})
    assert find_pairs(result, Pairs(by="judge"), skill) == ([], {"single": 1})


def test_write_dataset_pairs_hold_reasoning_as_their_row_is_taught(tmp_path):
    rows, thoughts = [make_row("a", "7")], ("wrong thought", "right thought")
    lines = rollouts("a", "#### 8", "#### 7", thoughts=thoughts)
    both = ["right thought", "wrong thought"]
    long = ReasoningMix(long=1, short=0)
    for name, settings, shown in (
        ("drop", {}, [None, None]),
        ("keep", {"reasoning": "keep"}, both),
        ("long", {"reasoning": "mix", "reasoning_mix": long}, both),
        ("alone", {"reasoning": "mix", "reasoning_mix": ReasoningMix(long=0, short=0)}, [None, None]),
        ("cut", {"reasoning": "mix", "reasoning_mix": long.model_copy(update={"max_tokens": 1})}, [None, None]),
    ):
        folder = tmp_path / name
        folder.mkdir()
        _, (pair,) = built(folder, rows, lines, Pairs(least=1), **settings)
        assert [pair[side][0].get("reasoning") for side in ("chosen", "rejected")] == shown


def test_write_dataset_fewer_pairs_than_asked_for_ends_with_what_to_do(tmp_path):
    lines = [*rollouts("a", "#### 8", "#### 7"), *rollouts("b", "#### 7", "#### 7")]
    said = (
        r"1 pairs of 2 prompts for training\.preferences, whose pairs\.least is 32\. Prompts without a pair: alike 1\. "
        r"Raise teachers\.0\.sampling\.n"
    )
    with pytest.raises(QualityError, match=said):
        built(tmp_path, [make_row("a", "7"), make_row("b", "7")], lines, Pairs())


def test_write_dataset_without_a_second_step_writes_no_pairs(tmp_path):
    summary, _, found = build_dataset(tmp_path, train=[make_row("a")], answers=[make_completion_line("a", "car")])
    assert summary.preferences is None
    assert "preferences" not in found
