import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2
import pytest
from tenacity import wait_none

from stillhouse.errors import RecipeError
from stillhouse.inference.api.client import Client
from stillhouse.recipe.teacher import Teacher
from stillhouse.serving.hand_back import TeacherBehind
from stillhouse.serving.spec import HandBack
from tests.support.served import record

MESSAGES = [{"role": "user", "content": "Where is my parcel?"}]


class FakeTeacher:
    """An endpoint that answers as `reply` says, and notes what it was asked."""

    def __init__(self, reply: Callable[[], httpx2.Response], **prompt: Any):
        self.asked: list[dict[str, Any]] = []
        self.failures = 0
        self.said: list[str] = []

        def handle(request: httpx2.Request) -> httpx2.Response:
            self.asked.append(json.loads(request.content))
            return reply()

        endpoint = {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1", "max_attempts": 2}
        teacher = Teacher.model_validate({"model": "large", "endpoint": endpoint, "prompt": prompt})
        connect = partial(Client, backoff=wait_none(), transport=httpx2.MockTransport(handle))
        self.behind = TeacherBehind(
            HandBack(teacher=teacher, threshold=0.5, examples=None),
            record(teacher=teacher),
            self.said.append,
            on_failure=self._fail,
            connect=connect,
        )

    def ask(self) -> str | None:
        async def once() -> str | None:
            found = await self.behind.ask(MESSAGES)
            await self.behind.close()
            return found

        return asyncio.run(once())

    def _fail(self) -> None:
        self.failures += 1


def answer(text: str) -> httpx2.Response:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 9, "completion_tokens": 1}
    return httpx2.Response(200, json={"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})


def test_teacher_is_asked_with_its_own_prompt_and_its_text_comes_back():
    teacher = FakeTeacher(lambda: answer("delivery"), system="One of {labels}, please.")
    assert teacher.ask() == "delivery"
    (asked,) = teacher.asked
    assert asked["model"] == "large"
    assert asked["messages"] == [
        {"role": "system", "content": "One of billing, delivery, returns, please."},
        MESSAGES[0],
    ]
    assert teacher.failures == 0


@pytest.mark.parametrize("status", [401, 400, 500])
def test_teacher_that_fails_gives_no_answer_and_is_counted(status):
    teacher = FakeTeacher(lambda: httpx2.Response(status, json={"error": {"message": "no"}}))
    assert teacher.ask() is None
    assert teacher.failures == 1


def test_teacher_whose_prompt_is_no_chat_is_refused_at_the_start():
    with pytest.raises(RecipeError, match="layout: text"):
        FakeTeacher(lambda: answer("x"), layout="text")
