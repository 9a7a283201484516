"""Which prompts the filters kept no answer of, for a fault that another answer may not have."""

import json
from collections.abc import Iterable
from pathlib import Path

from stillhouse.filters.rules.agreement import Agreement
from stillhouse.filters.rules.confidence import Confidence
from stillhouse.filters.rules.empty import Empty
from stillhouse.filters.rules.failed import Failed
from stillhouse.filters.rules.language import Language
from stillhouse.filters.rules.refusal import Refusal
from stillhouse.filters.rules.repetitive import Repetitive
from stillhouse.filters.rules.too_long import TooLong
from stillhouse.filters.rules.truncated import Truncated
from stillhouse.filters.rules.unparsable import Unparsable
from stillhouse.filters.rules.verification import Verification

# of one answer, not of a prompt's place among others
_OF_THE_ANSWER = frozenset(
    rule.name
    for rule in (
        *(Agreement, Confidence, Empty, Failed, Language, Refusal, Repetitive, TooLong, Truncated, Unparsable),
        Verification,
    )
)


def failed_prompts(dataset: Path, asked: Iterable[str]) -> list[str]:
    """Return those of the ids `asked` of which the filters dropped every answer for what it was, in their order.

    `dataset` is the folder that `filter` wrote.
    """
    kept = {line["id"] for name in ("train.jsonl", "validation.jsonl") for line in _lines(dataset / name)}
    dropped = {line["id"] for line in _lines(dataset / "dropped.jsonl") if line["reason"] in _OF_THE_ANSWER}
    return [one for one in dict.fromkeys(asked) if one in dropped and one not in kept]


def _lines(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)
