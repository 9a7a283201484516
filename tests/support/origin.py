"""A registered version with the chain of stages that a run leaves, and keys to sign it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from stillhouse.artifacts.fingerprint import fingerprint
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store
from stillhouse.origin.bundle import copy_origin
from stillhouse.origin.keys import PrivateKey, PublicKey
from stillhouse.origin.write import write_statement
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion
from tests.support.registry import content, measured

RUN_ID = "demo-20261128-101500-3f2a9c10"
RECIPE: dict[str, Any] = {"name": "demo", "training": {"epochs": 3, "betas": []}, "filters": {"min_words": 2}}
ORIGIN = "models/demo/versions/1/origin"
PASSWORD = "no one's secret"


class Keys(NamedTuple):
    """A key of the tests' own, in both halves."""

    private: PrivateKey
    public: PublicKey


def registered(store: Store) -> ModelVersion:
    """Return a version whose run, stages and statement are in the store."""
    read = stage(store, "read", {"source": "5" * 64}, {}, {"rows.jsonl": "a\n"})
    answers = stage(store, "generate", {"teacher": "t"}, {"rows": read}, {"completions.jsonl": "{}\n"})
    kept = stage(store, "filter", RECIPE["filters"], {"completions": answers, "rows": read}, {"train.jsonl": "b\n"})
    student = stage(
        store, "train", RECIPE["training"], {"rows": kept}, {"model.safetensors": "w" * 999, "tokenizer/vocab.txt": "v"}
    )
    onnx = stage(store, "export", {"format": "onnx"}, {"student": student}, {"model.onnx": "o" * 99})
    measured_by = stage(store, "evaluate", {}, {"student": student, "rows": read}, {"answers.jsonl": "{}"})
    called = {"read": read, "generate": answers, "train": student, "export onnx-int8": onnx, "evaluate": measured_by}
    report = {
        "run_id": RUN_ID,
        "recipe": RECIPE,
        "models": {"student": measured(0.75), "teacher": None},
        "comparison": {"primary_metric": "accuracy"},
        "gate": {"passed": True, "rules": [{"rule": "accuracy >= 0.7", "passed": True}]},
        "provenance": {"commit": "c" * 40, "versions": {"stillhouse": "0.1.0"}},
    }
    home = f"runs/{RUN_ID}"
    store.put_text(f"{home}/report.json", json.dumps(report))
    store.put_text(f"{home}/recipe.yaml", yaml.safe_dump(RECIPE))
    store.put_text(f"{home}/artifacts.json", json.dumps({call: ref.model_dump() for call, ref in called.items()}))
    own = content(run_id=RUN_ID, student=student, exports={"onnx-int8": onnx}, recipe=RECIPE, measured=measured(0.75))
    version = ModelRegistry(store).register(own, who="a run")
    write_statement(store, version)
    return version


def stage(
    store: Store, name: str, identity: dict[str, Any], inputs: dict[str, ArtifactRef], files: dict[str, str]
) -> ArtifactRef:
    """Return the artifact of a stage that made these files."""
    ref = ArtifactRef(stage=name, fingerprint=fingerprint(name, 1, identity, inputs))
    with store.workspace(name, 1, ref.fingerprint, identity, inputs) as work:
        for path, text in files.items():
            (work.folder / path).parent.mkdir(exist_ok=True)
            (work.folder / path).write_text(text)
        work.commit({})
    return ref


def pull(store: Store, version: ModelVersion, folder: Path, model: str = "student") -> Path:
    """Return `folder` with a model of the version and its origin, as `stillhouse models pull` leaves it."""
    ref = {"student": version.student, **version.exports}[model]
    for entry in store.record(ref).files:
        (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / entry.path).write_bytes(store.path(ref, entry.path).read_bytes())
    copy_origin(store, version, model, folder)
    return folder


def stored(store: Store, ref: ArtifactRef, file: str = "") -> Path:
    """Return where a file of an artifact lies in a store that is a folder; its record without `file`."""
    home = Path(store.config.url) / "artifacts" / ref.stage / ref.fingerprint
    return home / store.record(ref).attempt / file if file else home / "record.json"


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change the JSON in a file."""
    body = json.loads(path.read_text())
    change(body)
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False))


def flip(path: Path) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def write_keys(folder: Path, name: str = "key", *, password: str = "") -> tuple[Path, Path]:
    """Return the PEM files of a new private key and of its public half."""
    key = ec.generate_private_key(ec.SECP256R1())
    locked = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public
