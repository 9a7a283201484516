"""The runs of a store, by the reports that they left."""

import difflib
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from stillhouse.artifacts.store import Store
from stillhouse.errors import StoreError

LAST = "last"
KEPT_MARK = "kept.json"  # its presence in a run's folder says that no clean-up takes the run
_REPORT = re.compile(r"runs/([^/]+)/report\.json")
_STARTED = re.compile(r"(\d{8}-\d{6})-[0-9a-f]+$")
_MOST_NAMED = 5


def run_ids(store: Store) -> list[str]:
    """Return the ids of the runs that wrote a report, the newest first.

    Raises:
        StoreError: the store can't be read.
    """
    found = [match[1] for key in store.list("runs") if (match := _REPORT.fullmatch(key))]
    return sorted(found, key=lambda run_id: (_started(run_id), run_id), reverse=True)


def find_run(store: Store, name: str) -> str:
    """Return the id of the run that `name` means: an id, the beginning of one alone, or `last`.

    Raises:
        StoreError: no run or several are called so, or the store can't be read.
    """
    known = run_ids(store)
    if not known:
        raise StoreError(f"{store.config.url} holds no finished run. Run a recipe first, or set STILLHOUSE_STORE.")
    if name == LAST:
        return known[0]
    meant = [name] if name in known else [run_id for run_id in known if run_id.startswith(name)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise StoreError(f"{name!r} is the beginning of {len(meant)} runs: {_named(meant)}. Name one of them.")
    near = difflib.get_close_matches(name, known, n=_MOST_NAMED, cutoff=0.4) or known
    raise StoreError(
        f"{store.config.url} holds no run {name!r}. It has {_named(near)}; `stillhouse runs list` shows all."
    )


def read_report(store: Store, run_id: str) -> dict[str, Any]:
    """Return a run's report.json as it was written: one of an earlier version lacks fields of this one.

    Raises:
        StoreError: it is not there, or is no JSON.
    """
    key = f"runs/{run_id}/report.json"
    try:
        found: dict[str, Any] = json.loads(store.read_text(key))
    except json.JSONDecodeError as error:
        raise StoreError(f"{store.config.url}/{key} is no JSON ({error}). Run the recipe again to write it.") from error
    return found


def keep_run(store: Store, run_id: str, *, is_kept: bool = True) -> None:
    """Keep a run, and all that its models were made of, whatever its age; or no longer.

    Raises:
        StoreError: the store can't be written.
    """
    key = f"runs/{run_id}/{KEPT_MARK}"
    if is_kept:
        store.put_text(key, json.dumps({"since": datetime.now(UTC).isoformat(timespec="seconds")}))
    else:
        store.delete(key)


def _started(run_id: str) -> str:
    """Return when the run began, as its id has it; empty for an id of another form, which counts as the oldest."""
    found = _STARTED.search(run_id)
    return found[1] if found else ""


def _named(run_ids: Iterable[str]) -> str:
    every = list(run_ids)
    more = f" and {len(every) - _MOST_NAMED} more" if len(every) > _MOST_NAMED else ""
    return ", ".join(every[:_MOST_NAMED]) + more
