"""Drafts a commented recipe for a user's own data, after a look at its columns.

Each line says what it does and what else it could say. No content of a row enters the recipe, except for the names of
the labels.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from stillhouse.data.labels import find_mixed
from stillhouse.data.model_drafts import (
    UNNAMED_STUDENT,
    UNNAMED_TEACHER,
    StudentDraft,
    TeacherDraft,
    model_fields,
)
from stillhouse.data.recipe_template import RECIPE
from stillhouse.data.skill_drafts import DRAFTS
from stillhouse.data.source_look import SourceLook, look_at
from stillhouse.skills.registry import SKILLS

_PLAIN = re.compile(r"[A-Za-z_./][\w ./-]*(?<! )")
_NOTES = {
    "text": "the message; becomes one user turn",
    "messages": "a list of turns",
    "system": "the system prompt, before the other turns",
    "tools": "the tools that the assistant may call",
    "id": "a row's own id; without this line the content's hash is the id",
    "label": "the right label",
    "reference": "a right answer; for a classification name a `label` column instead",
    "context": "the passage that `text` asks about",
    "premise": "the text that is given",
    "hypothesis": "the text that may follow from it",
}
_ROLES = {
    "train": "the prompts the teacher completes",
    "examples": "labelled rows: examples for the teacher, training rows for the student",
    "test": "labelled rows every model is measured on; none trains on them",
}

_OF_A_PASSAGE = "questions about one passage stay in one split, and intervals are over passages"


def draft_recipe(
    data: str,
    labelled: str,
    test: str,
    storage_options: dict[str, Any] | None,
    beside: Path,
    *,
    teacher: TeacherDraft = UNNAMED_TEACHER,
    student: StudentDraft = UNNAMED_STUDENT,
) -> str:
    """Return a YAML recipe for these sources; `labelled` and `test` may be empty.

    It loads as it is, unless the terms of the teacher's owner forbid to learn from it: the user has to accept them.

    Args:
        data: prompts: file, folder, glob or URL.
        labelled: labelled rows, if they are kept apart.
        test: labelled test rows, if they are kept apart.
        storage_options: fsspec options for s3:// sources.
        beside: the folder of the recipe; local paths are written relative to it.
        teacher: the teacher, if it is one of those that are known by name.
        student: likewise.

    Raises:
        DataError: a source can't be read, holds no record, or has no column that looks like a prompt.
    """
    paths = {"train": data, "examples": labelled, "test": test}
    looks = {
        role: look_at(path, storage_options, label_by_look=role != "train" or not labelled)
        for role, path in paths.items()
        if path
    }
    # the first is that of rows with answers, which say most
    by_answers = [looks[role] for role in ("examples", "test", "train") if role in looks]
    kind = by_answers[0].kind
    sources = [
        line for role, look in looks.items() for line in _source(role, _relative(paths[role], beside), look, kind)
    ]
    return RECIPE.format(
        name=_slug(data),
        sources="\n".join(sources + ([] if test else _held_out(looks["train"]))),
        **_skill_fields(kind, by_answers),
        **_example_fields(kind, has_examples=bool(labelled)),
        **model_fields(teacher, student),
    )


def _skill_fields(kind: str, looks: Sequence[SourceLook]) -> dict[str, Any]:
    """Return what the template says of the skill, by the template's names."""
    draft, skill = DRAFTS[kind], SKILLS[kind]
    unanswered = any(look.has_unanswered for look in looks)
    return {
        "about": draft.about,
        "kind": kind,
        "other_kinds": ", ".join(name for name in SKILLS if name != kind),
        "fields": ((unanswered and draft.fields_unanswered) or draft.fields).rstrip(),
        "labels": "\n".join(_labels(looks)) + "\n" if skill.has_labels else "",
        "max_tokens": draft.max_tokens,
        "answer": draft.answer,
        "confidence": draft.confidence,
        "balance": "label" if skill.has_labels else "length",
        "batch_size": draft.batch_size,
        "metrics": ", ".join(skill.metric_names()),
        "quality": draft.quality,
    }


def _example_fields(kind: str, *, has_examples: bool) -> dict[str, Any]:
    """Return what the template says of the examples in a teacher's prompt, by the template's names."""
    plain = {"selection": "nearest # the most similar ones", "calibration": ""}
    of_labels = {
        "selection": "nearest # or nearest_per_label, fixed_per_label (examples then counts each label's)",
        "calibration": "    calibration: none # batch removes a small model's preference for some labels\n",
    }
    note = "labelled examples in each prompt" if has_examples else "examples need data.examples; then 8 is a start"
    shown = {"shown": 8 if has_examples else 0, "shown_note": note}
    return shown | (of_labels if SKILLS[kind].has_labels else plain)


def _source(role: str, path: str, look: SourceLook, kind: str) -> list[str]:
    columns = look.columns_for(kind)
    others = ", ".join(map(yaml_scalar, look.others)) or "none"
    read_as = (
        f"    # read as: {'; '.join(look.forms)}; the fields encoding and delimiter change it" if look.forms else ""
    )
    return [
        f"  {role}: # {_ROLES[role]}",
        f"    path: {yaml_scalar(path)} # a file, folder, glob or list; s3:// and hf:// work too",
        *([read_as] if read_as else []),
        f"    columns: # guessed; the other columns: {others}",
        *(f"      {field}: {_column(columns[field])} # {note}" for field, note in _NOTES.items() if field in columns),
        *([f"      group: {_column(columns['context'])} # {_OF_A_PASSAGE}"] if "context" in columns else []),
        "    licence: unknown # for the cards",
    ]


def _column(column: str | tuple[str, ...]) -> str:
    return yaml_scalar(column) if isinstance(column, str) else f"[{', '.join(map(yaml_scalar, column))}]"


def _relative(path: str, beside: Path) -> str:
    return path if "://" in path or path.startswith("~") else os.path.relpath(Path(path).absolute(), beside.absolute())


def _held_out(train: SourceLook) -> list[str]:
    if train.kind == "conversation" or "label" in train.columns or "reference" in train.columns:
        return ["  test_fraction: 0.2 # held out of train, since no test rows were given; or add a part `test`"]
    return [
        "  # REQUIRED: train has no labels, so nothing can be measured. Add labelled rows as a part `test`, like",
        "  # `train` and with `label` among its columns.",
    ]


def _labels(looks: Sequence[SourceLook]) -> list[str]:
    known = [look for look in looks if look.labels]
    labels = sorted({label for look in known for label in look.labels})
    if len(labels) < 2:
        return [
            "  labels: [] # no label column was found: list the labels, or name the column below; empty takes the rows'"
        ]
    if mixed := find_mixed(labels):
        forms = " and ".join(map(yaml_scalar, mixed[0]))
        return [f"  labels: [] # SET: the rows have {forms}: write one form, or list all labels if these are different"]
    complete = (
        "all that the rows hold" if all(look.is_whole for look in known) else "of the first rows; add missing ones"
    )
    return [
        f"  labels: # {complete}; [] takes them from the labelled rows",
        *(f"    - {yaml_scalar(v)}" for v in labels),
    ]


def _slug(path: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", re.split(r"[/\\]", path.rstrip("/"))[-1].split(".")[0].casefold()).strip("-")
    return stem or "my-recipe"


def yaml_scalar(value: str) -> str:
    """Return `value` as YAML that reads back as this very text, on one line and within brackets too."""
    if _PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
        return value
    # a list of one, since a bare scalar would be followed by an end-of-document mark
    listed: str = yaml.safe_dump(
        [value], default_style='"', default_flow_style=True, allow_unicode=True, width=2**31
    ).strip()
    return listed[1:-1]
