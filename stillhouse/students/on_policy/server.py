"""A teacher behind a vLLM server, which is asked how probable it finds each token of the student's answers.

Imported in the engine environment only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.students.on_policy.trainer import OwnAnswers
from stillhouse.students.on_policy.trl_adapter import AskingTrainer, VLLMClient

if TYPE_CHECKING:
    from stillhouse.students.spec import TeacherServer

_RETRIES = 5


class ServerClient(VLLMClient):  # type: ignore[misc]  # TRL is untyped in the control environment
    """TRL's client of a server that may want a key, and serves a model by a name."""

    def __init__(self, server: TeacherServer) -> None:
        """Take the server; nothing is sent. TRL's own constructor asks it without a key for its first model."""
        self.base_url = server.url.rstrip("/").removesuffix("/v1")
        self.model = server.model
        self._timeout_s = server.timeout_s
        self.session = requests.Session()
        waits = Retry(total=_RETRIES, backoff_factor=2, status_forcelist=[429, 500, 502, 503], allowed_methods=["POST"])
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=waits))
        if key := os.environ.get(server.key_variable):
            self.session.headers["Authorization"] = f"Bearer {key}"

    def _post(self, url: str, **given: Any) -> Any:
        """Return the answer's JSON.

        Raises:
            ServiceUnavailable: the server does not answer.
            ServiceError: it refuses.
        """
        try:
            # a key goes to no other host
            answer = self.session.post(url, timeout=self._timeout_s, allow_redirects=False, **given)
        except requests.RequestException as error:
            raise ServiceUnavailable(
                f"The teacher's server at {self.base_url} does not answer ({type(error).__name__}): start it, and run "
                "again; training goes on from its last checkpoint."
            ) from error
        if answer.status_code != requests.codes.ok:
            raise ServiceError(
                f"The teacher's server at {self.base_url} answered {answer.status_code} to a request for the "
                f"log-probabilities of {self.model!r}: {' '.join(answer.text.split())[:300]}. It must be vLLM, serve "
                "that model, and allow training.on_policy.server_tokens log-probabilities (--max-logprobs)."
            )
        return answer.json()


class ServerTeacher(OwnAnswers, AskingTrainer):
    """A student here and a teacher of the same vocabulary behind a server.

    The server tells the log-probabilities of the tokens that stand in an answer and of the teacher's likeliest ones.
    TRL compares these, and all others as one token: less than the divergence over the whole vocabulary, and 0 at
    equality as well.
    """

    def __init__(self, *, server: TeacherServer, **options: Any) -> None:
        """Take the server beside what TRL's trainer takes."""
        super().__init__(**options)
        self.teacher_client = ServerClient(server)
