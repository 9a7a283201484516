"""`stillhouse models`: the registry of trained students."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.announce import announce
from deployments.model_origin import sign, verify
from deployments.publish import publish
from deployments.terminal import console, text_table

if TYPE_CHECKING:
    from stillhouse.artifacts.store import Store

models = typer.Typer(no_args_is_help=True, help="Look at the registered students, and say which one is in use.")
models.command("sign")(sign)
models.command("verify")(verify)
models.command("publish")(publish)
Version = Annotated[str, typer.Argument(help="A version: NAME@alias, as demo@champion, or NAME/3.", show_default=False)]
Alias = Annotated[str, typer.Option(help="The alias that moves: champion, challenger or a word of your own.")]
Who = Annotated[str, typer.Option(help="Who does it, for the history. The name of this machine's user if not set.")]
Why = Annotated[str, typer.Option(help="Why, for the history.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@models.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Print every model of the store with its champion and its challenger.

    Example: stillhouse models list
    """
    from stillhouse.registry.lines import MODELS, model_line
    from stillhouse.registry.registry import ModelRegistry

    store = _store()
    registry = ModelRegistry(store)
    names = registry.names()
    if as_json:
        found = {name: {"versions": registry.numbers(name), "aliases": registry.aliases(name)} for name in names}
        typer.echo(json.dumps(found, indent=2))
    elif names:
        console().print(text_table(MODELS, [model_line(registry, name) for name in names]))
    else:
        typer.echo(f"{store.config.url} holds no model yet. Every finished run registers its student.")


@models.command("show")
def show(
    model: Annotated[str, typer.Argument(help="A model's NAME, or one version: NAME@alias or NAME/3.")],
    as_json: AsJson = False,
) -> None:
    """Print a model's versions and the history of its aliases, or all of one version.

    Example: stillhouse models show demo@champion
    """
    from stillhouse.registry.lines import MOVES, VERSIONS, detail_lines, move_line, version_line
    from stillhouse.registry.registry import ModelRegistry

    registry = ModelRegistry(_store())
    if "@" in model or "/" in model:
        version = registry.find(model)
        if as_json:
            typer.echo(version.model_dump_json(indent=2))
            return
        named = [alias for alias, number in registry.aliases(version.name).items() if number == version.version]
        console().print(text_table(("", ""), detail_lines(version, named)))
        return
    versions, aliases, history = registry.versions(model), registry.aliases(model), registry.history(model)
    if as_json:
        moves = [move.model_dump(mode="json") for move in history]
        shown = {"aliases": aliases, "versions": [one.model_dump(mode="json") for one in versions], "history": moves}
        typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    console().print(text_table(VERSIONS, [version_line(one, aliases) for one in reversed(versions)]))
    console().print(text_table(MOVES, [move_line(move) for move in reversed(history)]))


@models.command("diff")
def diff(first: Version, second: Version) -> None:
    """Print what differs between two versions: recipe, stages and qualities.

    Example: stillhouse models diff demo@champion demo@challenger
    """
    from stillhouse.registry.difference import version_difference
    from stillhouse.registry.registry import ModelRegistry

    registry = ModelRegistry(_store())
    versions = [registry.find(one) for one in (first, second)]
    found = version_difference(*versions)
    for title, changes in (("recipe", found.recipe), ("stage", found.stages), ("model", found.qualities)):
        if changes:
            console().print(text_table((title, *(one.reference for one in versions)), changes))
        else:
            typer.echo(f"No {title} differs.")
    if not found.has_same_rows:
        typer.echo("Their test rows are not known to be the same: don't compare the qualities closely.")


@models.command("promote")
def promote(version: Version, alias: Alias = "champion", why: Why = "by hand", who: Who = "") -> None:
    """Have an alias name a version: the champion, if no other alias is given.

    Example: stillhouse models promote demo@challenger --why "beats the champion on last week's calls"
    """
    from stillhouse.registry.registry import ModelRegistry

    store = _store()
    registry = ModelRegistry(store)
    found = registry.find(version)
    move = registry.promote(found.name, found.version, alias=alias, who=who or _user(), why=why)
    if move is None:
        typer.echo(f"{found.name}@{alias} is {found.reference} already.")
        return
    _say_unsafe(store)
    before = f"; it was {found.name}/{move.origin}" if move.origin else ""
    typer.echo(f"{found.name}@{alias} is {found.reference} now{before}.")
    announce(found.name, move)


@models.command("rollback")
def rollback(
    name: Annotated[str, typer.Argument(help="The model's name.", show_default=False)],
    alias: Alias = "champion",
    why: Why = "by hand",
    who: Who = "",
) -> None:
    """Have an alias name what it named before; once more, the version before that.

    Example: stillhouse models rollback demo --why "wrong answers to refunds"
    """
    from stillhouse.registry.registry import ModelRegistry

    store = _store()
    move = ModelRegistry(store).rollback(name, alias=alias, who=who or _user(), why=why)
    _say_unsafe(store)
    typer.echo(f"{name}@{alias} is {name}/{move.target} again; it was {name}/{move.origin}.")
    announce(name, move)


@models.command("pull")
def pull(
    version: Version,
    folder: Annotated[Path, typer.Argument(help="A new or empty folder for the model's files.", show_default=False)],
    export: Annotated[str, typer.Option(help="An export in place of the trained folder, as onnx-int8.")] = "",
) -> None:
    """Copy a version's files from the store into a folder, checked, and beside them what `models verify` reads.

    Example: stillhouse models pull demo@champion ./demo
    """
    from rich.filesize import decimal

    from stillhouse.origin.bundle import copy_origin
    from stillhouse.registry import pull as files
    from stillhouse.registry.registry import ModelRegistry

    store = _store()
    found = ModelRegistry(store).find(version)
    model = export or "student"
    size = files.pull(store, found, folder, export=export, add=lambda target: copy_origin(store, found, model, target))
    what = f"{found.reference}, {export}" if export else found.reference
    typer.echo(f"{what}: {decimal(size)} in {folder}.")


def _store() -> "Store":
    from stillhouse.artifacts.store import open_store
    from stillhouse.runtime.settings import load_settings

    return open_store(load_settings().store)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"


def _say_unsafe(store: "Store") -> None:
    if not store.excludes_others:
        typer.echo(
            "This S3 server has no conditional writes: if another machine moved an alias in the same second, one of "
            "both moves is lost. `stillhouse models show` says which stands.",
            err=True,
        )
