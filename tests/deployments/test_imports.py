"""What a command loads before it does anything: a run with nothing to do must not wait for what it does not use."""

import pytest

from tests.support.imports import HEAVY, loaded_by

pytestmark = pytest.mark.slow  # each is a process of its own

# what reads rows, counts and draws
NUMBERS = {"numpy", "pyarrow", "scipy", "polars", "altair", "vl_convert"}


@pytest.mark.parametrize("command", [(), ("run",), ("plan",), ("runs",), ("store",), ("recipe",)])
def test_help_loads_neither_prefect_nor_what_reads_rows(command: tuple[str, ...]) -> None:
    loaded = loaded_by("-m", "deployments.cli", *command, "--help")
    assert "typer" in loaded
    assert not loaded & (HEAVY | NUMBERS | {"prefect"})


def test_start_of_the_temporary_server_waits_for_neither_recipes_nor_stores() -> None:
    loaded = loaded_by("-c", "import deployments.cli, deployments.foreground, tasks.orchestration.registry")
    assert "deployments.temporary_server" in loaded
    assert not loaded & (HEAVY | NUMBERS | {"prefect", "stillhouse.recipe.recipe", "stillhouse.artifacts.store"})


def test_check_of_a_recipe_loads_no_prefect() -> None:
    code = "from stillhouse.recipe.load import load_recipe; load_recipe('demo', {})"
    loaded = loaded_by("-c", f"import deployments.cli, deployments.foreground; {code}")
    assert "stillhouse.recipe.recipe" in loaded
    assert not loaded & (HEAVY | {"prefect", "scipy", "polars", "altair", "vl_convert"})


def test_first_stage_waits_for_nothing_that_only_a_later_one_uses() -> None:
    loaded = loaded_by("-c", "import flows.distill")
    assert "prefect" in loaded
    assert not loaded & (HEAVY | {"scipy", "altair", "vl_convert"})
