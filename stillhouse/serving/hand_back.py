"""Asks the teacher about a prompt that the student is not sure of, with the teacher's own prompt of the run."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

from stillhouse.data.row import Messages
from stillhouse.errors import RecipeError, ServiceError
from stillhouse.inference.api.client import Client
from stillhouse.inference.api.credentials import read_api_key, read_secret_headers
from stillhouse.inference.api.redaction import Redactor
from stillhouse.inference.api.request import ApiModel, ChatRequest, structured_output
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.runtime.spool import Spool
from stillhouse.serving.record import ServingRecord
from stillhouse.serving.spec import HandBack
from stillhouse.skills.cases import read_cases
from stillhouse.teachers.prompting import Prompter

# a client waits for the answer: what a run waits out for a quarter of an hour is too long here
_PATIENCE_S = 30.0
_TRIES = 3


class TeacherBehind:
    """A teacher that is open for questions."""

    def __init__(
        self,
        settings: HandBack,
        record: ServingRecord,
        log: Callable[[str], None],
        *,
        on_failure: Callable[[], None] = lambda: None,
        connect: Callable[..., Client] = Client,
    ) -> None:
        """Read the key, and the labelled rows that the teacher's prompt shows.

        Raises:
            RecipeError: the key is not set or may not go to the endpoint's host, or the prompt is no chat.
            DataError: the prompt's examples lack a label, or what would be sent holds personal data.
        """
        teacher, endpoint = settings.teacher.as_evaluated, _patient(settings.teacher.endpoint)
        if teacher.prompt.layout == "text":
            raise RecipeError(
                "The teacher's prompt has layout: text, which no chat endpoint takes: serve without --hand-back."
            )
        examples = read_cases(settings.examples, record.skill) if settings.examples else []
        self._prompter = Prompter(teacher, record.skill, record.labels, examples)
        form = structured_output(endpoint, self._prompter.constraint(teacher))
        self._redactor = Redactor(endpoint)
        self._redactor.check(record.labels, form)
        model = ApiModel(
            teacher, endpoint, form, read_api_key(endpoint, os.environ), read_secret_headers(endpoint, os.environ)
        )
        self._client = connect(model, log)
        self._log, self._on_failure = log, on_failure

    async def ask(self, messages: Messages) -> str | None:
        """Return what the teacher writes; None if it does not answer, so that the student's own answer stands."""
        try:
            async with asyncio.timeout(2 * _PATIENCE_S):
                outcome = await self._client.send(await asyncio.to_thread(self._request, messages))
        except (ServiceError, TimeoutError) as error:
            self._log(f"the teacher gave no answer: {error or type(error).__name__}")
            self._on_failure()
            return None
        if outcome.reply is None:
            self._on_failure()
            return None
        return outcome.reply.text

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _request(self, messages: Messages) -> ChatRequest:
        row: Any = {"id": "request", "messages": messages, "references": [], "label": None}
        (prompt,) = self._prompter.prompts([row])
        assert not isinstance(prompt, str), "layout text is refused"
        return ChatRequest("", Spool().add(self._redactor.text(prompt).encode()), 0)


def _patient(endpoint: Endpoint | None) -> Endpoint:
    assert endpoint is not None, "the command line gives one"
    return endpoint.model_copy(
        update={
            "patience_s": min(endpoint.patience_s, _PATIENCE_S),
            "max_attempts": min(endpoint.max_attempts, _TRIES),
            "timeout_s": min(endpoint.timeout_s, _PATIENCE_S),
        }
    )
