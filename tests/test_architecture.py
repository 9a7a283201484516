"""Which way imports may point, read off the source."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# the library's packages, each after all that it may import; a file at the top (errors, config) is for all of them
LIBRARY = (
    "artifacts",
    "runtime",
    "data.tool_calls",
    "text",
    "data.row",
    "data.turns",
    "metrics",
    "skills",
    "completions.completion",
    "filters",
    "exports.formats",
    "recipe",
    "costs",
    "data",
    "completions",
    "inference",
    "teachers",
    "students",
    "evaluation",
    "exports",
    "dataset",
    "judging",
    "sweep",
    "rounds",
    "reports",
    "racing",
    "gate",
    "registry",
    "publishing",
    "origin",
    "planning",
    "serving",
    "care",
)
# the layers above it, in the same order
LAYERS = ("stillhouse", "tasks.orchestration", "tasks", "flows", "deployments")
RUNS_TASKS = {"tasks.orchestration", "tasks", "flows", "deployments"}

RAY_CLUSTER = "tasks.orchestration.replicas.ray_cluster"
HEAVY = {"torch", "vllm", "trl", "transformers", "peft", "accelerate"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {
    module_of(path): ast.parse(path.read_text(encoding="utf-8"))
    for folder in ("stillhouse", "tasks", "flows", "deployments")
    for path in sorted((ROOT / folder).rglob("*.py"))
}

# they run in the engine environment only, and nothing of the control environment imports them
TRAINERS = {module for module in SOURCES if module.startswith("stillhouse.students.trainers.")}
ENGINE_ONLY = {
    "stillhouse.students.callbacks",
    *(f"stillhouse.students.cutting.{name}" for name in ("importance", "loss", "weights")),
    "stillhouse.students.divergence",
    *(f"stillhouse.students.encoder.{name}" for name in ("classifier", "fine_tune", "head", "loss")),
    "stillhouse.students.epoch_order",
    *(
        f"stillhouse.students.layer_matching.{name}"
        for name in ("attention", "hidden_states", "next_token", "relations", "state_loss", "trainer", "vectors")
    ),
    *(f"stillhouse.students.logits.{name}" for name in ("draws_loss", "loss", "records")),
    "stillhouse.students.preferences.trainer",
    *(f"stillhouse.students.on_policy.{name}" for name in ("batches", "gold", "phases", "trainer", "trl_adapter")),
    "stillhouse.students.soft_loss",
    "stillhouse.students.train",
    "stillhouse.students.trainer_setup",
    *TRAINERS,
}


def layer_of(module: str) -> str | None:
    """Return the layer that `module` belongs to; None for a library."""
    if module.startswith("tasks.orchestration"):
        return "tasks.orchestration"
    top = module.partition(".")[0]
    return top if top in LAYERS else None


def package_of(module: str) -> str | None:
    """Return the package of the library that `module` belongs to; None for a file at its top and all else."""
    name = module.removeprefix("stillhouse.")
    inner = [package for package in LIBRARY if f"{name}.".startswith(f"{package}.")]
    return max(inner, key=len) if name != module and inner else None


def names_in(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert not node.level, "imports are absolute"
        # `from stillhouse.skills import classification` names a module too
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        return [str(node.module), *(name for name in inner if name in SOURCES)]
    return []


@functools.cache
def imports(module: str, *, top_only: bool = False) -> tuple[str, ...]:
    """Return what `module` imports: anywhere in it, or only while it is itself imported."""
    return tuple(_imports(module, top_only=top_only))


def _imports(module: str, *, top_only: bool) -> Iterator[str]:
    waiting: list[ast.AST] = [SOURCES[module]]
    while waiting:
        node = waiting.pop()
        yield from names_in(node)
        if top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if top_only and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)


def library(name: str) -> str:
    return name.partition(".")[0]


def test_library_every_folder_has_its_place_in_the_order():
    folders = {path.name for path in (ROOT / "stillhouse").iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert folders == {package.partition(".")[0] for package in LIBRARY}
    assert len(SOURCES) > 90


@pytest.mark.parametrize("package", LIBRARY)
def test_library_package_imports_only_those_before_it(package):
    allowed = {None, *LIBRARY[: LIBRARY.index(package) + 1]}
    wrong = {
        (module, name)
        for module in SOURCES
        if package_of(module) == package
        for name in imports(module)
        if package_of(name) not in allowed
    }
    assert not wrong


def test_library_files_at_the_top_import_no_package():
    top = {module for module in SOURCES if module.startswith("stillhouse.") and package_of(module) is None}
    assert {"stillhouse.errors", "stillhouse.config"} <= top
    assert not {(module, name) for module in top for name in imports(module) if package_of(name) is not None}


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_imports_only_those_below_it(layer):
    allowed = {None, *LAYERS[: LAYERS.index(layer) + 1]}
    wrong = {
        (module, name)
        for module in SOURCES
        if layer_of(module) == layer
        for name in imports(module)
        if layer_of(name) not in allowed
    }
    assert not wrong


def test_modules_form_no_circle_not_even_of_types():
    graph = {module: {name for name in imports(module) if name in SOURCES and name != module} for module in SOURCES}
    while leaves := {module for module, names in graph.items() if not names & graph.keys()}:
        graph = {module: names for module, names in graph.items() if module not in leaves}
    assert not graph


def test_prefect_is_imported_by_tasks_flows_and_deployments_only():
    runs_tasks = {"prefect", "prefect_ray", "ray"}
    users = {module for module in SOURCES if any(library(name) in runs_tasks for name in imports(module))}
    assert users
    assert {layer_of(module) for module in users} <= RUNS_TASKS


def test_tests_and_infra_are_imported_by_no_source():
    assert not {(module, name) for module in SOURCES for name in imports(module) if library(name) in ("tests", "infra")}


def test_heavy_libraries_stand_at_the_top_of_engine_modules_only():
    heavy = {m for m in SOURCES if any(library(name) in HEAVY for name in imports(m, top_only=True))}
    # a trainer may get them through the modules that it imports
    assert heavy | TRAINERS == ENGINE_ONLY


def test_tasks_flows_and_deployments_never_load_an_engine_module():
    control = [module for module in SOURCES if layer_of(module) in RUNS_TASKS]
    reached: set[str] = set()
    waiting = list(control)
    while waiting:
        module = waiting.pop()
        if module in reached or module not in SOURCES:
            continue
        reached.add(module)
        # what a task imports while it runs counts too; what the library defers runs in a worker
        waiting += imports(module, top_only=module not in control)
    assert len(reached) > 60
    assert not reached & ENGINE_ONLY


def test_imports_finds_the_deferred_and_tells_them_from_those_at_the_top():
    assert "flows.distill" in set(imports("deployments.cli"))
    assert "flows.distill" not in set(imports("deployments.cli", top_only=True))


def test_ray_is_imported_by_one_module_and_only_once_it_is_needed():
    ray = {m for m in SOURCES if any(library(name) in ("prefect_ray", "ray") for name in imports(m))}
    assert ray == {RAY_CLUSTER}
    assert not any(library(name) in ("prefect_ray", "ray") for name in imports(RAY_CLUSTER, top_only=True))


def test_tests_import_helpers_from_support_and_no_test_module():
    wrong = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in names_in(node)
        if name.startswith("tests.") and name.rpartition(".")[2].startswith(("test_", "conftest"))
    }
    assert not wrong


def test_imports_of_our_own_modules_exist():
    # mypy passes over a module that is not there
    packages = {name.rpartition(".")[0] for name in SOURCES}
    own = {(m, name) for m in SOURCES for name in imports(m) if layer_of(name)}
    assert not {(m, name) for m, name in own if name not in SOURCES and name not in packages}


def test_no_handler_catches_every_error_but_the_two_rims():
    broad = {
        module
        for module, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"} & set(re.findall(r"\w+", ast.unparse(node.type))))
    }
    # of a worker, and of a stage, a flow or a command: what comes there becomes one line and a trace in a file
    assert broad == {"stillhouse.runtime.worker", "stillhouse.runtime.unexpected"}


def test_recipes_are_made_by_the_loader_alone():
    # the checks of terms, budget and endpoints run there
    made = {
        module
        for module, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Recipe", "Recipe.model_validate")
    }
    assert made == {"stillhouse.recipe.load"}
