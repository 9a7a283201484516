"""`stillhouse models publish`: copies a version into an MLflow registry or onto the Hugging Face hub."""

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal import console

if TYPE_CHECKING:
    from stillhouse.publishing.publication import Publication


class Place(StrEnum):
    """Where a version is published."""

    MLFLOW = "mlflow"
    HUB = "hub"


def publish(
    model: Annotated[str, typer.Argument(help="NAME@alias or NAME/3, as demo@champion.")],
    to: Annotated[Place, typer.Option(help="Where: an MLflow registry, or the Hugging Face hub.")],
    repo: Annotated[str, typer.Option(help="OWNER/NAME on the hub; made if it is not there.")] = "",
    public: Annotated[
        bool, typer.Option("--public", help="A new repository is public; without this, private.")
    ] = False,
    licence: Annotated[str, typer.Option(help="Licence that the model's card states, as apache-2.0.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")] = False,
) -> None:
    """Publish a version's safetensors, tokenizer and cards; nothing else of a run leaves the store.

    Tokens come from the environment alone: HF_TOKEN, or MLFLOW_TRACKING_URI with MLFLOW_TRACKING_TOKEN.
    Example: stillhouse models publish demo@champion --to hub --repo acme/tickets --dry-run
    """
    from stillhouse.artifacts.store import open_store
    from stillhouse.publishing import hub, mlflow_registry
    from stillhouse.publishing.publication import publication_of
    from stillhouse.registry.reference import parse_reference
    from stillhouse.registry.registry import ModelRegistry
    from stillhouse.runtime.settings import load_settings

    store, environment = open_store(load_settings().store), os.environ
    publication = publication_of(store, ModelRegistry(store).find(model), licence=licence)
    if to is Place.HUB:
        hub.check_push(publication, repo, environment, is_public=public)
        where = f"{hub.hub_address(environment)}/{repo}"
    else:
        where = mlflow_registry.tracking_address(environment)
    if dry_run:
        _show(publication, where)
        return
    if to is Place.HUB:
        typer.echo(f"Published as {hub.push(publication, repo, environment, is_public=public)}")
        return
    made = mlflow_registry.export_version(publication, environment, alias=parse_reference(model).alias)
    typer.echo(f"Published as {made} in {where}")


def _show(publication: "Publication", where: str) -> None:
    from rich import box
    from rich.filesize import decimal
    from rich.table import Table

    grid = Table("file", "size", box=box.SIMPLE_HEAD)
    for name, size in publication.sizes.items():
        grid.add_row(name, decimal(size))
    console().print(grid)
    total = decimal(sum(publication.sizes.values()))
    typer.echo(f"{publication.version.reference}, {total}, would go to {where}. Nothing was sent.")
