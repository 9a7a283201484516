"""The chain of stages that made a model: read from a run's artifacts, and checked by its fingerprints."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

from stillhouse.artifacts.fingerprint import Input, fingerprint
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.record import Record
from stillhouse.artifacts.store import Store
from stillhouse.origin.finding import DISTRUST, Finding
from stillhouse.origin.schema import Predicate, StageOrigin

_ITEM = re.compile(r"(.+)\[(\d+)\]")  # how a record names item n of an input that is a list


def read_chain(store: Store, run_id: str, models: Iterable[ArtifactRef]) -> tuple[StageOrigin, ...]:
    """Return every stage of a run, of its models, and all that these were made of, inputs first.

    Raises:
        StoreError: a record is not there, or the store can't be read.
    """
    called: dict[str, list[str]] = defaultdict(list)
    for call, ref in json.loads(store.read_text(f"runs/{run_id}/artifacts.json")).items():
        called[name_of(ArtifactRef.model_validate(ref))].append(call)
    records: dict[str, Record] = {}
    waiting = [*called, *map(name_of, models)]
    while waiting:
        name = waiting.pop()
        if name not in records:
            records[name] = store.record(ref_of(name))
            waiting += records[name].inputs.values()
    order = TopologicalSorter({name: sorted(record.inputs.values()) for name, record in sorted(records.items())})
    return tuple(_stage(records[name], called.get(name, ())) for name in order.static_order())


def broken_links(predicate: Predicate) -> Iterator[Finding]:
    """Yield what of a statement's chain does not hold by itself, without the store."""
    known = {stage.name for stage in predicate.stages}
    for stage in predicate.stages:
        where, made = f"stage {stage.name}", _fingerprint(stage)
        if made != stage.fingerprint:
            yield Finding(where, f"fingerprint {stage.fingerprint}", f"identity and inputs that make {made}", DISTRUST)
        for name, given in stage.inputs.items():
            if given not in known:
                yield Finding(f"{where}: input `{name}`", given, "no such stage in the statement", DISTRUST)
    for model, made_by in predicate.models.items():
        if made_by not in known:
            yield Finding(f"model {model}", f"made by {made_by}", "no such stage in the statement", DISTRUST)


def name_of(ref: ArtifactRef) -> str:
    """Return an artifact as records name it."""
    return f"{ref.stage}/{ref.fingerprint}"


def ref_of(name: str) -> ArtifactRef:
    """Return the artifact that a record names `stage/fingerprint`."""
    stage, _, hashed = name.partition("/")
    return ArtifactRef(stage=stage, fingerprint=hashed)


def _stage(record: Record, calls: Iterable[str]) -> StageOrigin:
    return StageOrigin(
        stage=record.stage,
        version=record.version,
        fingerprint=record.fingerprint,
        calls=tuple(calls),
        identity=record.identity,
        inputs=record.inputs,
        files=record.files,
        created=str(record.provenance.get("created", "")),
    )


def _fingerprint(stage: StageOrigin) -> str:
    return fingerprint(stage.stage, stage.version, stage.identity, _inputs(stage.inputs))


def _inputs(described: Mapping[str, str]) -> dict[str, Input]:
    """Return the inputs that a record describes: `name[0]`, `name[1]` are the items of one."""
    found: dict[str, Any] = {}
    for name, given in described.items():
        item = _ITEM.fullmatch(name)
        if item:
            found.setdefault(item[1], []).append(ref_of(given))
        else:
            found[name] = ref_of(given)
    return found
