"""Drops the rows that no model should see, each with its reason, and keeps what was dropped."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pyarrow as pa

from stillhouse.data import duplicates
from stillhouse.data.drop_messages import describe, explain, note_examples
from stillhouse.data.duplicates import Finding, by_row
from stillhouse.data.labels import check_forms, check_overlap, count_labels, one_sided
from stillhouse.data.language import foreign
from stillhouse.data.parquet_io import TableWriter, batches, conversations, dropped_batch, user_texts
from stillhouse.data.pii import redact_rows
from stillhouse.data.row import DROPPED_SCHEMA
from stillhouse.data.row_checks import Drop, check_label, check_prompt, check_references
from stillhouse.data.row_index import HELD_OUT, INDEXED, SOURCES, RowIndex, remaining
from stillhouse.data.summaries import ValidateSummary
from stillhouse.data.token_table import Flags, Ints
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data
from stillhouse.skills.skill import Skill

Drops = dict[int, Drop]  # by the row's number over all sources
Examples = dict[str, dict[str, str]]  # a dropped row, as text, by source and reason


def validate(folders: dict[str, Path], data: Data, skill: Skill, out: Path) -> ValidateSummary:
    """Write `out`/rows.parquet and `out`/dropped.parquet, and return the counts and the labels.

    `folders` maps train, examples, test and validation to what read wrote. Duplicates are sought among examples and
    train together; a row of test or validation is never dropped for being like another. Split seeks these in the rest.

    Raises:
        DataError: a source keeps no row, a classification has no labels, one class only or labels that differ in their
            form alone, or a language code is unknown.
    """
    out.mkdir(parents=True, exist_ok=True)
    redacted: Counter[str] = Counter()
    with TemporaryDirectory(dir=out) as scratch:
        paths, personal = _personal(folders, data, Path(scratch), redacted)
        index, drops = _check_rows(paths, personal, data, skill, RowIndex(Path(scratch)))
        by_source = count_labels(index) if skill.has_labels else {}
        check_forms(by_source, skill.known_labels)
        check_overlap(by_source, skill.known_labels)
        drops |= describe(_find_repeats(index, drops, data), index, paths.values())
        renamed = _settle_ids(index, drops)
        kept, examples = _write(paths, drops, renamed, out)
    dropped = Counter(drop.reason for drop in drops.values())
    assert index.num_rows == sum(kept.values()) + sum(dropped.values()), "every row is kept or dropped"
    _check_kept(kept, examples, index, drops)
    return ValidateSummary(
        num_in=index.num_rows,
        kept=kept,
        dropped=dict(sorted(dropped.items())),
        examples_dropped={reason: text for of_source in examples.values() for reason, text in of_source.items()},
        labels=_labels(index, drops, skill, [source for source in HELD_OUT if source in folders]),
        redacted=dict(sorted(redacted.items())),
        one_sided=one_sided(by_source, skill.known_labels),
    )


def _personal(
    folders: dict[str, Path], data: Data, scratch: Path, redacted: Counter[str]
) -> tuple[dict[str, Path], dict[str, Flags]]:
    """Return each source's rows, redacted unless personal data is allowed, and which of them held personal data."""
    paths = {source: folders[source] / "rows.parquet" for source in SOURCES if source in folders}
    if data.personal_data == "allow":
        return paths, {}
    # dropped rows are redacted too: their record must not hold what they were dropped for
    clean = {source: scratch / f"{source}.parquet" for source in paths}
    return clean, {source: redact_rows(paths[source], clean[source], redacted) for source in paths}


def _check_rows(
    paths: dict[str, Path], personal: dict[str, Flags], data: Data, skill: Skill, index: RowIndex
) -> tuple[RowIndex, Drops]:
    """Return the index of all rows, and the drops of those that a look at the row alone decides."""
    found = Drops()
    for source, path in paths.items():
        start = index.num_rows
        for batch in batches(path, INDEXED):
            dialogues = list(conversations(batch))
            reference_drops = _reference_drops(batch, skill, required=source != "train")
            drops = [
                check_prompt(turns, data.max_prompt_chars, is_dialogue=skill.is_dialogue) or of_reference
                for turns, of_reference in zip(dialogues, reference_drops, strict=True)
            ]
            first = index.num_rows
            if data.personal_data == "drop":
                _mark_personal(drops, personal[source][first - start : first - start + batch.num_rows])
            if data.languages:
                _mark_foreign(drops, user_texts(batch), data.languages)
            found.update({first + at: drop for at, drop in enumerate(drops) if drop is not None})
            index.add(batch, dialogues)
    if not index.num_rows:
        raise DataError("No source holds a row. Give a source with at least one.")
    index.seal()
    return index, found


def _reference_drops(batch: pa.RecordBatch, skill: Skill, *, required: bool) -> list[Drop | None]:
    if not skill.has_labels:
        return [check_references(found, required) for found in batch.column("references").to_pylist()]
    allowed = frozenset(skill.known_labels)
    return [check_label(label, allowed, required) for label in batch.column("label").to_pylist()]


def _mark_personal(drops: list[Drop | None], held: Flags) -> None:
    for at in np.flatnonzero(held).tolist():
        drops[at] = drops[at] or Drop("personal_data", "held what is marked in its text")


def _mark_foreign(drops: list[Drop | None], texts: list[str], languages: tuple[str, ...]) -> None:
    open_rows = [at for at, drop in enumerate(drops) if drop is None]
    for at, code in zip(open_rows, foreign([texts[at] for at in open_rows], languages), strict=True):
        if code is not None:
            drops[at] = Drop("language", f"looks like {code!r}; data.languages keeps {', '.join(languages)}")


def _find_repeats(index: RowIndex, drops: Drops, data: Data) -> dict[int, Finding]:
    """Return the rows that repeat another or contradict it; those held out stay, unless exact repeats are dropped."""
    learnt, found = ~index.held_out, dict[int, Finding]()

    def left(mask: Flags) -> Ints:
        return remaining(mask, [*drops, *found])

    if data.conflicting_labels != "keep":
        found |= by_row(duplicates.conflicts(left(learnt), index.keys, index.labels, data.conflicting_labels))
    if data.exact_duplicates != "keep":
        found |= by_row(duplicates.repeats(left(learnt), index.keys, index.answers))
    if data.exact_duplicates == "drop_in_test_too":
        for source in HELD_OUT:
            found |= by_row(duplicates.repeats(left(index.of_source(source)), index.keys, index.answers))
    if (threshold := data.near_duplicate_similarity) is not None:
        found |= by_row(duplicates.near(left(learnt), index.texts, index.answers, threshold, index.tools))
    return found


def _settle_ids(index: RowIndex, drops: Drops) -> dict[int, str]:
    """Return new ids of rows that stay with the id of a row before; a repeated id of the user's own drops its row."""
    renamed: dict[int, str] = {}
    for source in SOURCES:
        rows = remaining(index.of_source(source), drops)
        names = pl.from_arrow(index.ids.take(pa.array(rows)))
        again = pl.DataFrame({"row": rows, "id": names, "at": pl.int_range(len(rows), eager=True)})
        again = again.filter(pl.col("id").is_duplicated())
        again = again.with_columns(pl.col("at").rank("ordinal").over("id")).filter(pl.col("at") > 1)
        for row, name, number in again.iter_rows():
            if name == f"{index.keys[row]:016x}":  # made of the content, since there is no id column
                renamed[row] = f"{name}-{number}"
            else:
                drops[row] = Drop("duplicate_id", f"another row of this source has the id {name!r}")
    return renamed


def _write(paths: dict[str, Path], drops: Drops, renamed: dict[int, str], out: Path) -> tuple[dict[str, int], Examples]:
    """Write both tables; return the rows kept a source, and a dropped row of each source and reason."""
    kept, examples = {}, Examples()
    start = 0
    with TableWriter(out / "rows.parquet") as rows, TableWriter(out / "dropped.parquet", DROPPED_SCHEMA) as dropped:
        for source, path in paths.items():
            before = rows.rows
            for batch in batches(path):
                numbers = range(start, start + batch.num_rows)
                found = [drops.get(row) for row in numbers]
                rows.write(_with_ids(batch, renamed, start).filter(pa.array([drop is None for drop in found])))
                left_out = dropped_batch(batch, found)
                note_examples(examples.setdefault(source, {}), left_out)
                dropped.write(left_out)
                start += batch.num_rows
            kept[source] = rows.rows - before
    return kept, examples


def _with_ids(batch: pa.RecordBatch, renamed: dict[int, str], start: int) -> pa.RecordBatch:
    if not renamed:
        return batch
    names = [renamed.get(row, name) for row, name in enumerate(batch.column("id").to_pylist(), start)]
    return batch.set_column(0, batch.schema.field(0), pa.array(names, pa.string()))


def _check_kept(kept: dict[str, int], examples: Examples, index: RowIndex, drops: Drops) -> None:
    for source, count in kept.items():
        if not count:
            rows = np.flatnonzero(index.of_source(source)).tolist()
            reasons = Counter(drops[row].reason for row in rows)
            unknown = np.array([row for row in rows if drops[row].reason == "unknown_label"], np.int64)
            if len(unknown):
                examples[source]["unknown_label"] += f". Found: {index.label_counts(unknown)}"
            why = ":" + explain(reasons, examples.get(source, {}), source) if reasons else ", since it holds none."
            raise DataError(f"data.{source} keeps none of its {len(rows)} rows{why}")


def _labels(index: RowIndex, drops: Drops, skill: Skill, held_out: list[str]) -> tuple[str, ...]:
    """Return the label set: the recipe's in its order, else that of the kept rows, sorted; empty without labels."""
    if not skill.has_labels:
        return ()
    found = index.labels_of(remaining(np.ones(index.num_rows, bool), drops))
    if not found and not skill.known_labels:
        raise DataError("No labels: no row has one and skill.labels is empty. Name a label column or the labels.")
    classes = {"the labelled rows": found if not skill.known_labels or found else set(skill.known_labels)}
    for source in held_out:
        classes[f"data.{source}"] = index.labels_of(remaining(index.of_source(source), drops))
    for part, labels in classes.items():
        if len(labels) < 2:
            raise DataError(
                f"one class only: {part} hold just {', '.join(map(repr, labels))}. A classification needs rows of at "
                "least two labels."
            )
    return skill.known_labels or tuple(sorted(found))
