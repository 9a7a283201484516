"""Says why rows were dropped: the reason, the setting that governs it, what to do, and a row as it was received."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from stillhouse.data.duplicates import Finding
from stillhouse.data.parquet_io import batches, conversations
from stillhouse.data.row_checks import Drop
from stillhouse.data.row_index import RowIndex
from stillhouse.data.row_texts import Turns, asked_turn, spoken_tokens

logger = logging.getLogger(__name__)

_EXCERPT = 80  # characters


class Rule(NamedTuple):
    """A reason to drop rows: the setting that governs it ("" for none), and what a user can do."""

    setting: str
    advice: str

    def sentence(self, source: str) -> str:
        """Return what to do, with the setting's name."""
        if not self.setting:
            return f"{self.advice[0].upper()}{self.advice[1:]}."
        return f"The setting is {self.setting.format(source=source)}: {self.advice}."


_OFF = "raise it, or set it to null to switch it off"
RULES = {
    "wrong_roles": Rule("", "put the turns in order: system first, then user and assistant in turn, tool after a call"),
    "empty_prompt": Rule("", "fill in the text, or name the column that holds it"),
    "prompt_too_long": Rule("data.max_prompt_chars", "raise it"),
    "unknown_label": Rule("skill.labels", "add the label there, or correct the rows"),
    "label_missing": Rule("data.{source}.columns.label", "name the column with the label, or fill it in"),
    "reference_missing": Rule("data.{source}.columns.reference", "name the column with the answer, or fill it in"),
    "personal_data": Rule("data.personal_data", "set it to redact or allow"),
    "language": Rule("data.languages", "add the language, or empty the list"),
    "exact_duplicate": Rule("data.exact_duplicates", "set it to keep"),
    "conflicting_labels": Rule("data.conflicting_labels", "correct the labels, or set it to majority or keep"),
    "near_duplicate": Rule("data.near_duplicate_similarity", _OFF),
    "duplicate_id": Rule("data.{source}.columns.id", "name a column with one id a row, or none"),
    "contaminated_exact": Rule("", "no setting keeps a row that is a test row: take it out of one of the two"),
    "contaminated_near": Rule("data.test_similarity", _OFF),
    "contaminated_run": Rule("data.test_run_words", _OFF),
    "validation_exact": Rule("", "no setting keeps a row that is a validation row: take it out of one of the two"),
    "validation_near": Rule("data.test_similarity", _OFF),
    "validation_run": Rule("data.test_run_words", _OFF),
    "group_in_validation": Rule("data.{source}.columns.group", "name a finer column, or none to keep these rows"),
    "group_in_test": Rule("data.{source}.columns.group", "name a finer column, or none to keep these rows"),
    "over_max_train_rows": Rule("data.max_train_rows", "raise it, or set it to 0 to keep all"),
    "over_max_test_rows": Rule("data.max_test_rows", "raise it, or set it to 0 to keep all"),
}


def explain(dropped: Mapping[str, int], examples: Mapping[str, str], source: str) -> str:
    """Return a line for each reason, the most frequent first: count, setting, advice and an example."""
    lines = []
    for reason, count in Counter(dropped).most_common():
        rule = RULES[reason]
        example = f", for example {examples[reason]}" if reason in examples else ""
        lines.append(f"\n  - {reason}: {count}{example}. {rule.sentence(source)}")
    return "".join(lines)


def log_drops(stage: str, dropped: Mapping[str, int], examples: Mapping[str, str]) -> None:
    """Write a line to the log for each reason: the setting that governs it, and a row that was dropped."""
    for reason, count in Counter(dropped).most_common():
        setting = RULES[reason].setting.format(source="train")
        example = examples.get(reason, "")
        logger.info("%s drops %d rows: %s%s; %s", stage, count, reason, f" ({setting})" if setting else "", example)


def note_examples(examples: dict[str, str], dropped: pa.RecordBatch) -> None:
    """Add to `examples` the first row of each reason that has none yet."""
    reasons = dropped.column("reason").to_pylist()
    for at, reason in enumerate(reasons):
        if reason not in examples:
            row = dropped.slice(at, 1)
            text = row_excerpt(next(conversations(row)))
            name, detail = row.column("id")[0].as_py(), row.column("detail")[0].as_py()
            examples[reason] = f"row {name!r} {text}: {detail}"


def excerpt(text: str) -> str:
    """Return the beginning of `text` in quotes, on one line."""
    line = " ".join(text.split())
    return f'"{line[:_EXCERPT]}…"' if len(line) > _EXCERPT else f'"{line}"'


def row_excerpt(turns: Turns) -> str:
    """Return the beginning of what the row asks."""
    return excerpt(turns[asked_turn(turns)][1]) if turns else '""'


def read_turns(paths: Iterable[Path], rows: Iterable[int], make: Callable[[int, Turns], str]) -> dict[int, str]:
    """Return make(row, turns) of each of `rows`, which are numbered over all `paths`."""
    wanted = np.unique(np.fromiter(rows, np.int64))
    made: dict[int, str] = {}
    start = 0
    for path in paths if len(wanted) else ():
        for batch in batches(path, ["messages"]):
            here = wanted[slice(*np.searchsorted(wanted, (start, start + batch.num_rows)))]
            if len(here):
                found = conversations(batch.take(pa.array(here - start)))
                made |= {row: make(row, turns) for row, turns in zip(here.tolist(), found, strict=True)}
            start += batch.num_rows
    return made


def describe(findings: Mapping[int, Finding], index: RowIndex, paths: Iterable[Path]) -> dict[int, Drop]:
    """Return each finding as a drop, whose detail names the other row with its beginning."""
    paths = [*paths]
    others = read_turns(
        paths, {one.of for one in findings.values() if one.of >= 0}, lambda _, turns: row_excerpt(turns)
    )
    shared = read_turns(
        paths,
        [row for row, one in findings.items() if one.shared],
        lambda row, turns: excerpt(_shared_words(findings[row], turns)),
    )
    return {row: Drop(one.reason, _detail(one, index, others, shared)) for row, one in findings.items()}


def _shared_words(found: Finding, turns: Turns) -> str:
    assert found.shared is not None
    part, start, end = found.shared
    return " ".join(spoken_tokens(turns, part)[start:end])


def _detail(found: Finding, index: RowIndex, others: Mapping[int, str], shared: Mapping[int, str]) -> str:
    if found.of < 0:
        return "more rows than the recipe asks for"
    other = f"row {index.ids[found.of].as_py()!r} {others[found.of]}"
    if found.reason == "conflicting_labels":
        names = list(index.label_names)
        mine, theirs = (names[index.labels[row] + 1] for row in (found.row, found.of))
        return f"label {mine!r}, and {theirs!r} in {other}"
    if found.reason in ("group_in_test", "group_in_validation"):
        return f"of the same group as {found.reason.removeprefix('group_in_')} {other}"
    if found.reason.startswith("contaminated"):
        other = f"test {other}"
    if found.reason.startswith("validation"):
        other = f"validation {other}"
    return f"shares {shared[found.row]} with {other}" if found.shared else f"like {other}"
