"""What leaves this machine for an endpoint: messages as the one text that stands for them, personal data taken out.

Separate because it is the one gate: generation and measuring make their questions of what passes here, a test holds
every module that makes a question to it, and a key is made of what is sent, so that no other answer is found for it.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from stillhouse.data.pii import redact_json
from stillhouse.errors import DataError
from stillhouse.inference.api.request import ResponseForm
from stillhouse.recipe.endpoint import Endpoint


def redaction(endpoint: Endpoint) -> dict[str, bool]:
    """Return what redaction adds to the identity of a stage that asks `endpoint`; nothing where prompts stay whole."""
    return {"redacted": True} if endpoint.redacts else {}


class Redactor:
    """The way out to one endpoint, and the books of what was taken out on it."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Remember whether personal data may pass."""
        self._endpoint = endpoint
        self._prompts = 0
        self._marks: Counter[str] = Counter()

    def text(self, messages: Sequence[dict[str, Any]]) -> str:
        """Return the one text that stands for these messages, whatever the order of their fields, as it may be sent."""
        sent: Any = list(messages)
        if self._endpoint.redacts:
            marks: Counter[str] = Counter()
            sent = redact_json(sent, marks)
            self._prompts += bool(marks)
            self._marks.update(marks.keys())
        return json.dumps(sent, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def check(self, labels: Sequence[str], form: ResponseForm) -> None:
        """See that labels and the form of the answers may be sent as they are.

        Raises:
            DataError: they hold personal data; a mark in its place would be an answer that no row has.
        """
        marks: Counter[str] = Counter()
        if self._endpoint.redacts:
            redact_json([*labels, form.fields], marks)
        if marks:
            raise DataError(
                f"The labels, or the form in teachers.0.output, hold personal data ({', '.join(sorted(marks))}), which "
                f"{self._endpoint.provider} would be sent with each request. Rename them; or, where it may see them, "
                "set teachers.0.endpoint.personal_data: allow."
            )

    @property
    def found(self) -> dict[str, Any] | None:
        """How many prompts were redacted, in all and by mark; None where they are sent as they are."""
        if not self._endpoint.redacts:
            return None
        return {"prompts": self._prompts, "marks": dict(sorted(self._marks.items()))}
