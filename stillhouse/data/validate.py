"""Drops the rows that no model should see, each with its reason, and keeps what was dropped."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from stillhouse.data import duplicates
from stillhouse.data.labels import check_forms, check_overlap, count_labels, one_sided
from stillhouse.data.language import foreign
from stillhouse.data.parquet_io import TableWriter, batches, conversations, count_rows, dropped_batch
from stillhouse.data.pii import redact_rows
from stillhouse.data.row import DROPPED_SCHEMA
from stillhouse.data.row_checks import Drop, check_label, check_prompt, check_references
from stillhouse.data.row_index import INDEXED, SOURCES, Flags, RowIndex, remaining
from stillhouse.data.summaries import ValidateSummary
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data
from stillhouse.skills.skill import Skill

Drops = dict[int, Drop]  # by the row's number over all sources


def validate(folders: dict[str, Path], data: Data, skill: Skill, out: Path) -> ValidateSummary:
    """Write `out`/rows.parquet and `out`/dropped.parquet, and return the counts and the labels.

    `folders` maps train, examples and test to what read wrote. Duplicates are sought among examples and train
    together, and within test; split seeks those of the test rows in the others.

    Raises:
        DataError: a source keeps no row, a classification has no labels, one class only or labels that differ in their
            form alone, or a language code is unknown.
    """
    out.mkdir(parents=True, exist_ok=True)
    redacted: Counter[str] = Counter()
    with TemporaryDirectory(dir=out) as scratch:
        paths, personal = _personal(folders, data, Path(scratch), redacted)
        index, drops = _check_rows(paths, personal, data, skill)
        by_source = count_labels(index) if skill.has_labels else {}
        check_forms(by_source, skill.known_labels)
        check_overlap(by_source, skill.known_labels)
        _drop_repeats(index, drops, data)
        kept = _write(paths, drops, out)
    dropped = Counter(drop.reason for drop in drops.values())
    assert index.num_rows == sum(kept.values()) + sum(dropped.values()), "every row is kept or dropped"
    _check_kept(kept, folders, index, drops)
    return ValidateSummary(
        num_in=index.num_rows,
        kept=kept,
        dropped=dict(sorted(dropped.items())),
        labels=_labels(index, drops, skill, has_test="test" in folders),
        redacted=dict(sorted(redacted.items())),
        one_sided=one_sided(by_source),
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


def _check_rows(paths: dict[str, Path], personal: dict[str, Flags], data: Data, skill: Skill) -> tuple[RowIndex, Drops]:
    """Return the index of all rows, and the drops of those that a look at the row alone decides."""
    index, found = RowIndex(), Drops()
    for source, path in paths.items():
        start = index.num_rows
        for batch in batches(path, INDEXED):
            dialogues = list(conversations(batch))
            texts = ["\n".join([text for who, text in turns if who == "user"]) for turns in dialogues]
            reference_drops = _reference_drops(batch, skill, required=source != "train")
            drops = [
                check_prompt(turns, data.max_prompt_chars, is_dialogue=skill.is_dialogue) or of_reference
                for turns, of_reference in zip(dialogues, reference_drops, strict=True)
            ]
            first = index.num_rows
            if data.personal_data == "drop":
                _mark_personal(drops, personal[source][first - start : first - start + batch.num_rows])
            if data.languages:
                _mark_foreign(drops, texts, data.languages)
            found.update({first + at: drop for at, drop in enumerate(drops) if drop is not None})
            index.add(batch, texts)
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


def _drop_repeats(index: RowIndex, drops: Drops, data: Data) -> None:
    test, mode = index.of_source("test"), data.conflicting_labels
    for scope in (~test, test):
        _add(drops, index, duplicates.exact(remaining(scope, drops), index.keys[:, 0], index.labels, mode))
        if (threshold := data.near_duplicate_threshold) < 1.0:
            _add(drops, index, duplicates.near(remaining(scope, drops), index.words, index.labels, threshold, mode))
    for source in SOURCES:
        rows = remaining(index.of_source(source), drops)
        first: dict[str, int] = {}
        for row, name in zip(rows.tolist(), index.ids.take(pa.array(rows)).to_pylist(), strict=True):
            if first.setdefault(name, row) != row:
                drops[row] = Drop("duplicate_id", f"another row of this source has the id {name!r}")


def _add(drops: Drops, index: RowIndex, findings: Iterator[duplicates.Finding]) -> None:
    for found in findings:
        of = "the same text has several labels" if found.of < 0 else f"of row {index.ids[found.of].as_py()!r}"
        drops[found.row] = Drop(found.reason, of)


def _write(paths: dict[str, Path], drops: Drops, out: Path) -> dict[str, int]:
    kept = {}
    start = 0
    with TableWriter(out / "rows.parquet") as rows, TableWriter(out / "dropped.parquet", DROPPED_SCHEMA) as dropped:
        for source, path in paths.items():
            before = rows.rows
            for batch in batches(path):
                found = [drops.get(row) for row in range(start, start + batch.num_rows)]
                rows.write(batch.filter(pa.array([drop is None for drop in found])))
                dropped.write(dropped_batch(batch, found))
                start += batch.num_rows
            kept[source] = rows.rows - before
    return kept


def _check_kept(kept: dict[str, int], folders: dict[str, Path], index: RowIndex, drops: Drops) -> None:
    for source, count in kept.items():
        if not count:
            rows = np.flatnonzero(index.of_source(source)).tolist()
            reasons = Counter(drops[row].reason for row in rows).most_common()
            why = ", ".join(f"{reason}: {number}" for reason, number in reasons) or "it held none"
            total = count_rows(folders[source] / "rows.parquet")
            raise DataError(f"data.{source} keeps none of its {total} rows ({why}). Correct them or loosen that rule.")


def _labels(index: RowIndex, drops: Drops, skill: Skill, *, has_test: bool) -> tuple[str, ...]:
    """Return the label set: the recipe's in its order, else that of the kept rows, sorted; empty without labels."""
    if not skill.has_labels:
        return ()
    found = index.labels_of(remaining(np.ones(index.num_rows, bool), drops))
    if not found and not skill.known_labels:
        raise DataError("No labels: no row has one and skill.labels is empty. Name a label column or the labels.")
    classes = {"the labelled rows": found if not skill.known_labels or found else set(skill.known_labels)}
    if has_test:
        classes["data.test"] = index.labels_of(remaining(index.of_source("test"), drops))
    for part, labels in classes.items():
        if len(labels) < 2:
            raise DataError(
                f"one class only: {part} hold just {', '.join(map(repr, labels))}. A classification needs rows of at "
                "least two labels."
            )
    return skill.known_labels or tuple(sorted(found))
