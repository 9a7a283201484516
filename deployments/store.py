"""`stillhouse store`: the care of what runs leave in the store."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal import console

if TYPE_CHECKING:
    from rich.table import Table

    from stillhouse.care.needs import Choice
    from stillhouse.care.summary import Line

store = typer.Typer(no_args_is_help=True, help="Take care of the store.")


@store.command("gc")
def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Delete it. Without this, it is only shown.")] = False,
    keep_runs: Annotated[
        int, typer.Option(min=-1, help="Runs kept of each recipe, the newest first; -1 keeps all runs.")
    ] = -1,
    older_than: Annotated[
        str, typer.Option(help="Nothing younger goes: hours, days or weeks, as 12h, 30d, 8w.")
    ] = "7d",
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            help="A recipe in use, or a folder of them: the runs whose students it names stay. The shipped recipes "
            "count anyway. May be given several times."
        ),
    ] = None,
    completions: Annotated[
        bool,
        typer.Option(
            "--completions",
            help="Completions and measured answers that nothing needs go too. They were paid for, and would be again.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Show what no run needs any more, and delete it if told so.

    What a kept run, a run under way, a kept model or a recipe in use needs stays, with all that it was made of.
    Example: stillhouse store gc --keep-runs 5 --older-than 30d
    """
    from stillhouse.artifacts.store import open_store
    from stillhouse.care.deletion import clean, survey
    from stillhouse.care.machine import delete_leftovers, leftovers
    from stillhouse.care.needs import Rules
    from stillhouse.care.summary import age_s, lines_of
    from stillhouse.runtime.settings import load_settings

    rules = Rules(
        older_than_s=age_s(older_than),
        keep_runs=None if keep_runs < 0 else keep_runs,
        with_completions=completions,
        recipes=tuple(_recipe_texts(recipe or [])),
    )
    settings = load_settings()
    opened = open_store(settings.store)
    here = leftovers(settings.work, time.time() - rules.older_than_s)
    choice = clean(opened, rules) if delete else survey(opened, rules)
    if delete:
        delete_leftovers(settings.work, here)
    goes, stays = lines_of([*choice.going, *here]), lines_of(choice.kept)
    if as_json:
        shown = {"deleted": delete, "goes": [one._asdict() for one in goes], "stays": [one._asdict() for one in stays]}
        typer.echo(json.dumps(shown, indent=2))
        return
    _show(choice, goes, is_deleted=delete, where=opened.config.url)


def _recipe_texts(named: list[str]) -> list[str]:
    """Return the texts of the shipped recipes and of those named.

    Raises:
        RecipeError: there is no such file or folder, or it can't be read.
    """
    from stillhouse.errors import RecipeError
    from stillhouse.recipe.load import RECIPES

    files = [*RECIPES.glob("*.yaml")]
    for one in map(Path, named):
        found = [one] if one.is_file() else [*one.rglob("*.yaml"), *one.rglob("*.yml")]
        if not found:
            raise RecipeError(
                f"--recipe {one}: it is no file, and no folder with *.yaml files. Name the recipe's file."
            )
        files += found
    try:
        return [file.read_text(encoding="utf-8", errors="ignore") for file in files]
    except OSError as error:
        raise RecipeError(f"--recipe: {error.filename} can't be read: {error.strerror}.") from error


def _show(choice: "Choice", goes: list["Line"], *, is_deleted: bool, where: str) -> None:
    from rich.filesize import decimal

    if goes:
        console().print(_table(goes))
    size = decimal(sum(one.size_bytes for one in goes))
    kept = decimal(sum(one.size_bytes for one in choice.kept))
    if not goes:
        typer.echo(f"Nothing of {where} can go; {kept} are needed or too young.")
    elif is_deleted:
        typer.echo(f"Deleted {size}; {kept} stay in {where}.")
    else:
        typer.echo(f"{size} can go; {kept} stay in {where}. Nothing was deleted: --delete does it.")
    unneeded = [one for one in choice.unneeded_completions if one in choice.kept]
    if unneeded:
        paid = decimal(sum(one.size_bytes for one in unneeded))
        typer.echo(
            f"Completions that nothing needs: {paid}, teachers: {len(unneeded)}. They stay without --completions."
        )


def _table(lines: list["Line"]) -> "Table":
    from rich import box
    from rich.filesize import decimal
    from rich.table import Table

    grid = Table("kind", "number", "size", "oldest (UTC)", "newest (UTC)", box=box.SIMPLE_HEAD)
    for line in lines:
        grid.add_row(line.kind, f"{line.number:,}", decimal(line.size_bytes), line.oldest, line.newest)
    return grid
