"""Compares the labels of the sources: a label must have one form everywhere, and be learnt where it is measured.

A student that learns `1.0` is never right about `1`, and nobody would see why.
"""

import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

import numpy as np

from stillhouse.data.label_names import listed
from stillhouse.data.row_index import HELD_OUT, SOURCES, RowIndex
from stillhouse.errors import DataError

logger = logging.getLogger(__name__)

_JOINED = re.compile(r"(?<=[^\W\d_])\s?[-_]\s?(?=[^\W\d_])")  # card_arrival, card-arrival; signs of numbers stay


def count_labels(index: RowIndex) -> dict[str, dict[str, int]]:
    """Return the rows of each label, by source, before any row is dropped."""
    counts: dict[str, dict[str, int]] = {}
    names = [name for name in index.label_names if name is not None]
    for source in SOURCES:
        codes, rows = np.unique(index.labels[index.of_source(source) & (index.labels >= 0)], return_counts=True)
        if len(codes):
            counts[source] = {names[code]: count for code, count in zip(codes.tolist(), rows.tolist(), strict=True)}
    return counts


def check_forms(counts: Mapping[str, Mapping[str, int]], named: Iterable[str]) -> None:
    """Refuse labels that differ in their form alone: case, white space, `a_b` and `a-b`, `1` and `1.0`, Unicode
    forms, width.

    Args:
        counts: rows by label, by source.
        named: the labels of the recipe. Forms that it names all are labels of their own.

    Raises:
        DataError: the message has the forms, where they are, and what to write.
    """
    known = set(named)
    forms: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for label in known:
        forms[_form(label)][label].append("skill.labels")
    for source, labels in counts.items():
        for label, rows in labels.items():
            forms[_form(label)][label].append(f"data.{source}: {rows} rows")
    mixed = [found for found in forms.values() if len(found) > 1 and not known.issuperset(found)]
    if not mixed:
        return
    shown = "; ".join(
        " and ".join(f"{label!r} ({', '.join(places)})" for label, places in found.items()) for found in mixed[:3]
    )
    more = f" and {len(mixed) - 3} more" if len(mixed) > 3 else ""
    every = ", ".join(repr(label) for label in mixed[0])
    raise DataError(
        f"Labels differ in their form alone: {shown}{more}. A student that learns one form is wrong by the other. "
        f"Write one form in all files{_hint(mixed[0])}; if they are different labels, name all of them in skill.labels "
        f"({every})."
    )


def find_mixed(labels: Iterable[str]) -> list[list[str]]:
    """Return the groups of labels that differ in their form alone."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        groups[_form(label)].append(label)
    return [group for group in groups.values() if len(group) > 1]


def _form(label: str) -> str:
    """Return what a person reads: without case, width, gaps, what joins words, and how a number is written."""
    text = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
    text = _JOINED.sub(" ", text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return unicodedata.normalize("NFKC", text)
    return f"{number.normalize():f}" if number.is_finite() and abs(number.adjusted()) < 30 else text


def _hint(forms: Iterable[str]) -> str:
    """Return how such numbers come about, if they are numbers."""
    has_float = any(label.strip().endswith(".0") for label in forms)
    return " (pandas writes 1.0 where a column has gaps: column.astype('Int64'))" if has_float else ""


def check_overlap(counts: Mapping[str, Mapping[str, int]], named: Iterable[str]) -> None:
    """Refuse labels of test or validation rows of which no labelled row to learn from has one, unless the recipe names
    the labels.

    Raises:
        DataError: the message has labels of both sides.
    """
    sides = {} if any(named) else _sides(counts)
    for source in HELD_OUT:
        if source in sides and set(sides[source]) == set(counts[source]):
            raise DataError(
                f"No label of data.{source} is one of the other rows': data.{source} has {listed(sides[source])}, the "
                f"others have {listed(sorted(_learnt(counts)))}. Write the same labels in all files, or name them all "
                "in skill.labels."
            )


def one_sided(counts: Mapping[str, Mapping[str, int]], named: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
    """Return labels by who alone has them: the rows of `test` or of `validation` before those that are learnt from,
    the latter before the test rows (`train`), or the recipe (`recipe`).

    Without labelled rows on both sides their labels are not compared.
    """
    held = set().union(*counts.values())
    unused = {"recipe": tuple(label for label in named if label not in held)} if held else {}
    return _sides(counts) | {side: labels for side, labels in unused.items() if labels}


def _sides(counts: Mapping[str, Mapping[str, int]]) -> dict[str, tuple[str, ...]]:
    learnt = _learnt(counts)
    if not learnt:
        return {}
    sides = {source: set(counts[source]) - learnt for source in HELD_OUT if source in counts}
    if "test" in counts:
        sides["train"] = learnt - set(counts["test"])
    return {side: tuple(sorted(labels)) for side, labels in sides.items() if labels}


def _learnt(counts: Mapping[str, Mapping[str, int]]) -> set[str]:
    return set().union(*(labels for source, labels in counts.items() if source not in HELD_OUT))


def log_one_sided(sides: Mapping[str, tuple[str, ...]]) -> None:
    """Write a line to the log for each side that has labels of its own."""
    lines = {
        "test": "data.test has labels that no labelled row of the other sources has, so that they may never be learnt",
        "validation": "data.validation has labels that no labelled row to learn from has, so that they may never be "
        "learnt",
        "train": "labelled rows have labels that data.test has not, so that they are not measured",
        "recipe": "skill.labels names labels that no labelled row has",
    }
    for side, labels in sides.items():
        logger.warning("%s: %s", lines[side], listed(labels))
