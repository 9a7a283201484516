"""`stillhouse recipe`: the schema of recipes, and a recipe for one's own data."""

import json
from pathlib import Path
from typing import Annotated

import typer

from stillhouse.data.model_drafts import STUDENTS, TEACHERS, student_draft, teacher_draft
from stillhouse.errors import RecipeError

recipes = typer.Typer(no_args_is_help=True, help="Work with recipes.")


@recipes.command("schema")
def schema() -> None:
    """Print the JSON schema of recipes, for editors and checks.

    Example: stillhouse recipe schema > recipe.schema.json
    """
    from stillhouse.recipe.recipe import Recipe

    typer.echo(json.dumps(Recipe.model_json_schema(), indent=2))


@recipes.command("init")
def init(
    data: Annotated[str, typer.Argument(help="Your training prompts: file, folder, glob or URL.")],
    out: Annotated[Path, typer.Option(help="The file that the recipe is written to.")] = Path("recipe.yaml"),
    labelled: Annotated[str, typer.Option(help="Labelled rows, if another file holds them.")] = "",
    test: Annotated[str, typer.Option(help="Test rows with references, if another file holds them.")] = "",
    teacher: Annotated[str, typer.Option(help=f"The teacher: {', '.join(TEACHERS)}. Empty leaves it to you.")] = "",
    student: Annotated[str, typer.Option(help=f"The student: {', '.join(STUDENTS)}. Empty leaves it to you.")] = "",
) -> None:
    """Write a commented starting recipe for your own data, after looking at its columns.

    Example: stillhouse recipe init messages.jsonl --labelled labelled.jsonl --teacher deepseek-v3 --student phi-4-mini
    """
    from stillhouse.data.recipe_draft import draft_recipe
    from stillhouse.runtime.settings import load_settings

    if out.exists():
        raise RecipeError(f"{out} exists; name another file with --out, or delete it first.")
    text = draft_recipe(
        data,
        labelled,
        test,
        load_settings().storage_options,
        out.absolute().parent,
        teacher=teacher_draft(teacher),
        student=student_draft(student),
    )
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{out} can't be written: {error.strerror}. Name another file with --out.") from error
    typer.echo(f"Wrote {out}. Read its comments, set the models, then: stillhouse run {out}")
