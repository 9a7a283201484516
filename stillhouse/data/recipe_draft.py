"""Drafts a commented recipe for a user's own data, after a look at its columns.

Each line says what it does and what else it could say. No content of a row enters the recipe, except for the names of
the labels.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import yaml

from stillhouse.data.column_inference import infer_columns
from stillhouse.data.formats import form_of, records
from stillhouse.data.sources import resolve
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Source
from stillhouse.url_credentials import RULE, has_password, hide_passwords

_LOOK_ROWS = 200  # the columns are inferred from so many
_LABEL_ROWS = 20_000  # the label set is gathered from so many: files are often sorted by label
_PLAIN = re.compile(r"[A-Za-z_./][\w ./-]*(?<! )")


@dataclass(frozen=True)
class _SourceSummary:
    """What one source holds."""

    path: str
    columns: dict[str, str]  # field -> column
    others: tuple[str, ...]
    labels: tuple[str, ...]
    is_whole: bool  # all rows were read, so these are all labels


def draft_recipe(data: str, labelled: str, test: str, storage_options: dict[str, Any] | None, beside: Path) -> str:
    """Return a YAML recipe for these sources that loads as it is; `labelled` and `test` may be empty.

    Args:
        data: prompts: file, folder, glob or URL.
        labelled: labelled rows, if they are kept apart.
        test: labelled test rows, if they are kept apart.
        storage_options: fsspec options for s3:// sources.
        beside: the folder of the recipe; local paths are written relative to it.

    Raises:
        DataError: a source can't be read, holds no record, or has no column that looks like a prompt.
    """
    train = _look(data, storage_options, beside, label_by_look=not labelled)
    examples = _look(labelled, storage_options, beside) if labelled else None
    test_rows = _look(test, storage_options, beside) if test else None
    looks = [look for look in (examples, test_rows, train) if look is not None]
    parts = (
        ("train", train, "the prompts the teacher completes"),
        ("examples", examples, "labelled rows: examples for the teacher, training rows for the student"),
        ("test", test_rows, "labelled rows every model is measured on; none trains on them"),
    )
    sources = [line for role, look, what in parts if look for line in _source(role, look, what)]
    sources += [] if test_rows else _held_out(train)
    return _TEMPLATE.format(
        name=_slug(data),
        labels="\n".join(_labels(looks)),
        sources="\n".join(sources),
        shown=8 if examples else 0,
        shown_note="labelled examples in each prompt" if examples else "examples need data.examples; then 8 is a start",
    )


def _look(path: str, options: dict[str, Any] | None, beside: Path, *, label_by_look: bool = True) -> _SourceSummary:
    if has_password(path):
        raise DataError(f"{hide_passwords(path)} is refused: {RULE}.")
    rows = _rows(path, options)
    first = list(islice(rows, _LOOK_ROWS))
    if not first:
        raise DataError(f"{path} holds no readable record. Give JSON objects a line, CSV with a header, or Parquet.")
    columns = infer_columns(first, label_by_look=label_by_look)
    names = list(dict.fromkeys(name for record in first for name in record))
    if not columns:
        raise DataError(
            f"{path} has no column that looks like a prompt; its columns are {', '.join(map(repr, names))}. Give a "
            "column of texts, best called `text`, or one called `messages` with lists of {role, content} turns."
        )
    used = set(columns.values())
    gathered = [*first, *islice(rows, _LABEL_ROWS)] if "label" in columns else []
    return _SourceSummary(
        path=_relative(path, beside),
        columns=columns,
        others=tuple(name for name in names if name not in used),
        labels=_distinct(gathered, columns.get("label")),
        is_whole=next(rows, None) is None,
    )


def _rows(path: str, options: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    # any column will do: which files a source has does not depend on it
    source = Source(path=path, columns=Columns(text="text"))
    for file in resolve(source, options):
        for _, _, value in records(file, form_of(file, options), options):
            if isinstance(value, dict):
                yield value


def _distinct(rows: Sequence[dict[str, Any]], column: str | None) -> tuple[str, ...]:
    values = (row.get(column) for row in rows) if column else ()
    texts = (v.strip() if isinstance(v, str) else orjson.dumps(v).decode() for v in values if isinstance(v, str | int))
    return tuple(sorted({text for text in texts if text}))


def _relative(path: str, beside: Path) -> str:
    return path if "://" in path or path.startswith("~") else os.path.relpath(Path(path).absolute(), beside.absolute())


def _source(role: str, look: _SourceSummary, what: str) -> list[str]:
    notes = {
        "text": "the message; becomes one user turn",
        "messages": "a list of {role, content} turns",
        "id": "a row's own id; without this line the content's hash is the id",
        "label": "the right label",
        "reference": "a right answer; for a classification name a `label` column instead",
    }
    others = ", ".join(map(yaml_scalar, look.others)) or "none"
    return [
        f"  {role}: # {what}",
        f"    path: {yaml_scalar(look.path)} # a file, folder, glob or list; s3:// and hf:// work too",
        f"    columns: # guessed; the other columns: {others}",
        *(f"      {field}: {yaml_scalar(column)} # {notes[field]}" for field, column in look.columns.items()),
        "    licence: unknown # for the cards",
    ]


def _held_out(train: _SourceSummary) -> list[str]:
    if "label" in train.columns or "reference" in train.columns:
        return ["  test_fraction: 0.2 # held out of train, since no test rows were given; or add a part `test`"]
    return [
        "  # REQUIRED: train has no labels, so nothing can be measured. Add labelled rows as a part `test`, like",
        "  # `train` and with `label` among its columns.",
    ]


def _labels(looks: Sequence[_SourceSummary]) -> list[str]:
    known = [look for look in looks if look.labels]
    labels = sorted({label for look in known for label in look.labels})
    if len(labels) < 2:
        return [
            "  labels: [] # no label column was found: list the labels, or name the column below; empty takes the rows'"
        ]
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


_TEMPLATE = """\
# A recipe of Stillhouse. Lines that say SET need your choice; all else runs as it is.
# All fields, bounds and defaults: stillhouse recipe schema
name: {name} # run folders go by it: a-z, 0-9 and dashes

skill: # what the student must learn: one label out of a fixed set for each message
  kind: classification
{labels}
  # {{labels}} is replaced by the list; teacher and zero-shot baseline see this, the student sees the bare message
  instruction: "Classify the message. Answer with exactly one of these labels: {{labels}}."

data:
{sources}
  validation_fraction: 0.1 # share of train that training is watched on
  max_prompt_chars: 8000 # longer prompts are dropped and counted
  near_duplicate_similarity: 0.8 # from which a training row counts as nearly another; null = off
  personal_data: allow # or redact, or drop: e-mails, phones, cards, IBANs
  # languages: [en] # keep these only
  # balance: {{by: label, method: cap, cap: 500}} # by: none, label, source, length, cluster

teachers:
  - model: ./SET-THIS/teacher # SET: a folder with safetensors, a .gguf file, or a hub name as owner/name
    # endpoint: {{provider: deepseek}} # asks `model` over an API instead; its key is in DEEPSEEK_API_KEY, never here
    # price: {{input_usd_per_mtok: 0.14, output_usd_per_mtok: 0.28}} # your contract; list prices of APIs are known
    licence: unknown # of the model; for the cards
    dtype: bfloat16 # or float16, float32, auto
    prompt:
      examples: {shown} # {shown_note}
      selection: nearest # or nearest_per_label, fixed_per_label (examples then counts each label's)
      layout: turns # or list; text suits small and base models best
    calibration: none # batch removes a small model's preference for some labels
    sampling:
      max_tokens: 16 # room for the longest label
      temperature: 0.0 # several answers to vote on: temperature 0.7 and n 5

filters: # which answers the student trains on; the schema has all rules and their switches
  # min_probability: 0.5 # drop labels the teacher is less sure of; for free answers it is min_mean_logprob: -0.7
  min_success_ratio: 0.5 # the run stops if fewer prompts keep an answer

student:
  model: ./SET-THIS/student # SET: a small causal model, as above; the teacher itself with `layers` below works too
  layers: 0 # keep so many evenly spaced layers; 0 keeps all
  chat_template: model # minimal: no default system prompt in every request
  licence: unknown

training:
  method: full # or lora
  epochs: 3
  learning_rate: 5.0e-4 # about 5.0e-5 for models above 500M parameters
  batch_size: 8
  precision: float32 # bfloat16 halves memory if the machine supports it

evaluation:
  max_tokens: 16
  # metrics: [accuracy, macro_f1] # the first is the one compared

gate: # rules over report.json a student must pass
  rules:
    - {{metric: comparison.quality_retained, op: ">=", bound: 0.92}}
    - {{metric: comparison.gain_over_baseline.low, op: ">", bound: 0.0}}

# costs: {{training_usd_per_hour: 1.2, evaluation_usd_per_hour: 1.2, serving_usd_per_hour: 0.4}} # for the ledger
# budget: {{usd: 20}} # a run ends before its teacher costs more; `stillhouse plan` says what it will cost
"""
