"""Takes personal data out of prompts before they leave for an endpoint.

It is the one gate: a test holds every module that makes requests to it. Keys are made of what is sent,
so a redacted prompt and the whole one have different completions.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from stillhouse.artifacts.fingerprint import canonical_json
from stillhouse.costs.generation_summary import RedactedPrompts
from stillhouse.data.pii import redact_json
from stillhouse.errors import DataError
from stillhouse.inference.api.request import ResponseForm
from stillhouse.recipe.endpoint import Endpoint


class Redactor:
    """Writes the prompts for one endpoint, and counts those that were redacted."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Start with no prompt redacted."""
        self._endpoint = endpoint
        self._prompts = 0
        self._marks: Counter[str] = Counter()

    def text(self, messages: Sequence[dict[str, Any]]) -> str:
        """Return the canonical JSON of the messages as they may be sent."""
        sent: Any = list(messages)
        if self._endpoint.redacts:
            marks: Counter[str] = Counter()
            sent = redact_json(sent, marks)
            self._prompts += bool(marks)
            self._marks.update(marks.keys())
        return canonical_json(sent).decode()

    def check(self, labels: Sequence[str], form: ResponseForm) -> None:
        """Check that labels and the completions' form may be sent as they are.

        Raises:
            DataError: they hold personal data; a mark in its place would be a label that no row has.
        """
        marks: Counter[str] = Counter()
        if self._endpoint.redacts:
            redact_json([*labels, form.fields], marks)
        if marks:
            raise DataError(
                f"The labels, or the form in teachers.0.output, hold personal data ({', '.join(sorted(marks))}), which "
                f"{self._endpoint.provider} would be sent with each request. Rename them; or, if it may see them, "
                "set teachers.0.endpoint.personal_data: allow."
            )

    @property
    def redacted(self) -> RedactedPrompts | None:
        """How many prompts were redacted, in all and by mark; None if they are sent as they are."""
        if not self._endpoint.redacts:
            return None
        return RedactedPrompts(prompts=self._prompts, marks=dict(sorted(self._marks.items())))
