"""An encoder student as a server's engine: onnxruntime in this process, one text a run, as many at once as cores."""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stillhouse.data.row import Messages, prompt_text
from stillhouse.errors import ModelError
from stillhouse.inference.encoder.label_encoder import LabelEncoder
from stillhouse.serving.engine import EngineAnswer, Wanted
from stillhouse.serving.record import ServingRecord


class EncoderEngine:
    """A label encoder that is loaded.

    Requests that wait are answered side by side on all cores. They are not put into one batch: with 8-bit weights a
    text's label would then depend on the texts beside it, and no longer be what was measured.
    """

    name = "onnxruntime"
    can_stream = False

    def __init__(self, folder: Path, record: ServingRecord, threads: int = 0) -> None:
        """Load the student; `threads` is how many texts run at once, 0 for as many as there are cores.

        Raises:
            ModelError: its folder can't be read, or has other labels than the record.
        """
        self._student = LabelEncoder(folder)
        if self._student.labels != record.labels:
            raise ModelError(
                f"{folder} has the labels {', '.join(self._student.labels[:5])} …, and its record others: they are of "
                "different students. Take the whole folder from the store again."
            )
        self._record = record
        self._threads = ThreadPoolExecutor(threads or len(os.sched_getaffinity(0)), thread_name_prefix="encoder")

    async def answer(self, messages: Messages, wanted: Wanted) -> EngineAnswer:
        """Return the likeliest label of a prompt."""
        shown = self._record.skill.student_messages(messages, self._record.labels)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, prompt_text(shown))

    async def stream(self, messages: Messages, wanted: Wanted) -> AsyncIterator[str | EngineAnswer]:
        """Yield the label, whole."""
        answer = await self.answer(messages, wanted)
        yield answer.text
        yield answer

    async def is_alive(self) -> bool:
        """Return True: it is this process."""
        return True

    async def close(self) -> None:
        """Wait for the texts under way."""
        self._threads.shutdown()

    def _answer(self, text: str) -> EngineAnswer:
        logprobs = self._student.logprobs([text])[0]
        best = int(logprobs.argmax())
        num_read = int(self._student.mean_tokens([text]))
        return EngineAnswer(self._record.labels[best], float(logprobs[best]), logprobs.tolist(), num_read, 0)
