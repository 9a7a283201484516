"""docs/reference/stages.md and the table in tasks/README.md, from the files of tasks/."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from docs.generate.markdown import code, page, sentence, table
from stillhouse.repository import ROOT
from tasks.orchestration.registry import ALWAYS_BUILT, RACE_ONLY, REFRESHABLE, SWEEP_ONLY
from tasks.orchestration.stage import Stage

_INTRO = """
Each stage is one file in `tasks/`. Its name is the file's name, the folder in the store (`artifacts/<stage>/`) and the
word for `--refresh`. [Pipeline](../concepts/pipeline.md) shows how they follow one another.
"""
_HEADER = ("stage", "file", "artifact", "environment", "version", "`--refresh`")
# which of these a file calls says where its work runs
_RUNS_IN = {
    "run_completion_worker": "engine; control if the model is behind an endpoint",
    "run_engine_worker": "engine",
    "run_control_worker": "control, in a worker",
}
# stages that `distill` has not
_ELSEWHERE = {"only in races": RACE_ONLY, "only in sweeps": SWEEP_ONLY}
_FILE = re.compile(r"\b\w+\.(?:parquet|jsonl|json)\b")


def stages_page() -> str:
    """Return the page of all stages, and of the tasks that keep no artifact."""
    rest = [[code(name), code(f"tasks/{name}.py"), _summary(name)] for name in ALWAYS_BUILT]
    return page(
        "Stages",
        _INTRO,
        stages_table(),
        "## Tasks without an artifact",
        "They are built again in every run, so they are no words for `--refresh`.",
        table(("task", "file", "does"), rest),
    )


def stages_table() -> str:
    """Return the table of all stages: those of a run, then those of plans and races alone."""
    files = sorted(path.stem for path in (ROOT / "tasks").glob("*.py"))
    found = [(file, stage) for file in files for stage in _stages_of(file)]
    found.sort(key=lambda entry: entry[0] not in REFRESHABLE)
    return table(_HEADER, [_row(file, stage) for file, stage in found])


def tasks_readme(path: Path) -> str:
    """Return tasks/README.md with its table of stages as they are now."""
    start, end = "<!-- stages: written by `make reference` -->\n", "<!-- end of stages -->"
    before, _, rest = path.read_text(encoding="utf-8").partition(start)
    return f"{before}{start}{stages_table()}\n{end}{rest.partition(end)[2]}"


def _stages_of(file: str) -> list[Stage[Any, Any]]:
    module = import_module(f"tasks.{file}")
    values = vars(module).values()
    return [one for one in values if isinstance(one, Stage) and one.task.fn.__module__ == module.__name__]


def _row(file: str, stage: Stage[Any, Any]) -> list[str]:
    writes = (stage.task.fn.__doc__ or "").strip().splitlines()[0].removeprefix("Write ").removesuffix(".")
    elsewhere = next((where for where, names in _ELSEWHERE.items() if stage.name in names), "only in plans")
    word = code(stage.name) if stage.name in REFRESHABLE else elsewhere
    return [
        code(stage.name),
        code(f"tasks/{file}.py"),
        _FILE.sub(lambda name: code(name.group()), writes),
        _environment(file, stage),
        str(stage.version),
        word,
    ]


def _environment(file: str, stage: Stage[Any, Any]) -> str:
    if not stage.on_device:
        return "control"
    source = inspect.getsource(import_module(f"tasks.{file}"))
    # a file without a call of its own asks through another stage's function
    return next((where for name, where in _RUNS_IN.items() if f"{name}(" in source), _RUNS_IN["run_completion_worker"])


def _summary(file: str) -> str:
    return sentence((import_module(f"tasks.{file}").__doc__ or "").strip().splitlines()[0])
