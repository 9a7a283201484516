"""Room for labels of any length, and which tokens are an answer."""

from types import SimpleNamespace

import pytest

from stillhouse.completions.table import FREE_TEXT, answer_score
from stillhouse.errors import ModelError
from stillhouse.evaluation.candidate_prompts import CandidatePrompter
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.inference.vllm.answer_tokens import check_room, num_spelling, tokens_needed
from stillhouse.inference.vllm.request import Request
from stillhouse.inference.vllm.stream import FinishedRequest
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Sampling, Teacher
from stillhouse.skills.classification import Classification
from stillhouse.teachers.engine_worker import EngineRequester
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
        answers="answers",
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


class _Bytes:
    """A tokenizer with a token a byte; 0 ends a turn."""

    def decode(self, ids: list[int], skip_special_tokens: bool) -> str:
        kept = [id_ for id_ in ids if id_ or not skip_special_tokens]
        return bytes(kept).decode(errors="replace")


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("Paris\n\nQuestion", "Paris", 5),
        ("Paris", "Paris", 5),
        ("Paris\x00", "Paris", 5),
        ("café\n", "café", 5),  # the last letter has two tokens
        ("\n\n", "", 0),
        ("Paris, Paris\n", "Paris, Paris", 12),
        ("Paris", "London", 5),  # spelled by none: all are kept
    ],
)
def test_num_spelling_leaves_out_what_the_text_was_cut_at(written, text, expected):
    assert num_spelling(_Bytes(), list(written.encode()), text) == expected


def test_engine_requester_stop_text_is_paid_for_and_counts_for_nothing():
    teacher = Teacher(model="./teacher", sampling=Sampling(stop=("\n",), max_tokens=8))
    prepared = SimpleNamespace(
        spec=SimpleNamespace(teacher=teacher), tokenizer=_Bytes(), shows_special_tokens=False, opened_block=""
    )
    requester = object.__new__(EngineRequester)
    requester._teacher, requester._prepared = teacher, prepared
    requester.recorder = SimpleNamespace(teacher="t")
    ids = list(b"no\n")
    steps = [{id_: SimpleNamespace(logprob=-9.0 if id_ == 10 else -0.25)} for id_ in ids]
    written = SimpleNamespace(
        text="no", token_ids=ids, logprobs=steps, finish_reason="stop", stop_reason="\n", cumulative_logprob=-9.5
    )
    finished = FinishedRequest(Request(key="k", token_ids=(1,)), SimpleNamespace(outputs=[written]), 0.1)
    completion = requester._completion(finished)
    assert (completion.token_ids, completion.completion_tokens) == (tuple(b"no"), 3)
    assert completion.cumulative_logprob == -0.5
    score = answer_score(completion, FREE_TEXT)
    assert (score["answer_logprob"], score["answer_tokens"]) == (-0.5, 2)
