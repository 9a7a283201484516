"""What the alternatives learn from: texts with their labels."""

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from stillhouse.data.label_names import in_words
from stillhouse.data.row import Row, prompt_text

# more add little to so few weights, and logistic regression on TF-IDF would take hours
MOST_TEXTS = 20_000


class LabelledTexts(NamedTuple):
    """Texts with a label each, and how many there were before some were drawn."""

    texts: list[str]
    labels: list[str]
    available: int

    def why_not(self, what: str) -> str:
        """Return why nothing can be learnt from them, called `what`; empty if something can."""
        found = len(set(self.labels))
        return "" if found > 1 else f"the {len(self.texts)} {what} hold {found} different, and it takes two"

    def notes(self, what: str) -> list[str]:
        """Return what a reader must know of them."""
        drawn = f", drawn from {self.available:,}" if self.available > len(self.texts) else ""
        return [f"learnt from {len(self.texts):,} {what}{drawn}"]

    def with_names(self, names: Sequence[str]) -> "LabelledTexts":
        """Return these and the name of each label, in words, as one more text of it.

        An encoder knows what a name means; where rows are few that is worth as much as some of them.
        """
        texts = [*self.texts, *(in_words(name) for name in names)]
        return LabelledTexts(texts, [*self.labels, *names], self.available)


def texts_of_rows(rows: Iterable[Row], seed: int) -> LabelledTexts:
    """Return the texts and labels of the rows that have a reference."""
    return _distinct(((prompt_text(row["messages"]), row["references"][0]) for row in rows if row["references"]), seed)


def texts_of_examples(path: Path, seed: int) -> LabelledTexts:
    """Return the texts and labels of training examples, the lines of a JSONL file as `filter` writes it."""
    with path.open(encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    return _distinct(((prompt_text(line["prompt"]), line["completion"][0]["content"]) for line in lines), seed)


def _distinct(pairs: Iterable[tuple[str, str]], seed: int) -> LabelledTexts:
    """Return each pair once: a text in two folds of a cross-validation would choose too weak a regularisation."""
    found = list(dict.fromkeys(pairs))
    drawn = random.Random(seed).sample(found, MOST_TEXTS) if len(found) > MOST_TEXTS else found
    return LabelledTexts([text for text, _ in drawn], [label for _, label in drawn], len(found))
