"""What a store holds, as the things that can go: each with its files in the order in which they may be deleted."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

from stillhouse.artifacts import lease
from stillhouse.artifacts.backend import Stamp
from stillhouse.artifacts.files import FileStore
from stillhouse.completions import claims
from stillhouse.errors import StoreError
from stillhouse.registry.registry import ModelRegistry
from stillhouse.reports.history import KEPT_MARK

Stamps = dict[str, Stamp]

_HASH = re.compile(r"[0-9a-f]{64}")
_ATTEMPT = re.compile(r'"attempt":\s*"([0-9a-f]{32})"')
_AT_ONCE = 8  # files read at once: hides the round trips of a remote store
_RUN_TEXTS = ("report.json", "artifacts.json", "recipe.yaml")


@dataclass(frozen=True)
class Item:
    """One thing of the store."""

    kind: str
    name: str
    keys: tuple[str, ...]  # files and folders, in the order of deletion: what names others goes before them
    size_bytes: int
    written: float  # UNIX time of its newest file

    @property
    def hashes(self) -> set[str]:
        """The SHA-256 hashes in its name."""
        return hashes_in(self.name)


@dataclass(frozen=True)
class Inventory:
    """All that a store holds, and the texts that say what needs what."""

    store: FileStore
    runs: dict[str, Item]  # by run id; only those with a report
    remains: list[Item]  # of runs that were deleted in part
    artifacts: dict[str, Item]  # by fingerprint
    records: dict[str, str]  # text of each artifact's record, by fingerprint; empty if it has none
    attempts: list[Item]  # files of artifacts that no record names
    results: list[Item]  # Prefect's, of artifacts that are no more
    completions: dict[str, Item]  # by the fingerprint of the teacher
    notes: list[Item]  # of checks and runs that were killed
    under_way: dict[str, str]  # by run id, what each run under way holds
    now: float  # UNIX time, by the store's clock as far as it is known
    marked: frozenset[str] = field(default=frozenset())  # runs that are kept whatever their age
    models: str = ""  # all that the versions of the registry say

    @cached_property
    def tickets(self) -> set[str]:
        """The teachers with batches that may be under way."""
        return {key.split("/")[2] for key in self.store.stamps("work/batches")}

    def run_text(self, run_id: str) -> str:
        """Return all that a run's own files say of models and artifacts.

        Raises:
            StoreError: the store can't be read.
        """
        return "\n".join(_texts(self.store, [f"runs/{run_id}/{name}" for name in _RUN_TEXTS]))


def take_stock(store: FileStore, now: float) -> Inventory:
    """Return what the store holds at `now`.

    Raises:
        StoreError: the store can't be read.
    """
    signs = store.stamps(lease.FOLDER)
    # before the runs are listed: a run that ends meanwhile has written its files before it takes its note away
    under_way = lease.held(store, signs, now)
    registry = ModelRegistry(store)
    versions = [version for name in registry.names() for version in registry.versions(name)]
    runs, files = _by_folder(store.stamps("runs"), 2), _by_folder(store.stamps("artifacts"), 3)
    results = store.stamps("results")
    homes = {home.split("/")[2]: (home, own) for home, own in files.items()}
    texts = _texts(
        store, [f"{home}/record.json" if f"{home}/record.json" in own else "" for home, own in homes.values()]
    )
    records = dict(zip(homes, texts, strict=True))
    finished = {home: own for home, own in runs.items() if f"{home}/report.json" in own}
    return Inventory(
        store=store,
        runs={home.split("/")[1]: _run(home, own) for home, own in finished.items()},
        remains=[_item("remains of runs", home, own, [home]) for home, own in runs.items() if home not in finished],
        artifacts={name: _artifact(*homes[name], records[name], results) for name in homes},
        records=records,
        attempts=[item for name in homes for item in _attempts(*homes[name], records[name])],
        results=[_item("results", key, {key: one}, [key]) for key, one in results.items() if _is_loose(key, homes)],
        completions={
            home.split("/")[1]: _item("completions", home, own, [home])
            for home, own in _by_folder(store.stamps("completions"), 2).items()
        },
        notes=[
            *_notes(store.stamps("probe"), 0.0, now),
            *_notes(signs, lease.LEASE_S, now),
            *_claims(store.stamps(claims.FOLDER), now),
        ],
        under_way=under_way,
        now=now,
        marked=frozenset(home.split("/")[1] for home, own in finished.items() if f"{home}/{KEPT_MARK}" in own)
        | {version.run_id for version in versions},
        models="\n".join(version.model_dump_json() for version in versions),
    )


def hashes_in(text: str) -> set[str]:
    """Return all SHA-256 hashes that a text names, whatever it says of them: more than it needs does no harm."""
    return set(_HASH.findall(text))


def _by_folder(stamps: Stamps, depth: int) -> dict[str, Stamps]:
    """Return the files by the folder of `depth` names that holds them; others are nobody's and left out."""
    found: dict[str, Stamps] = defaultdict(dict)
    for key, stamp in stamps.items():
        parts = key.split("/")
        if len(parts) > depth:
            found["/".join(parts[:depth])][key] = stamp
    return dict(found)


def _item(kind: str, name: str, files: Mapping[str, Stamp], keys: Iterable[str]) -> Item:
    written = max(stamp.written for stamp in files.values())
    return Item(kind, name, tuple(keys), sum(stamp.size_bytes for stamp in files.values()), written)


def _run(home: str, files: Stamps) -> Item:
    # its report makes it a run, and artifacts.json makes its student a model of others
    return _item("runs", home, files, [f"{home}/report.json", f"{home}/artifacts.json", home])


def _artifact(home: str, files: Stamps, record: str, results: Stamps) -> Item:
    _, stage, fingerprint = home.split("/")
    others = {key for one in _attempts(home, files, record) for key in files if key.startswith(f"{one.name}/")}
    own = {key: stamp for key, stamp in files.items() if key not in others}
    named = [key for key in results if fingerprint in key]
    below = sorted({"/".join(key.split("/")[:4]) for key in own} - {f"{home}/record.json"})
    return _item(stage, home, own, [*named, f"{home}/record.json", *below])


def _attempts(home: str, files: Stamps, record: str) -> list[Item]:
    """Return the attempts at an artifact that its record does not name: they are no part of it."""
    attempt = _ATTEMPT.search(record)
    if not attempt:
        return []
    folders = _by_folder(files, 4)
    return [_item("attempts", name, own, [name]) for name, own in folders.items() if name != f"{home}/{attempt[1]}"]


def _is_loose(key: str, artifacts: Mapping[str, object]) -> bool:
    named = hashes_in(key)
    return bool(named) and named.isdisjoint(artifacts)


def _notes(stamps: Stamps, void_after_s: float, now: float) -> list[Item]:
    return [_item("notes", key, {key: one}, [key]) for key, one in stamps.items() if now - one.written > void_after_s]


def _claims(stamps: Stamps, now: float) -> list[Item]:
    """Return who asks which teacher as far as it is void: a run that asks beats its teacher's table every minute."""
    beaten: dict[str, float] = defaultdict(float)
    for key, one in stamps.items():
        beaten[_asked(key)] = max(beaten[_asked(key)], one.written)
    silent = {key: one for key, one in stamps.items() if now - beaten[_asked(key)] > lease.LEASE_S}
    return _notes(silent, lease.LEASE_S, now)


def _asked(key: str) -> str:
    """Return the teacher whose table or keys lie at `key`."""
    return key.removeprefix(f"{claims.FOLDER}/").split("/")[0].removesuffix(".json")


def _texts(store: FileStore, keys: list[str]) -> list[str]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda key: _text(store, key), keys))


def _text(store: FileStore, key: str) -> str:
    """Return a file's text, its bytes that are none left out; empty if there is no such file."""
    if not key:
        return ""
    try:
        with store.reading(key) as stream:
            return stream.read().decode(errors="ignore")
    except StoreError:
        if store.exists(key):
            raise
        return ""
