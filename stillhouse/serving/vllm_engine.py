"""A language-model student as a server's engine: vLLM's own server, asked with the tokens of the evaluation."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from stillhouse.completions.table import label_scores
from stillhouse.data.row import Messages
from stillhouse.evaluation.engine_process import DecodingSpec
from stillhouse.inference.vllm.request import sampling_fields
from stillhouse.serving.child_server import ChildServer
from stillhouse.serving.engine import EngineAnswer, Wanted
from stillhouse.serving.errors import ApiError, bad_request, engine_failed
from stillhouse.serving.language_prompts import LanguagePrompts
from stillhouse.serving.record import ServingRecord
from stillhouse.serving.vllm_process import context_length, start_vllm

# tokens in and text out, with every field of vLLM's SamplingParams
_PATH = "/inference/v1/generate"


class VllmEngine:
    """A student behind vLLM's server."""

    name = "vLLM"

    def __init__(self, prompts: LanguagePrompts, process: ChildServer, max_model_len: int) -> None:
        """Take the student's prompts, and its server with the most tokens that this reads."""
        self._prompts = prompts
        self._process = process
        self._max_model_len = max_model_len

    @property
    def can_stream(self) -> bool:
        """Whether the answer begins with the first letter that the model writes."""
        return self._prompts.is_plain

    async def start(self) -> None:
        """Return once the server answers.

        Raises:
            ModelError: it does not start.
        """
        await self._process.wait()

    async def answer(self, messages: Messages, wanted: Wanted) -> EngineAnswer:
        """Return the answer to a prompt, decoded as in the evaluation."""
        decoding = self._prompts.decoding_for(wanted)
        try:
            response = await self._process.client.post(_PATH, json=self._body(messages, decoding))
        except httpx.TransportError as error:
            raise self._lost(error) from None
        if response.status_code != 200:
            raise _refused(response.status_code, response.content)
        return self._read(response.json(), decoding)

    async def stream(self, messages: Messages, wanted: Wanted) -> AsyncIterator[str | EngineAnswer]:
        """Yield a free answer as vLLM writes it, and last the whole of it."""
        decoding = self._prompts.decoding_for(wanted)
        body = self._body(messages, decoding) | {"stream": True, "stream_options": {"include_usage": True}}
        text, logprob, usage, is_cut = "", 0.0, {"prompt_tokens": 0, "completion_tokens": 0}, False
        try:
            async with self._process.client.stream("POST", _PATH, json=body) as response:
                if response.status_code != 200:
                    raise _refused(response.status_code, await response.aread())
                async for chunk in _chunks(response):
                    usage = chunk.get("usage") or usage
                    for choice in chunk["choices"]:
                        text += choice["text"]
                        logprob += sum(step["logprob"] for step in _steps(choice))
                        is_cut = choice["finish_reason"] == "length"
                        if choice["text"]:
                            yield choice["text"]
        except httpx.TransportError as error:
            raise self._lost(error) from None
        yield EngineAnswer(text, logprob, None, usage["prompt_tokens"], usage["completion_tokens"], is_cut)

    async def is_alive(self) -> bool:
        """Return whether the server and its engine run."""
        return await self._process.is_alive()

    async def close(self) -> None:
        """End the server."""
        await self._process.close()

    def _body(self, messages: Messages, decoding: DecodingSpec) -> dict[str, Any]:
        ids = self._prompts.token_ids(messages, self._max_model_len, decoding.sampling.max_tokens)
        fields = sampling_fields(
            decoding.sampling,
            decoding.constraint,
            0,
            decoding.label_token_ids,
            with_special_tokens=decoding.with_special_tokens,
        )
        asked = scored_ids(decoding.label_token_ids)
        if asked:
            fields |= {"logprobs": len(asked), "logprob_token_ids": asked}
        given = {name: value for name, value in fields.items() if value is not None}
        return {"token_ids": list(ids), "sampling_params": given, "output_mode": "text"}

    def _read(self, content: dict[str, Any], decoding: DecodingSpec) -> EngineAnswer:
        (choice,), usage = content["choices"], content["usage"]
        steps = _steps(choice)
        return EngineAnswer(
            text=self._prompts.answer_text(choice["text"]),
            logprob=sum(step["logprob"] for step in steps),
            label_logprobs=label_logprobs(steps, decoding.label_token_ids),
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage["completion_tokens"],
            is_cut=choice["finish_reason"] == "length",
        )

    def _lost(self, error: httpx.TransportError) -> ApiError:
        if self._process.is_running:
            return engine_failed(f"vLLM did not answer ({type(error).__name__}): try again.")
        return engine_failed("vLLM has ended, and this server ends with it: try again once it is started anew.")


def open_vllm(folder: Path, record: ServingRecord, engine_python: Path, *, concurrency: int) -> VllmEngine:
    """Start vLLM's server for a student, and return it as an engine that has still to be waited for.

    Raises:
        ModelError: the student's folder can't be read.
    """
    prompts, length = LanguagePrompts(folder, record), context_length(folder, record)
    process = start_vllm(folder, record, engine_python, max_model_len=length, concurrency=concurrency)
    return VllmEngine(prompts, process, length)


def scored_ids(label_token_ids: list[int] | None) -> list[int] | None:
    """Return the tokens whose log-probabilities vLLM's server is asked for; None for none.

    It lists the sampled token first and cuts the list at their number. If the sampled token is no label's first, one
    more keeps the last label from being cut.
    """
    if not label_token_ids or len(label_token_ids) >= 128:  # the most that it takes
        return label_token_ids
    spare = next(number for number in range(len(label_token_ids) + 1) if number not in label_token_ids)
    return [*label_token_ids, spare]


def label_logprobs(steps: list[dict[str, Any]], label_token_ids: list[int] | None) -> list[float] | None:
    """Return the log-probability of each label's first token (nats); None if they were not asked for."""
    if not label_token_ids or not steps:
        return None
    found = {_token_id(one["token"]): one["logprob"] for one in (steps[0], *steps[0]["top_logprobs"])}
    return label_scores([found], label_token_ids)


def _token_id(token: str) -> int:
    return int(token.removeprefix("token_id:"))


def _steps(choice: dict[str, Any]) -> list[dict[str, Any]]:
    logprobs = choice.get("logprobs") or {}
    return list(logprobs.get("content") or [])


async def _chunks(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data and data != "[DONE]":
            chunk = json.loads(data)
            if "choices" not in chunk:
                raise engine_failed("vLLM broke the answer off: try again.")
            yield chunk


def _refused(status: int, content: bytes) -> ApiError:
    try:
        said = str(json.loads(content)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        said = f"status {status}"
    said = " ".join(said.split())[:300]
    if status < 500:
        return bad_request(f"vLLM refuses the request: {said}", code="invalid_value")
    return engine_failed(f"vLLM could not answer: {said}")
