"""An exported student as a server's engine: the engine that it was measured in, as a child process."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from stillhouse.data.row import Messages
from stillhouse.serving.child_server import ChildServer
from stillhouse.serving.engine import EngineAnswer, Wanted
from stillhouse.serving.errors import bad_request, engine_failed
from stillhouse.serving.export_spec import KEY_VARIABLE, ExportSpec
from stillhouse.serving.record import ServingRecord


def open_export(folder: Path, record: ServingRecord, engine_python: Path, *, name: str, threads: int) -> "ExportEngine":
    """Start an export's process in the engine environment, and return it as an engine that has to be waited for."""
    spec = ExportSpec(
        folder=str(folder),
        skill=record.skill,
        labels=record.labels,
        threads=threads or len(os.sched_getaffinity(0)),
        max_tokens=record.max_tokens,
    )

    def command(socket: Path) -> list[str]:
        path = socket.with_name("spec.json")
        path.write_text(spec.model_dump_json(), encoding="utf-8")
        return [str(engine_python), "-m", "stillhouse.serving.export_worker", str(path), str(socket)]

    return ExportEngine(ChildServer(name, command, os.environ, key_variable=KEY_VARIABLE), record, name)


class ExportEngine:
    """An export that is loaded. It answers one request after the other, greedily, as it was measured."""

    can_stream = False

    def __init__(self, process: ChildServer, record: ServingRecord, name: str) -> None:
        """Take the process that has the export; `name` is its engine's, for people."""
        self.name = name
        self._process = process
        self._record = record

    async def start(self) -> None:
        """Return once it answers.

        Raises:
            ModelError: it does not start.
        """
        await self._process.wait()

    async def answer(self, messages: Messages, wanted: Wanted) -> EngineAnswer:
        """Return the answer to a prompt, as the export was measured."""
        if not self._record.labels:
            self._check(wanted)
        try:
            response = await self._process.client.post("/answer", json={"messages": messages})
        except httpx.TransportError as error:
            raise engine_failed(f"{self.name} did not answer ({type(error).__name__}): try again.") from None
        if response.status_code == 400:
            said = response.json()
            raise bad_request(said["message"], code=said["code"], param="messages")
        if response.status_code != 200:
            raise engine_failed(f"{self.name} failed at this request. Its log says why.")
        said = response.json()
        return EngineAnswer(
            text=said["text"],
            logprob=said["logprob"],
            label_logprobs=said["label_logprobs"],
            prompt_tokens=said["prompt_tokens"] or 0,  # of an encoder none are counted
            completion_tokens=said["completion_tokens"],
            is_cut=not self._record.labels and said["completion_tokens"] >= self._record.max_tokens,
        )

    async def stream(self, messages: Messages, wanted: Wanted) -> AsyncIterator[str | EngineAnswer]:
        """Yield the answer, whole."""
        answer = await self.answer(messages, wanted)
        yield answer.text
        yield answer

    async def is_alive(self) -> bool:
        """Return whether its process runs."""
        return await self._process.is_alive()

    async def close(self) -> None:
        """End its process."""
        await self._process.close()

    def _check(self, wanted: Wanted) -> None:
        """Raise an ApiError for a wish that this engine would not follow."""
        asked = Wanted(max_tokens=wanted.max_tokens)
        if wanted != asked or (wanted.max_tokens or self._record.max_tokens) != self._record.max_tokens:
            raise bad_request(
                f"{self.name} answers greedily with up to {self._record.max_tokens} tokens, as it was measured: leave "
                "out temperature, top_p, seed, stop and max_tokens.",
                code="unsupported_parameter",
            )
