"""The teachers' numbers of each token, written beside the training examples that their completions became.

Nothing is asked for them: the store of completions holds them already.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.completion import Completion
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.table import Lines
from stillhouse.completions.token_numbers import (
    TokenLine,
    TokenNumbers,
    read_token_lines,
    tokens_path,
    top_numbers,
    write_token_lines,
)
from stillhouse.dataset.example import TrainingExample
from stillhouse.dataset.summary import TeacherTokens
from stillhouse.errors import QualityError
from stillhouse.runtime.spool import Spool, Spooled

_SPLITS = ("train", "validation")


class StoredNumbers:
    """The numbers of all tokens of completions, on disk: of a million they take gigabytes."""

    def __init__(self, numbers: Iterable[tuple[str, TokenNumbers | None]]) -> None:
        """Keep the numbers, by the completions' keys."""
        spool = Spool()
        self._found: dict[str, Spooled] = {key: spool.add(one.to_bytes()) for key, one in numbers if one}

    def of(self, key: str) -> TokenNumbers | None:
        """Return the numbers of the completion of `key`, if it has them."""
        place = self._found.get(key)
        return TokenNumbers.from_bytes(place.read()) if place else None


def drawn_numbers(files: Iterable[Path], keys: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, TokenNumbers]]:
    """Yield the draws of the keys, by teacher, from the files of all teachers."""
    wanted = {key for of_teacher in keys.values() for key in of_teacher}
    for path in files:
        yield from ((line.id, line.numbers) for line in read_token_lines(path) if line.id in wanted)


def top_numbers_of(
    store: StoreConfig, keys: Mapping[str, Sequence[str]], k: int
) -> Iterator[tuple[str, TokenNumbers | None]]:
    """Yield the `k` likeliest tokens at each position of the stored completions of the keys, by teacher."""
    for one in _stored(store, keys, k):
        yield one.key, top_numbers(one.token_ids, one.logprobs, k)


def _stored(store: StoreConfig, keys: Mapping[str, Sequence[str]], k: int) -> Iterator[Completion]:
    """Yield the stored completions of each teacher's keys, those with `k` numbers a token where there are several.

    Args:
        store: that holds the completions.
        keys: by the teacher's fingerprint.
        k: numbers wanted; the scores of labels are stored in place of them, and count as none.
    """
    files = Store(store)
    for teacher, wanted in keys.items():
        left = set(wanted)
        for least in (k, 0):
            for one in CompletionStore(files, teacher).stream(left, least):
                left = left - {one.key} if least else left
                yield one


def keys_by_teacher(training: Mapping[str, Sequence[TrainingExample]]) -> dict[str, list[str]]:
    """Return the keys of the completions that examples were made of, by their teachers' fingerprints."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for split in _SPLITS:
        for example in training.get(split, ()):
            if example.key:
                found[example.teacher][example.key] = None
    return {teacher: list(keys) for teacher, keys in found.items()}


def write_teacher_tokens(
    training: Mapping[str, Sequence[TrainingExample]],
    lines: Lines,
    numbers: StoredNumbers,
    out: Path,
    *,
    is_needed: bool = True,
) -> TeacherTokens:
    """Write train.logits.parquet and validation.logits.parquet into `out`, and return what they hold.

    A line is joined to its training example by its number, and names the row and the rollout. Examples that have no
    numbers, as those that train on a reference, have no line.

    Raises:
        QualityError: no training example has any, though it is needed.
    """
    counts = {}
    for split in _SPLITS:
        path = tokens_path(out / f"{split}.jsonl")
        counts[split] = (*write_token_lines(_lines(training[split], lines, numbers), path), path.stat().st_size)
    num_rows, num_tokens, size = counts["train"]
    if is_needed and not num_rows:
        raise QualityError(
            f"training.kind: logits: none of the {len(training['train'])} training examples has the teacher's "
            "log-probabilities. Rows that train on their reference have none; a teacher has them if it is served here "
            "or by vLLM's own server (provider: vllm). Take training.kind: sft, which learns from its text, or set "
            "training.use_references to false if all rows are labelled."
        )
    return TeacherTokens(rows=num_rows, tokens=num_tokens, size_bytes=size)


def _lines(examples: Sequence[TrainingExample], lines: Lines, numbers: StoredNumbers) -> Iterator[TokenLine]:
    for place, example in enumerate(examples):
        found = numbers.of(example.key) if example.key else None
        if found is not None:
            row_id = example.row["id"]
            rollout = next(one["sample_index"] for one in lines[row_id] if one["key"] == example.key)
            yield TokenLine(place, row_id, example.teacher_number, rollout, found)
