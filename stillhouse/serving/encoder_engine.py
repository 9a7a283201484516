"""An encoder student as a server's engine: onnxruntime in this process, as many texts at once as cores."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from stillhouse.data.row import Messages, prompt_text
from stillhouse.errors import ModelError
from stillhouse.inference.encoder.label_encoder import LabelEncoder
from stillhouse.serving.engine import EngineAnswer, Wanted
from stillhouse.serving.record import ServingRecord

# texts that a thread takes at once: to wake the server for each costs a tenth of what reading it takes
_MOST_TOGETHER = 8

Waiting = tuple[str, "asyncio.Future[EngineAnswer]"]


class EncoderEngine:
    """A label encoder that is loaded.

    Texts that wait are taken together by the threads that are free, and are answered one by one: in one run with
    others a text's label would depend on these, with 8-bit weights, and no longer be what was measured.
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
        self._num_threads = self._num_free = threads or len(os.sched_getaffinity(0))
        self._threads = ThreadPoolExecutor(self._num_threads, thread_name_prefix="encoder")
        self._waiting: deque[Waiting] = deque()

    async def answer(self, messages: Messages, wanted: Wanted) -> EngineAnswer:
        """Return the likeliest label of a prompt."""
        shown = self._record.skill.student_messages(messages, self._record.labels)
        found: asyncio.Future[EngineAnswer] = asyncio.get_running_loop().create_future()
        self._waiting.append((prompt_text(shown), found))
        self._begin()
        return await found

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

    def _begin(self) -> None:
        """Give each free thread its share of what waits."""
        while self._waiting and self._num_free:
            share = min(_MOST_TOGETHER, -(-len(self._waiting) // self._num_threads))
            taken = [self._waiting.popleft() for _ in range(share)]
            self._num_free -= 1
            texts = [text for text, _ in taken]
            done = asyncio.get_running_loop().run_in_executor(self._threads, self._answers, texts)
            done.add_done_callback(partial(self._end, taken))

    def _end(self, taken: list[Waiting], found: "asyncio.Future[list[EngineAnswer]]") -> None:
        """Hand out what a thread has found, and give it more."""
        self._num_free += 1
        for place, (_, future) in enumerate(taken):
            if future.done():  # its client has gone
                continue
            if error := found.exception():
                future.set_exception(error)
            else:
                future.set_result(found.result()[place])
        self._begin()

    def _answers(self, texts: list[str]) -> list[EngineAnswer]:
        return [self._answer(text) for text in texts]

    def _answer(self, text: str) -> EngineAnswer:
        logprobs = self._student.logprobs([text])[0]
        best = int(logprobs.argmax())
        # tokens are not counted: the tokenizer would have to read each text twice
        return EngineAnswer(self._record.labels[best], float(logprobs[best]), logprobs.tolist(), 0, 0)
