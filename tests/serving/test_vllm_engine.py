"""What vLLM's server is asked and how its answers are read; tests/benchmarks/serving_agreement.py asks a real one."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from stillhouse.evaluation.candidate_prompts import CandidatePrompter
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.inference.loading import load_tokenizer
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.serving.engine import EngineAnswer, Wanted
from stillhouse.serving.errors import ApiError
from stillhouse.serving.language_prompts import LanguagePrompts
from stillhouse.serving.record import ServingRecord
from stillhouse.serving.vllm_engine import VllmEngine
from stillhouse.serving.vllm_process import server_arguments
from stillhouse.skills.classification import Classification
from stillhouse.skills.qa import Qa
from tests.support.model_folder import write_model_folder
from tests.support.served import LABELS, record

MESSAGES = [{"role": "user", "content": "Where is my parcel?"}]
SORTS = record(kind="causal_lm", skill=Classification(student_instruction="Sort it into {labels}."))
WRITES = record(kind="causal_lm", skill=Qa(kind="qa"), labels=(), max_tokens=24)


class FakeServer:
    """A child process that answers as `reply` says, and notes what it was asked."""

    def __init__(self, reply: Callable[[dict[str, Any]], httpx.Response], *, is_running: bool = True) -> None:
        self.asked: list[dict[str, Any]] = []
        self.is_running = is_running

        def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append(json.loads(request.content))
            return reply(self.asked[-1])

        self.client = httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://engine")


def engine_of(folder, told: ServingRecord, server: FakeServer, room: int = 500) -> VllmEngine:
    return VllmEngine(LanguagePrompts(write_model_folder(folder), told), server, room)  # type: ignore[arg-type]


def step(token: int, logprob: float, others: dict[int, float]) -> dict[str, Any]:
    """A token as vLLM's server shows it with --return-tokens-as-token-ids."""
    top = [{"token": f"token_id:{one}", "logprob": value} for one, value in others.items()]
    return {"token": f"token_id:{token}", "logprob": logprob, "top_logprobs": top}


def whole(text: str, steps: list[dict[str, Any]], reason: str = "stop") -> httpx.Response:
    choice = {"index": 0, "text": text, "finish_reason": reason, "logprobs": {"content": steps}}
    return httpx.Response(200, json={"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 2}})


PLAIN = Wanted()


def answered(engine: VllmEngine, wanted: Wanted = PLAIN) -> EngineAnswer:
    return asyncio.run(engine.answer(MESSAGES, wanted))


@pytest.mark.parametrize("told", [SORTS, WRITES])
def test_request_has_the_tokens_and_the_decoding_of_the_evaluation(tmp_path, told):
    server = FakeServer(lambda asked: whole("billing", []))
    answered(engine_of(tmp_path, told, server))
    (asked,) = server.asked
    candidate = Candidate(role=ModelRole.STUDENT, path=str(tmp_path), dtype="bfloat16", prompting="student")
    spec = EvaluateSpec(
        candidates=(candidate,), teacher=told.teacher, prior=None, skill=told.skill, labels=told.labels,
        evaluation=Evaluation(max_tokens=told.max_tokens), test="", examples=None, answers="", out="",
    )  # fmt: skip
    prompter = CandidatePrompter(spec, candidate, load_tokenizer(str(tmp_path)), [])
    (request,) = prompter.requests([{"messages": MESSAGES}])  # type: ignore[list-item]
    assert asked["token_ids"] == list(request.token_ids)
    params, decoding = asked["sampling_params"], prompter.decoding
    assert (params["temperature"], params["max_tokens"]) == (0.0, decoding.sampling.max_tokens)
    assert params.get("structured_outputs") == (decoding.constraint or None)
    asked_ids = params.get("logprob_token_ids")
    assert (asked_ids[: len(LABELS)] if asked_ids else None) == decoding.label_token_ids
    assert params["skip_special_tokens"] is not decoding.with_special_tokens


def test_labels_have_the_log_probabilities_of_their_first_tokens(tmp_path):
    def reply(asked: dict[str, Any]) -> httpx.Response:
        *ids, spare = asked["sampling_params"]["logprob_token_ids"]
        assert asked["sampling_params"]["logprobs"] == len(LABELS) + 1
        # the sampled token is no label's first; the list is cut at its length, so that the spare one is lost
        others = {777: -0.1, ids[0]: -3.0, ids[1]: -1.0, ids[2]: -9999.0}
        assert spare not in others
        return whole("delivery", [step(777, -0.1, others), step(5, -0.2, {5: -0.2})])

    found = answered(engine_of(tmp_path, SORTS, FakeServer(reply)))
    assert found.label_logprobs == [-3.0, -1.0, -100.0]
    assert found.logprob == pytest.approx(-0.3)
    assert (found.text, found.prompt_tokens, found.completion_tokens, found.is_cut) == ("delivery", 9, 2, False)


def test_label_is_decoded_as_it_was_measured_whatever_is_wanted(tmp_path):
    server = FakeServer(lambda asked: whole("billing", []))
    engine = engine_of(tmp_path, SORTS, server)
    answered(engine)
    answered(engine, Wanted(temperature=2.0, max_tokens=1, stop=("b",), seed=4))
    assert server.asked[0] == server.asked[1]


def test_free_answer_is_sampled_as_wanted(tmp_path):
    server = FakeServer(lambda asked: whole("On its way", [], "length"))
    found = answered(engine_of(tmp_path, WRITES, server), Wanted(temperature=0.7, max_tokens=5, stop=("x",), seed=4))
    params = server.asked[0]["sampling_params"]
    assert (params["temperature"], params["max_tokens"], params["stop"], params["seed"]) == (0.7, 5, ["x"], 4)
    assert found.is_cut


def test_free_answer_is_streamed_in_pieces_and_ends_with_the_whole(tmp_path):
    chunks = [
        {"choices": [{"text": "On ", "finish_reason": None, "logprobs": {"content": [step(1, -0.5, {})]}}]},
        {"choices": [{"text": "its way", "finish_reason": "stop", "logprobs": {"content": [step(2, -0.25, {})]}}]},
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
    ]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    engine = engine_of(tmp_path, WRITES, FakeServer(lambda asked: httpx.Response(200, text=body)))

    async def pieces() -> list[Any]:
        return [piece async for piece in engine.stream(MESSAGES, Wanted())]

    assert engine.can_stream
    assert asyncio.run(pieces()) == ["On ", "its way", EngineAnswer("On its way", -0.75, None, 9, 2, False)]


def test_stream_that_vllm_breaks_off_has_no_end(tmp_path):
    body = 'data: {"choices": [{"text": "On ", "finish_reason": null}]}\n\ndata: {"error": {"message": "x"}}\n\n'
    engine = engine_of(tmp_path, WRITES, FakeServer(lambda asked: httpx.Response(200, text=body)))
    found = []

    async def read() -> None:
        async for piece in engine.stream(MESSAGES, Wanted()):
            found.append(piece)

    with pytest.raises(ApiError) as refused:
        asyncio.run(read())
    assert (refused.value.status, found) == (503, ["On "])


def test_prompt_without_room_for_its_answer_is_refused_before_vllm_is_asked(tmp_path):
    server = FakeServer(lambda asked: whole("", []))
    with pytest.raises(ApiError) as refused:
        answered(engine_of(tmp_path, WRITES, server, room=30))
    assert (refused.value.status, refused.value.code, server.asked) == (400, "context_length_exceeded", [])


@pytest.mark.parametrize(
    ("status", "is_running", "expected", "says"),
    [(400, True, 400, "vLLM refuses the request: too many"), (500, True, 503, "could not answer: too many"),
     (None, True, 503, "did not answer (ConnectError)"), (None, False, 503, "vLLM has ended")],
)  # fmt: skip
def test_failure_of_vllm_is_one_of_the_server_and_a_refusal_one_of_the_request(
    tmp_path, status, is_running, expected, says
):
    def reply(asked: dict[str, Any]) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError("gone")
        return httpx.Response(status, json={"error": {"message": "too many"}})

    with pytest.raises(ApiError) as refused:
        answered(engine_of(tmp_path, SORTS, FakeServer(reply, is_running=is_running)))
    assert refused.value.status == expected
    assert says in refused.value.message


def test_vllm_is_started_as_the_evaluation_starts_it(tmp_path):
    folder = write_model_folder(tmp_path, max_position_embeddings=64, num_hidden_layers=2)
    words = server_arguments(folder, SORTS, 64, 16, on_cpu=True)
    options = dict(zip(words, [*words[1:], ""], strict=True))
    assert (options["--model"], options["--dtype"], options["--max-model-len"]) == (str(folder), "bfloat16", "64")
    assert (options["--max-num-seqs"], options["--load-format"]) == ("16", "safetensors")
    assert {"--enforce-eager", "--no-trust-remote-code", "--return-tokens-as-token-ids", "--enable-scale-out"} <= set(
        words
    )
    assert int(options["--kv-cache-memory-bytes"]) > 0
    on_gpu = server_arguments(folder, SORTS, 64, 16, on_cpu=False)
    assert "--no-enforce-eager" in on_gpu
    assert "--kv-cache-memory-bytes" not in on_gpu
