import pytest

from stillhouse.errors import QualityError
from stillhouse.filters.pipeline import apply_filters
from stillhouse.filters.settings import Filters
from stillhouse.skills.conversation import Conversation
from stillhouse.skills.qa import Qa
from tests.support.builders import make_completion, make_row

SKILL = Conversation(kind="conversation")
KEPT = Filters(min_success_ratio=0.0, min_judge_score=3)
SCORES = {"key of bad": 2, "key of fair": 3, "key of good": 5, "key of odd": None}


def test_judge_score_below_bound_is_dropped():
    rows = [make_row(name) for name in ("r1", "r2", "r3", "r4", "r5")]
    texts = ("bad", "good", "odd", "never scored", "fair")
    completions = {one["id"]: [make_completion(text)] for one, text in zip(rows, texts, strict=True)}
    result = apply_filters(rows, completions, KEPT, SKILL, (), scores=SCORES)
    assert [one.target for one in result.kept] == ["good", "fair"]
    assert {drop.row["id"]: (drop.reason, drop.detail) for drop in result.dropped} == {
        "r1": ("judge", "score 2, at least 3 is asked for"),
        "r3": ("judge", "the judge gave no score that can be read"),
        "r4": ("judge", "the judge gave no score that can be read"),
    }


def test_judge_score_without_bound_drops_nothing():
    result = apply_filters([make_row("r")], {"r": [make_completion("bad")]}, Filters(), SKILL, (), scores=SCORES)
    assert len(result.kept) == 1


def test_judge_score_earlier_rule_names_the_reason():
    result = apply_filters([make_row("r")], {"r": [make_completion("bad", "length")]}, KEPT, SKILL, (), scores=SCORES)
    assert result.counts == {"truncated": 1}


def test_judge_score_dropped_rollout_does_not_vote():
    completions = {"r": [make_completion("bad"), make_completion("good"), make_completion("bad")]}
    result = apply_filters([make_row("r")], completions, KEPT, Qa(kind="qa"), (), scores=SCORES)
    assert [one.target for one in result.kept] == ["good"]
    assert result.counts == {"judge": 2}


def test_judge_score_too_few_kept_fails_with_next_step():
    strict = Filters(min_success_ratio=0.5, min_judge_score=3)
    with pytest.raises(QualityError, match=r"judge 1\. Next: lower `filters.min_judge_score`"):
        apply_filters([make_row("r")], {"r": [make_completion("bad")]}, strict, SKILL, (), scores=SCORES)
