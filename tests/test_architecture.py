"""Which way imports may point, read off the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VERBS = "tasks/*.py"

# who may import whom; every part may import itself
MAY_IMPORT: dict[str, set[str]] = {
    "recipe": set(),
    "artifacts": {"recipe"},
    "costs": {"recipe"},
    "runtime": {"recipe", "artifacts"},
    "engines": {"recipe", "artifacts", "runtime"},
    "data": {"recipe", "artifacts", "runtime", "engines"},
    "skills": {"recipe", "artifacts", "runtime", "engines", "data"},
    "teachers": {"recipe", "artifacts", "costs", "runtime", "engines", "data", "skills"},
    "students": {"recipe", "artifacts", "runtime", "engines", "data", "skills"},
    "filters": {"recipe", "artifacts", "costs", "runtime", "engines", "data", "skills", "teachers"},
    "evaluation": {"recipe", "artifacts", "costs", "runtime", "engines", "data", "skills", "teachers"},
    "judging": {"recipe", "artifacts", "costs", "runtime", "engines", "data", "skills", "teachers", "evaluation"},
    "reports": {"recipe", "artifacts", "costs", "runtime", "engines", "data", "skills", "evaluation", "judging"},
    "planning": {
        *("recipe", "artifacts", "costs", "runtime", "engines", "data", "skills", "teachers", "filters"),
        *("evaluation", "judging", "reports"),
    },
}
NOUNS = set(MAY_IMPORT)
MAY_IMPORT[VERBS] = NOUNS
MAY_IMPORT["flows"] = NOUNS | {VERBS}
MAY_IMPORT["deployments"] = NOUNS | {VERBS, "flows"}

# they run in the engine environment only, and nothing of the control environment imports them
ENGINE_ONLY = {
    "tasks.students.sft",
    "tasks.students.callbacks",
    "tasks.students.loss",
}
HEAVY = {"torch", "vllm", "trl", "transformers", "peft", "accelerate"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {
    module_of(path): ast.parse(path.read_text(encoding="utf-8"))
    for folder in ("tasks", "flows", "deployments")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def part_of(module: str) -> str | None:
    """Return the part of the house that `module` belongs to; None for a library."""
    top, *rest = module.split(".")
    if top in ("flows", "deployments"):
        return top
    if top != "tasks" or not rest:
        return None
    return rest[0] if rest[0] in NOUNS else VERBS


def names_in(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert not node.level, "imports are absolute"
        # `from tasks.skills import classification` names a module too
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        return [str(node.module), *(name for name in inner if name in SOURCES)]
    return []


def imports(module: str, *, top_only: bool = False) -> Iterator[str]:
    """Yield what `module` imports: anywhere in it, or only while it is itself imported."""
    waiting: list[ast.AST] = [SOURCES[module]]
    while waiting:
        node = waiting.pop()
        yield from names_in(node)
        if top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)


def library(name: str) -> str:
    return name.partition(".")[0]


def test_every_folder_of_tasks_is_a_known_part():
    folders = {path.name for path in (ROOT / "tasks").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders == NOUNS
    assert len(SOURCES) > 90


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_part_imports_only_what_lies_before_it(part):
    wrong = {
        (module, name)
        for module in SOURCES
        if part_of(module) == part
        for name in imports(module)
        if (target := part_of(name)) is not None and target != part and target not in MAY_IMPORT[part]
    }
    assert not wrong


def test_parts_form_no_circle():
    # of two parts at most one may import the other
    assert not {(one, two) for one, may in MAY_IMPORT.items() for two in may if one in MAY_IMPORT[two]}


def test_prefect_is_imported_by_verbs_flows_and_deployments_only():
    runs_tasks = {"prefect", "prefect_ray", "ray"}
    users = {module for module in SOURCES if any(library(name) in runs_tasks for name in imports(module))}
    assert users
    assert {part_of(module) for module in users} <= {VERBS, "flows", "deployments"}


def test_tests_and_infra_are_imported_by_no_source():
    assert not {(module, name) for module in SOURCES for name in imports(module) if library(name) in ("tests", "infra")}


def test_heavy_libraries_stand_at_the_top_of_engine_modules_only():
    heavy = {m for m in SOURCES if any(library(name) in HEAVY for name in imports(m, top_only=True))}
    assert heavy == ENGINE_ONLY


def test_verbs_flows_and_deployments_never_load_an_engine_module():
    control = [module for module in SOURCES if part_of(module) in (VERBS, "flows", "deployments")]
    reached: set[str] = set()
    waiting = list(control)
    while waiting:
        module = waiting.pop()
        if module in reached or module not in SOURCES:
            continue
        reached.add(module)
        # what a verb imports while it runs counts too; what a noun defers runs in a worker
        waiting += imports(module, top_only=module not in control)
    assert len(reached) > 60
    assert not reached & ENGINE_ONLY


def test_imports_finds_the_deferred_and_tells_them_from_those_at_the_top():
    assert "flows.distill" in set(imports("deployments.cli"))
    assert "flows.distill" not in set(imports("deployments.cli", top_only=True))


def test_ray_is_imported_by_one_module_and_only_once_it_is_needed():
    ray = {m for m in SOURCES if any(library(name) in ("prefect_ray", "ray") for name in imports(m))}
    assert ray == {"tasks.ray_nodes"}
    assert not any(library(name) in ("prefect_ray", "ray") for name in imports("tasks.ray_nodes", top_only=True))
