"""Finds what a recipe calls a model: a folder, a file, a hub's name, or a student: of a run, or of the registry."""

import json
import re

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store, open_store
from stillhouse.errors import ModelError, StoreError
from stillhouse.inference.hub_pins import known_as
from stillhouse.inference.models import Checkpoint, identify
from stillhouse.registry.reference import SCHEME
from stillhouse.registry.registry import ModelRegistry
from stillhouse.runtime.settings import Settings

_OF_A_RUN = "runs:/"
_TRAINED = "train"  # the stage that trains a run's student, and its label
_RUN_ID = re.compile(r"[\w-][\w.-]*")


def find_checkpoint(name: str, revision: str, settings: Settings) -> Checkpoint:
    """Return the model that `name` means, from the store of this run if it is a student.

    `runs:/RUN_ID` is the student of that run; `models:/NAME@champion` and `models:/NAME/3` are versions of a model.

    Raises:
        ModelError: there is no such model, run or version.
        StoreError: the student is not in the store.
    """
    store = open_store(settings.store)
    if not name.startswith((_OF_A_RUN, SCHEME)):
        model = identify(name, revision, settings.hashes)
        if model.kind == "hub":
            model = model.model_copy(update={"revision": known_as(store, name, model.revision)})
        return Checkpoint(model=model, path=model.path)
    called, ref = _version_of(store, name) if name.startswith(SCHEME) else _student_of(store, name)
    folder = str(store.fetch(ref))
    # known by its content, as a folder of the user's own: the same weights are the same model
    model = identify(folder, "", settings.hashes).model_copy(update={"called": called})
    return Checkpoint(model=model, path=folder, ref=ref)


def _version_of(store: Store, name: str) -> tuple[str, ArtifactRef]:
    """Return the name for people and the folder of a registered version."""
    try:
        version = ModelRegistry(store).find(name)
    except ModelError as error:
        raise ModelError(f"Model {name}: {error}") from error
    if version.kind != "causal_lm":
        raise ModelError(f"Model {name}: {version.reference} is an encoder, which no engine serves. Name another.")
    return version.reference, version.student


def _student_of(store: Store, name: str) -> tuple[str, ArtifactRef]:
    """Return the name for people and the folder of a run's student."""
    run_id = name.removeprefix(_OF_A_RUN)
    try:
        if not _RUN_ID.fullmatch(run_id):
            raise StoreError(f"{run_id!r} is no name of a run")
        artifacts = json.loads(store.read_text(f"runs/{run_id}/artifacts.json"))
    except StoreError as error:
        raise ModelError(
            f"Model {_OF_A_RUN}{run_id}: {error}. Name a finished run of this store, as the address of its report does "
            "(runs/<name>/report.html)."
        ) from error
    # an encoder's stage has another name
    if artifacts.get(_TRAINED, {}).get("stage") != _TRAINED:
        raise ModelError(f"Model {_OF_A_RUN}{run_id}: that run trained no student that an engine serves. Name another.")
    return run_id, ArtifactRef.model_validate(artifacts[_TRAINED])
