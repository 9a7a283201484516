import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhouse.completions.table import ANSWER_SCHEMA, MIXED_SCHEMA
from stillhouse.data.row import ROW_SCHEMA, content_sha256
from stillhouse.dataset.build import DatasetSpec, write_dataset
from stillhouse.errors import QualityError
from stillhouse.filters.combine import Mixing
from stillhouse.filters.settings import Filters
from stillhouse.skills.classification import Classification

LABELS = ("car", "pet")
SKILL = Classification(labels=LABELS)


def row(name: str, reference: str | None = None) -> dict:
    messages = [{"role": "user", "content": f"message {name}"}]
    return {
        "id": name,
        "content_sha256": content_sha256(messages),
        "messages": messages,
        "references": [reference] if reference else [],
        "label": reference,
        "source": "train",
        "meta": "{}",
    }


def answer(row_id: str, text: str, scores: list[float] | None = None, **fields) -> dict:
    plain = {
        "row_id": row_id,
        "sample_index": 0,
        "key": f"key {row_id}",
        "text": text,
        "finish_reason": "stop",
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "cumulative_logprob": -0.2,
        "label_scores": scores,
        "teacher": "t",
    }
    return plain | fields


def build(folder: Path, *, train=(), validation=(), examples=(), answers=(), **options):
    tables = {"train": train, "validation": validation, "examples": examples}
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(list(rows), schema=ROW_SCHEMA), folder / f"{name}.parquet")
    is_mixed = any("teacher_number" in line for line in answers)
    schema = MIXED_SCHEMA if is_mixed else ANSWER_SCHEMA
    pq.write_table(pa.Table.from_pylist(list(answers), schema=schema), folder / "answers.parquet")
    out = folder / "out"
    out.mkdir()
    defaults = {"filters": Filters(), "calibrations": ("none",), "use_references": True}
    spec = DatasetSpec(skill=SKILL, labels=LABELS, **defaults | options)
    summary = write_dataset(
        spec, train=folder / "train.parquet", split=folder, answers=folder / "answers.parquet", out=out
    )
    lines = {path.stem: [json.loads(line) for line in path.open()] for path in out.glob("*.jsonl")}
    taught = {
        name: {line["id"]: line["completion"][0]["content"] for line in lines[name]}
        for name in ("train", "validation", "labelled")
    }
    return summary, taught, lines


def test_write_dataset_teaches_the_teachers_answers_on_the_bare_message(tmp_path):
    _, taught, lines = build(tmp_path, train=[row("a")], answers=[answer("a", " Car. ")])
    assert taught["train"] == {"a": "car"}
    assert lines["train"][0]["prompt"] == [{"role": "user", "content": "message a"}]


def test_write_dataset_references_are_used_unasked(tmp_path):
    summary, taught, _ = build(
        tmp_path,
        train=[row("a"), row("b", "pet")],
        validation=[row("v", "car")],
        examples=[row("e", "pet")],
        answers=[answer("a", "car")],
    )
    assert taught["train"] == {"a": "car", "b": "pet", "e": "pet"}
    assert taught["validation"] == {"v": "car"}
    assert taught["labelled"] == {"e": "pet"}
    assert summary["rows"] == {"train": 3, "validation": 1, "labelled": 1}
    assert (summary["in"], summary["kept"]) == (1, 1)


def test_write_dataset_without_references_the_teacher_answers_all(tmp_path):
    _, taught, _ = build(
        tmp_path,
        train=[row("a"), row("b", "pet")],
        examples=[row("e", "pet")],
        answers=[answer("a", "car"), answer("b", "pet")],
        use_references=False,
    )
    assert taught["train"] == {"a": "car", "b": "pet"}
    assert taught["labelled"] == {"e": "pet"}


@pytest.mark.peers("join")
def test_write_dataset_joins_answers_by_row_and_not_by_place(tmp_path):
    said = {"a": "car", "b": "pet", "c": "pet", "v": "car"}
    _, taught, _ = build(
        tmp_path,
        train=[row("c"), row("a"), row("a"), row("b")],  # one of them taken twice, as balancing may
        validation=[row("v")],
        answers=[answer(name, said[name]) for name in ("v", "b", "a", "c")],
    )
    assert taught["train"] | taught["validation"] == said


@pytest.mark.peers("bad row")
def test_write_dataset_in_is_kept_and_dropped(tmp_path):
    summary, taught, lines = build(
        tmp_path,
        train=[row(name) for name in "abcd"],
        validation=[row("v"), row("w")],
        answers=[
            answer("a", "car"),
            answer("b", "no idea"),
            answer("c", "pet", finish_reason="length"),
            # d was never answered
            answer("v", "pet"),
            answer("w", ""),
        ],
        filters=Filters(min_success_ratio=0.25),
    )
    assert (summary["in"], summary["kept"]) == (6, 2)
    assert summary["dropped"] == {"unparsable": 1, "truncated": 1, "failed": 1, "empty": 1}
    assert {line["id"]: line["reason"] for line in lines["dropped"]} == {
        "b": "unparsable",
        "c": "truncated",
        "d": "failed",
        "w": "empty",
    }
    assert (taught["train"], taught["validation"]) == ({"a": "car"}, {"v": "pet"})
    assert summary["answers"] == {"car": 1, "pet": 1}


def test_write_dataset_too_few_answers_is_a_quality_error(tmp_path):
    with pytest.raises(QualityError, match=r"filters\.min_success_ratio"):
        build(tmp_path, train=[row("a"), row("b"), row("c")], answers=[answer("a", "car")])


TRAIN_SCORES = {"a": [-0.1, -2.5], "b": [-0.2, -1.8]}  # by hand: the prior is [-0.15, -2.15]


def test_write_dataset_calibrated_label_replaces_the_answer(tmp_path):
    summary, taught, _ = build(
        tmp_path,
        train=[row("a"), row("b")],
        answers=[answer(name, "car", scores) for name, scores in TRAIN_SCORES.items()],
        calibrations=("batch",),
    )
    assert taught["train"] == {"a": "car", "b": "pet"}
    assert summary["prior"] == pytest.approx([-0.15, -2.15])
    stored = json.loads((tmp_path / "out" / "calibration.json").read_text())
    assert stored == {"labels": list(LABELS), "prior": summary["prior"]}


def test_write_dataset_validation_rows_do_not_move_the_prior(tmp_path):
    train = [answer(name, "car", scores) for name, scores in TRAIN_SCORES.items()]
    summary, taught, _ = build(
        tmp_path,
        train=[row("a"), row("b")],
        validation=[row("v")],
        answers=[*train, answer("v", "car", [-0.01, -50.0])],
        calibrations=("batch",),
    )
    assert summary["prior"] == pytest.approx([-0.15, -2.15])
    assert taught["validation"] == {"v": "car"}


def test_write_dataset_least_confidence_goes_by_the_calibrated_one(tmp_path):
    # shifted by the prior both rows stand 0.4 apart: log(1 / (1 + e^-0.4)) = -0.513
    lines = [answer(name, "car", scores, cumulative_logprob=-0.01) for name, scores in TRAIN_SCORES.items()]
    options = {"train": [row("a"), row("b")], "answers": lines, "calibrations": ("batch",)}
    for least, kept in ((-0.52, 2), (-0.51, 0)):
        folder = tmp_path / str(kept)
        folder.mkdir()
        filters = Filters(min_mean_logprob=least, min_success_ratio=0.0)
        assert build(folder, **options, filters=filters)[0]["kept"] == kept


def test_write_dataset_same_answers_make_the_same_bytes(tmp_path):
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        build(folder, train=[row("a"), row("b")], answers=[answer("a", "car"), answer("b", "pet")])
        written.append({path.name: path.read_bytes() for path in (folder / "out").iterdir()})
    assert written[0] == written[1]


def test_write_dataset_of_several_teachers_says_who_taught_what(tmp_path):
    summary, taught, lines = build(
        tmp_path,
        train=[row("a"), row("b"), row("c", "pet")],
        validation=[row("v")],
        answers=[
            *(answer(name, "no idea" if name == "b" else "car", teacher_number=1) for name in "abv"),
            *(answer(name, "pet", teacher_number=2) for name in "b"),
        ],
        calibrations=("none", "none"),
    )
    assert taught["train"] == {"a": "car", "b": "pet", "c": "pet"}
    assert {line["id"]: line.get("teacher") for line in lines["train"]} == {"a": 1, "b": 2, "c": None}
    assert [line["teacher"] for line in lines["validation"]] == [1]
    assert [(line["id"], line["teacher"], line["reason"]) for line in lines["dropped"]] == [("b", 1, "unparsable")]
    assert summary["teachers"] == {
        "1": {"in": 3, "kept": 2, "dropped": {"unparsable": 1}, "prompts": 3, "usable": 2},
        "2": {"in": 1, "kept": 1, "dropped": {}, "prompts": 1, "usable": 1},
    }


def test_write_dataset_of_one_teacher_names_none(tmp_path):
    summary, _, lines = build(tmp_path, train=[row("a"), row("b")], answers=[answer("a", "car"), answer("b", "?")])
    assert not any("teacher" in line for name in ("train", "dropped") for line in lines[name])
    assert "teachers" not in summary


def test_write_dataset_calibrates_each_teacher_by_its_own_answers(tmp_path):
    # the second teacher's scores are the first one's turned round, and so are its calibrated answers
    turned = {name: scores[::-1] for name, scores in TRAIN_SCORES.items()}
    summary, _, lines = build(
        tmp_path,
        train=[row("a"), row("b")],
        answers=[
            answer(name, "car", scores, teacher_number=number)
            for number, found in ((1, TRAIN_SCORES), (2, turned))
            for name, scores in found.items()
        ],
        calibrations=("batch", "batch"),
        mixing=Mixing(kind="keep_all"),
    )
    found = {(line["id"], line["teacher"]): line["completion"][0]["content"] for line in lines["train"]}
    assert found == {("a", 1): "car", ("b", 1): "pet", ("a", 2): "pet", ("b", 2): "car"}
    # what the measured teacher, the first, is calibrated with
    assert summary["prior"] == pytest.approx([-0.15, -2.15])
