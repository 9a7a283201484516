"""Writes the statement of a registered version's origin."""

import hashlib
import json
from collections.abc import Mapping

import yaml

from stillhouse.artifacts.store import Store
from stillhouse.origin.chain import name_of, read_chain
from stillhouse.origin.layout import RECIPE, REPORT, STATEMENT, STUDENT, documents_of, home_of
from stillhouse.origin.schema import Code, Digest, Predicate, Statement, subjects_of
from stillhouse.origin.trees import scores_of
from stillhouse.registry.version import ModelVersion


def write_statement(store: Store, version: ModelVersion) -> None:
    """Write the statement beside the version, unless one is there: it is written once, as the version is.

    Raises:
        StoreError: a file or record of the version's run is not there, or the store can't be read or written.
    """
    key = f"{home_of(version.name, version.version)}/{STATEMENT}"
    if not store.exists(key):
        store.put_bytes(key, dump_statement(state_origin(store, version)))


def state_origin(store: Store, version: ModelVersion) -> Statement:
    """Return the statement of a version, out of what its run left in the store.

    Raises:
        StoreError: as `write_statement`.
    """
    texts = {
        name: store.read_text(key) for name, key in documents_of(version.name, version.version, version.run_id).items()
    }
    report = json.loads(texts[REPORT])
    models = {STUDENT: version.student, **version.exports}
    made_by = report.get("provenance") or {}
    predicate = Predicate(
        model=version.name,
        version=version.version,
        run_id=version.run_id,
        code=Code(commit=made_by.get("commit"), versions=made_by.get("versions") or {}),
        models={model: name_of(ref) for model, ref in models.items()},
        stages=read_chain(store, version.run_id, models.values()),
        recipe=yaml.safe_load(texts[RECIPE]),
        scores=scores_of(report),
        documents=digests_of(texts),
    )
    return Statement(subject=subjects_of(predicate), predicate=predicate)


def dump_statement(statement: Statement) -> bytes:
    """Return the bytes of statement.json, which are also what is signed."""
    return json.dumps(statement.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False).encode()


def digests_of(texts: Mapping[str, str]) -> dict[str, Digest]:
    """Return the SHA-256 of each text's bytes, by name."""
    return {name: Digest(sha256=hashlib.sha256(text.encode()).hexdigest()) for name, text in texts.items()}
