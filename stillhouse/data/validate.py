"""Drops the rows that no model should see, each with its reason, and keeps what was dropped."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from stillhouse.data import duplicates
from stillhouse.data.language import foreign
from stillhouse.data.parquet_io import TableWriter, batches, conversations, count_rows, dropped_batch
from stillhouse.data.pii import redact_rows
from stillhouse.data.row import DROPPED_SCHEMA, normalise
from stillhouse.data.row_checks import Drop, check_label, check_prompt, check_references
from stillhouse.data.text_similarity import Words, WordTable
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data
from stillhouse.skills.skill import Skill

VERSION = 1
_ORDER = ("examples", "train", "test")  # of two equal rows the earlier stays
_READ = ("id", "content_sha256", "messages", "references", "label", "source")


class _Survey:
    """What validate remembers of all rows while it decides: numbers, no texts."""

    def __init__(self) -> None:
        self.drops: dict[int, Drop] = {}
        self.label_names: dict[str, int] = {}
        self.words = Words()
        self._keys: list[np.ndarray[Any, Any]] = []
        self._labels: list[np.ndarray[Any, Any]] = []
        self._roles: list[np.ndarray[Any, Any]] = []
        self._ids: list[pa.Array] = []
        self.count = 0

    def add(self, batch: pa.RecordBatch, role: str, drops: list[Drop | None], texts: list[str]) -> None:
        names = batch.column("label").to_pylist()
        codes = [-1 if name is None else self.label_names.setdefault(name, len(self.label_names)) for name in names]
        self.drops.update({self.count + at: drop for at, drop in enumerate(drops) if drop is not None})
        self.words.add(texts)
        self._keys.append(duplicates.content_keys(batch.column("content_sha256").to_pylist()))
        self._labels.append(np.array(codes, dtype=np.int64))
        self._roles.append(np.full(batch.num_rows, _ORDER.index(role), dtype=np.int8))
        self._ids.append(batch.column("id"))
        self.count += batch.num_rows

    def seal(self) -> None:
        self.keys = np.concatenate(self._keys)
        self.labels = np.concatenate(self._labels)
        self.roles = np.concatenate(self._roles)
        self.ids = pa.chunked_array(self._ids)
        self.table: WordTable = self.words.seal()

    def alive(self, role_mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        mask = role_mask.copy()
        mask[np.fromiter(self.drops, np.int64, len(self.drops))] = False
        return np.flatnonzero(mask)


def validate(folders: dict[str, Path], data: Data, skill: Skill, out: Path) -> dict[str, Any]:
    """Write `out`/rows.parquet and `out`/dropped.parquet; return {"in", "kept", "dropped", "labels", "redacted"}.

    `folders` maps train, examples and test to what read wrote. Duplicates are sought among examples and train
    together, and within test; split seeks those of the test rows in the others. in = kept + dropped.

    Raises:
        DataError: a source keeps no row, a classification has no labels or one class only, or a language code is
            unknown.
    """
    out.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with TemporaryDirectory(dir=out) as scratch:
        paths, personal = _personal(folders, data, Path(scratch), counts)
        survey = _survey(paths, personal, data, skill)
        _drop_repeats(survey, data)
        kept = _write(paths, survey, out)
    dropped = Counter(drop.reason for drop in survey.drops.values())
    assert survey.count == sum(kept.values()) + sum(dropped.values()), "every row is kept or dropped"
    _check_kept(kept, folders, survey)
    labels = _check_labels(survey, skill, "test" in folders)
    return {
        "in": survey.count,
        "kept": kept,
        "dropped": dict(sorted(dropped.items())),
        "labels": labels,
        "redacted": dict(sorted(counts.items())),
    }


def _personal(
    folders: dict[str, Path], data: Data, scratch: Path, counts: Counter[str]
) -> tuple[dict[str, Path], dict[str, Any]]:
    """Return each role's rows, redacted unless personal data is allowed, and which of them held personal data."""
    paths = {role: folders[role] / "rows.parquet" for role in _ORDER if role in folders}
    if data.personal_data == "allow":
        return paths, {}
    # dropped rows are redacted too: their record must not hold what they were dropped for
    clean = {role: scratch / f"{role}.parquet" for role in paths}
    return clean, {role: redact_rows(paths[role], clean[role], counts) for role in paths}


def _survey(paths: dict[str, Path], personal: dict[str, Any], data: Data, skill: Skill) -> _Survey:
    survey = _Survey()
    for role, path in paths.items():
        start = 0
        for batch in batches(path, _READ):
            dialogues = list(conversations(batch))
            texts = ["\n".join([text for who, text in turns if who == "user"]) for turns in dialogues]
            reference_drops = _reference_drops(batch, skill, required=role != "train")
            drops = [
                check_prompt(turns, data.max_prompt_chars, is_dialogue=skill.is_dialogue) or of_reference
                for turns, of_reference in zip(dialogues, reference_drops, strict=True)
            ]
            if data.personal_data == "drop":
                _mark_personal(drops, personal[role][start : start + batch.num_rows])
            if data.languages:
                _mark_foreign(drops, texts, data.languages)
            survey.add(batch, role, drops, [normalise(text) for text in texts])
            start += batch.num_rows
    if not survey.count:
        raise DataError("No source holds a row. Give a source with at least one.")
    survey.seal()
    return survey


def _reference_drops(batch: pa.RecordBatch, skill: Skill, *, required: bool) -> list[Drop | None]:
    if not skill.has_labels:
        return [check_references(found, required) for found in batch.column("references").to_pylist()]
    allowed = frozenset(skill.known_labels)
    return [check_label(label, allowed, required) for label in batch.column("label").to_pylist()]


def _mark_personal(drops: list[Drop | None], held: Any) -> None:
    for at in np.flatnonzero(held).tolist():
        drops[at] = drops[at] or Drop("personal_data", "held what is marked in its text")


def _mark_foreign(drops: list[Drop | None], texts: list[str], languages: tuple[str, ...]) -> None:
    open_rows = [at for at, drop in enumerate(drops) if drop is None]
    for at, code in zip(open_rows, foreign([texts[at] for at in open_rows], languages), strict=True):
        if code is not None:
            drops[at] = Drop("language", f"looks like {code!r}; data.languages keeps {', '.join(languages)}")


def _drop_repeats(survey: _Survey, data: Data) -> None:
    test = survey.roles == _ORDER.index("test")
    for scope in (~test, test):
        _take(survey, duplicates.exact(survey.alive(scope), survey.keys, survey.labels, data.conflicting_labels))
        if data.near_duplicate_threshold < 1.0:
            threshold, mode = data.near_duplicate_threshold, data.conflicting_labels
            _take(survey, duplicates.near(survey.alive(scope), survey.table, survey.labels, threshold, mode))
    for role in range(len(_ORDER)):
        rows = survey.alive(survey.roles == role)
        ids = survey.ids.take(pa.array(rows)).to_pylist()
        first: dict[str, int] = {}
        for row, name in zip(rows.tolist(), ids, strict=True):
            if first.setdefault(name, row) != row:
                survey.drops[row] = Drop("duplicate_id", f"another row of this source has the id {name!r}")


def _take(survey: _Survey, findings: Iterator[duplicates.Finding]) -> None:
    for found in findings:
        of = "the same text has several labels" if found.of < 0 else f"of row {survey.ids[found.of].as_py()!r}"
        survey.drops[found.row] = Drop(found.reason, of)


def _write(paths: dict[str, Path], survey: _Survey, out: Path) -> dict[str, int]:
    kept = {}
    row = 0
    with TableWriter(out / "rows.parquet") as rows, TableWriter(out / "dropped.parquet", DROPPED_SCHEMA) as lost:
        for role, path in paths.items():
            before = rows.rows
            for batch in batches(path):
                drops = [survey.drops.get(at) for at in range(row, row + batch.num_rows)]
                mask = np.fromiter((drop is None for drop in drops), bool, len(drops))
                rows.write(batch.filter(pa.array(mask)))
                gone = [drop for drop in drops if drop is not None]
                if gone:
                    reasons, details = [drop.reason for drop in gone], [drop.detail for drop in gone]
                    lost.write(dropped_batch(batch.filter(pa.array(~mask)), reasons, details))
                row += batch.num_rows
            kept[role] = rows.rows - before
    return kept


def _check_kept(kept: dict[str, int], folders: dict[str, Path], survey: _Survey) -> None:
    for role, count in kept.items():
        if not count:
            rows = np.flatnonzero(survey.roles == _ORDER.index(role)).tolist()
            reasons = Counter(survey.drops[row].reason for row in rows).most_common()
            why = ", ".join(f"{reason}: {number}" for reason, number in reasons) or "it held none"
            total = count_rows(folders[role] / "rows.parquet")
            raise DataError(f"data.{role} keeps none of its {total} rows ({why}). Correct them or loosen that rule.")


def _check_labels(survey: _Survey, skill: Skill, has_test: bool) -> list[str]:
    """Return the label set: the recipe's in its order, else that of the kept rows, sorted; empty without labels."""
    if not skill.has_labels:
        return []
    names = list(survey.label_names)
    kept = survey.alive(np.ones(survey.count, bool))
    found = _classes(survey, kept, names)
    if not found and not skill.known_labels:
        raise DataError("No labels: no row has one and skill.labels is empty. Name a label column or the labels.")
    parts = {"the labelled rows": found if not skill.known_labels or found else set(skill.known_labels)}
    if has_test:
        parts["data.test"] = _classes(survey, kept[survey.roles[kept] == _ORDER.index("test")], names)
    for part, classes in parts.items():
        if len(classes) < 2:
            raise DataError(
                f"one class only: {part} hold just {', '.join(map(repr, classes))}. A classification needs rows of at "
                "least two labels."
            )
    return list(skill.known_labels) or sorted(found)


def _classes(survey: _Survey, rows: np.ndarray[Any, Any], names: list[str]) -> set[str]:
    return {names[code] for code in np.unique(survey.labels[rows]).tolist() if code >= 0}
