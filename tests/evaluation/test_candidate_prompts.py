import pytest

from stillhouse.data.row import content_sha256
from stillhouse.evaluation.candidate_prompts import CandidatePrompter
from stillhouse.evaluation.engine_process import EngineReply
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Sampling, Teacher
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.qa import Qa
from tests.support.word_tokenizer import WordTokenizer

MESSAGES = [{"role": "user", "content": "Who wrote Emma?"}]
ROW = {"id": "r", "messages": MESSAGES, "references": ["Austen"], "content_sha256": content_sha256(MESSAGES)}


def prompter(prompting: str) -> CandidatePrompter:
    spec = EvaluateSpec(
        candidates=(),
        teacher=Teacher(
            model="./teacher",
            prompt=TeacherPrompt(layout="text", input_name="Q", output_name="A"),
            sampling=Sampling(stop=("\n",), max_tokens=24, n=3, temperature=0.7),
        ),
        prior=None,
        skill=Qa(kind="qa"),
        labels=(),
        evaluation=Evaluation(max_tokens=24, metrics=("exact_match",)),
        test="test.parquet",
        examples=None,
        answers="answers",
        out="out",
    )
    return CandidatePrompter(
        spec, Candidate(role="student", path="./model", dtype="float32", prompting=prompting), WordTokenizer(), []
    )


@pytest.mark.parametrize(("prompting", "stop"), [("teacher", ("\n",)), ("zero_shot", ()), ("student", ())])
def test_candidate_prompter_each_prompting_has_its_stop_and_decodes_greedily(prompting, stop):
    decoding = prompter(prompting).decoding
    assert (decoding.sampling.stop, decoding.sampling.max_tokens) == (stop, 24)
    assert (decoding.sampling.n, decoding.sampling.temperature, decoding.constraint, decoding.label_token_ids) == (
        1,
        0.0,
        {},
        None,
    )


def test_candidate_prompter_answer_is_parsed_by_the_skill():
    reply = EngineReply(id="0", text="Answer: Jane Austen\nQ: Who", completion_tokens=9, scores=None, logprob=None)
    assert prompter("student").answer(reply) == "Jane Austen"


def test_candidate_prompter_teacher_sees_its_layout_and_student_the_turns():
    shown = [len(prompter(prompting).requests([ROW])[0].token_ids) for prompting in ("teacher", "student")]
    # words of the instruction, "Q:", the question and "A:"; and of "<user>Who wrote Emma?<assistant>"
    assert shown == [9 + 1 + 3 + 1, 3]
