"""Copies a version into an MLflow registry: a run with its files and numbers, a model version, and its alias.

mlflow-skinny is no part of the basic set-up: `make mlflow` adds it.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stillhouse.errors import ServiceError
from stillhouse.publishing.addresses import check_address, check_token_may_go
from stillhouse.publishing.publication import Publication

if TYPE_CHECKING:
    from mlflow import MlflowClient

ADDRESS = "MLFLOW_TRACKING_URI"
_SECRETS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD")
_EXPERIMENT, _FOLDER = "stillhouse", "model"
# how a copy is known again
_REFERENCE = "stillhouse.version"


def tracking_address(environment: Mapping[str, str]) -> str:
    """Return the address of the MLflow server, which the environment names beside its token.

    Raises:
        ServiceError: there is none, or a secret may not go there.
    """
    if not environment.get(ADDRESS):
        raise ServiceError(f"{ADDRESS} is not set; it must be the address of your MLflow server, as https://host.")
    address = check_address(ADDRESS, environment[ADDRESS])
    for secret in _SECRETS:
        if environment.get(secret):
            # whoever sets the secret sets the address beside it
            check_token_may_go(secret, address, environment)
    return address


def export_version(publication: Publication, environment: Mapping[str, str], *, alias: str = "") -> str:
    """Copy the publication into the registry and return the copy's name there, as tickets/3.

    A version that was copied before is found. `alias` then names it, if given.

    Raises:
        ServiceError: mlflow-skinny is not installed, or the server refuses or does not answer.
    """
    address = tracking_address(environment)
    client, errors = _client(address)
    try:
        number = _find(client, publication) or _create(client, publication)
        if alias:
            client.set_registered_model_alias(publication.version.name, alias, number)
    except errors as error:
        said = " ".join(str(error).split())[:300]
        for secret in filter(None, map(environment.get, _SECRETS)):
            said = said.replace(secret, "***")
        raise ServiceError(f"{address} did not take {publication.version.reference}: {said}") from error
    return f"{publication.version.name}/{number}"


def _client(address: str) -> tuple["MlflowClient", tuple[type[Exception], ...]]:
    """Return a client of that server, and the errors that its calls raise."""
    # it reads these on import; a redirect could carry a token to another server
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ALLOW_HTTP_REDIRECTS"] = "false"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError as error:
        raise ServiceError(f"Publishing to MLflow needs the package {error.name!r}: run `make mlflow`.") from None
    return MlflowClient(tracking_uri=address, registry_uri=address), (MlflowException, OSError)


def _find(client: "MlflowClient", publication: Publication) -> str | None:
    """Return the number of the copy that an earlier export made whole."""
    found = client.search_model_versions(f"name = '{publication.version.name}'")
    copies = [one.version for one in found if one.tags.get(_REFERENCE) == _identity(publication)]
    return str(max(map(int, copies))) if copies else None


def _create(client: "MlflowClient", publication: Publication) -> str:
    version = publication.version
    run = client.create_run(_experiment(client), run_name=version.run_id, tags={_REFERENCE: _identity(publication)})
    run_id = run.info.run_id
    for metric, estimate in version.measured.quality.items():
        client.log_metric(run_id, metric, estimate.value)
    with tempfile.TemporaryDirectory() as folder:
        for path in _paths(publication, Path(folder)):
            client.log_artifact(run_id, str(path), _FOLDER)
    client.set_terminated(run_id)
    _register_name(client, version.name)
    # last: a copy is there once all its files are
    made = client.create_model_version(
        version.name,
        source=f"{client.get_run(run_id).info.artifact_uri}/{_FOLDER}",
        run_id=run_id,
        tags={_REFERENCE: _identity(publication), "stillhouse.gate": version.gate or "none"},
        description=publication.cards.get("README.md", ""),
    )
    return str(made.version)


def _experiment(client: "MlflowClient") -> str:
    found = client.get_experiment_by_name(_EXPERIMENT)
    return str(found.experiment_id if found else client.create_experiment(_EXPERIMENT))


def _register_name(client: "MlflowClient", name: str) -> None:
    if not any(one.name == name for one in client.search_registered_models(f"name = '{name}'")):
        client.create_registered_model(name)


def _paths(publication: Publication, folder: Path) -> list[Path]:
    """Return where all files lie, the cards in `folder`."""
    for name in publication.cards:
        (folder / name).write_bytes(publication.card(name))
    return [*publication.files.values(), *(folder / name for name in publication.cards)]


def _identity(publication: Publication) -> str:
    """Return what tells copies apart: two stores may have a version of one name and number."""
    return f"{publication.version.reference} {publication.version.student.fingerprint[:16]}"
