"""Verification of a version in the store: each alteration is found and named, and nothing else is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.artifacts.record import dump_record, load_record
from stillhouse.artifacts.store import Store
from stillhouse.errors import OriginError
from stillhouse.origin.keys import PublicKey
from stillhouse.origin.sign import sign_version
from stillhouse.origin.verify_version import verify_version
from stillhouse.registry.version import ModelVersion
from tests.support.origin import ORIGIN, RECIPE, RUN_ID, Keys, edit, flip, stored

Where = list[str]


def path(store: Store, key: str) -> Path:
    return Path(store.config.url) / key


def wheres(store: Store, version: ModelVersion, public: PublicKey | None = None) -> Where:
    return [one.where for one in verify_version(store, version, public).findings]


def made_by(store: Store, stage: str) -> str:
    said = json.loads(store.read_text(f"{ORIGIN}/statement.json"))["predicate"]
    return next(f"{one['stage']}/{one['fingerprint']}" for one in said["stages"] if one["stage"] == stage)


def stage_file(store: Store, stage: str, file: str) -> Path:
    (found,) = path(store, f"artifacts/{made_by(store, stage)}").glob(f"*/{file}")
    return found


def test_verify_version_that_is_whole_finds_nothing_and_says_what_was_compared(
    store: Store, version: ModelVersion, keys: Keys
) -> None:
    unsigned = verify_version(store, version)
    assert (unsigned.model, unsigned.findings, unsigned.signed_by) == ("demo/1", (), ())
    assert unsigned.checked.startswith("6 stages with 7 files, ")
    assert not sign_version(store, version, keys.private).findings
    done = verify_version(store, version, keys.public)
    assert (done.findings, len(done.signed_by), done.is_signature_checked) == ((), 1, True)
    assert not verify_version(store, version).is_signature_checked


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("read", "rows.jsonl"),
        ("generate", "completions.jsonl"),
        ("filter", "train.jsonl"),
        ("train", "model.safetensors"),
        ("export", "model.onnx"),
        ("evaluate", "answers.jsonl"),
    ],
)
def test_verify_one_flipped_bit_of_any_stage_is_named_by_its_file(
    store: Store, version: ModelVersion, stage: str, file: str
) -> None:
    flip(stage_file(store, stage, file))
    (found,) = verify_version(store, version).findings
    assert found.where == f"stage {made_by(store, stage)}: {file}"
    assert found.expected != found.found
    assert found.expected.startswith("SHA-256 ")


def test_verify_missing_and_additional_files_of_a_stage_are_named(store: Store, version: ModelVersion) -> None:
    weights = stored(store, version.student, "model.safetensors")
    weights.rename(weights.with_name("other.safetensors"))
    stage = made_by(store, "train")
    found = verify_version(store, version).findings
    assert [(one.where, one.found) for one in found] == [
        (f"stage {stage}: model.safetensors", "no file"),
        (f"stage {stage}: other.safetensors", "an additional file"),
    ]


def test_verify_stage_that_is_gone_is_named(store: Store, version: ModelVersion) -> None:
    path(store, f"artifacts/{made_by(store, 'filter')}/record.json").unlink()
    assert wheres(store, version) == [f"stage {made_by(store, 'filter')}"]


def rewrite_record(file: Path, **fields: Any) -> None:
    """Write a record that is consistent in itself: its checksum is made anew."""
    file.write_bytes(dump_record(load_record(file.read_bytes()).model_copy(update=fields)))


def test_verify_record_rewritten_with_its_checksum_is_named_by_the_field(store: Store, version: ModelVersion) -> None:
    rewrite_record(stored(store, version.student), identity={"epochs": 9, "betas": []})
    (found,) = verify_version(store, version).findings
    assert (found.where, found.expected, found.found) == (f"stage {made_by(store, 'train')}: identity.epochs", "3", "9")


def test_verify_record_that_is_truncated_is_named(store: Store, version: ModelVersion) -> None:
    record = stored(store, version.student)
    record.write_bytes(record.read_bytes()[:-9])
    assert wheres(store, version) == [f"stage {made_by(store, 'train')}: record.json"]


def change_score(body: Any) -> None:
    body["models"]["student"]["quality"]["accuracy"]["value"] = 0.95


def change_recipe(body: Any) -> None:
    body["recipe"]["training"]["epochs"] = 9


SCORE = "report.json: models.student.quality.accuracy.value"


@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize(
    ("key", "change", "named"),
    [
        (f"runs/{RUN_ID}/report.json", change_score, [SCORE]),
        (f"runs/{RUN_ID}/report.json", lambda body: body["gate"].update(passed=False), ["report.json: gate.passed"]),
        (f"runs/{RUN_ID}/report.json", change_recipe, ["report.json: recipe.training.epochs"]),
        (f"runs/{RUN_ID}/report.json", lambda body: body.update(run_id="x"), ["report.json"]),
        ("models/demo/versions/1/version.json", change_recipe, ["version.json: recipe.training.epochs"]),
        ("models/demo/versions/1/version.json", lambda body: body.update(gate="refused"), ["version.json"]),
    ],
)
def test_verify_one_changed_score_or_field_of_a_document_is_named(
    store: Store,
    version: ModelVersion,
    keys: Keys,
    key: str,
    change: Callable[[Any], object],
    named: Where,
    is_signed,
    sign: Callable[[], object],
) -> None:
    if is_signed:
        sign()
    edit(path(store, key), change)
    assert wheres(store, version, keys.public if is_signed else None) == named


def test_verify_another_recipe_is_named_by_its_field(store: Store, version: ModelVersion) -> None:
    other = {**RECIPE, "training": {"epochs": 3, "betas": [0.9]}}
    store.put_text(f"runs/{RUN_ID}/recipe.yaml", yaml.safe_dump(other))
    assert wheres(store, version) == ["recipe.yaml: training.betas", "recipe.yaml: training.betas.0"]


def test_verify_report_that_is_gone_is_named(store: Store, version: ModelVersion) -> None:
    store.delete(f"runs/{RUN_ID}/report.json")
    assert wheres(store, version) == ["report.json"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda said: said["scores"].update({"models.student.quality.accuracy.value": 0.95}), [SCORE]),
        (lambda said: said["recipe"]["filters"].update(min_words=0), 3),
        (lambda said: said.update(version=2), 2),
        (lambda said: said["stages"][0]["identity"].update(source="6" * 64), 2),
        (lambda said: said["stages"].pop(0), 3),
        (lambda said: said["models"].update({"onnx-int8": "export/" + "0" * 64}), 3),
        (lambda said: said["stages"][0]["files"][0].update(sha256="0" * 64), 1),
    ],
    ids=["score", "recipe", "version", "identity", "stage left out", "export", "file"],
)
def test_verify_statement_that_was_changed_is_found_unsigned_by_all_else_and_signed_by_the_envelope(
    store: Store,
    version: ModelVersion,
    keys: Keys,
    change: Callable[[Any], object],
    named: Where | int,
    sign: Callable[[], object],
) -> None:
    sign()
    edit(path(store, f"{ORIGIN}/statement.json"), lambda body: change(body["predicate"]))
    signed = wheres(store, version, keys.public)
    assert signed
    assert all(one.startswith("statement.json: predicate.") for one in signed)
    store.delete(f"{ORIGIN}/statement.dsse.json")
    found = wheres(store, version)
    assert found == named if isinstance(named, list) else len(found) == named, found


def test_verify_with_another_key_names_both_and_one_without_a_signature_is_missed(
    store: Store,
    version: ModelVersion,
    keys: Keys,
    other_key: PublicKey,
    sign: Callable[[], object],
) -> None:
    (unsigned,) = verify_version(store, version, keys.public).findings
    assert (unsigned.where, unsigned.found) == ("statement.dsse.json", "no signature")
    sign()
    (found,) = verify_version(store, version, other_key).findings
    signer = verify_version(store, version).signed_by[0]
    assert found.where == "statement.dsse.json"
    assert signer in found.found
    assert signer not in found.expected


def swap_payload(body: Any) -> None:
    """Put another statement under the signature."""
    import base64

    said = base64.b64decode(body["payload"]).replace(b"0.75", b"0.95")
    body["payload"] = base64.b64encode(said).decode()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (swap_payload, "statement.dsse.json"),
        (lambda body: body["signatures"][0].update(sig="AAAA"), "statement.dsse.json"),
        (lambda body: body["signatures"].clear(), "statement.dsse.json"),
        (lambda body: body.update(payloadType="text/plain"), "statement.dsse.json"),
        (lambda body: body.pop("payload"), "statement.dsse.json"),
    ],
)
def test_verify_envelope_that_was_changed_is_found(
    store: Store,
    version: ModelVersion,
    keys: Keys,
    change: Callable[[Any], object],
    named: str,
    sign: Callable[[], object],
) -> None:
    sign()
    edit(path(store, f"{ORIGIN}/statement.dsse.json"), change)
    assert named in wheres(store, version, keys.public)


def test_verify_statement_and_envelope_of_another_version_are_found(
    store: Store,
    version: ModelVersion,
    keys: Keys,
    sign: Callable[[], object],
) -> None:
    sign()
    second = version.model_copy(update={"version": 2})
    for name in ("statement.json", "statement.dsse.json", "student.sig", "onnx-int8.sig"):
        store.put_text(f"models/demo/versions/2/origin/{name}", store.read_text(f"{ORIGIN}/{name}"))
    store.put_text("models/demo/versions/2/version.json", second.model_dump_json(indent=1))
    found = verify_version(store, second, keys.public).findings
    assert (found[0].where, found[0].expected, found[0].found) == ("statement.json: model", "'demo/2'", "'demo/1'")


@pytest.mark.parametrize("model", ["student", "onnx-int8"])
def test_verify_model_signature_that_is_missing_or_of_another_model_is_named(
    store: Store,
    version: ModelVersion,
    keys: Keys,
    model: str,
    sign: Callable[[], object],
) -> None:
    sign()
    signature = path(store, f"{ORIGIN}/{model}.sig")
    signature.write_bytes(path(store, f"{ORIGIN}/{'onnx-int8' if model == 'student' else 'student'}.sig").read_bytes())
    assert wheres(store, version, keys.public) == [f"{model}.sig"]
    signature.unlink()
    assert wheres(store, version, keys.public) == [f"{model}.sig"]


def test_verify_version_without_a_statement_says_who_writes_one(store: Store, version: ModelVersion) -> None:
    store.delete(f"{ORIGIN}/statement.json")
    with pytest.raises(OriginError, match=r"demo/1 has no statement of its origin.*models sign"):
        verify_version(store, version)


def test_verify_statement_that_is_no_statement_is_one_line(store: Store, version: ModelVersion) -> None:
    edit(path(store, f"{ORIGIN}/statement.json"), lambda body: body.update(predicateType="urn:other"))
    with pytest.raises(OriginError, match=r"no statement of a model's origin.*predicateType"):
        verify_version(store, version)
