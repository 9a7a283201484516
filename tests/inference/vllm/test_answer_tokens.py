"""Room for labels of any length."""

import pytest

from stillhouse.errors import ModelError
from stillhouse.evaluation.candidate_prompts import CandidatePrompter
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.inference.vllm.answer_tokens import check_room, tokens_needed
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Sampling, Teacher
from stillhouse.skills.classification import Classification
from tests.support.word_tokenizer import WordTokenizer

LONG = " ".join(f"word{n}" for n in range(20))


def test_tokens_needed_is_of_the_longest_choice_and_its_end():
    tokenizer = WordTokenizer()
    assert tokens_needed(tokenizer, []) == 0
    assert tokens_needed(tokenizer, ["no", LONG]) == 20
    assert tokens_needed(tokenizer, ["no", LONG], stop=["\n"]) == 21
    assert tokens_needed(tokenizer, ["card", "card payment"]) == 3  # the shorter one can't end the longer one


def test_candidate_prompter_a_label_longer_than_max_tokens_has_its_room():
    spec = EvaluateSpec(
        candidates=(),
        teacher=Teacher(model="./teacher"),
        prior=None,
        skill=Classification(labels=("no", LONG)),
        labels=("no", LONG),
        evaluation=Evaluation(max_tokens=16, metrics=("accuracy",)),
        test="test.parquet",
        examples=None,
        out="out",
    )
    for prompting in ("teacher", "zero_shot", "student"):
        candidate = Candidate(role="student", path="./model", dtype="float32", prompting=prompting)
        assert CandidatePrompter(spec, candidate, WordTokenizer(), []).decoding.sampling.max_tokens == 20
    short = spec.model_copy(update={"labels": ("no", "yes"), "skill": Classification(labels=("no", "yes"))})
    assert CandidatePrompter(short, candidate, WordTokenizer(), []).decoding.sampling.max_tokens == 16


def test_check_room_a_label_that_would_be_cut_is_refused_with_the_number_to_set():
    with pytest.raises(ModelError, match=r"'word0 word1 .* takes 20 tokens of ./teacher.*max_tokens to 20 or more"):
        check_room(WordTokenizer(), ["no", LONG], Sampling(max_tokens=19), "./teacher")
    check_room(WordTokenizer(), ["no", LONG], Sampling(max_tokens=20), "./teacher")
    check_room(WordTokenizer(), [], Sampling(max_tokens=1), "./teacher")
